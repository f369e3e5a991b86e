"""How far a replication may lie from a published result by chance, and how small is too small.

Both need only what a paper prints: an effect and its sample sizes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special

from kit.stats.effects import g_from_summary
from kit.stats.noncentral import noncentrality_interval
from kit.stats.power import minimum_detectable_effect
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import significance

_SMALLEST_N = 4
"""Fisher's z has the variance 1 / (n - 3)."""


class Sizes(NamedTuple):
    """Units in two independent groups."""

    treated: int
    control: int


def g_prediction(
    published: float, published_sizes: Sizes, sizes: Sizes, *, confidence: float = 0.95
) -> Estimate:
    """Where a replication's Hedges' g falls if both studies estimate one effect.

    g -+ z sqrt(v + v'), the interval of Patil, Peng & Leek (2016) on the scale of g, with v and v'
    the variances of the published and of the new g: the unbiased estimator of
    `kit.stats.effects.hedges_g`. Both are taken at the published g, so that the interval is known
    before the replication is run.

    Args:
        published: g as printed.
        published_sizes: units of the published groups.
        sizes: units of the replication's groups.
        confidence: level of the interval.

    Returns:
        The published g with the prediction interval as its interval; `std_error` is that of the
        difference of both studies. Undefined for groups that have two degrees of freedom or fewer.

    Raises:
        ValueError: a group has fewer than two units, `published` is not finite, or `confidence` is
            not strictly between 0 and 1.
    """
    method = f"Hedges' g, {confidence:.6g} prediction interval (Patil 2016)"
    errors = [
        g_from_summary(published, *one, confidence=confidence).std_error
        for one in (published_sizes, sizes)
    ]
    n = sum(sizes)
    if errors[0] is None or errors[1] is None:
        return Estimate.undefined(method, Undefined.TOO_FEW_DF, n=n)
    error = math.hypot(errors[0], errors[1])
    half = _normal(confidence) * error
    return Estimate(
        estimate=published,
        std_error=error,
        conf_low=published - half,
        conf_high=published + half,
        n=n,
        method=method,
    )


def r_prediction(
    published: float, published_n: int, n: int, *, confidence: float = 0.95
) -> Estimate:
    """Where a replication's Pearson correlation falls if both studies estimate one correlation.

    tanh(atanh r -+ z sqrt(1 / (n - 3) + 1 / (n' - 3))) (Patil, Peng & Leek 2016).

    Args:
        published: r as printed.
        published_n: units of the published study.
        n: units of the replication.
        confidence: level of the interval.

    Returns:
        The published r with the prediction interval as its interval. Undefined with fewer than four
        units in a study, or at |r| = 1, where Fisher's z is infinite.

    Raises:
        ValueError: `published` lies outside [-1, 1], or `confidence` is not strictly between 0 and
            1.
    """
    method = f"Pearson r, {confidence:.6g} prediction interval (Patil 2016)"
    reach = _normal(confidence)
    if not -1.0 <= published <= 1.0:
        raise ValueError(f"a correlation lies in [-1, 1], not {published}")
    if min(published_n, n) < _SMALLEST_N:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    if abs(published) == 1.0:
        return Estimate.undefined(method, Undefined.BOUNDARY, n=n)
    half = reach * math.sqrt(1.0 / (published_n - 3) + 1.0 / (n - 3))
    centre = math.atanh(published)
    return Estimate(
        estimate=published,
        conf_low=math.tanh(centre - half),
        conf_high=math.tanh(centre + half),
        n=n,
        method=method,
    )


def smallest_telescoped_effect(published_sizes: Sizes, *, power: float = 1.0 / 3.0) -> float:
    """d33: the effect that the published study would have found with a power of 33 %.

    A study whose odds were two to one against finding an effect cannot have been evidence for it
    (Simonsohn 2015). The power is that of the two-sided t test at 5 %, rejections on the wrong side
    included.

    Args:
        published_sizes: units of the published groups.
        power: a third, for d33.

    Returns:
        The effect in standard deviations, above 0.

    Raises:
        ValueError: a group has fewer than two units, or `power` does not lie between 0.05 and 1.
    """
    return minimum_detectable_effect(*published_sizes, wanted=power)


def effect_interval(t: float, sizes: Sizes, *, confidence: float = 0.9) -> Estimate:
    """The standardised difference behind a Student's t, with its exact interval.

    d = t sqrt(1 / n_t + 1 / n_c); the limits are those of the noncentrality of t in the same units
    (Steiger & Fouladi 1997). At the level 0.9 the upper limit lies below an effect exactly when the
    one-sided 5 % test finds d smaller than that effect, which is the test of Simonsohn (2015).

    Args:
        t: observed statistic of treated minus control.
        sizes: units of the two groups.
        confidence: level of the interval.

    Raises:
        ValueError: a group has fewer than two units, `t` is not finite, or `confidence` is not
            strictly between 0 and 1.
    """
    if min(sizes) < 2 or not math.isfinite(t):
        raise ValueError(f"need a finite t and two units a group: {t}, {tuple(sizes)}")
    root = math.sqrt(1.0 / sizes.treated + 1.0 / sizes.control)
    df = sum(sizes) - 2.0
    low, high = noncentrality_interval(t, df, confidence)
    return Estimate(
        estimate=t * root,
        df=df,
        statistic=t,
        conf_low=low * root,
        conf_high=high * root,
        n=sum(sizes),
        method=f"Cohen's d from t, noncentral t {confidence:.6g} interval",
    )


def _normal(confidence: float) -> float:
    """How many standard errors an interval reaches to either side."""
    return -float(special.ndtri(significance(confidence) / 2.0))
