"""Bootstrap and permutation tests from the documented keys of their random numbers.

A resampling test is its draws. They are keyed by (study seed, analysis, what is compared), so that
anyone can draw them again; what is computed from them is written here a second time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from kit.report.recomputation.contrasts import FloatArray, Result, correction, result
from kit.spec.seeds import generator

RESAMPLES = 9_999
ALL_SPLITS = 200_000
"""Up to this many ways to split two groups, all are counted."""
ALL_ORDERS = 50_000
"""Up to this many pairings of two variables, all are counted."""
_HELD = 4_000_000
"""Values that are drawn at a time; the portions are part of the documented draws."""

_Statistic = Callable[..., FloatArray]


def two_groups(
    treated: Sequence[float], control: Sequence[float], seed: int, path: Sequence[str]
) -> dict[str, Result]:
    """Hedges' g with its BCa interval, then the permutation test, from one generator."""
    left, right = np.array(treated), np.array(control)
    rng = generator(seed, "effects", *path)
    return {
        "hedges_g_bca": _g_bca(left, right, rng),
        "permutation": _split(left, right, rng),
    }


def bootstrap_r(x: FloatArray, y: FloatArray, seed: int, path: Sequence[str]) -> Result:
    """Pearson's r with its BCa interval over languages."""
    rng = generator(seed, "culture", *path)
    n = x.size
    units = np.concatenate(
        [rng.integers(0, n, (count, n)) for count in _portions(RESAMPLES, 2 * n)]
    )
    left = np.array([_r(np.delete(x, i), np.delete(y, i)) for i in range(n)])
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = _r(x[units], y[units])
    influence = left.mean() - left
    return _bca(float(_r(x, y)), drawn, influence, n)


def permuted_r(x: FloatArray, y: FloatArray, seed: int, path: Sequence[str]) -> Result:
    """Pearson's r with the p value of a permutation test."""
    n = x.size
    rng = generator(seed, "culture", *path)
    orders = math.factorial(n)
    observed = abs(float(_r(x, y)))
    if orders <= ALL_ORDERS:
        every = np.array(list(itertools.permutations(range(n))))
        return result(estimate=float(_r(x, y)), p_value=_share(x, y[every], observed), n=n)
    portions = []
    for count in _portions(RESAMPLES, n * n):
        rows = np.tile(np.arange(n), (count, 1))
        portions.append(rng.permuted(rows, axis=1))
    share = _share(x, y[np.concatenate(portions)], observed)
    p = (1.0 + share * RESAMPLES) / (1.0 + RESAMPLES)
    return result(estimate=float(_r(x, y)), p_value=p, n=n)


def _share(x: FloatArray, drawn: FloatArray, observed: float) -> float:
    """Share of pairings at least as far from 0; ties in exact arithmetic count."""
    r = np.abs(_r(np.broadcast_to(x, drawn.shape), drawn))
    return float(np.mean(r >= observed - 1e-12))


def _g_bca(left: FloatArray, right: FloatArray, rng: np.random.Generator) -> Result:
    n = left.size + right.size
    if min(left.size, right.size) < 2 or (np.ptp(left) == 0.0 and np.ptp(right) == 0.0):
        return result(n=n)
    g = float(_g(left, right))
    if min(left.size, right.size) == 2:
        return result(estimate=g, n=n)
    drawn = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for count in _portions(RESAMPLES, n):
            one = left[rng.integers(0, left.size, (count, left.size))]
            other = right[rng.integers(0, right.size, (count, right.size))]
            drawn.append(_g(one, other))
        parts = [
            np.array([_g(np.delete(left, i), right) for i in range(left.size)]),
            np.array([_g(left, np.delete(right, i)) for i in range(right.size)]),
        ]
    influence = np.concatenate(
        [(part.size - 1) / part.size * (part.mean() - part) for part in parts]
    )
    return _bca(g, np.concatenate(drawn), influence, n)


def _bca(observed: float, drawn: FloatArray, influence: FloatArray, n: int) -> Result:
    known = result(estimate=observed, n=n)
    if not (np.isfinite(drawn).all() and np.isfinite(influence).all()):
        return known
    below = float((np.sum(drawn < observed) + np.sum(drawn == observed) / 2.0) / drawn.size)
    if not 0.0 < below < 1.0 or np.ptp(drawn) == 0.0 or not influence.any():
        return known
    skew = float(np.sum(influence**3) / (6.0 * np.sum(influence**2) ** 1.5))
    bias = float(stats.norm.ppf(below))

    def place(z: float) -> float:
        shrink = 1.0 - skew * (bias + z)
        if shrink <= 0.0:
            return float(z > 0.0)
        return float(stats.norm.cdf(bias + (bias + z) / shrink))

    z = float(stats.norm.ppf(0.975))
    low, high = np.percentile(drawn, [100.0 * place(-z), 100.0 * place(z)])
    error = float(np.std(drawn, ddof=1))
    return {**known, "std_error": error, "conf_low": float(low), "conf_high": float(high)}


def _split(left: FloatArray, right: FloatArray, rng: np.random.Generator) -> Result:
    n = left.size + right.size
    if min(left.size, right.size) < 2:
        return result(n=n)
    both = np.concatenate((left, right))
    difference = float(left.mean() - right.mean())
    slack = 1e-12 * float(np.abs(both - both.mean()).sum()) * n / left.size / right.size
    splits = math.comb(n, left.size)
    if splits <= ALL_SPLITS:
        chosen = np.array(list(itertools.combinations(range(n), left.size)))
        far = np.abs(_differences(both, chosen)) >= abs(difference) - slack
        return result(estimate=difference, p_value=float(far.mean()), n=n)
    hits = 0
    for count in _portions(RESAMPLES, n):
        rows = rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)
        found = np.abs(_differences(both, rows[:, : left.size]))
        hits += int(np.sum(found >= abs(difference) - slack))
    return result(estimate=difference, p_value=(1 + hits) / (1 + RESAMPLES), n=n)


def _differences(
    values: FloatArray, chosen: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
) -> FloatArray:
    """Mean of the chosen units minus mean of the others, split by split."""
    size = chosen.shape[1]
    sums = values[chosen].sum(axis=1)
    return np.asarray(sums / size - (values.sum() - sums) / (values.size - size))


def _portions(count: int, units: int) -> list[int]:
    most = max(1, _HELD // units)
    return [min(most, count - start) for start in range(0, count, most)]


def _g(left: FloatArray, right: FloatArray) -> FloatArray:
    """Hedges' g along the last axis."""
    n_left, n_right = left.shape[-1], right.shape[-1]
    df = n_left + n_right - 2.0
    squares = ((left - left.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    squares = squares + ((right - right.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    difference = left.mean(axis=-1) - right.mean(axis=-1)
    return np.asarray(correction(df) * difference / np.sqrt(squares / df))


def _r(x: FloatArray, y: FloatArray) -> FloatArray:
    """Pearson's r along the last axis."""
    n = x.shape[-1]
    covariance = (x * y).mean(axis=-1) - x.mean(axis=-1) * y.mean(axis=-1)
    left = ((x - x.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) / n
    right = ((y - y.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) / n
    return np.asarray(covariance / np.sqrt(left * right))
