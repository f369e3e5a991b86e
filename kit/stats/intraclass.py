"""Intraclass correlations: how far units differ beyond what raters disagree about."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import significance
from kit.stats.variance_components import MeanSquares, mean_squares

_ROUNDING = 1e-12
"""Differences of mean squares below this share of their sum are rounding."""


class Intraclass(NamedTuple):
    """One intraclass correlation."""

    result: Estimate
    """The correlation; `statistic` is F, and `p_value` the chance of one as large."""
    df_units: int
    """Degrees of freedom of the numerator of F."""
    df_error: int
    """Degrees of freedom of its denominator."""


class IntraclassCorrelations(NamedTuple):
    """The six of Shrout & Fleiss (1979)."""

    icc1: Intraclass
    """ICC(1,1): one rater, others for every unit."""
    icc2: Intraclass
    """ICC(2,1): one rater of all that could be asked; absolute agreement."""
    icc3: Intraclass
    """ICC(3,1): one of these raters; consistency, so that a rater's own level does not count."""
    icc1k: Intraclass
    """ICC(1,k): the mean of k raters, as `icc1`."""
    icc2k: Intraclass
    """ICC(2,k): the mean of k raters, as `icc2`."""
    icc3k: Intraclass
    """ICC(3,k): the mean of k raters, as `icc3`."""


class _Form(NamedTuple):
    """What `icc1`, `icc2` or `icc3` is made of."""

    signal: float
    """Numerator of the correlation."""
    single: float
    """Its denominator for one rater."""
    average: float
    """Its denominator for the mean of k."""
    f: float | None
    """Mean square of units over that of the error; none without error."""
    df_error: int
    limits: Limits | None
    """Of the correlation for one rater."""


def intraclass_correlations(
    ratings: ArrayLike, *, confidence: float = 0.95
) -> IntraclassCorrelations | Undefined:
    """The six intraclass correlations with F tests and intervals.

    For n units and k raters, with mean squares of units B, raters J, residual E, and within units W
    (J and E together): ICC1 = (B - W) / (B + (k - 1) W), ICC2 = (B - E) / (B + (k - 1) E + k (J -
    E) / n), ICC3 = (B - E) / (B + (k - 1) E); for the mean of k raters (B - W) / B, (B - E) / (B +
    (J - E) / n), (B - E) / B (Shrout & Fleiss 1979). F is B / W or B / E, and its p value
    one-sided. The limits of ICC1 and ICC3 follow from F; those of ICC2 take Satterthwaite's degrees
    of freedom (Shrout & Fleiss 1979, p. 424; McGraw & Wong 1996, table 7); those for the mean are
    the same, mapped by Spearman-Brown.

    Args:
        ratings: n units x k raters, complete.
        confidence: level of the intervals.

    Returns:
        The correlations, or why there are none: fewer than two units or raters, or equal ratings.
        One whose denominator is not above 0 is undefined alone. Without error the correlation alone
        is known; an interval is undefined if the means of the units are equal, or if it has no
        lower bound.

    Raises:
        ValueError: `ratings` is not a matrix; see also `kit.stats.sample.sample`; or `confidence`
            is not between 0 and 1.
    """
    alpha = significance(confidence)
    values = np.asarray(ratings, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"ratings of shape {values.shape} are no matrix of units x raters")
    squares = mean_squares(values[..., None])
    if isinstance(squares, Undefined):
        return squares
    n, k = values.shape
    single: list[Intraclass] = []
    average: list[Intraclass] = []
    for form, number in zip(_forms(squares, n, k, alpha), "123", strict=True):
        for places, kind, bottom, limits in (
            (single, "1", form.single, form.limits),
            (average, "k", form.average, _averaged(form.limits, k)),
        ):
            method = f"ICC({number},{kind}), F {confidence:.6g} interval ({k} raters)"
            result = _correlation(form, bottom, limits, n=n, method=method)
            places.append(Intraclass(result, n - 1, form.df_error))
    return IntraclassCorrelations(*single, *average)


def _forms(squares: MeanSquares, n: int, k: int, alpha: float) -> tuple[_Form, _Form, _Form]:
    between, raters, error = squares.units, squares.judges, squares.interaction
    within = (raters + (n - 1) * error) / n
    spread = between + (k - 1) * error
    absolute = _unrounded(spread + k * (raters - error) / n, squares)
    df_within, df_error = n * (k - 1), (n - 1) * (k - 1)

    def exact(df: int, f: float | None) -> Limits | None:
        if not f:
            return None
        low, high = f / _quantile(alpha, n - 1, df), f * _quantile(alpha, df, n - 1)
        return Limits((low - 1.0) / (low + k - 1.0), (high - 1.0) / (high + k - 1.0))

    f_within = between / within if within > 0.0 else None
    f_error = between / error if error > 0.0 else None
    return (
        _Form(
            signal=between - within,
            single=between + (k - 1) * within,
            average=between,
            f=f_within,
            df_error=df_within,
            limits=exact(df_within, f_within),
        ),
        _Form(
            signal=between - error,
            single=absolute,
            average=_unrounded(between + (raters - error) / n, squares),
            f=f_error,
            df_error=df_error,
            limits=_absolute_limits(squares, (between - error) / absolute, n, k, alpha)
            if f_error and absolute
            else None,
        ),
        _Form(
            signal=between - error,
            single=spread,
            average=between,
            f=f_error,
            df_error=df_error,
            limits=exact(df_error, f_error),
        ),
    )


def _unrounded(difference: float, squares: MeanSquares) -> float:
    """``difference`` of mean squares, 0 where it is no more than what rounding leaves."""
    whole = squares.units + squares.judges + squares.interaction
    return difference if abs(difference) > _ROUNDING * whole else 0.0


def _absolute_limits(
    squares: MeanSquares, icc: float, n: int, k: int, alpha: float
) -> Limits | None:
    """Of ICC2; `None` if its error has next to no degrees of freedom."""
    between, raters, error = squares.units, squares.judges, squares.interaction
    of_raters = k * icc * raters / error
    of_error = n * (1.0 + (k - 1) * icc) - k * icc
    df = (n - 1) * (k - 1) * (of_raters + of_error) ** 2
    df /= (n - 1) * of_raters**2 + of_error**2
    if df < 1e-3:
        return None
    rest = k * raters + (k * n - k - n) * error
    above, below = _quantile(alpha, n - 1, df), _quantile(alpha, df, n - 1)
    low = n * (between - above * error) / (above * rest + n * between)
    high = n * (below * between - error) / (rest + n * below * between)
    return Limits(low, high)


def _averaged(single: Limits | None, k: int) -> Limits | None:
    """Of the mean of k raters (Spearman-Brown); `None` if there is no lower bound."""
    if single is None or 1.0 + (k - 1) * single.low <= 0.0:
        return None
    low, high = (k * limit / (1.0 + (k - 1) * limit) for limit in single)
    return Limits(low, high)


def _correlation(
    form: _Form, bottom: float, limits: Limits | None, *, n: int, method: str
) -> Estimate:
    if bottom <= 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=n)
    found = Estimate(estimate=form.signal / bottom, n=n, method=method)
    if form.f is None:
        unknown = ("statistic", "p_value", "interval")
        return replace(found, method=explained(method, Undefined.PERFECT_FIT, *unknown))
    found = replace(
        found, statistic=form.f, p_value=float(special.fdtrc(n - 1, form.df_error, form.f))
    )
    if limits is None or not all(map(math.isfinite, limits)):
        return replace(found, method=explained(method, Undefined.BOUNDARY, "interval"))
    return replace(found, conf_low=limits.low, conf_high=limits.high)


def _quantile(alpha: float, df1: float, df2: float) -> float:
    """The F that is exceeded with probability alpha / 2."""
    return float(special.fdtri(df1, df2, 1.0 - alpha / 2.0))
