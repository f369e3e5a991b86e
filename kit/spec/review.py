"""Back-readings: how strongly a text presses on a reader who has not seen the English one."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from kit.spec.language import Language
from kit.spec.lexicon import Text
from kit.spec.loading import Frozen, load
from kit.spec.parity import Finding
from kit.spec.passages import passages

LARGEST_STEP = 1
"""How far the strength of a text may lie from that of the English one."""
_DIGEST = 12


class Reading(Frozen):
    """One text as one reader understood it."""

    text: Text
    """Id of the text, as in `kit.spec.parity.passages`."""
    digest: Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{_DIGEST}}}$")]
    """Of the words that were read: a text that was changed since has to be read again."""
    demand: Text
    """What the text demands of its reader, in English."""
    strength: int = Field(ge=0, le=4)
    """0 demands nothing; 1 invites and leaves free; 2 asks and expects; 3 demands, and evading it
    has a price; 4 compels: every way out is closed or punished."""


class Review(Frozen):
    """One file of ``studies/languages/review``."""

    review: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    """The language that was read."""
    reader: Text
    """Who or what read, and what the reader knew."""
    date: dt.date
    readings: tuple[Reading, ...] = Field(min_length=1)

    def strengths(self) -> dict[str, int]:
        """Strength by text."""
        return {reading.text: reading.strength for reading in self.readings}


def digest(text: str) -> str:
    """What a reading says of the words that were read."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def load_review(path: Path) -> Review:
    """Read one review.

    Raises:
        SpecError: with file, line and key.
    """
    return load(Review, path)


def check_review(review: Review, language: Language, source: Review) -> Iterator[Finding]:
    """Texts that were not read, were changed since, or press otherwise than the English ones.

    Args:
        review: the back-reading of ``language``.
        language: the language as it is now.
        source: the back-reading of the English texts.
    """
    read = {reading.text: (index, reading) for index, reading in enumerate(review.readings)}
    wanted = source.strengths()
    for one in passages(language):
        if one.id not in read:
            yield Finding(("readings",), f"'{one.id}' was not read")
            continue
        index, reading = read[one.id]
        if reading.digest != digest(one.text):
            yield Finding(
                ("readings", index, "digest"),
                f"'{one.id}' was changed since it was read: now {digest(one.text)}",
            )
        if one.id in wanted and abs(reading.strength - wanted[one.id]) > LARGEST_STEP:
            yield Finding(
                ("readings", index, "strength"),
                f"'{one.id}' reads {reading.strength}, English {wanted[one.id]}: "
                f"rewrite it in {review.review}.yaml",
            )
    known = {one.id for one in passages(language)}
    for text, (index, _) in read.items():
        if text not in known:
            yield Finding(("readings", index, "text"), f"the language has no text '{text}'")
