"""Pearson's correlation adjusted: for other variables, and for sampling error in the outcome."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.correlation import pearson
from kit.stats.product_moment import (
    SMALLEST_N,
    interval_method,
    product_moment,
    unusable,
    with_test,
)
from kit.stats.regression import solve
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, deviation, extent, paired, sample

_EXPLAINED = 1e-12
"""Residuals below this, in units of the range of a variable, are rounding."""


def partial(x: ArrayLike, y: ArrayLike, given: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Pearson's r of what x and y have beyond their least squares on other variables.

    With k variables held fixed, test and interval are those of `kit.stats.correlation.pearson` on n
    - k units: n - 2 - k degrees of freedom and Fisher's standard error 1 / sqrt(n - k - 3) (Fisher
    1924). The t test is that of the coefficient of x in the regression of y on x and the others.

    Args:
        x: one number per unit.
        y: one number per unit, in the same order.
        given: n x k matrix of the variables held fixed, without a column of ones.
        confidence: level of the interval.

    Returns:
        r; undefined with fewer than k + 4 units, no variance in x or y, collinear variables, or an
        x or y that the others explain entirely. At |r| = 1 only r is known.

    Raises:
        ValueError: shapes do not fit; see also `kit.stats.sample.sample`; or `confidence` is not
            between 0 and 1.
    """
    left, right = paired(x, y, "x", "y")
    fixed = np.asarray(given, dtype=np.float64)
    if fixed.ndim != 2 or fixed.shape[0] != left.size:
        raise ValueError(f"given of shape {fixed.shape} does not fit {left.size} units")
    sample(fixed.ravel(), "given")
    n, k = fixed.shape
    method = interval_method(f"partial Pearson r given {k}", "Fisher", confidence)
    if n - k < SMALLEST_N:
        return Estimate.undefined(method, Undefined.TOO_FEW_DF, n=n)
    # Centred, because columns far from 0 would look like the ones.
    design = np.column_stack((np.ones(n), fixed - fixed.mean(axis=0)))
    rests: list[FloatArray] = []
    for values in (left, right):
        rest = _beyond(values, design)
        if isinstance(rest, Undefined):
            return Estimate.undefined(method, rest, n=n)
        rests.append(rest)
    found = with_test(product_moment(*rests), n - k, 1.0, confidence, method)
    return replace(found, n=n)


def disattenuated(
    x: ArrayLike, y: ArrayLike, y_errors: ArrayLike, *, confidence: float = 0.95
) -> Estimate:
    """Pearson's r of x with the true y, when each y is an estimate of known standard error.

    Error in y shrinks r by the root of its reliability, the share of the variance of y that is not
    sampling error: r / sqrt(reliability), with reliability = max(0, var(y) - mean(se^2)) / var(y)
    (Spearman 1904). The limits are Fisher's, divided by the same root, and so take the reliability
    as known. Both are cut at -1 and 1. The test is that of the uncorrected r, for a correlation is
    0 with error exactly if it is 0 without.

    Args:
        x: one number per unit, without error.
        y: one estimate per unit, in the same order.
        y_errors: their standard errors.
        confidence: level of the interval.

    Returns:
        The corrected r; undefined as `kit.stats.correlation.pearson`, or without reliability: the
        errors alone would make y vary as it does. Where r had to be cut, `method` says so and there
        is no standard error.

    Raises:
        ValueError: the lengths differ or a standard error is below 0; see also
            `kit.stats.sample.sample`; or `confidence` is not between 0 and 1.
    """
    left, right = paired(x, y, "x", "y")
    _, errors = paired(right, y_errors, "y", "y_errors")
    if (errors < 0.0).any():
        raise ValueError("y_errors must not be below 0")
    method = interval_method("Pearson r corrected for error in y", "Fisher", confidence)
    if reason := unusable(left, right):
        return Estimate.undefined(method, reason, n=left.size)
    reliability = _reliability(right, errors)
    method = f"{method} (reliability {reliability:.3g})"
    if reliability == 0.0:
        return Estimate.undefined(method, Undefined.NO_RELIABILITY, n=left.size)
    observed = pearson(left, right, confidence=confidence)
    assert observed.estimate is not None
    root = math.sqrt(reliability)
    corrected, std_error = observed.estimate / root, observed.std_error
    if observed.std_error is None:
        unknown = ("std_error", "statistic", "p_value", "interval")
        method = explained(method, Undefined.BOUNDARY, *unknown)
    elif abs(corrected) >= 1.0:
        method = explained(method, Undefined.BOUNDARY, "std_error")
        std_error = None
    return replace(
        observed,
        estimate=_cut(corrected),
        std_error=None if std_error is None else std_error / root,
        conf_low=None if observed.conf_low is None else _cut(observed.conf_low / root),
        conf_high=None if observed.conf_high is None else _cut(observed.conf_high / root),
        method=method,
    )


def _reliability(values: FloatArray, errors: FloatArray) -> float:
    """The share of the variance of the values that their errors do not account for."""
    # In units of the range, because a square on its own may leave floating-point range.
    width = extent(values)
    spread = deviation((values - values[0]) / width)
    with np.errstate(over="ignore"):
        share = float(np.mean((errors / width / spread) ** 2))
    return max(0.0, 1.0 - share)


def _beyond(values: FloatArray, design: FloatArray) -> FloatArray | Undefined:
    """What the design does not explain of the values, in units of their range."""
    solution = solve(design, values - values[0])
    if isinstance(solution, Undefined):
        return solution
    # Left-overs of rounding have a correlation as well.
    if float(np.max(np.abs(solution.residuals))) <= _EXPLAINED + solution.noise:
        return Undefined.PERFECT_FIT
    return solution.residuals


def _cut(r: float) -> float:
    return min(max(r, -1.0), 1.0)
