"""Means by condition, and the long table of values they are taken from."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kit.analysis.indices import SCORINGS, indices
from kit.analysis.measures import INDICES, PLAIN
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.student import critical, two_sided_p

CONFIDENCE = 0.95


class Condition(NamedTuple):
    """One cell of the design."""

    model: str
    language: str
    variant: str | None
    individuated: int
    aligned: int


class Value(NamedTuple):
    """One measure of one run."""

    run_id: str
    condition: Condition
    measure: str
    reference: str | None
    """What z was taken over; None for plain numbers."""
    value: float | None
    """None: undefined in this run."""
    evicted_aligned: bool = False
    """Covariate: whether the resident named for eviction is aligned."""


class Cell(NamedTuple):
    """One measure in one condition."""

    condition: Condition
    measure: str
    reference: str | None
    undefined: int
    """Runs in which the measure is undefined; they are not in the mean."""
    mean: Estimate
    sd: float | None


def values(rows: Sequence[Mapping[str, Any]]) -> list[Value]:
    """Every measure of every run: plain numbers, then indices by reference.

    Args:
        rows: rows of a runs frame.
    """
    conditions = [condition(row) for row in rows]
    found: list[Value] = []
    for measure in PLAIN:
        for where, row in zip(conditions, rows, strict=True):
            number = row[measure.name]
            value = None if number is None else float(number)
            found.append(_value(row, where, measure.name, None, value))
    for scoring in SCORINGS:
        reference = scoring.reference
        scored = indices(rows, reference, unit=scoring.unit, no_echo=scoring.no_echo)
        for index in INDICES:
            name = index.name + scoring.suffix
            for where, row, score in zip(conditions, rows, scored, strict=True):
                value = getattr(score, index.name)
                found.append(_value(row, where, name, reference.value, value))
    return found


def _value(
    row: Mapping[str, Any],
    where: Condition,
    measure: str,
    reference: str | None,
    value: float | None,
) -> Value:
    return Value(row["run_id"], where, measure, reference, value, row["evicted_aligned"])


def condition(row: Mapping[str, Any]) -> Condition:
    """The cell a row belongs to."""
    return Condition(*(row[name] for name in Condition._fields))


def cells(found: Iterable[Value]) -> list[Cell]:
    """Mean, SD and interval of every measure in every condition, in the order of the values."""
    groups: dict[tuple[Condition, str, str | None], list[float | None]] = defaultdict(list)
    for value in found:
        groups[value.condition, value.measure, value.reference].append(value.value)
    rows = []
    for (where, measure, reference), numbers in groups.items():
        defined = [number for number in numbers if number is not None]
        sd = statistics.stdev(defined) if len(defined) > 1 else None
        undefined = len(numbers) - len(defined)
        rows.append(Cell(where, measure, reference, undefined, mean(defined), sd))
    return rows


def mean(numbers: Sequence[float]) -> Estimate:
    """Mean of independent numbers with Student's interval.

    mean +- t(n - 1) SD / sqrt(n) (Student 1908).

    `statistic` and `p_value` test the mean against 0. With one number only the mean is known.
    """
    method = f"mean, t {CONFIDENCE:g} interval"
    n = len(numbers)
    if n == 0:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=0)
    centre = statistics.fmean(numbers)
    if n == 1:
        return Estimate(estimate=centre, n=1, method=method)
    error = statistics.stdev(numbers) / math.sqrt(n)
    if error == 0.0:
        why = explained(method, Undefined.NO_VARIANCE, "interval")
        return Estimate(estimate=centre, std_error=0.0, n=n, method=why)
    half = critical(1 - CONFIDENCE, n - 1) * error
    return Estimate(
        estimate=centre,
        std_error=error,
        df=n - 1,
        statistic=centre / error,
        p_value=two_sided_p(centre / error, n - 1),
        conf_low=centre - half,
        conf_high=centre + half,
        n=n,
        method=method,
    )
