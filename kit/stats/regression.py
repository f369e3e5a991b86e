"""Least squares with standard errors that do not assume equal variances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from kit.stats.result import Estimate, Undefined
from kit.stats.sample import FloatArray, extent, sample, significance
from kit.stats.wald import coefficient_only, t_test

RELATIVE = 1e-10
"""Singular values, and distances of a leverage from 1, below this count as zero."""
_ROUNDING = 1e-12
"""Standard errors below this, in units of the outcome's range, are rounding."""
_LARGEST_UNIT = 1e290
"""Above this, a unit of a coefficient leaves no room for its interval in floating point."""


class Solution(NamedTuple):
    """Least squares with columns of length 1 and an outcome of range 1.

    There the rank of the design, and what is rounding, do not depend on units of measurement.
    """

    basis: FloatArray
    """n x k, orthonormal columns that span the design."""
    factor: FloatArray
    """k x k; coefficients are `factor` times the products of `basis` with the outcome."""
    residuals: FloatArray
    """n residuals, in units of the outcome's range."""
    coefficients: FloatArray
    """k coefficients, in the caller's units."""
    units: FloatArray
    """k numbers that turn an error of a coefficient here into the caller's units."""
    noise: float
    """What rounding of the outcome itself may leave in a residual."""

    def floor(self, weighted: FloatArray) -> FloatArray:
        """The k standard errors if the weighted residuals were rounding and nothing else."""
        rounding = max(_ROUNDING * max(1.0, float(np.max(np.abs(weighted)))), self.noise)
        return np.asarray(rounding * np.linalg.norm(self.factor, axis=1), dtype=np.float64)


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
    significance(confidence)
    x, y = matched(design, outcome, names)
    n, k = x.shape
    method = f"least squares, HC3 {confidence:.6g} interval"
    solution = solve(x, y)
    if isinstance(solution, Undefined):
        return {name: Estimate.undefined(method, solution, n=n) for name in names}

    coefficients = solution.coefficients.tolist()
    freedom = 1.0 - np.sum(solution.basis**2, axis=1)
    if (freedom < RELATIVE).any():
        return {
            name: coefficient_only(coefficient, n, method, Undefined.FULL_LEVERAGE)
            for name, coefficient in zip(names, coefficients, strict=True)
        }
    weighted = solution.residuals / freedom
    errors = np.linalg.norm((solution.factor @ solution.basis.T) * weighted, axis=1)
    known = (errors > solution.floor(weighted)).tolist()
    results: dict[str, Estimate] = {}
    for name, coefficient, error, is_known in zip(
        names, coefficients, (errors * solution.units).tolist(), known, strict=True
    ):
        if is_known:
            results[name] = t_test(
                coefficient, error, n - k, n=n, method=method, confidence=confidence
            )
        else:
            results[name] = coefficient_only(coefficient, n, method, Undefined.PERFECT_FIT)
    return results


def matched(
    design: ArrayLike, outcome: ArrayLike, names: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """The n x k design and the n outcomes as arrays.

    Raises:
        ValueError: shapes do not fit, names repeat, or values are not finite.
    """
    y = sample(outcome, "outcome")
    x = np.asarray(design, dtype=np.float64)
    if x.ndim != 2 or x.shape != (y.size, len(names)) or len(set(names)) != len(names):
        raise ValueError(
            f"design of shape {x.shape} does not fit {y.size} outcomes and columns {list(names)}"
        )
    sample(x.ravel(), "design")
    return x, y


def solve(design: FloatArray, outcome: FloatArray) -> Solution | Undefined:
    """Least squares of the n outcomes on the n x k design, or why there is none.

    None if there are no more units than columns, the columns are collinear, the outcome is constant
    or a coefficient has units beyond floating-point range.
    """
    n, k = design.shape
    if n <= k:
        return Undefined.TOO_FEW
    if extent(outcome) == 0.0:
        return Undefined.NO_VARIANCE
    if not design.any(axis=0).all():
        return Undefined.COLLINEAR
    width = extent(outcome)
    lengths = np.max(np.abs(design), axis=0)
    scaled = design / lengths
    norms = np.linalg.norm(scaled, axis=0)
    left, singular, right = linalg.svd(scaled / norms, full_matrices=False)
    if singular[-1] < RELATIVE * singular[0]:
        return Undefined.COLLINEAR
    with np.errstate(over="ignore"):
        units = width / lengths / norms
    if not (units < _LARGEST_UNIT).all():
        return Undefined.OVERFLOW
    response = outcome / width
    factor = right.T / singular
    coefficients = factor @ (left.T @ response)
    return Solution(
        basis=left,
        factor=factor,
        residuals=response - (scaled / norms) @ coefficients,
        coefficients=coefficients * units,
        units=units,
        noise=n * float(np.spacing(np.max(np.abs(response)))),
    )
