"""z scores, Hedges' g, slopes and correlations of many outcomes of the same units at once.

A multiverse asks one question of thousands of outcomes, which is too much for one call each. The
formulas are those of `kit.stats.effects.hedges_g`, `kit.stats.trend.slope` and
`kit.stats.correlation.pearson`. An outcome is one row of a matrix and a unit one column. Arrays
have no None: a missing value is NaN, and so is a number that is undefined.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from kit.stats.effects import hedges_correction
from kit.stats.sample import FloatArray, significance

_SMALLEST_N = 4
"""As in `kit.stats.correlation`."""


class Batch(NamedTuple):
    """One result per outcome, named as the fields of `kit.stats.result.Estimate`."""

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    n: NDArray[np.int64]
    """Units with a value, also where the estimate is undefined."""


def standardised(outcome: FloatArray, reference: FloatArray) -> FloatArray:
    """Standard scores of every outcome against its values in a reference: (x - mean) / SD.

    Args:
        outcome: outcomes x units.
        reference: the same outcomes x units of the reference.

    Returns:
        Outcomes x units; undefined with fewer than two values or no variance in the reference.
    """
    scale = _moments(reference)
    known = scale.sd > 0.0
    sd = np.where(known, scale.sd, np.nan)
    return np.asarray((outcome - scale.mean[:, None]) / sd[:, None], dtype=np.float64)


def hedges_g(treated: FloatArray, control: FloatArray) -> Batch:
    """Hedges' g and Student's t test of every outcome; no interval, which takes a search each.

    Args:
        treated: outcomes x treated units.
        control: outcomes x control units.

    Returns:
        As `kit.stats.effects.hedges_g`; undefined with fewer than two values in a group or no
        variance in both.
    """
    left, right = _moments(treated), _moments(control)
    n = left.n + right.n
    df = np.asarray(n - 2.0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.sqrt(((left.n - 1) * left.sd**2 + (right.n - 1) * right.sd**2) / df)
        h = 1.0 / left.n + 1.0 / right.n
        known = (np.minimum(left.n, right.n) >= 2) & (pooled > 0.0)
        t = np.where(known, (left.mean - right.mean) / pooled / np.sqrt(h), np.nan)
        factor = _corrections(df)
        g = factor * t * np.sqrt(h)
        spread = np.maximum(1.0 - (df - 2.0) / (df * factor * factor), 0.0)
        error = np.where(df > 2.0, np.sqrt(h + g * g * spread), np.nan)
    missing = np.full(t.shape, np.nan)
    return Batch(
        estimate=g,
        std_error=np.where(known, error, np.nan),
        df=np.where(known, df, np.nan),
        statistic=t,
        p_value=_two_sided(t, df),
        conf_low=missing,
        conf_high=missing,
        n=n,
    )


def slopes(level: FloatArray, outcome: FloatArray) -> FloatArray:
    """Least-squares slope of every outcome on the level.

    Args:
        level: the level of each unit.
        outcome: outcomes x units.

    Returns:
        Change per unit of level; undefined with fewer than three values, or no variance in level or
        outcome.
    """
    there = ~np.isnan(outcome)
    x = _centred(np.broadcast_to(level, outcome.shape), there)
    y = _centred(outcome, there)
    known = (there.sum(axis=1) >= 3) & _varies(x, there) & _varies(outcome, there)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, (x * y).sum(axis=1) / (x * x).sum(axis=1), np.nan)


def pearson(x: FloatArray, y: FloatArray, *, confidence: float = 0.95) -> Batch:
    """Pearson's r of every outcome with one variable, its t test and Fisher's interval.

    Args:
        x: the variable, one number per unit.
        y: outcomes x units.
        confidence: level of the interval.

    Returns:
        As `kit.stats.correlation.pearson`; undefined with fewer than four units or no variance in
        either, and without test and interval at |r| = 1.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    critical = float(special.ndtri(1.0 - significance(confidence) / 2.0))
    wide = np.broadcast_to(x, y.shape)
    there = ~np.isnan(y) & ~np.isnan(wide)
    n = there.sum(axis=1)
    left, right = _centred(wide, there), _centred(y, there)
    known = (n >= _SMALLEST_N) & _varies(wide, there) & _varies(y, there)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt((left * left).sum(axis=1) * (right * right).sum(axis=1))
        r = np.where(known, np.clip((left * right).sum(axis=1) / scale, -1.0, 1.0), np.nan)
        inside = known & (np.abs(r) < 1.0)
        tested = np.where(inside, r, np.nan)
        error = np.sqrt((1.0 - tested * tested) / (n - 2.0))
        margin = critical / np.sqrt(n - 3.0)
        t = tested / error
    return Batch(
        estimate=r,
        std_error=error,
        df=np.where(inside, n - 2.0, np.nan),
        statistic=t,
        p_value=_two_sided(t, n - 2.0),
        conf_low=np.tanh(np.arctanh(tested) - margin),
        conf_high=np.tanh(np.arctanh(tested) + margin),
        n=n,
    )


class _Moments(NamedTuple):
    n: NDArray[np.int64]
    mean: FloatArray
    sd: FloatArray


def _moments(values: FloatArray) -> _Moments:
    there = ~np.isnan(values)
    n = there.sum(axis=1)
    mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(n, 1)
    squares = (np.where(there, values - mean[:, None], 0.0) ** 2).sum(axis=1)
    # Constant values have an SD of exactly 0, where a computed one is rounding.
    sd = np.where(_varies(values, there), np.sqrt(squares / np.maximum(n - 1, 1)), 0.0)
    return _Moments(n, mean, sd)


def _centred(values: FloatArray, there: NDArray[np.bool_]) -> FloatArray:
    """Deviations from the mean of each row; 0 where there is no value."""
    n = np.maximum(there.sum(axis=1), 1)
    mean = np.where(there, values, 0.0).sum(axis=1) / n
    return np.where(there, values - mean[:, None], 0.0)


def _varies(values: FloatArray, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether two values of a row differ."""
    high = np.where(there, values, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(there, values, np.inf).min(axis=1, initial=np.inf)
    return np.asarray(high > low)


def _two_sided(t: FloatArray, df: FloatArray) -> FloatArray:
    return np.asarray(2.0 * stats.t.sf(np.abs(t), df), dtype=np.float64)


def _corrections(df: FloatArray) -> FloatArray:
    found, place = np.unique(df, return_inverse=True)
    known = [hedges_correction(float(one)) if one > 1.0 else np.nan for one in found]
    return np.array(known, dtype=np.float64)[place]
