"""Least squares over levels by the normal equations, with HC3 and CR2 errors; ordered ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import linalg, stats

from kit.report.recomputation.contrasts import FloatArray, Result, result, student


def least_squares(design: FloatArray, outcome: FloatArray, column: int = -1) -> Result:
    """One coefficient with its HC3 standard error and n - k degrees of freedom."""
    n, k = design.shape
    if n <= k or np.ptp(outcome) == 0.0 or np.linalg.matrix_rank(design) < k:
        return result(n=n)
    bread = np.linalg.pinv(design)
    coefficients = bread @ outcome
    residuals = outcome - design @ coefficients
    leverages = np.einsum("ij,ji->i", design, bread)
    coefficient = float(coefficients[column])
    if (leverages > 1.0 - 1e-10).any():
        return result(estimate=coefficient, n=n)
    error = float(np.linalg.norm(bread[column] * residuals / (1.0 - leverages)))
    if error <= 1e-12 * float(np.ptp(outcome)) * float(np.linalg.norm(bread[column])):
        return result(estimate=coefficient, n=n)
    return student(coefficient, error, n - k, n)


def clustered(
    design: FloatArray, outcome: FloatArray, clusters: Sequence[str], column: int = -1
) -> Result:
    """One coefficient with its CR2 standard error and Satterthwaite degrees of freedom."""
    n, k = design.shape
    names = list(dict.fromkeys(clusters))
    if len(names) < 2 or n <= k or np.ptp(outcome) == 0.0 or np.linalg.matrix_rank(design) < k:
        return result(n=n)
    bread = np.linalg.pinv(design)
    hat = design @ bread
    coefficients = bread @ outcome
    residuals = outcome - design @ coefficients
    rest = np.eye(n) - hat
    contributions, vectors = [], []
    for name in names:
        rows = np.array([cluster == name for cluster in clusters])
        adjusted = bread[column, rows] @ _inverse_root(rest[np.ix_(rows, rows)])
        contributions.append(float(adjusted @ residuals[rows]))
        vectors.append(adjusted @ rest[rows])
    gram = np.array(vectors) @ np.array(vectors).T
    coefficient = float(coefficients[column])
    expected = float(np.trace(gram)) / float(bread[column] @ bread[column])
    if abs(expected - 1.0) > 1e-6:
        return result(estimate=coefficient, n=n)
    error = math.sqrt(sum(value * value for value in contributions))
    df = float(np.trace(gram) ** 2 / np.sum(gram**2))
    return student(coefficient, error, df, n)


def _inverse_root(matrix: FloatArray) -> FloatArray:
    values, vectors = linalg.eigh(matrix)
    powers = np.array([value**-0.5 if value > 1e-10 else 0.0 for value in values])
    return np.asarray((vectors * powers) @ vectors.T)


def slope(levels: Sequence[float], outcome: Sequence[float]) -> Result:
    """Change per level, one intercept."""
    x, y = np.array(levels, dtype=float), np.array(outcome, dtype=float)
    if x.size < 3 or np.ptp(x) == 0.0:
        return result(n=x.size)
    return least_squares(np.column_stack((np.ones_like(x), x)), y)


def quadratic(levels: Sequence[float], outcome: Sequence[float]) -> Result:
    """The coefficient of the squared level."""
    x, y = np.array(levels, dtype=float), np.array(outcome, dtype=float)
    if x.size < 4 or np.unique(x).size < 3:
        return result(n=x.size)
    return least_squares(np.column_stack((np.ones_like(x), x, x * x)), y)


def adjusted_slope(
    levels: Sequence[float], outcome: Sequence[float], evicted: Sequence[bool]
) -> Result:
    """Change per level, given whether the resident named for eviction is aligned."""
    x, y = np.array(levels, dtype=float), np.array(outcome, dtype=float)
    design = np.column_stack((np.ones_like(x), x, np.array(evicted, dtype=float)))
    return least_squares(design, y, 1)


def ordered(levels: Sequence[float], outcome: Sequence[float]) -> Result:
    """Somers' D of the outcome given the level, with the Jonckheere-Terpstra test."""
    x, y = np.array(levels, dtype=float), np.array(outcome, dtype=float)
    n = x.size
    if n < 3 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return result(n=n)
    d = float(stats.somersd(x, y).statistic)
    score, deviation = rank_score(x, y)
    z = score / deviation
    return result(estimate=d, statistic=z, p_value=2.0 * float(stats.norm.sf(abs(z))), n=n)


def rank_score(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Kendall's S and its standard deviation when every pairing is equally likely, with ties."""
    n = x.size
    s = sum(float(np.sign(x[j] - x[i]) * np.sign(y[j] - y[i])) for i in range(n) for j in range(i))
    t, u = (np.unique(values, return_counts=True)[1].astype(float) for values in (x, y))
    v0, vt, vu = (float(np.sum(c * (c - 1) * (2 * c + 5))) for c in (np.array([float(n)]), t, u))
    v1 = float(np.sum(t * (t - 1)) * np.sum(u * (u - 1))) / (2.0 * n * (n - 1))
    v2 = float(np.sum(t * (t - 1) * (t - 2)) * np.sum(u * (u - 1) * (u - 2)))
    v2 /= 9.0 * n * (n - 1) * (n - 2)
    return s, math.sqrt((v0 - vt - vu) / 18.0 + v1 + v2)
