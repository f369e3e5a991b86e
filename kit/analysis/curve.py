"""What the specifications of one curve amount to: agreement, range, and which choice moves them.

These are the numbers of a specification curve (Simonsohn, Simmons & Nelson 2020, "Specification
curve analysis", Nature Human Behaviour 4, 1208-1214), without its joint test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from kit.analysis.cells import CONFIDENCE
from kit.analysis.choices import CHOICES
from kit.analysis.specification import COUNTRY

CHOICE_NAMES = (*(choice.name for choice in CHOICES), COUNTRY)


class Curve(NamedTuple):
    """What was estimated of which runs."""

    model: str
    variant: str | None
    language: str | None
    """None: a correlation over languages."""
    measure: str
    quantity: str


class CurveRow(NamedTuple):
    """One curve."""

    curve: Curve
    specifications: int
    defined: int
    """Those with an estimate; all that follows is about them."""
    primary: float | None
    """Estimate of the primary specification."""
    primary_p: float | None
    same_sign: float | None
    """Share with the sign of the primary estimate; None where that has none."""
    significant: float | None
    """Share with that sign and p below 1 - confidence."""
    significant_opposite: float | None
    """Share with the opposite sign and p below 1 - confidence."""
    median: float | None
    minimum: float | None
    maximum: float | None
    largest_choice: str | None
    """The choice whose options' medians lie farthest apart."""
    largest_spread: float | None
    """How far."""


class OptionRow(NamedTuple):
    """All specifications of one curve that decide one choice in one way."""

    curve: Curve
    choice: str
    option: str
    specifications: int
    defined: int
    median: float | None
    same_sign: float | None
    """Share with the sign of the primary estimate."""


def curves(rows: pl.DataFrame) -> Iterator[tuple[Curve, pl.DataFrame]]:
    """The curves of a multiverse table, in its order, each with its rows."""
    for key, part in rows.group_by(Curve._fields, maintain_order=True):
        yield Curve._make(key), part


def summary(rows: pl.DataFrame) -> Iterator[CurveRow]:
    """Every curve, in the order of the rows of a multiverse table."""
    for curve, part in curves(rows):
        found = part.drop_nulls("estimate")
        estimates = found["estimate"]
        primary = part.row(by_predicate=pl.col("changed") == 0, named=True)
        sign = _sign(primary["estimate"])
        toward = estimates * sign if sign else None
        significant = found["p_value"].fill_null(1.0) < 1.0 - CONFIDENCE
        largest = max(_spreads(found), default=None)
        yield CurveRow(
            curve,
            part.height,
            found.height,
            primary["estimate"],
            primary["p_value"],
            _share(toward > 0) if toward is not None else None,
            _share((toward > 0) & significant) if toward is not None else None,
            _share((toward < 0) & significant) if toward is not None else None,
            _float(estimates.median()),
            _float(estimates.min()),
            _float(estimates.max()),
            largest.choice if largest else None,
            largest.width if largest else None,
        )


def options(rows: pl.DataFrame) -> Iterator[OptionRow]:
    """Every option of every choice that a curve has."""
    for curve, whole in curves(rows):
        primary = whole.row(by_predicate=pl.col("changed") == 0, named=True)
        sign = _sign(primary["estimate"])
        for choice in CHOICE_NAMES:
            for (option,), part in whole.group_by(choice, maintain_order=True):
                if option is None:
                    continue
                found = part["estimate"].drop_nulls()
                same = _share(found * sign > 0) if sign and found.len() else None
                median = _float(found.median())
                yield OptionRow(curve, choice, str(option), part.height, found.len(), median, same)


class _Spread(NamedTuple):
    width: float
    place: int
    """Earlier choices first among equals."""
    choice: str


def _spreads(found: pl.DataFrame) -> Iterator[_Spread]:
    """How far the medians of each choice's options lie apart."""
    for place, choice in enumerate(CHOICE_NAMES):
        medians = found.group_by(choice).agg(pl.col("estimate").median())["estimate"]
        low, high = _float(medians.min()), _float(medians.max())
        if low is not None and high is not None and medians.len() > 1:
            yield _Spread(high - low, -place, choice)


def _sign(estimate: float | None) -> int:
    return 0 if estimate is None else (estimate > 0) - (estimate < 0)


def _share(there: pl.Series) -> float:
    return float(there.sum() / there.len())


def _float(value: object) -> float | None:
    return value if isinstance(value, float) else None
