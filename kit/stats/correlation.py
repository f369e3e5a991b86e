"""Correlation of two variables over the same units, and how much it hangs on any one of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from kit.stats.concordance import concordance
from kit.stats.noncentral import Limits
from kit.stats.product_moment import (
    SMALLEST_N,
    fisher_limits,
    interval_method,
    product_moment,
    standard,
    unusable,
    with_test,
)
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, paired

EXACT_ORDERS = 50_000
"""Up to this many orders of the units (8 units), a permutation test goes through all of them."""

_HELD = 4_000_000
"""Pair scores of shuffled units held at a time: 32 MB."""


class Coefficient(StrEnum):
    """Which correlation."""

    PEARSON = "Pearson r"
    SPEARMAN = "Spearman rho"
    KENDALL = "Kendall tau-b"


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The range of a correlation when each unit is left out in turn."""

    coefficients: tuple[float | None, ...]
    """The coefficient without unit i; `None` where it is undefined."""
    low: float | None
    """Smallest of them."""
    low_without: int | None
    """Index of the unit left out for it."""
    high: float | None
    """Largest of them."""
    high_without: int | None
    """Index of the unit left out for it."""


def pearson(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Pearson's r with its t test and Fisher's interval.

    t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees of freedom; the interval is tanh(atanh r -+ z
    / sqrt(n - 3)) (Fisher 1921). `std_error` is sqrt((1 - r^2) / (n - 2)), the denominator of t.

    Args:
        x: one number per unit.
        y: one number per unit, in the same order.
        confidence: level of the interval.

    Returns:
        r; undefined with fewer than four units or no variance in x or y. At |r| = 1 only r is
        known.

    Raises:
        ValueError: the lengths differ; see also `kit.stats.sample.sample`; or `confidence` is not
            between 0 and 1.
    """
    left, right = paired(x, y, "x", "y")
    method = interval_method(Coefficient.PEARSON, "Fisher", confidence)
    if reason := unusable(left, right):
        return Estimate.undefined(method, reason, n=left.size)
    return with_test(product_moment(left, right), left.size, 1.0, confidence, method)


def r_from_summary(r: float, n: int, *, confidence: float = 0.95) -> Estimate:
    """Test and interval of a published Pearson correlation, as `pearson` gives them.

    Raises:
        ValueError: `n` is below 4, `r` lies outside [-1, 1] or `confidence` is not between 0 and 1.
    """
    if n < SMALLEST_N or not -1.0 <= r <= 1.0:
        raise ValueError(f"need a correlation in [-1, 1] over four units or more: {r}, {n}")
    method = interval_method(f"{Coefficient.PEARSON} from summary", "Fisher", confidence)
    return with_test(r, n, 1.0, confidence, method)


def spearman(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Spearman's rho: Pearson's r of the midranks (Spearman 1904).

    The test is the t test of `pearson` on the ranks; the interval is Fisher's with the standard
    error sqrt((1 + rho^2 / 2) / (n - 3)) of Bonett & Wright (2000). Arguments, undefined cases and
    errors as `pearson`.
    """
    left, right = paired(x, y, "x", "y")
    method = interval_method(Coefficient.SPEARMAN, "Bonett-Wright", confidence)
    if reason := unusable(left, right):
        return Estimate.undefined(method, reason, n=left.size)
    rho = product_moment(_ranks(left), _ranks(right))
    return with_test(rho, left.size, 1.0 + rho * rho / 2.0, confidence, method)


def kendall(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Kendall's tau-b (Kendall 1945) with its test and an approximate interval.

    p is exact without ties and below 50 units; otherwise `statistic` is z = S / SD(S) with ties
    (Kendall 1970) and p is normal. The interval is Fisher's with the standard error sqrt(0.437 / (n
    - 4)) of Fieller, Hartley & Pearson (1957), which needs five units. Arguments, other undefined
    cases and errors as `pearson`.
    """
    left, right = paired(x, y, "x", "y")
    n = left.size
    method = interval_method(Coefficient.KENDALL, "Fieller", confidence)
    if reason := unusable(left, right):
        return Estimate.undefined(method, reason, n=n)
    pairs = concordance(left, right)
    limits: Limits | None = None
    if n < 5:
        method = explained(method, Undefined.TOO_FEW, "interval")
    elif abs(pairs.tau_b) >= 1.0:
        method = explained(method, Undefined.BOUNDARY, "interval")
    else:
        limits = fisher_limits(pairs.tau_b, math.sqrt(0.437 / (n - 4)), confidence)
    untied = n * (n - 1) // 2
    exact = n < 50 and pairs.pairs_x == untied and pairs.pairs_y == untied
    return Estimate(
        estimate=pairs.tau_b,
        statistic=None if exact else pairs.z,
        p_value=(
            float(stats.kendalltau(left, right, method="exact").pvalue)
            if exact
            else 2.0 * float(special.ndtr(-abs(pairs.z)))
        ),
        conf_low=limits.low if limits else None,
        conf_high=limits.high if limits else None,
        n=n,
        method=f"{method} ({'exact' if exact else 'normal'} test)",
    )


def permutation(
    x: ArrayLike,
    y: ArrayLike,
    *,
    rng: np.random.Generator,
    coefficient: Coefficient = Coefficient.PEARSON,
    resamples: int = 9_999,
) -> Estimate:
    """A correlation with the two-sided p value of a permutation test (Pitman 1937).

    p is the share of pairings of x with y whose coefficient is at least as far from 0 as the one
    observed: all pairings up to `EXACT_ORDERS`; beyond, `resamples` random ones with p = (1 + hits)
    / (1 + resamples) (Phipson & Smyth 2010).

    Args:
        x: one number per unit.
        y: one number per unit, in the same order.
        rng: generator of the random pairings; untouched when all are counted.
        coefficient: which correlation.
        resamples: number of random pairings.

    Returns:
        The coefficient and p; undefined as in `pearson`.

    Raises:
        ValueError: as `pearson`; or `resamples` is below 1.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    left, right = paired(x, y, "x", "y")
    n = left.size
    method = f"{coefficient}, permutation"
    if reason := unusable(left, right):
        return Estimate.undefined(method, reason, n=n)
    # All three are the same sum over pairs of units of a product of scores (Daniels 1944).
    scores_x, scores_y = _pair_scores(left, coefficient), _pair_scores(right, coefficient)
    observed = abs(float(np.sum(scores_x * scores_y)))
    # Pairings that tie in exact arithmetic must tie here.
    threshold = observed - 1e-12 * float(np.sum(np.abs(scores_x)) * np.max(np.abs(scores_y)))

    orders = math.factorial(n)
    exact = orders <= EXACT_ORDERS
    hits = 0
    for chosen in _every_order(n) if exact else _random_orders(n, rng, resamples):
        shuffled = scores_y[chosen[:, :, None], chosen[:, None, :]]
        sums = np.abs(np.tensordot(shuffled, scores_x, axes=2))
        hits += int(np.sum(sums >= threshold))
    return Estimate(
        estimate=_coefficient(left, right, coefficient),
        p_value=hits / orders if exact else (1.0 + hits) / (1.0 + resamples),
        n=n,
        method=f"{method} ({f'all {orders}' if exact else f'{resamples} random'} pairings)",
    )


def leave_one_out(
    x: ArrayLike, y: ArrayLike, *, coefficient: Coefficient = Coefficient.PEARSON
) -> LeaveOneOut:
    """The correlation without each unit in turn, and its range.

    A coefficient over fewer than four units, or without variance, is `None` and no part of the
    range.

    Raises:
        ValueError: the lengths differ; see also `kit.stats.sample.sample`.
    """
    left, right = paired(x, y, "x", "y")
    found: list[float | None] = []
    for index in range(left.size):
        rest = np.delete(left, index), np.delete(right, index)
        found.append(None if unusable(*rest) else _coefficient(*rest, coefficient))
    known = [(value, index) for index, value in enumerate(found) if value is not None]
    low, low_without = min(known, default=(None, None))
    high, high_without = max(known, default=(None, None))
    return LeaveOneOut(tuple(found), low, low_without, high, high_without)


def _every_order(n: int) -> Iterator[NDArray[np.intp]]:
    """All orders of n units, one a row."""
    yield np.array(list(itertools.permutations(range(n))), dtype=np.intp)


def _random_orders(n: int, rng: np.random.Generator, count: int) -> Iterator[NDArray[np.intp]]:
    """`count` random orders of n units, one a row, in portions."""
    held = max(1, _HELD // (n * n))
    for start in range(0, count, held):
        rows = np.tile(np.arange(n, dtype=np.intp), (min(held, count - start), 1))
        yield rng.permuted(rows, axis=1, out=rows)


def _ranks(values: FloatArray) -> FloatArray:
    return np.asarray(stats.rankdata(values), dtype=np.float64)


def _coefficient(x: FloatArray, y: FloatArray, coefficient: Coefficient) -> float:
    match coefficient:
        case Coefficient.PEARSON:
            return product_moment(x, y)
        case Coefficient.SPEARMAN:
            return product_moment(_ranks(x), _ranks(y))
        case Coefficient.KENDALL:
            return concordance(x, y).tau_b


def _pair_scores(values: FloatArray, coefficient: Coefficient) -> FloatArray:
    """Scores of all ordered pairs of units, n x n: differences, of values or ranks, or signs."""
    scored = _ranks(values) if coefficient is Coefficient.SPEARMAN else values
    scores = np.subtract.outer(standard(scored), standard(scored))
    return np.sign(scores) if coefficient is Coefficient.KENDALL else scores
