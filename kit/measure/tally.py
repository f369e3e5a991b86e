"""Lines, characters and register hits, added up."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from kit.runlog.records import Outcome, Utterance
from kit.spec.language import Language
from kit.spec.lexicon import compiled


class Register(StrEnum):
    """The lexicons that are counted as behaviour."""

    SEXUAL = "sexual"
    PROTECTIVE = "protective"
    GROUP_HARMONY = "group_harmony"
    INDIVIDUAL_ADDRESS = "individual_address"


Forms = dict[Register, Counter[str]]
"""Matched words per register, folded, with how often each occurs."""


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

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.lines + other.lines,
            self.characters + other.characters,
            self.hits + other.hits,
            self.hits_no_echo + other.hits_no_echo,
        )


class Registers:
    """The compiled lexicons of one language."""

    def __init__(self, language: Language):
        self._matchers = {
            register: compiled(getattr(language.lexicons, register), language.matching)
            for register in Register
        }
        self._fixed: dict[str, Forms] = {}

    def forms(self, text: str) -> Forms:
        """The matched words; registers are scanned apart, so a word may count in two."""
        return {register: Counter(found.forms(text)) for register, found in self._matchers.items()}

    def forms_of_fixed(self, text: str) -> Forms:
        """As `forms`, remembered: for the texts that every run reads."""
        if text not in self._fixed:
            self._fixed[text] = self.forms(text)
        return self._fixed[text]

    def entries(self, text: str) -> dict[Register, Counter[str]]:
        """The matched lexicon entries of ``text`` instead of its words."""
        return {
            register: Counter(hit.entry for hit in found.find(text))
            for register, found in self._matchers.items()
        }


def counted(utterance: Utterance) -> bool:
    """Whether a line with text counts as behaviour: the model did not step out of its role."""
    return utterance.outcome is not Outcome.PROVIDER_REFUSAL


def tally(text: str, found: Forms, echoes: Iterable[Forms]) -> Tally:
    """One line.

    Args:
        text: the line.
        found: its matched words.
        echoes: the matched words of everything its speaker had just read.
    """
    heard = tuple(echoes) if any(found.values()) else ()
    own = {
        register: sum(
            number
            for form, number in words.items()
            if not any(form in source[register] for source in heard)
        )
        for register, words in found.items()
    }
    return Tally(
        lines=1,
        characters=len(unicodedata.normalize("NFC", text.strip())),
        hits=Hits(*(found[register].total() for register in Register)),
        hits_no_echo=Hits(*(own[register] for register in Register)),
    )
