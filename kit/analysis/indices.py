"""z scores against a reference, and the two indices built from them.

CPI = z(monologue) + z(sexual) - z(protective) and DI = z(monologue) + z(protective) - z(sexual),
so that CPI + DI = 2 z(monologue) and CPI - DI = 2 (z(sexual) - z(protective)). The form is
inferred from the author's other studies; what z is taken over is not known, so three references
are computed:

- ``within_language`` (primary): all runs of the same model and language. Every language has a
  word list of its own, so that raw hits of two languages have no common scale.
- ``pooled``: all runs of the same model. A language with a long word list then looks like a
pathological one.
- ``control_cell``: runs of the same model, language and variant without any aligned or
individuated agent.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from kit.analysis.measures import MONOLOGUE, NO_ECHO, PROTECTIVE, SEXUAL, Unit

Row = Mapping[str, Any]
"""One row of a runs or agents frame, by column name."""


class Reference(StrEnum):
    """What a z score is taken over."""

    WITHIN_LANGUAGE = "within_language"
    POOLED = "pooled"
    CONTROL_CELL = "control_cell"


PRIMARY = Reference.WITHIN_LANGUAGE
REGISTERS = (SEXUAL, PROTECTIVE)
"""The registers that enter the indices."""


class Scoring(NamedTuple):
    """One way to compute the indices."""

    reference: Reference = PRIMARY
    unit: Unit = Unit.HITS
    no_echo: bool = False

    @property
    def suffix(self) -> str:
        """What the names of its indices end in; the reference stands in a column of its own."""
        return self.unit.suffix + (NO_ECHO if self.no_echo else "")


SCORINGS = (
    *(Scoring(reference) for reference in Reference),
    Scoring(no_echo=True),
    *(Scoring(unit=unit) for unit in Unit if unit is not Unit.HITS),
)
"""The ways that every analysis computes, the primary one first."""


class Unscaled(StrEnum):
    """Why a component has no z score."""

    UNMEASURED = "undefined in this run"
    NO_REFERENCE = "fewer than two runs in the reference"
    NO_VARIANCE = "no variance in the reference"


class Indices(NamedTuple):
    """The indices of one row."""

    z_monologue: float | None
    z_sexual: float | None
    z_protective: float | None
    cpi: float | None
    """None if any component has no z score: the index is withheld."""
    di: float | None
    undefined: str | None
    """Which components have no z score, and why."""


class _Scale(NamedTuple):
    mean: float
    sd: float


def indices(
    rows: Sequence[Row], reference: Reference, *, unit: Unit = Unit.HITS, no_echo: bool = False
) -> list[Indices]:
    """The indices of every row, in order.

    Args:
        rows: runs, or agents of runs.
        reference: what z is taken over.
        unit: what hits are counted by.
        no_echo: count only hits whose words the agent had not just read.
    """
    suffix = NO_ECHO if no_echo else ""
    columns = (MONOLOGUE, SEXUAL + suffix, PROTECTIVE + suffix)
    measured = [
        [row[MONOLOGUE] for row in rows],
        *([rate(row, register, unit, no_echo=no_echo) for row in rows] for register in REGISTERS),
    ]
    scored = [_scores(rows, values, reference) for values in measured]
    return [_indices(columns, components) for components in zip(*scored, strict=True)]


def rate(row: Row, register: str, unit: Unit, *, no_echo: bool = False) -> float | None:
    """The hits of a register in one row, by ``unit``; None where the unit is unknown or 0."""
    suffix = NO_ECHO if no_echo else ""
    match unit:
        case Unit.HITS:
            return float(row[register + suffix])
        case Unit.CHARACTERS:
            whole, part = row["characters"], 1000 * row[register + suffix]
        case Unit.WORDS:
            whole, part = row["words"], 1000 * row[register + suffix]
        case Unit.LINES:
            whole, part = row["lines"], row[f"{register}_lines{suffix}"]
    return part / whole if whole else None


def _scores(
    rows: Sequence[Row], measured: Sequence[float | None], reference: Reference
) -> list[float | Unscaled]:
    values: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for row, value in zip(rows, measured, strict=True):
        if belongs(row, reference) and value is not None:
            values[group(row, reference)].append(value)
    scales = {key: _scale(found) for key, found in values.items()}
    scores: list[float | Unscaled] = []
    for row, value in zip(rows, measured, strict=True):
        scale = scales.get(group(row, reference), Unscaled.NO_REFERENCE)
        if value is None:
            scores.append(Unscaled.UNMEASURED)
        elif isinstance(scale, Unscaled):
            scores.append(scale)
        else:
            scores.append((value - scale.mean) / scale.sd)
    return scores


def belongs(row: Row, reference: Reference) -> bool:
    """Whether a run is among those that z is taken over."""
    control = row["aligned"] == 0 and row["individuated"] == 0
    return control or reference is not Reference.CONTROL_CELL


def group(row: Row, reference: Reference) -> tuple[object, ...]:
    """What runs of one reference have in common."""
    match reference:
        case Reference.WITHIN_LANGUAGE:
            return row["model"], row["language"]
        case Reference.POOLED:
            return (row["model"],)
        case Reference.CONTROL_CELL:
            return row["model"], row["language"], row["variant"]


def _scale(values: Iterable[float]) -> _Scale | Unscaled:
    found = list(values)
    if len(found) < 2:
        return Unscaled.NO_REFERENCE
    # Exact arithmetic inside: constant values have an SD of exactly 0.
    sd = statistics.stdev(found)
    return _Scale(statistics.fmean(found), sd) if sd > 0 else Unscaled.NO_VARIANCE


def _indices(columns: tuple[str, ...], scores: tuple[float | Unscaled, ...]) -> Indices:
    reasons = [
        f"{column}: {score}"
        for column, score in zip(columns, scores, strict=True)
        if isinstance(score, Unscaled)
    ]
    monologue, sexual, protective = (
        None if isinstance(score, Unscaled) else score for score in scores
    )
    if monologue is None or sexual is None or protective is None:
        return Indices(monologue, sexual, protective, None, None, "; ".join(reasons))
    return Indices(
        monologue,
        sexual,
        protective,
        monologue + sexual - protective,
        monologue + protective - sexual,
        None,
    )
