"""What a long operation tells its caller while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What is happening to a file."""

    PRESENT = "present"
    """It is in the store already and its bytes are the pinned ones."""
    WAITING = "waiting"
    """Another process is bringing in the same file."""
    REPLACING = "replacing"
    """The stored bytes are not the pinned ones, and are being replaced."""
    FETCHING = "fetching"
    """It is on its way from its source."""
    RETRYING = "retrying"
    """The source failed and is asked again in a while."""
    HASHING = "hashing"
    """Its bytes are being checked."""
    STORED = "stored"
    """It has been checked and is in the store."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. ``done`` and ``total`` are bytes; ``detail`` names a source or a process."""

    step: Step
    model: str
    file: str
    done: int = 0
    total: int = 0
    detail: str = ""


Report = Callable[[Progress], None]
Count = Callable[[int], None]
"""Called with the number of bytes done so far."""


def unheard(_: Progress) -> None:
    """For callers that want no reports."""


def uncounted(_: int) -> None:
    """For callers that want no counts."""
