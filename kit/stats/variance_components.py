"""Where the variance of ratings comes from: units, judges, and what is left."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.result import Estimate, Undefined
from kit.stats.sample import FloatArray, extent, sample

_ROUNDING = 1e-28
"""Mean squares below this, in squared ranges of the values, are rounding."""


class Component(NamedTuple):
    """One of the variances that add up to the variance of a rating."""

    variance: Estimate
    """Its estimate, in squared units of the ratings, not below 0; without an interval."""
    raw: float
    """The same before a negative value became 0."""
    share: float
    """Its share of the total, after negative values became 0."""


class VarianceComponents(NamedTuple):
    """The variances, and what they add up to."""

    unit: Component
    """Units differ in what all judges say of them: the variance that is wanted."""
    judge: Component
    """Judges differ in how high they rate."""
    interaction: Component | None
    """Judges differ in how they order the units; without repeats it is part of the residual."""
    residual: Component
    """A judge differs from itself."""
    total: float
    """The variance of one rating of any unit by any judge."""


class MeanSquares(NamedTuple):
    """Mean squares of a complete two-way layout, in squared ranges of its values."""

    units: float
    judges: float
    interaction: float
    """Of units by judges; without repeats the residual."""
    repeats: float
    """Within cells; 0 without repeats."""


def variance_components(ratings: ArrayLike) -> VarianceComponents | Undefined:
    """Variances of crossed random effects, from the mean squares of a complete layout.

    With a units, b judges and r repeats, the expected mean squares are s^2 within cells, s^2 + r
    s_ab^2 for the interaction, s^2 + r s_ab^2 + b r s_a^2 for units and s^2 + r s_ab^2 + a r s_b^2
    for judges (Searle, Casella & McCulloch 1992, ch. 4). The estimates solve these equations.
    Without repeats s^2 + s_ab^2 is one variance. A solution may be negative; it counts as 0, and
    the others stay as they are.

    Args:
        ratings: units x judges, or units x judges x repeats, complete.

    Returns:
        The components; or why there are none: fewer than two units or judges, or equal ratings.

    Raises:
        ValueError: `ratings` has neither two nor three dimensions; see also
            `kit.stats.sample.sample`.
    """
    values = np.asarray(ratings, dtype=np.float64)
    if values.ndim not in {2, 3}:
        raise ValueError(f"ratings of shape {values.shape} are not units x judges (x repeats)")
    cells = values.reshape(*values.shape[:2], math.prod(values.shape[2:]))
    squares = mean_squares(cells)
    if isinstance(squares, Undefined):
        return squares
    units, judges, repeats = cells.shape
    residual = squares.repeats if repeats > 1 else squares.interaction
    raw = {
        "unit": (squares.units - squares.interaction) / (judges * repeats),
        "judge": (squares.judges - squares.interaction) / (units * repeats),
        "interaction": (squares.interaction - residual) / repeats,
        "residual": residual,
    }
    total = sum(max(value, 0.0) for value in raw.values())
    scale = extent(cells.ravel()) ** 2

    def component(name: str) -> Component:
        method = f"{name} variance, ANOVA ({units} units x {judges} judges x {repeats})"
        if raw[name] < 0.0:
            method = f"{method} [negative, counted as 0]"
        known = max(raw[name], 0.0)
        variance = Estimate(estimate=known * scale, n=cells.size, method=method)
        return Component(variance, raw[name] * scale, known / total)

    return VarianceComponents(
        unit=component("unit"),
        judge=component("judge"),
        interaction=component("interaction") if repeats > 1 else None,
        residual=component("residual"),
        total=total * scale,
    )


def mean_squares(cells: FloatArray) -> MeanSquares | Undefined:
    """The mean squares of units x judges x repeats, one repeat or more.

    Returns:
        The mean squares; or why there are none: fewer than two units or judges, no repeat, or equal
        values.

    Raises:
        ValueError: see `kit.stats.sample.sample`.
    """
    values = sample(cells.ravel(), "ratings")
    a, b, r = cells.shape
    if min(a, b) < 2 or r == 0:
        return Undefined.TOO_FEW
    if extent(values) == 0.0:
        return Undefined.NO_VARIANCE
    # In units of the range and about one of the values, so that any scale will do.
    scaled = (cells - values[0]) / extent(values)
    grand = scaled.mean()
    of_cells = scaled.mean(axis=2)
    of_units, of_judges = of_cells.mean(axis=1), of_cells.mean(axis=0)
    crossed = of_cells - of_units[:, None] - of_judges + grand
    found = (
        b * r * np.sum((of_units - grand) ** 2) / (a - 1),
        a * r * np.sum((of_judges - grand) ** 2) / (b - 1),
        r * np.sum(crossed**2) / ((a - 1) * (b - 1)),
        np.sum((scaled - of_cells[..., None]) ** 2) / max(a * b * (r - 1), 1),
    )
    return MeanSquares(*(0.0 if square < _ROUNDING else float(square) for square in found))
