"""How the runs went: what was planned and done, and what answers were like, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import NamedTuple

import polars as pl

from kit.analysis.cells import Condition, condition
from kit.analysis.collection import Collection, RunState
from kit.measure.speech import LegalMass, Speech


class PlanCount(NamedTuple):
    """How many runs of one cell were planned, and what became of them."""

    condition: Condition
    planned: int
    complete: int
    incomplete: int
    missing: int


class CellLegality(NamedTuple):
    """How freely the channel tags were chosen in one cell."""

    condition: Condition
    legality: LegalMass


class CellOutcome(NamedTuple):
    """How often answers, or lines of one channel, ended in one way in one cell."""

    condition: Condition
    channel: str
    outcome: str
    number: int


class CellDrift(NamedTuple):
    """How many counted lines of one cell are in another language than its own."""

    condition: Condition
    lines: int
    away: int
    spoken: str
    """The other languages, most frequent first, with their lines."""


def plan_counts(collection: Collection) -> list[PlanCount]:
    """Planned runs of every cell, and what became of them."""
    states: dict[Condition, list[RunState]] = {}
    for run in collection.experiment.runs():
        state = collection.states[run.run_id]
        states.setdefault(Condition(*run.cell), []).append(state)
    return [
        PlanCount(where, len(found), *(found.count(state) for state in RunState))
        for where, found in states.items()
    ]


def legality(collection: Collection) -> list[CellLegality]:
    """How freely channel tags were chosen, by cell."""
    speech: dict[Condition, list[Speech]] = {}
    for run in collection.runs:
        where = Condition(*(getattr(run.header, name) for name in Condition._fields))
        speech.setdefault(where, []).append(run.speech)
    return [CellLegality(where, reduce(add, said).legality) for where, said in speech.items()]


def drift(collection: Collection) -> Iterator[CellDrift]:
    """Lines that left their language, by cell."""
    spoken: dict[Condition, Counter[str]] = {}
    lines: Counter[Condition] = Counter()
    for run in collection.runs:
        where = Condition(*(getattr(run.header, name) for name in Condition._fields))
        lines[where] += run.speech.total.lines
        elsewhere = spoken.setdefault(where, Counter())
        for agent in run.agents:
            for (_, language), number in agent.away.items():
                elsewhere[language] += number
    for where, elsewhere in spoken.items():
        words = ", ".join(f"{language} {number}" for language, number in elsewhere.most_common())
        yield CellDrift(where, lines[where], elsewhere.total(), words)


def outcomes(rows: pl.DataFrame) -> tuple[CellOutcome, ...]:
    """How answers and lines ended, by cell; from an outcomes frame."""
    counts: dict[tuple[Condition, str, str], int] = {}
    for row in rows.iter_rows(named=True):
        key = (condition(row), row["channel"], row["outcome"])
        counts[key] = counts.get(key, 0) + row["number"]
    return tuple(CellOutcome(*key, count) for key, count in counts.items())
