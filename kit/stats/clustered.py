"""Least squares when the units of a cluster are not independent of each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from kit.stats.regression import RELATIVE, Solution, matched, solve
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import FloatArray, IndexArray, partition, significance
from kit.stats.wald import coefficient_only, t_test

_UNBIASED = 1e-6
"""Relative distance from its target up to which the expected variance counts as unbiased."""


def clustered_least_squares(
    design: ArrayLike,
    outcome: ArrayLike,
    clusters: ArrayLike,
    names: Sequence[str],
    *,
    confidence: float = 0.95,
) -> dict[str, Estimate]:
    """Ordinary least squares coefficients with CR2 cluster-robust standard errors.

    The covariance is (X'X)^-1 (sum over clusters of X_g' A_g e_g e_g' A_g X_g) (X'X)^-1 with A_g =
    (I - H_gg)^(-1/2), which is unbiased if the errors are independent and of equal variance (Bell &
    McCaffrey 2002). The inverse square root is generalised, so that the columns may hold one
    indicator per cluster (Pustejovsky & Tipton 2018, theorem 1). Tests use t with the degrees of
    freedom of Satterthwaite under the same working model (Bell & McCaffrey 2002; equation 12 of
    Pustejovsky & Tipton 2018): they differ between coefficients and may be far fewer than clusters.

    Args:
        design: n x k matrix, one row per unit, including the column of ones if an intercept is
            wanted.
        outcome: n outcomes.
        clusters: n labels; units of one label are one cluster, and only clusters are independent.
        names: k names of the columns, all different.
        confidence: level of the intervals.

    Returns:
        One result per column, in order; `n` counts units, `method` the clusters. All are undefined
        with a single cluster, and where `kit.stats.regression.least_squares` leaves them undefined.
        A coefficient that one cluster alone determines, such as its own indicator's, or without
        residual variance between clusters, is known and its standard error is not.

    Raises:
        ValueError: shapes do not fit, names repeat, values are not finite, a label is missing, or
            `confidence` is not between 0 and 1.
    """
    significance(confidence)
    x, y = matched(design, outcome, names)
    members = partition(clusters, y.size, "clusters")
    method = f"least squares, CR2 {confidence:.6g} interval ({len(members)} clusters)"
    solution = Undefined.TOO_FEW if len(members) < 2 else solve(x, y)
    if isinstance(solution, Undefined):
        return {name: Estimate.undefined(method, solution, n=y.size) for name in names}

    floor = _floor(solution, members)
    scores, spread, shared = _adjusted(solution, members)
    results: dict[str, Estimate] = {}
    for index, name in enumerate(names):
        row = solution.factor[index]
        coefficient = float(solution.coefficients[index])
        # Inner products of the vectors that, times the outcome, give each cluster's contribution.
        transfer = shared @ row
        inner = np.diag(spread @ row @ row) - transfer @ transfer.T
        error = float(np.linalg.norm(scores @ row))
        if abs(np.trace(inner) / (row @ row) - 1.0) > _UNBIASED:
            results[name] = coefficient_only(
                coefficient, y.size, method, Undefined.CLUSTER_LEVERAGE
            )
        elif error <= floor[index]:
            results[name] = coefficient_only(coefficient, y.size, method, Undefined.PERFECT_FIT)
        else:
            results[name] = t_test(
                coefficient,
                error * float(solution.units[index]),
                float(np.trace(inner) ** 2 / np.sum(inner**2)),
                n=y.size,
                method=method,
                confidence=confidence,
            )
    return results


def _adjusted(
    solution: Solution, members: list[IndexArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Per cluster, with Q_g its rows of the basis: Q'Ae (k), Q'AAQ and Q'AQ (k x k).

    H_gg is Q_g Q_g', so one thin singular value decomposition of Q_g gives the inverse square root
    on all that Q_g reaches; a singular value of 1 is a direction the cluster alone determines.
    """
    k = solution.basis.shape[1]
    scores = np.empty((len(members), k))
    spread, shared = np.empty((len(members), k, k)), np.empty((len(members), k, k))
    for g, rows in enumerate(members):
        left, singular, right = linalg.svd(solution.basis[rows], full_matrices=False)
        freedom = 1.0 - singular**2
        power = np.where(freedom > RELATIVE, np.maximum(freedom, RELATIVE) ** -0.5, 0.0)
        scores[g] = (singular * power * (left.T @ solution.residuals[rows])) @ right
        spread[g] = (right.T * (singular * power) ** 2) @ right
        shared[g] = (right.T * (singular**2 * power)) @ right
    return scores, spread, shared


def _floor(solution: Solution, members: list[IndexArray]) -> FloatArray:
    """Standard errors below these are rounding: that of a residual, summed over a cluster."""
    largest = max(rows.size for rows in members)
    return math.sqrt(largest) * solution.floor(solution.residuals)
