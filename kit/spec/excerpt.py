"""A few lines of a group's transcript, as a judge is shown them: residents are numbers."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from kit.spec.language import AGENTS, TURNS, Channel
from kit.spec.lexicon import Text
from kit.spec.loading import Frozen

Number = Annotated[int, Field(strict=True, ge=1, le=AGENTS)]
"""A resident, as the reader of an excerpt knows one."""

NAME = re.compile(r"\{r([0-9]+)\}")
"""A resident's name inside a text."""


class Says(StrEnum):
    """What a line is."""

    ANNOUNCEMENT = "announcement"
    """The facility's voice."""
    TALK = Channel.TALK.value
    WHISPER = Channel.WHISPER.value
    MONOLOGUE = Channel.MONOLOGUE.value


class Line(Frozen):
    """One line."""

    says: Says
    turn: Annotated[int, Field(strict=True, ge=1, le=TURNS)] = 1
    """The session it belongs to."""
    who: Number | None = None
    """Who says it; None: the facility."""
    to: Number | None = None
    """Whom a whisper is for."""
    text: Text
    """Residents who are named in it stand as ``{r5}``."""

    @model_validator(mode="after")
    def _has_a_speaker(self) -> Self:
        if (self.says is Says.ANNOUNCEMENT) != (self.who is None):
            raise ValueError(f"a line of kind '{self.says}' needs {_SPEAKER[self.who is None]}")
        if (self.says is Says.WHISPER) != (self.to is not None):
            raise ValueError("'to' belongs to a whisper, and a whisper needs it")
        check_names(self.text)
        return self


_SPEAKER = {True: "'who'", False: "no 'who'"}


def check_names(text: str) -> None:
    """Refuse names of residents who do not exist.

    Raises:
        ValueError: such a name stands in ``text``.
    """
    for number in NAME.findall(text):
        if not 1 <= int(number) <= AGENTS:
            raise ValueError(f"there is no resident {{r{number}}}")


def in_order(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """``lines``, whose sessions must not go back.

    Raises:
        ValueError: a session comes before an earlier one.
    """
    turns = [line.turn for line in lines]
    if turns != sorted(turns):
        raise ValueError("the sessions of the lines go back")
    return lines
