"""Standardised differences between two groups, with exact noncentral-t intervals.

The sign is treated minus control throughout. Every effect here is t sqrt(h), where h is the squared
standard error of the difference in units of the standardiser, so an interval of the noncentrality
of t, times sqrt(h), is an interval of the effect (Steiger & Fouladi 1997; Cumming & Finch 2001).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from numpy.typing import ArrayLike
from scipy import special

from kit.stats.noncentral import noncentrality_interval
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import Groups, moments, sample, significance
from kit.stats.student import two_sided_p


def hedges_correction(df: float) -> float:
    """J, the factor that removes the bias of Cohen's d.

    J = Gamma(df / 2) / (sqrt(df / 2) Gamma((df - 1) / 2)), exact (Hedges 1981), not the usual
    1 - 3 / (4 df - 1).

    Raises:
        ValueError: `df` is not above 1, where d has no expectation and J does not exist.
    """
    if not df > 1.0:
        raise ValueError(f"J needs more than one degree of freedom, not {df}")
    log_ratio = float(special.gammaln(df / 2.0) - special.gammaln((df - 1.0) / 2.0))
    return math.exp(log_ratio - 0.5 * math.log(df / 2.0))


def hedges_g(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Hedges' g: mean difference over the pooled SD, times J.

    g = J (m_t - m_c) / s_p (Hedges 1981). The interval is J times the noncentral-t interval of d.
    `std_error` is the root of the unbiased variance estimator h + g^2 (1 - (df - 2) / (df J^2))
    with h = 1 / n_t + 1 / n_c (Hedges 1983; Viechtbauer 2007), undefined at df = 2. `statistic`,
    `df`, `p_value` are Student's t test, so the interval excludes 0 exactly when p < 1 -
    confidence.

    Args:
        treated: outcomes of the treated group, one number per unit.
        control: outcomes of the control group.
        confidence: level of the interval.

    Returns:
        The effect in standard deviations; undefined with fewer than two values in a group or no
        variance in both.

    Raises:
        ValueError: see `kit.stats.sample.sample`; or `confidence` is not strictly between 0 and 1.
    """
    return _pooled(treated, control, confidence, corrected=True)


def cohens_d(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Cohen's d: mean difference over the pooled SD, without the bias correction.

    d = (m_t - m_c) / s_p (Cohen 1988). Interval, test and undefined cases as
    `hedges_g`; `std_error` is that of g over J, as d is g over J.

    Raises:
        ValueError: as `hedges_g`.
    """
    return _pooled(treated, control, confidence, corrected=False)


def hedges_g_star(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Hedges' g*s of Delacre et al. (2021): unequal variances, the companion of Welch's test.

    g*s = J(df*) (m_t - m_c) / sqrt((s_t^2 + s_c^2) / 2), with df* = (n_t - 1)(n_c - 1)(s_t^2 +
    s_c^2)^2 / ((n_c - 1) s_t^4 + (n_t - 1) s_c^4) in J and in the noncentral-t interval, whose t is
    Welch's; h = 2 (s_t^2 / n_t + s_c^2 / n_c) / (s_t^2 + s_c^2). `std_error` is that of `hedges_g`
    with these h and df*. `statistic`, `df` and `p_value` are Welch's test, whose Satterthwaite df
    equals df* for groups of equal size. Arguments and undefined cases as `hedges_g`, and df* must
    exceed 1.

    Raises:
        ValueError: as `hedges_g`.
    """
    return _unequal(treated, control, confidence, "Hedges' g*s, average variance (Delacre 2021)")


def hedges_g_av(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Hedges' g_av: mean difference over the mean of the two SDs, times J.

    g_av = J(df*) (m_t - m_c) / ((s_t + s_c) / 2), the standardiser of Lakens (2013, eq. 10). J, the
    interval and `std_error` take df* of `hedges_g_star`, because two SDs averaged have about the
    degrees of freedom of their average variance; h = 4 (s_t^2 / n_t + s_c^2 / n_c) / (s_t +
    s_c)^2. `statistic`, `df` and `p_value` are Welch's test. Arguments and undefined cases as
    `hedges_g_star`.

    Raises:
        ValueError: as `hedges_g`.
    """
    return _unequal(
        treated, control, confidence, "Hedges' g_av, average SD (Lakens 2013)", sds=True
    )


def glass_delta(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Glass's delta: mean difference over the SD of the control group, not bias-corrected.

    delta = (m_t - m_c) / s_c (Glass 1976). The interval is noncentral t with n_c - 1 degrees of
    freedom and h = 1 / n_c + s_t^2 / (n_t s_c^2), which lets the variances differ (Algina, Keselman
    & Penfield 2006; Delacre et al. 2021). `std_error` is that of `cohens_d` with these, undefined
    for n_c < 4. `statistic`, `df` and `p_value` are Welch's test. Undefined with fewer than two
    values in a group or no variance among the controls.

    Raises:
        ValueError: as `hedges_g`.
    """
    method = "Glass's delta, control SD"
    significance(confidence)
    groups = _groups(treated, control, method)
    if isinstance(groups, Estimate):
        return groups
    if groups.sd_control == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=groups.n)
    ratio = groups.sd_treated / groups.sd_control
    scale = _Scale(
        unit=groups.sd_control,
        h=1.0 / groups.n_control + ratio * ratio / groups.n_treated,
        df=groups.n_control - 1.0,
        test_df=groups.satterthwaite_df,
    )
    return _standardised(groups.difference, groups.n, scale, confidence, method, corrected=False)


def g_from_summary(
    g: float, n_treated: int, n_control: int, *, confidence: float = 0.95
) -> Estimate:
    """Test and interval of a published Hedges' g, as `hedges_g` gives them.

    Turns g back into t = g / (J sqrt(1 / n_t + 1 / n_c)), so that a printed effect can be held
    against a printed p value.

    Raises:
        ValueError: a group has fewer than two units, `g` is not finite or `confidence` is not
            between 0 and 1.
    """
    if min(n_treated, n_control) < 2 or not math.isfinite(g):
        raise ValueError(f"need a finite g and two units a group: {g}, {n_treated}, {n_control}")
    significance(confidence)
    df = n_treated + n_control - 2.0
    scale = _Scale(unit=1.0, h=1.0 / n_treated + 1.0 / n_control, df=df, test_df=df)
    d = g / hedges_correction(df)
    method = "Hedges' g from summary, pooled SD"
    return _standardised(d, n_treated + n_control, scale, confidence, method, corrected=True)


class _Scale(NamedTuple):
    """What a mean difference is measured in."""

    unit: float
    """Standardiser, in units of the outcome."""
    h: float
    """Squared standard error of the difference, in squared standardisers."""
    df: float
    """Degrees of freedom of the standardiser: of J and of the interval."""
    test_df: float
    """Degrees of freedom of the t test reported beside the effect."""


def _groups(treated: ArrayLike, control: ArrayLike, method: str) -> Groups | Estimate:
    """The moments of both groups, or the undefined estimate of groups too small to have them."""
    left, right = sample(treated, "treated"), sample(control, "control")
    if min(left.size, right.size) < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=left.size + right.size)
    return moments(left, right)


def _pooled(
    treated: ArrayLike, control: ArrayLike, confidence: float, *, corrected: bool
) -> Estimate:
    method = "Hedges' g, pooled SD" if corrected else "Cohen's d, pooled SD"
    significance(confidence)
    groups = _groups(treated, control, method)
    if isinstance(groups, Estimate):
        return groups
    df = groups.n - 2.0
    pooled = math.hypot(
        groups.sd_treated * math.sqrt((groups.n_treated - 1) / df),
        groups.sd_control * math.sqrt((groups.n_control - 1) / df),
    )
    if pooled == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=groups.n)
    h = 1.0 / groups.n_treated + 1.0 / groups.n_control
    scale = _Scale(unit=pooled, h=h, df=df, test_df=df)
    return _standardised(
        groups.difference, groups.n, scale, confidence, method, corrected=corrected
    )


def _unequal(
    treated: ArrayLike, control: ArrayLike, confidence: float, method: str, *, sds: bool = False
) -> Estimate:
    """An effect over an average of both groups: of their variances, or of their SDs."""
    significance(confidence)
    groups = _groups(treated, control, method)
    if isinstance(groups, Estimate):
        return groups
    both = math.hypot(groups.sd_treated, groups.sd_control)
    if both == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=groups.n)
    treated_share = (groups.sd_treated / both) ** 2
    control_share = (groups.sd_control / both) ** 2
    unit = (groups.sd_treated + groups.sd_control) / 2.0 if sds else both / math.sqrt(2.0)
    scale = _Scale(
        unit=unit,
        h=(groups.std_error / unit) ** 2,
        df=(treated_share + control_share) ** 2
        / (treated_share**2 / (groups.n_treated - 1) + control_share**2 / (groups.n_control - 1)),
        test_df=groups.satterthwaite_df,
    )
    return _standardised(groups.difference, groups.n, scale, confidence, method, corrected=True)


def _standardised(
    difference: float,
    n: int,
    scale: _Scale,
    confidence: float,
    method: str,
    *,
    corrected: bool,
) -> Estimate:
    """The effect with interval, standard error and t test, from a difference and its scale."""
    method = f"{method}, noncentral t {confidence:.6g} interval"
    if scale.df <= 1.0 and corrected:
        return Estimate.undefined(method, Undefined.TOO_FEW_DF, n=n)
    factor = hedges_correction(scale.df) if corrected else 1.0
    root = math.sqrt(scale.h)
    t = difference / scale.unit / root
    limits = noncentrality_interval(t, scale.df, confidence) if math.isfinite(t) else (t, t)
    estimate, low, high = (factor * value * root for value in (t, *limits))
    if not (math.isfinite(low) and math.isfinite(high)):
        return Estimate.undefined(method, Undefined.OVERFLOW, n=n)

    std_error: float | None = None
    if scale.df > 2.0:
        bias = hedges_correction(scale.df)
        spread = max(1.0 - (scale.df - 2.0) / (scale.df * bias * bias), 0.0)
        g = estimate * bias / factor
        std_error = math.hypot(root, g * math.sqrt(spread)) * factor / bias
    else:
        method = explained(method, Undefined.TOO_FEW_DF, "std_error")
    return Estimate(
        estimate=estimate,
        std_error=std_error,
        df=scale.test_df,
        statistic=t,
        p_value=two_sided_p(t, scale.test_df),
        conf_low=low,
        conf_high=high,
        n=n,
        method=method,
    )
