"""Lines, characters and register hits, added up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import add
from typing import NamedTuple, Self

from kit.runlog.records import Outcome, Turn, Utterance
from kit.spec.language import Language
from kit.spec.matcher import compiled

_WORD = re.compile(r"\w(?:[\w\u0300-\u036f'\u2019-]*\w)?")
"""Letters and digits, with what may stand inside a word."""


class Register(StrEnum):
    """The lexicons that are counted as behaviour."""

    SEXUAL = "sexual"
    PROTECTIVE = "protective"
    GROUP_HARMONY = "group_harmony"
    INDIVIDUAL_ADDRESS = "individual_address"


Forms = dict[Register, Counter[str]]
"""Matched words per register, folded, with how often each occurs; only registers that occur."""


@dataclass(frozen=True, slots=True)
class Hits:
    """How often each register occurs."""

    sexual: int = 0
    protective: int = 0
    group_harmony: int = 0
    individual_address: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.sexual + other.sexual,
            self.protective + other.protective,
            self.group_harmony + other.group_harmony,
            self.individual_address + other.individual_address,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """What a set of lines amounts to."""

    lines: int = 0
    """Lines that hold text."""
    characters: int = 0
    """Unicode characters of those lines after NFC, outer white space left out."""
    hits: Hits = Hits()
    """Every hit: raw counts, as the companion study reports them."""
    hits_no_echo: Hits = Hits()
    """Hits whose words the agent had not just read (see `kit.measure.echo`)."""
    lines_with: Hits = Hits()
    """Lines with at least one hit."""
    lines_with_no_echo: Hits = Hits()
    words: int | None = 0
    """Words of those lines; None where the language is written without spaces."""
    lines_away: int = 0
    """Lines that are not in the language of the run (see `kit.measure.drift`)."""
    hits_english: Hits = Hits()
    """Hits of the English lists in lines that are in English where the run is not. They are not
    among ``hits``: with both lists a hit of either counts."""

    def __add__(self, other: Self) -> Self:
        known = self.words is not None and other.words is not None
        return type(self)(
            self.lines + other.lines,
            self.characters + other.characters,
            self.hits + other.hits,
            self.hits_no_echo + other.hits_no_echo,
            self.lines_with + other.lines_with,
            self.lines_with_no_echo + other.lines_with_no_echo,
            (self.words or 0) + (other.words or 0) if known else None,
            self.lines_away + other.lines_away,
            self.hits_english + other.hits_english,
        )


class Registers:
    """The compiled lexicons of one language."""

    def __init__(self, language: Language):
        self._matcher = compiled(
            {register: getattr(language.lexicons, register) for register in Register},
            language.rules,
        )
        self._fixed: dict[str, Forms] = {}
        self._spaced = language.matching == "word"

    def words(self, text: str) -> int | None:
        """How many words ``text`` has; None in a language written without spaces."""
        return len(_WORD.findall(text)) if self._spaced else None

    def forms(self, text: str) -> Forms:
        """The matched words; registers are scanned apart, so a word may count in two."""
        found = self._matcher.forms(text).items()
        return {register: Counter(forms) for register, forms in found if forms}

    def forms_of_fixed(self, text: str) -> Forms:
        """As `forms`, remembered: for the texts that every run reads."""
        if text not in self._fixed:
            self._fixed[text] = self.forms(text)
        return self._fixed[text]

    def entries(self, text: str) -> dict[Register, Counter[str]]:
        """The matched lexicon entries of ``text`` instead of its words."""
        return {
            register: Counter(hit.entry for hit in hits)
            for register, hits in self._matcher.find(text).items()
        }


def counted(utterance: Utterance) -> bool:
    """Whether a line with text counts as behaviour: the model did not step out of its role."""
    return utterance.outcome is not Outcome.PROVIDER_REFUSAL


class Line(NamedTuple):
    """One line with text."""

    turn: Turn
    utterance: Utterance
    found: Forms
    """Its matched words."""
    characters: int
    """After NFC, outer white space left out."""
    words: int | None
    away: str | None
    """The other language it is in, if it is in another."""
    english: Hits
    """Hits of the English lists, where it left its language for English."""


def hits(forms: Forms) -> Hits:
    """How many words of each register are in ``forms``."""
    return _hits(Counter({register: words.total() for register, words in forms.items()}))


def tally(lines: Sequence[Line], echo: Callable[[Turn, Register, str], bool]) -> Tally:
    """What a set of lines amounts to.

    Args:
        lines: what was said.
        echo: whether the speaker of a turn had just read a matched word of a register.
    """
    every, own, lines_with, own_lines = (Counter[Register]() for _ in range(4))
    for line in lines:
        for register, forms in line.found.items():
            new = sum(
                number for form, number in forms.items() if not echo(line.turn, register, form)
            )
            every[register] += forms.total()
            own[register] += new
            lines_with[register] += 1
            own_lines[register] += bool(new)
    words = [line.words for line in lines if line.words is not None]
    return Tally(
        lines=len(lines),
        characters=sum(line.characters for line in lines),
        hits=_hits(every),
        hits_no_echo=_hits(own),
        lines_with=_hits(lines_with),
        lines_with_no_echo=_hits(own_lines),
        words=sum(words) if len(words) == len(lines) else None,
        lines_away=sum(line.away is not None for line in lines),
        hits_english=reduce(add, (line.english for line in lines if line.away), Hits()),
    )


def _hits(counts: Counter[Register]) -> Hits:
    return Hits(*(counts[register] for register in Register))
