"""What a planned number of units can and cannot show.

Two groups are compared by Student's t test of normal outcomes with equal variances, where the
power is exact. For anything else, `rejection_rate` counts rejections over simulated data.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from kit.stats.noncentral import cdf
from kit.stats.result import Estimate
from kit.stats.sample import FloatArray, significance

_LARGEST_EFFECT = 100.0
"""Standard deviations; no effect worth planning for is larger."""
_LARGEST_GROUP = 10_000_000


def power(effect: float, n_treated: int, n_control: int, *, alpha: float = 0.05) -> float:
    """Probability that the two-sided t test rejects (Cohen 1988, ch. 2).

    P(|T| > t_crit) for T noncentral t with n_t + n_c - 2 degrees of freedom and noncentrality
    effect / sqrt(1 / n_t + 1 / n_c).

    Args:
        effect: true difference in standard deviations.
        n_treated: units in the treated group.
        n_control: units in the control group.
        alpha: level of the test.

    Raises:
        ValueError: a group has fewer than two units, or `alpha` is not between 0 and 1.
    """
    significance(1.0 - alpha)
    if min(n_treated, n_control) < 2:
        raise ValueError(f"a group needs two units: {n_treated}, {n_control}")
    df = n_treated + n_control - 2.0
    critical = float(stats.t.isf(alpha / 2.0, df))
    noncentrality = effect / math.sqrt(1.0 / n_treated + 1.0 / n_control)
    return cdf(-critical, df, noncentrality) + cdf(-critical, df, -noncentrality)


def minimum_detectable_effect(
    n_treated: int, n_control: int, *, wanted: float = 0.8, alpha: float = 0.05
) -> float:
    """The smallest effect, in standard deviations, that is found with the power `wanted`.

    Raises:
        ValueError: as `power`; or `wanted` does not lie between `alpha` and 1.
    """
    _check(wanted, alpha)
    return optimize.brentq(
        lambda effect: power(effect, n_treated, n_control, alpha=alpha) - wanted,
        0.0,
        _LARGEST_EFFECT,
        xtol=1e-12,
    )


def units_needed(effect: float, *, wanted: float = 0.8, alpha: float = 0.05) -> int | None:
    """Units a group, of two equal groups, for the power `wanted`; None above ten million.

    Raises:
        ValueError: as `minimum_detectable_effect`.
    """
    _check(wanted, alpha)

    def enough(n: int) -> bool:
        return power(effect, n, n, alpha=alpha) >= wanted

    above = 2
    while not enough(above):
        above *= 2
        if above > _LARGEST_GROUP:
            return None
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        above, below = (middle, below) if enough(middle) else (above, middle)
    return above


def rejection_rate(
    simulate: Callable[[np.random.Generator, int], FloatArray],
    *,
    rng: np.random.Generator,
    alpha: float = 0.05,
    repetitions: int = 2_000,
) -> Estimate:
    """How often simulated data reject, with its exact binomial interval (Clopper & Pearson 1934).

    Args:
        simulate: gives the p values of so many simulated data sets.
        rng: passed to `simulate`.
        alpha: level of the test.
        repetitions: number of data sets.

    Returns:
        The share of p values below `alpha`; `std_error` is that of the simulation.

    Raises:
        ValueError: `repetitions` is below 1, or `simulate` gives another number of p values.
    """
    significance(1.0 - alpha)
    if repetitions < 1:
        raise ValueError(f"repetitions must be at least 1, not {repetitions}")
    p_values = simulate(rng, repetitions)
    if p_values.shape != (repetitions,):
        raise ValueError(f"{repetitions} p values wanted, got an array of shape {p_values.shape}")
    hits = int(np.sum(p_values < alpha))
    rate = hits / repetitions
    interval = stats.binomtest(hits, repetitions).proportion_ci(0.95, method="exact")
    return Estimate(
        estimate=rate,
        std_error=math.sqrt(rate * (1.0 - rate) / repetitions),
        conf_low=float(interval.low),
        conf_high=float(interval.high),
        n=repetitions,
        method=f"share of {repetitions} simulated data sets with p < {alpha:.6g}",
    )


def _check(wanted: float, alpha: float) -> None:
    significance(1.0 - alpha)
    if not alpha < wanted < 1.0:
        raise ValueError(f"power must lie between alpha = {alpha} and 1, not {wanted}")
