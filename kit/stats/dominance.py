"""How often a treated unit exceeds a control: probability of superiority and Cliff's delta."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import sample, significance
from kit.stats.student import two_sided_p


def probability_of_superiority(
    treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95
) -> Estimate:
    """A = P(T > C) + P(T = C) / 2, the Mann-Whitney U over n_t n_c (Vargha & Delaney 2000).

    `std_error` is that of DeLong, DeLong & Clarke-Pearson (1988); `statistic`, `df` and `p_value`
    are the test of A = 1/2 by Brunner & Munzel (2000), which lets the distributions differ in
    shape. The interval is method 5 of Newcombe (2006, Statistics in Medicine 25, 559-573): the A
    for which |A - estimate| = z sqrt(V(A)), with V(A) = A (1 - A) [1 + N ((1 - A) / (2 - A) + A /
    (1 + A))] / (n_t n_c) and N = (n_t + n_c) / 2 - 1. It stays within [0, 1] and is informative
    when the groups do not overlap, where standard error and test do not exist; so the interval and
    the p value are not two views of one test.

    Args:
        treated: outcomes of the treated group.
        control: outcomes of the control group.
        confidence: level of the interval.

    Returns:
        A in [0, 1]; undefined with fewer than two values in a group.

    Raises:
        ValueError: see `kit.stats.sample.sample`; or `confidence` is not strictly between 0 and 1.
    """
    alpha = significance(confidence)
    left, right = sample(treated, "treated"), sample(control, "control")
    n = left.size + right.size
    method = f"probability of superiority, Brunner-Munzel, Newcombe {confidence:.6g} interval"
    if min(left.size, right.size) < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    order = np.sign(np.subtract.outer(left, right)) / 2.0 + 0.5
    superiority = float(order.mean())
    low, high = _newcombe(superiority, left.size, right.size, alpha)

    from_treated = float(np.var(order.mean(axis=1), ddof=1)) / left.size
    from_control = float(np.var(order.mean(axis=0), ddof=1)) / right.size
    variance = from_treated + from_control
    estimate = Estimate(estimate=superiority, conf_low=low, conf_high=high, n=n, method=method)
    # Placements are multiples of 1 / 2n, so a true variance cannot be this small; rounding can.
    if variance < 1e-20:
        unknown = ("std_error", "statistic", "p_value")
        tied = low < superiority < high
        reason = Undefined.NO_VARIANCE if tied else Undefined.BOUNDARY
        return replace(estimate, method=explained(method, reason, *unknown))
    std_error = math.sqrt(variance)
    statistic = (superiority - 0.5) / std_error
    df = variance**2 / (from_treated**2 / (left.size - 1) + from_control**2 / (right.size - 1))
    return replace(
        estimate,
        std_error=std_error,
        df=df,
        statistic=statistic,
        p_value=two_sided_p(statistic, df),
    )


def cliffs_delta(treated: ArrayLike, control: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Cliff's delta, P(T > C) - P(T < C) = 2 A - 1 (Cliff 1993).

    Everything follows from `probability_of_superiority`: the same test, twice the standard error,
    the interval mapped onto [-1, 1].

    Raises:
        ValueError: as `probability_of_superiority`.
    """
    base = probability_of_superiority(treated, control, confidence=confidence)
    method = base.method.replace("probability of superiority", "Cliff's delta", 1)
    if base.estimate is None or base.conf_low is None or base.conf_high is None:
        return replace(base, method=method)
    return replace(
        base,
        estimate=2.0 * base.estimate - 1.0,
        std_error=None if base.std_error is None else 2.0 * base.std_error,
        conf_low=2.0 * base.conf_low - 1.0,
        conf_high=2.0 * base.conf_high - 1.0,
        method=method,
    )


def _newcombe(superiority: float, n_treated: int, n_control: int, alpha: float) -> Limits:
    """Newcombe's method 5; the variance is symmetric about 1/2, and so are the limits."""
    z = float(special.ndtri(1.0 - alpha / 2.0))
    extra = (n_treated + n_control) / 2.0 - 1.0

    def lower(observed: float) -> float:
        if observed == 0.0:
            return 0.0

        def gap(value: float) -> float:
            shape = 1.0 + extra * ((1.0 - value) / (2.0 - value) + value / (1.0 + value))
            variance = value * (1.0 - value) * shape / (n_treated * n_control)
            return observed - value - z * math.sqrt(variance)

        # At an observed 1 the gap also vanishes at 1, which is not the limit sought.
        return optimize.brentq(gap, 0.0, min(observed, 1.0 - 1e-13), xtol=1e-15)

    return Limits(lower(superiority), 1.0 - lower(1.0 - superiority))
