"""What was said, cut where something is to be marked: counted words, and what has no shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import regex

from kit.measure.tally import Register
from kit.report.visible import pieces
from kit.runlog.records import Outcome, Turn, Utterance
from kit.spec.language import Channel, Language
from kit.spec.matcher import Hit, Matcher, compiled

LONG = 4000
"""Characters, as shown, from which on a line scrolls in a window of its own."""
_PART = 2000
"""Characters of a long line that a browser lays out together: it takes minutes for 100,000."""
_HALF = re.compile("[\ud800-\udfff]")


class Segment(NamedTuple):
    """A piece of a line."""

    text: str
    register: str
    """The register that counts these words; empty if none does."""
    spelled: bool = False
    """Whether it stands for characters that have no shape."""
    differs: bool = False
    """Whether the first difference between two runs stands before it."""


class Line(NamedTuple):
    """One line of one agent."""

    channel: Channel
    to: str
    """Whom a whisper is for; empty otherwise."""
    outcome: str
    """What became of it, where that is not ``ok``."""
    parts: tuple[tuple[Segment, ...], ...]
    """A line that is not long has one."""
    hits: tuple[tuple[str, int], ...]
    """Registers with counted words in it, and how many."""
    differs: bool
    """Whether the first difference between two runs is in it."""

    @property
    def long(self) -> bool:
        """Whether it scrolls in a window of its own."""
        return len(self.parts) > 1

    @property
    def unmarked(self) -> bool:
        """Whether the first difference is in it, but at none of its characters."""
        return self.differs and not any(one.differs for part in self.parts for one in part)


class Speech:
    """The lines of one language, with its counted words.

    Args:
        language: whose lexicons count.
    """

    def __init__(self, language: Language):
        self._names = {persona.id: persona.name for persona in language.personas}
        self._matcher: Matcher[Register] = compiled(
            {register: getattr(language.lexicons, register) for register in Register},
            language.rules,
        )

    def lines(
        self, answer: Turn, *, differs: int | None = None, character: int | None = None
    ) -> tuple[Line, ...]:
        """The lines of an answer.

        Args:
            answer: one agent's turn.
            differs: index of the line that holds the first difference from another run.
            character: index of the first differing character of that line.
        """
        return tuple(
            self._line(said, number == differs, character)
            for number, said in enumerate(answer.utterances)
        )

    def _line(self, said: Utterance, differs: bool, character: int | None) -> Line:  # noqa: FBT001
        # The matcher takes no halves of surrogate pairs; no lexicon holds what stands for them.
        found = self._matcher.find(_HALF.sub("\ufffd", said.text))
        hits = {register.value: places for register, places in found.items()}
        counts = Counter({register: len(places) for register, places in hits.items() if places})
        return Line(
            said.channel,
            self._names[said.to] if said.to else "",
            "" if said.outcome is Outcome.OK else said.outcome.value.replace("_", " "),
            parted(segments(said.text, hits, differs=character if differs else None)),
            tuple(counts.items()),
            differs,
        )


def segments(
    text: str, hits: Mapping[str, Sequence[Hit]], *, differs: int | None = None
) -> tuple[Segment, ...]:
    """``text`` cut where counted words begin and end, and before the character ``differs``.

    Words that two registers count are shown for the one whose match begins first, or is longer.
    """
    placed = sorted((hit.start, -hit.end, register) for register in hits for hit in hits[register])
    cuts: list[tuple[int, int, str]] = []
    at = 0
    for start, negative_end, register in placed:
        if start < at:
            continue
        cuts += [(at, start, ""), (start, -negative_end, register)]
        at = -negative_end
    cuts.append((at, len(text), ""))
    found: list[Segment] = []
    for start, end, register in cuts:
        middle = differs if differs is not None and start < differs < end else start
        for first, last in ((start, middle), (middle, end)):
            marked = first == differs
            for piece in pieces(text[first:last]):
                found.append(Segment(piece.text, register, piece.spelled, marked))
                marked = False
    if differs is not None and differs >= len(text):
        found.append(Segment("", "", differs=True))
    return tuple(found)


def parted(whole: tuple[Segment, ...]) -> tuple[tuple[Segment, ...], ...]:
    """A line that is long in parts of about equal length; letters stay with their marks."""
    if sum(len(one.text) for one in whole) <= LONG:
        return (whole,)
    parts: list[list[Segment]] = [[]]
    room = _PART
    for segment in whole:
        texts = regex.findall(rf"\X{{1,{_PART}}}", segment.text) or [segment.text]
        for number, text in enumerate(texts):
            if room <= 0:
                parts.append([])
                room = _PART
            parts[-1].append(segment._replace(text=text, differs=segment.differs and not number))
            room -= len(text)
    return tuple(map(tuple, parts))
