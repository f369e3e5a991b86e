"""The noncentral t distribution, and the confidence interval of its noncentrality."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from kit.stats.sample import significance

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(256)
# Nodes on [0, 1], squared: dense near 0, where the chi-squared tail is not smooth for few df.
_PLACES = ((_NODES + 1.0) / 2.0) ** 2
_SHARES = _WEIGHTS * (_NODES + 1.0) / 2.0
_TAIL = 1e-18
"""Probability left out on either side of the chi distribution: below double precision."""
_NORMAL_REACH = 9.0
"""Beyond nine standard deviations a normal tail is below double precision."""


class Limits(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def cdf(t: float, df: float, noncentrality: float) -> float:
    """P(T <= t) for T = (Z + noncentrality) / S, Z standard normal, S = sqrt(chi-squared(df) / df).

    For t > 0, T <= t means S >= (Z + noncentrality) / t, so the probability is the integral over z
    of the normal density times the upper tail of the chi-squared distribution (Johnson, Kotz &
    Balakrishnan 1995, Continuous Univariate Distributions 2, ch. 31). Gauss-Legendre quadrature
    over the part of z where that tail is neither 0 nor 1 gives about 1e-14 absolute, also where the
    series in common use lose digits or give NaN (large t).

    Args:
        t: where to evaluate, any finite number.
        df: degrees of freedom, at least 1, not necessarily whole.
        noncentrality: any finite number.
    """
    if t < 0.0:
        return 1.0 - cdf(-t, df, -noncentrality)
    below, above = _chi_range(df)
    start = min(max(t * below - noncentrality, -_NORMAL_REACH), _NORMAL_REACH)
    stop = min(max(t * above - noncentrality, -_NORMAL_REACH), _NORMAL_REACH)
    if start == stop:
        return float(special.ndtr(start))
    z = start + (stop - start) * _PLACES
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    scale = np.maximum((z + noncentrality) / t, 0.0)
    tail = special.chdtrc(df, df * scale * scale)
    return float(special.ndtr(start) + (stop - start) * np.sum(_SHARES * density * tail))


@functools.lru_cache(maxsize=1024)
def noncentrality_interval(t: float, df: float, confidence: float = 0.95) -> Limits:
    """Exact confidence interval of the noncentrality, given one observed t.

    Pivots the distribution function: the limits are the noncentralities at which the observed t is
    the upper and the lower alpha / 2 quantile (Steiger & Fouladi 1997; Cumming & Finch 2001).

    Args:
        t: observed statistic.
        df: degrees of freedom, at least 1.
        confidence: level of the interval.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    alpha = significance(confidence)
    if t < 0.0:
        low, high = noncentrality_interval(-t, df, confidence)
        return Limits(-high, -low)
    below, above = _chi_range(df)
    bracket = (t * below - _NORMAL_REACH, t * above + _NORMAL_REACH)

    def at(probability: float) -> float:
        return optimize.brentq(
            lambda value: cdf(t, df, value) - probability, *bracket, xtol=1e-13, maxiter=1000
        )

    return Limits(at(1.0 - alpha / 2.0), at(alpha / 2.0))


def _chi_range(df: float) -> tuple[float, float]:
    """Where S = sqrt(chi-squared(df) / df) lies, but for probability `_TAIL` on either side."""
    below = math.sqrt(2.0 * float(special.gammaincinv(df / 2.0, _TAIL)) / df)
    above = math.sqrt(2.0 * float(special.gammainccinv(df / 2.0, _TAIL)) / df)
    return below, above
