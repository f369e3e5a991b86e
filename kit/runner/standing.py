"""How a study stands: the types that a look at its result folder is told in."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from kit.runner.failures import Failure
from kit.runner.pace import Pace, TimeLeft


class RunState(StrEnum):
    """How far a planned run is."""

    COMPLETE = "complete"
    """Its log has the final name and ends in a footer of as many answers as are planned."""
    DAMAGED = "damaged"
    """Its log has the final name and another end."""
    FAILED = "failed"
    """The last attempt failed, and there is no complete log."""
    INCOMPLETE = "incomplete"
    MISSING = "missing"
    """Not begun."""


class RunStatus(BaseModel, frozen=True):
    """One planned run."""

    run_id: str
    model: str
    language: str
    state: RunState
    answers: int
    """Answers that are on disk."""
    planned: int
    """Answers of a whole run."""
    turn: int
    """Whole turns on disk."""
    turns: int


class Share(BaseModel, frozen=True):
    """The part of a study that one model speaks in one language."""

    model: str
    language: str
    cells: int
    runs: int
    states: dict[RunState, int]
    answers: int
    """Answers that are on disk."""
    planned: int


class Registration(BaseModel, frozen=True):
    """The document in which the plan was registered."""

    sha256: str
    intact: bool
    """Whether it is as it was written."""
    runs: int
    """Complete runs whose sidecar carries its hash."""


class Disk(BaseModel, frozen=True):
    """Bytes."""

    used: int
    expected: int
    """That the runs to do will add: as much as finished ones took, or the most they can."""
    measured: bool
    """Whether finished runs told it."""
    free: int | None


class Survey(BaseModel, frozen=True):
    """A result folder at a glance."""

    study: str
    title: str
    profile: str | None
    folder: str
    cells: int
    states: dict[RunState, int]
    answers: int
    """Answers that are on disk."""
    planned: int
    shares: tuple[Share, ...]
    runs: tuple[RunStatus, ...]
    """In the order of the plan."""
    failures: tuple[Failure, ...]
    """The last failure of each failed run."""
    unknown_failures: int
    """Lines of the history that are no record of a failure."""
    pace: tuple[Pace, ...]
    left: TimeLeft | None
    """None: nothing was timed yet that tells."""
    disk: Disk
    holder: str | None
    """Process id of who is writing here, "unknown" if it left none; None if nobody is."""
    registration: Registration | None
