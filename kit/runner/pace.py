"""How long the rest of a study takes, told by the times of the runs it has finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel

_FEW = 3
_SPREAD = 2.0
"""Where fewer cohorts than `_FEW` were timed, they may be off by this factor either way."""


class Timed(NamedTuple):
    """A cohort whose runs are all complete, as its sidecars tell."""

    model: str
    language: str
    started: float
    """Seconds since 1970."""
    finished: float
    answers: int


class Pace(BaseModel, frozen=True):
    """How fast one model has been so far."""

    model: str
    cohorts: int
    """Cohorts that were timed."""
    busy: float
    """Seconds in which at least one of them was under way."""
    answers: int
    """Answers made in them."""

    @property
    def per_hour(self) -> float:
        """Answers in an hour of work."""
        return 3600 * self.answers / self.busy


class TimeLeft(BaseModel, frozen=True):
    """Seconds until a study is complete, if it goes on as it went so far."""

    low: float
    """At the pace of the fastest cohort."""
    likely: float
    """At the mean pace of each language, or of the model where the language is new."""
    high: float
    """At the pace of the slowest cohort."""


def pace(timed: Iterable[Timed]) -> tuple[Pace, ...]:
    """The pace of each model that was timed."""
    by_model: dict[str, list[Timed]] = {}
    for cohort in _sound(timed):
        by_model.setdefault(cohort.model, []).append(cohort)
    return tuple(
        Pace(
            model=model,
            cohorts=len(cohorts),
            busy=_busy(cohorts),
            answers=sum(cohort.answers for cohort in cohorts),
        )
        for model, cohorts in by_model.items()
    )


def time_left(timed: Iterable[Timed], left: Mapping[tuple[str, str], int]) -> TimeLeft | None:
    """How long the answers that are left take.

    Args:
        timed: cohorts that are complete.
        left: answers to make, by model and language.

    Returns:
        None if a model that has answers to make was never timed.
    """
    cohorts = _sound(timed)
    low = likely = high = 0.0
    for (model, language), answers in left.items():
        if not answers:
            continue
        own = [cohort for cohort in cohorts if cohort.model == model]
        if not own:
            return None
        # Cohorts side by side each take longer than the study does per answer.
        side_by_side = sum(cohort.finished - cohort.started for cohort in own) / _busy(own)
        rates = [_seconds([cohort]) / side_by_side for cohort in own]
        near = [cohort for cohort in own if cohort.language == language] or own
        spread = _SPREAD if len(own) < _FEW else 1.0
        expected = answers * _seconds(near) / side_by_side
        likely += expected
        low += min(answers * min(rates) / spread, expected)
        high += max(answers * max(rates) * spread, expected)
    return TimeLeft(low=low, likely=likely, high=high)


def _sound(timed: Iterable[Timed]) -> list[Timed]:
    """Without those that a clock which was set back has spoiled."""
    return [cohort for cohort in timed if cohort.finished > cohort.started and cohort.answers]


def _seconds(cohorts: list[Timed]) -> float:
    return sum(cohort.finished - cohort.started for cohort in cohorts) / sum(
        cohort.answers for cohort in cohorts
    )


def _busy(cohorts: list[Timed]) -> float:
    """Length of the union of their times: pauses between them do not count."""
    total = 0.0
    end = float("-inf")
    for cohort in sorted(cohorts, key=lambda one: one.started):
        total += max(0.0, cohort.finished - max(cohort.started, end))
        end = max(end, cohort.finished)
    return total
