"""Linear mixed model: one slope over groups that each have a slope of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.reml import MixedModel, fitted
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import (
    FloatArray,
    IndexArray,
    deviation,
    extent,
    paired,
    partition,
    significance,
)
from kit.stats.wald import t_test

_SMALLEST = 1e-200
"""Below this, and above its inverse, units of the slope leave no room in floating point."""
_EXACT = 1e-9
"""Residuals about each group's own line below this, in units of the outcome's range, are none."""


class RandomEffects(StrEnum):
    """What may differ between groups beside the residuals."""

    SLOPE = "slope"
    """The slope alone: for scores centred within each group, where no intercept can vary."""
    INTERCEPT_AND_SLOPE = "intercept and slope"
    """Both, with their correlation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedFit:
    """The mean slope over groups, and how much groups differ."""

    slope: Estimate
    """Mean change of the outcome per unit of level."""
    slope_sd: float | None = None
    """Standard deviation of the slope between groups."""
    intercept_sd: float | None = None
    """Standard deviation of the outcome at level 0 between groups, if it may differ."""
    correlation: float | None = None
    """Correlation of intercept and slope; `None` where one of them does not vary."""
    residual_sd: float | None = None
    """Standard deviation of the outcome about the line of its group."""
    converged: bool = False
    """Whether the likelihood was brought to its maximum."""
    boundary: bool = False
    """Whether a variance was estimated as 0, or the correlation as -1 or 1."""


def mixed_slope(
    level: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    *,
    random: RandomEffects,
    confidence: float = 0.95,
) -> MixedFit:
    """Fixed slope of a linear mixed model with random slopes by group, by REML (Laird & Ware 1982).

    `SLOPE`: y = a + (b + b_g) (level - its mean in the group) + e. Lines of scores centred in each
    group meet at the group's own mean level, and nowhere else.
    `INTERCEPT_AND_SLOPE`: y = a + a_g + (b + b_g) level + e, with a_g and b_g correlated.

    The standard error is that of generalised least squares at the estimated variances. t has groups
    - 1 degrees of freedom, whatever the number of units: with a random slope each group is one draw
    of a slope. In balanced designs these are also Satterthwaite's, and the t is that of the mean of
    the groups' own slopes.

    Args:
        level: the level of each unit, such as its number of aligned agents.
        outcome: the outcome of each unit.
        group: the label of the group of each unit, such as its language.
        random: what differs between groups.
        confidence: level of the interval.

    Returns:
        The fit. Its slope is undefined with fewer than two groups that have two levels or more, no
        more units than random effects, no variance in level or outcome, outcomes that lie on a line
        in every group, or without convergence. A fit at the boundary is a result and says so.

    Raises:
        ValueError: the lengths differ or a label is missing; see also `kit.stats.sample.sample`; or
            `confidence` is not between 0 and 1.
    """
    significance(confidence)
    x, y = paired(level, outcome, "level", "outcome")
    members = partition(group, y.size, "group")
    method = f"slope, mixed model (REML, random {random}), {confidence:.6g} interval"
    if reason := _unusable(x, y, members, random):
        return MixedFit(slope=Estimate.undefined(method, reason, n=y.size))

    # In units of standard deviations, about the middle: the optimiser then sees numbers near 1.
    origins = np.full_like(x, x.mean())
    if random is RandomEffects.SLOPE:
        for rows in members:
            origins[rows] = x[rows].mean()
    width, height = deviation(x - origins), deviation(y)
    if min(width, height) == 0.0 or not _SMALLEST < height / width < 1.0 / _SMALLEST:
        return MixedFit(slope=Estimate.undefined(method, Undefined.OVERFLOW, n=y.size))
    position = (x - origins) / width
    design = np.column_stack((np.ones_like(x), position))
    effects = position[:, None] if random is RandomEffects.SLOPE else design
    response = (y - y.mean()) / height
    fit = fitted(MixedModel(response, design, effects, members))
    if fit is None:
        return MixedFit(slope=Estimate.undefined(method, Undefined.NOT_CONVERGED, n=y.size))

    scale = height / width
    where = ", at the boundary" if fit.boundary else ""
    slope = t_test(
        float(fit.coefficients[1]) * scale,
        float(fit.std_errors[1]) * scale,
        len(members) - 1,
        n=y.size,
        method=f"{method} ({len(members)} groups{where})",
        confidence=confidence,
    )
    # From the units of the fit to the caller's, intercepts at level 0.
    back = np.array([[height, -scale * float(x.mean())], [0.0, scale]])
    between = fit.residual_sd * (back[-effects.shape[1] :, -effects.shape[1] :] @ fit.root)
    intercept_sd, correlation = _intercept(between)
    return MixedFit(
        slope=slope,
        slope_sd=float(np.linalg.norm(between[-1])),
        intercept_sd=intercept_sd,
        correlation=correlation,
        residual_sd=fit.residual_sd * height,
        converged=True,
        boundary=fit.boundary,
    )


def _unusable(
    x: FloatArray, y: FloatArray, members: list[IndexArray], random: RandomEffects
) -> Undefined | None:
    if sum(extent(x[rows]) > 0.0 for rows in members) < 2:
        return Undefined.TOO_FEW if members and extent(x) > 0.0 else Undefined.NO_VARIANCE
    if extent(y) == 0.0:
        return Undefined.NO_VARIANCE
    effects = 1 if random is RandomEffects.SLOPE else 2
    if y.size <= effects * len(members):
        return Undefined.TOO_FEW_DF
    largest = 0.0
    for rows in members:
        position = x[rows] - x[rows].mean()
        rest = y[rows] - (y.mean() if random is RandomEffects.SLOPE else y[rows].mean())
        if position.any():
            unit = position / np.max(np.abs(position))
            rest = rest - unit * (unit @ rest) / (unit @ unit)
        largest = max(largest, float(np.max(np.abs(rest))))
    return Undefined.PERFECT_FIT if largest <= _EXACT * extent(y) else None


def _intercept(between: FloatArray) -> tuple[float | None, float | None]:
    """Standard deviation of the random intercept, and its correlation with the slope."""
    if between.shape[0] == 1:
        return None, None
    intercept, slope = between
    sd, slope_sd = float(np.linalg.norm(intercept)), float(np.linalg.norm(slope))
    if sd == 0.0 or slope_sd == 0.0:
        return sd, None
    return sd, min(max(float(intercept @ slope) / sd / slope_sd, -1.0), 1.0)
