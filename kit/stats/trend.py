"""Does the outcome rise or fall with the level? Slope, curvature and ordered-alternatives test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from kit.stats.concordance import concordance
from kit.stats.regression import least_squares
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import FloatArray, extent, paired


def slope(level: ArrayLike, outcome: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Least-squares slope of the outcome on the level, with HC3 standard errors.

    Formulas as `kit.stats.regression.least_squares` with an intercept and n - 2 degrees of freedom.

    Args:
        level: the level of each unit, such as its number of aligned agents.
        outcome: the outcome of each unit.
        confidence: level of the interval.

    Returns:
        Change of the outcome per unit of level; undefined with fewer than three units, or no
        variance in level or outcome.

    Raises:
        ValueError: the lengths differ; see also `least_squares`.
    """
    x, y = paired(level, outcome, "level", "outcome")
    method = f"slope, least squares, HC3 {confidence:.6g} interval"
    if x.size < 3:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=x.size)
    if extent(x) == 0.0 or extent(y) == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=x.size)
    # Centring leaves the slope alone; uncentred levels far from 0 would look like the ones.
    design = np.column_stack((np.ones_like(x), _centred(x)))
    names = ("intercept", "level")
    fit = least_squares(design, _centred(y), names, confidence=confidence)["level"]
    return replace(fit, method=fit.method.replace("least squares", "slope, least squares", 1))


def quadratic(level: ArrayLike, outcome: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Curvature of the outcome over the level: the coefficient of the squared level.

    Least squares on an intercept, the level and its square, with HC3 standard errors and n - 3
    degrees of freedom (see `kit.stats.regression.least_squares`). Above 0 the outcome bends
    upwards.

    Returns:
        Change of the outcome per squared unit of level; undefined with fewer than four units or
        three levels, or no variance in the outcome. Arguments and errors as `slope`.
    """
    x, y = paired(level, outcome, "level", "outcome")
    method = f"quadratic term, least squares, HC3 {confidence:.6g} interval"
    if x.size < 4 or np.unique(x).size < 3:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=x.size)
    if extent(y) == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=x.size)
    centred = _centred(x)
    design = np.column_stack((np.ones_like(x), centred, centred**2))
    names = ("intercept", "level", "square")
    fit = least_squares(design, _centred(y), names, confidence=confidence)["square"]
    return replace(
        fit, method=fit.method.replace("least squares", "quadratic term, least squares", 1)
    )


def jonckheere_terpstra(level: ArrayLike, outcome: ArrayLike) -> Estimate:
    """Two-sided Jonckheere-Terpstra test (Terpstra 1952; Jonckheere 1954).

    The statistic J is the sum over pairs of levels of the Mann-Whitney counts, ties counting half.
    2 J minus the number of pairs at different levels is Kendall's S of level and outcome, so z = (J
    - E J) / SD(J) is computed as S / SD(S), with ties in both (Kendall 1970), without continuity
    correction. `estimate` is Somers' D of the outcome given the level: among pairs of units at
    different levels, P(the higher level has the higher outcome) - P(the lower).

    Args:
        level: the level of each unit; only its order matters.
        outcome: the outcome of each unit; only its order matters.

    Returns:
        D in [-1, 1] with z and its normal p value; undefined with fewer than three units, or no
        variance in level or outcome.

    Raises:
        ValueError: the lengths differ; see also `kit.stats.sample.sample`.
    """
    x, y = paired(level, outcome, "level", "outcome")
    method = "Somers' D, Jonckheere-Terpstra (normal)"
    if x.size < 3:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=x.size)
    if extent(x) == 0.0 or extent(y) == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=x.size)
    pairs = concordance(x, y)
    return Estimate(
        estimate=pairs.somers_d,
        statistic=pairs.z,
        p_value=2.0 * float(special.ndtr(-abs(pairs.z))),
        n=x.size,
        method=method,
    )


def _centred(values: FloatArray) -> FloatArray:
    """Values about the middle of their range, and so no larger than they were."""
    return np.asarray(values - (values.min() / 2.0 + values.max() / 2.0), dtype=np.float64)
