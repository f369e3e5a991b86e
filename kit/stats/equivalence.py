"""Tests that an effect is too small to matter: two one-sided tests (TOST).

An ordinary test that does not reject shows nothing. Here the null hypothesis is an effect at least
as large as a margin, and rejecting it, on both sides, shows that the effect is smaller.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kit.stats.difference import welch
from kit.stats.effects import cohens_d
from kit.stats.noncentral import cdf
from kit.stats.result import Estimate
from kit.stats.sample import significance


def welch_equivalence(
    treated: ArrayLike, control: ArrayLike, *, margin: float, confidence: float = 0.95
) -> Estimate:
    """Two one-sided Welch tests of a mean difference against a margin (Schuirmann 1987).

    p is the larger of P(T >= (d + margin) / SE) and P(T <= (d - margin) / SE) with Welch's standard
    error and degrees of freedom; the interval has the level 2 confidence - 1, and lies within
    -+margin exactly when p < 1 - confidence.

    Args:
        treated: outcomes of the treated group.
        control: outcomes of the control group.
        margin: smallest difference that matters, in units of the outcome.
        confidence: one minus the level of the test.

    Returns:
        The mean difference; undefined as in `kit.stats.difference.welch`.

    Raises:
        ValueError: as `welch`; or `margin` is not a positive number.
    """
    _check(margin)
    base = welch(treated, control, confidence=1.0 - 2.0 * significance(confidence))
    method = f"{base.method}, equivalence within {margin:.6g} (TOST)"
    if base.estimate is None or base.std_error is None or base.df is None:
        return replace(base, method=method)
    above = (base.estimate + margin) / base.std_error
    below = (base.estimate - margin) / base.std_error
    return replace(
        base,
        statistic=min(above, -below),
        p_value=max(float(stats.t.sf(above, base.df)), float(stats.t.cdf(below, base.df))),
        method=method,
    )


def standardised_equivalence(
    treated: ArrayLike, control: ArrayLike, *, margin: float, confidence: float = 0.95
) -> Estimate:
    """Two one-sided tests of a standardised difference against a margin in SDs.

    With delta the difference over the common SD, Student's t has the noncentrality delta / sqrt(h),
    h = 1 / n_t + 1 / n_c; p is the larger of P(T >= t | delta = -margin) and P(T <= t | delta =
    margin) (Wellek 2010, Testing Statistical Hypotheses of Equivalence, ch. 6.1, as two one-sided
    tests). Exact for normal outcomes of equal variance. The interval, of level 2 confidence - 1,
    lies within -+margin exactly when p < 1 - confidence.

    Args:
        treated: outcomes of the treated group.
        control: outcomes of the control group.
        margin: smallest effect that matters, in standard deviations.
        confidence: one minus the level of the test.

    Returns:
        Cohen's d, without the correction for bias, which would shrink the interval as well;
        undefined as in `kit.stats.effects.cohens_d`.

    Raises:
        ValueError: as `cohens_d`; or `margin` is not a positive number.
    """
    _check(margin)
    base = cohens_d(treated, control, confidence=1.0 - 2.0 * significance(confidence))
    method = f"{base.method}, equivalence within {margin:.6g} SD (TOST)"
    if base.estimate is None or base.statistic is None or base.df is None:
        return replace(base, method=method)
    root = math.sqrt(1.0 / np.size(treated) + 1.0 / np.size(control))
    larger = 1.0 - cdf(base.statistic, base.df, -margin / root)
    smaller = cdf(base.statistic, base.df, margin / root)
    p_value = min(max(larger, smaller, 0.0), 1.0)
    return replace(base, p_value=p_value, method=method)


def _check(margin: float) -> None:
    if not (margin > 0.0 and math.isfinite(margin)):
        raise ValueError(f"a margin is a positive number, not {margin}")
