"""Pearson's product moment, its t test and Fisher's interval: what correlations are built from."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, extent, significance
from kit.stats.student import two_sided_p

SMALLEST_N = 4
"""Fisher's interval needs more than three units; below, a correlation says nothing."""


def unusable(x: FloatArray, y: FloatArray) -> Undefined | None:
    """Why two samples of equal length have no correlation, if they have none."""
    if x.size < SMALLEST_N:
        return Undefined.TOO_FEW
    if extent(x) == 0.0 or extent(y) == 0.0:
        return Undefined.NO_VARIANCE
    return None


def interval_method(name: str, interval: str, confidence: float) -> str:
    """How a correlation with an interval describes itself.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    significance(confidence)
    return f"{name}, {interval} {confidence:.6g} interval"


def standard(values: FloatArray) -> FloatArray:
    """Centred values of unit length, of a sample that is not constant."""
    scaled = (values - values[0]) / extent(values)
    scaled -= scaled.mean()
    return np.asarray(scaled / np.linalg.norm(scaled), dtype=np.float64)


def product_moment(x: FloatArray, y: FloatArray) -> float:
    """Pearson's r of two samples that are not constant."""
    return min(max(float(standard(x) @ standard(y)), -1.0), 1.0)


def fisher_limits(r: float, std_error: float, confidence: float) -> Limits:
    """The interval tanh(atanh r -+ z SE) of an r inside (-1, 1) (Fisher 1921)."""
    margin = float(special.ndtri(1.0 - significance(confidence) / 2.0)) * std_error
    return Limits(math.tanh(math.atanh(r) - margin), math.tanh(math.atanh(r) + margin))


def with_test(r: float, n: int, inflation: float, confidence: float, method: str) -> Estimate:
    """The t test of r, and Fisher's interval with standard error sqrt(inflation / (n - 3))."""
    if abs(r) >= 1.0:
        unknown = ("std_error", "statistic", "p_value", "interval")
        return Estimate(estimate=r, n=n, method=explained(method, Undefined.BOUNDARY, *unknown))
    std_error = math.sqrt((1.0 - r * r) / (n - 2))
    limits = fisher_limits(r, math.sqrt(inflation / (n - 3)), confidence)
    return Estimate(
        estimate=r,
        std_error=std_error,
        df=n - 2,
        statistic=r / std_error,
        p_value=two_sided_p(r / std_error, n - 2),
        conf_low=limits.low,
        conf_high=limits.high,
        n=n,
        method=method,
    )
