"""Least squares with standard errors that do not assume equal variances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, stats

from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, extent, sample, significance

_RELATIVE = 1e-10
"""Singular values, and distances of a leverage from 1, below this count as zero."""
_ROUNDING = 1e-12
"""Standard errors below this, in units of the outcome's range, are rounding."""
_LARGEST_UNIT = 1e290
"""Above this, a unit of a coefficient leaves no room for its interval in floating point."""


def least_squares(
    design: ArrayLike,
    outcome: ArrayLike,
    names: Sequence[str],
    *,
    confidence: float = 0.95,
) -> dict[str, Estimate]:
    """Ordinary least squares coefficients with HC3 standard errors.

    b = (X'X)^-1 X'y; the covariance is (X'X)^-1 X' diag(e_i^2 / (1 - h_i)^2) X (X'X)^-1 with
    residuals e and leverages h (MacKinnon & White 1985; called HC3 by Long & Ervin 2000), and tests
    use t with n - k degrees of freedom.

    Args:
        design: n x k matrix, one row per unit, including the column of ones if an intercept is
            wanted.
        outcome: n outcomes.
        names: k names of the columns, all different.
        confidence: level of the intervals.

    Returns:
        One result per column, in order. All are undefined if there are no more units than columns,
        the columns are collinear or the outcome is constant. If some unit alone determines a
        coefficient, or a coefficient has no residual variance, it is known and its standard error
        is not.

    Raises:
        ValueError: shapes do not fit, names repeat, values are not finite, or `confidence` is not
            between 0 and 1.
    """
    alpha = significance(confidence)
    y = sample(outcome, "outcome")
    x = np.asarray(design, dtype=np.float64)
    if x.ndim != 2 or x.shape != (y.size, len(names)) or len(set(names)) != len(names):
        raise ValueError(
            f"design of shape {x.shape} does not fit {y.size} outcomes and columns {list(names)}"
        )
    sample(x.ravel(), "design")
    n, k = x.shape
    method = f"least squares, HC3 {confidence:.6g} interval"
    if reason := _unusable(x, y):
        return {name: Estimate.undefined(method, reason, n=n) for name in names}

    # Unit columns make the rank check and the solution independent of the units of measurement.
    width = extent(y)
    lengths = np.max(np.abs(x), axis=0)
    scaled = x / lengths
    norms = np.linalg.norm(scaled, axis=0)
    left, singular, right = linalg.svd(scaled / norms, full_matrices=False)
    if singular[-1] < _RELATIVE * singular[0]:
        return {name: Estimate.undefined(method, Undefined.COLLINEAR, n=n) for name in names}
    with np.errstate(over="ignore"):
        units = width / lengths / norms
    if not (units < _LARGEST_UNIT).all():
        return {name: Estimate.undefined(method, Undefined.OVERFLOW, n=n) for name in names}

    response = y / width
    inverse = (right.T / singular) @ left.T
    scaled_beta = inverse @ response
    beta = (scaled_beta * units).tolist()
    residuals = response - (scaled / norms) @ scaled_beta
    freedom = 1.0 - np.sum(left * left, axis=1)
    if (freedom < _RELATIVE).any():
        return {
            name: _coefficient_only(coefficient, n, method, Undefined.FULL_LEVERAGE)
            for name, coefficient in zip(names, beta, strict=True)
        }
    weighted = residuals / freedom
    scaled_errors = np.linalg.norm(inverse * weighted, axis=1)
    # What the standard errors would be if the residuals were rounding and nothing else.
    rounding = max(
        _ROUNDING * max(1.0, float(np.max(np.abs(weighted)))),
        n * float(np.spacing(np.max(np.abs(response)))),
    )
    floor = rounding * np.linalg.norm(inverse, axis=1)
    critical = float(stats.t.isf(alpha / 2.0, n - k))
    results: dict[str, Estimate] = {}
    for name, coefficient, error, known in zip(
        names,
        beta,
        (scaled_errors * units).tolist(),
        (scaled_errors > floor).tolist(),
        strict=True,
    ):
        if not known:
            results[name] = _coefficient_only(coefficient, n, method, Undefined.PERFECT_FIT)
            continue
        results[name] = Estimate(
            estimate=coefficient,
            std_error=error,
            df=n - k,
            statistic=coefficient / error,
            p_value=2.0 * float(stats.t.sf(abs(coefficient / error), n - k)),
            conf_low=coefficient - critical * error,
            conf_high=coefficient + critical * error,
            n=n,
            method=method,
        )
    return results


def _unusable(x: FloatArray, y: FloatArray) -> Undefined | None:
    n, k = x.shape
    if n <= k:
        return Undefined.TOO_FEW
    if extent(y) == 0.0:
        return Undefined.NO_VARIANCE
    if not x.any(axis=0).all():
        return Undefined.COLLINEAR
    return None


def _coefficient_only(coefficient: float, n: int, method: str, reason: Undefined) -> Estimate:
    unknown = ("std_error", "statistic", "p_value", "interval")
    return Estimate(estimate=coefficient, n=n, method=explained(method, reason, *unknown))
