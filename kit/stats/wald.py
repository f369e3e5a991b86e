"""A coefficient and its standard error, as a t test and an interval."""

from __future__ import annotations

import math

from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import significance
from kit.stats.student import critical, two_sided_p


def t_test(
    coefficient: float, std_error: float, df: float, *, n: int, method: str, confidence: float
) -> Estimate:
    """Test of coefficient = 0 by t = coefficient / standard error, and the interval it inverts to.

    Args:
        coefficient: the estimate.
        std_error: its standard error, above 0.
        df: degrees of freedom, not necessarily whole.
        n: units behind the estimate.
        method: what was computed and how.
        confidence: level of the interval.

    Returns:
        All fields known; or none, if one lies beyond floating-point range.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    alpha = significance(confidence)
    statistic = coefficient / std_error
    margin = critical(alpha, df) * std_error
    if not all(map(math.isfinite, (statistic, coefficient - margin, coefficient + margin))):
        return Estimate.undefined(method, Undefined.OVERFLOW, n=n)
    return Estimate(
        estimate=coefficient,
        std_error=std_error,
        df=df,
        statistic=statistic,
        p_value=two_sided_p(statistic, df),
        conf_low=coefficient - margin,
        conf_high=coefficient + margin,
        n=n,
        method=method,
    )


def coefficient_only(coefficient: float, n: int, method: str, reason: Undefined) -> Estimate:
    """A coefficient that is known while its standard error, and so all else, is not."""
    unknown = ("std_error", "statistic", "p_value", "interval")
    return Estimate(estimate=coefficient, n=n, method=explained(method, reason, *unknown))
