"""Tests of a difference between two groups: Welch, Mann-Whitney, permutation.

The sign is treated minus control throughout.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, extent, moments, sample, significance
from kit.stats.student import critical, two_sided_p

EXACT_SPLITS = 200_000
"""Up to this many ways to split the units, a permutation test goes through all of them."""
_HELD = 4_000_000
"""Permuted values held at a time: 32 MB."""


def welch(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Mean difference with Welch's t test and interval.

    t = (m_t - m_c) / sqrt(s_t^2 / n_t + s_c^2 / n_c) with the df of Satterthwaite (1946) (Welch
    1947).

    Args:
        treated: outcomes of the treated group.
        control: outcomes of the control group.
        confidence: level of the interval.

    Returns:
        The difference in units of the outcome. Fewer than two values in a group: all undefined. No
        variance in either group: the difference alone is known.

    Raises:
        ValueError: see `kit.stats.sample.sample`; or `confidence` is not strictly between 0 and 1.
    """
    alpha = significance(confidence)
    left, right = sample(treated, "treated"), sample(control, "control")
    n = left.size + right.size
    method = f"mean difference, Welch {confidence:.6g} interval"
    if min(left.size, right.size) < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    groups = moments(left, right)
    if groups.std_error == 0.0:
        unknown = ("std_error", "statistic", "p_value", "interval")
        method = explained(method, Undefined.NO_VARIANCE, *unknown)
        return Estimate(estimate=groups.difference, n=n, method=method)
    df = groups.satterthwaite_df
    statistic = groups.difference / groups.std_error
    if not math.isfinite(statistic):
        return Estimate.undefined(method, Undefined.OVERFLOW, n=n)
    margin = critical(alpha, df) * groups.std_error
    return Estimate(
        estimate=groups.difference,
        std_error=groups.std_error,
        df=df,
        statistic=statistic,
        p_value=two_sided_p(statistic, df),
        conf_low=groups.difference - margin,
        conf_high=groups.difference + margin,
        n=n,
        method=method,
    )


def mann_whitney(treated: ArrayLike, control: ArrayLike) -> Estimate:
    """Hodges-Lehmann shift with the Mann-Whitney test.

    `estimate` is the median of all differences treated minus control (Hodges & Lehmann 1963),
    `statistic` is U of the treated (Mann & Whitney 1947). p is exact without ties and below 50
    values a group, else normal with tie and continuity corrections (the choice R makes). For an
    interval of the effect this test is about, see `kit.stats.dominance.probability_of_superiority`.

    Returns:
        The shift in units of the outcome; undefined with fewer than two values in a group, and
        without p if all values are equal.

    Raises:
        ValueError: see `kit.stats.sample.sample`.
    """
    left, right = sample(treated, "treated"), sample(control, "control")
    n = left.size + right.size
    method = "Hodges-Lehmann shift, Mann-Whitney"
    if min(left.size, right.size) < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    values = np.concatenate((left, right))
    shift = float(np.median(np.subtract.outer(left, right)))
    if extent(values) == 0.0:
        return Estimate(
            estimate=shift, n=n, method=explained(method, Undefined.NO_VARIANCE, "p_value")
        )
    exact = max(left.size, right.size) < 50 and np.unique(values).size == n
    result = stats.mannwhitneyu(left, right, method="exact" if exact else "asymptotic")
    return Estimate(
        estimate=shift,
        statistic=float(result.statistic),
        p_value=float(result.pvalue),
        n=n,
        method=f"{method} ({'exact' if exact else 'normal'})",
    )


def permutation(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 9_999,
) -> Estimate:
    """Mean difference with the p value of a two-sided permutation test (Fisher 1935; Pitman 1937).

    p is the share of splits of all units into groups of these sizes whose mean difference is at
    least as far from 0 as the one observed. All splits are counted up to `EXACT_SPLITS`; beyond,
    `resamples` random ones, and p = (1 + hits) / (1 + resamples), which cannot be 0 (Phipson &
    Smyth 2010).

    Args:
        treated: outcomes of the treated group.
        control: outcomes of the control group.
        rng: generator of the random splits; untouched when all splits are counted.
        resamples: number of random splits.

    Returns:
        The difference in units of the outcome; undefined with fewer than two values in a group.

    Raises:
        ValueError: see `kit.stats.sample.sample`; or `resamples` is below 1.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    left, right = sample(treated, "treated"), sample(control, "control")
    n = left.size + right.size
    method = "mean difference, permutation"
    if min(left.size, right.size) < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    # With the overall mean at 0, the treated sum orders splits as the mean difference does.
    values = np.concatenate((left, right)) - right[0]
    values -= values.mean()
    observed = abs(values[: left.size].sum())
    # Splits that tie in exact arithmetic must tie here.
    threshold = observed - 1e-12 * np.abs(values).sum()

    splits = math.comb(n, left.size)
    if splits <= EXACT_SPLITS:
        p_value = float(np.mean(np.abs(_all_sums(values, left.size)) >= threshold))
        method = f"{method} (all {splits} splits)"
    else:
        hits = np.sum(np.abs(_random_sums(values, left.size, rng, resamples)) >= threshold)
        p_value = (1.0 + float(hits)) / (1.0 + resamples)
        method = f"{method} ({resamples} random splits)"
    return Estimate(estimate=moments(left, right).difference, p_value=p_value, n=n, method=method)


def _all_sums(values: FloatArray, size: int) -> FloatArray:
    """The sums of all subsets of `size` values."""
    count = math.comb(values.size, size)
    chosen = itertools.chain.from_iterable(itertools.combinations(range(values.size), size))
    indices = np.fromiter(chosen, dtype=np.intp, count=count * size).reshape(count, size)
    return np.asarray(values[indices].sum(axis=1), dtype=np.float64)


def _random_sums(values: FloatArray, size: int, rng: np.random.Generator, count: int) -> FloatArray:
    """The sums of `count` random subsets of `size` values."""
    held = max(1, _HELD // values.size)
    sums: list[FloatArray] = []
    for start in range(0, count, held):
        rows = np.tile(values, (min(held, count - start), 1))
        sums.append(rng.permuted(rows, axis=1, out=rows)[:, :size].sum(axis=1))
    return np.concatenate(sums)
