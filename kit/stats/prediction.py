"""Where the effect of one more unit is expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from kit.stats.noncentral import Limits
from kit.stats.sample import FloatArray, extent, paired, significance

_HETEROGENEITIES = 256
"""Equally probable values of the variance between units."""
_MEANS = 64
"""Equally probable values of the mean, for each of them."""
_GRID = 2_000


def prediction_interval(
    estimates: ArrayLike, std_errors: ArrayLike, *, confidence: float = 0.95
) -> Limits | None:
    """Interval of the true effect of one more unit, with the variance between units not known.

    The usual interval (Higgins, Thompson & Spiegelhalter 2009; see
    `kit.stats.synthesis.Synthesis.prediction`) takes the estimated variance for the true one and is
    too short with few units. Here tau^2 follows its confidence distribution, in which Cochran's Q
    at tau^2 is chi-squared with k - 1 degrees of freedom (Viechtbauer 2007) and which is 0 where Q
    cannot be so large; given tau^2, the mean is mu(tau^2) - t SE(tau^2) with t Student's, k - 1
    degrees of freedom, and SE that of Knapp & Hartung (2003); given both, the effect is normal with
    variance tau^2 (Nagashima, Noma & Furukawa 2019, equation 6, with quantiles in place of draws).

    Args:
        estimates: the effect of each of k units, all on one scale.
        std_errors: their standard errors, taken as known.
        confidence: level of the interval.

    Returns:
        The limits; `None` with fewer than three units, or equal effects.

    Raises:
        ValueError: the lengths differ, a standard error is not above 0, values are not finite, or
            `confidence` is not between 0 and 1.
    """
    alpha = significance(confidence)
    effects, errors = paired(estimates, std_errors, "estimates", "std_errors")
    if not (errors > 0.0).all():
        raise ValueError("std_errors must be above 0: an estimate without error cannot be weighed")
    if effects.size < 3 or extent(effects) == 0.0:
        return None
    # About one of the effects and in units of the largest number, so that any scale will do.
    origin = float(effects[0])
    unit = max(extent(effects), float(errors.max()))
    tau2, means, spreads = _given((effects - origin) / unit, (errors / unit) ** 2)

    df = effects.size - 1
    t = special.stdtrit(df, _middles(_MEANS))
    centres = means[:, None] - spreads[:, None] * t
    widths = np.sqrt(tau2)[:, None]
    # Without variance between units the effect is the mean: a step, not 0 / 0.
    widths = np.maximum(widths, 1e-12)

    def below(x: float) -> float:
        return float(special.ndtr((x - centres) / widths).mean())

    reach = 50.0 * (1.0 + float(widths.max()) + float(spreads.max()))

    def limit(probability: float) -> float:
        found = optimize.brentq(lambda x: below(x) - probability, -reach, reach, xtol=1e-10)
        return origin + unit * found

    return Limits(limit(alpha / 2.0), limit(1.0 - alpha / 2.0))


def _given(effects: FloatArray, variances: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Equally probable tau^2, and the mean and its standard error at each."""
    df = effects.size - 1
    wanted = stats.chi2.isf(_middles(_HETEROGENEITIES), df)
    top = 1.0
    while _q(np.array([top]), effects, variances)[0] > wanted.min():
        top *= 2.0
    grid = np.concatenate(([0.0], np.geomspace(1e-9 * top, top, _GRID)))
    # Q falls as tau^2 rises; beyond Q(0) there is no tau^2, and 0 stands for it.
    q = _q(grid, effects, variances)
    tau2 = np.interp(-wanted, -q, grid)
    weights = 1.0 / (variances + tau2[:, None])
    means = (weights * effects).sum(axis=1) / weights.sum(axis=1)
    scale = (weights * (effects - means[:, None]) ** 2).sum(axis=1) / df
    return tau2, means, np.sqrt(scale / weights.sum(axis=1))


def _q(tau2: FloatArray, effects: FloatArray, variances: FloatArray) -> FloatArray:
    """Cochran's Q with every tau^2 in the weights."""
    weights = 1.0 / (variances + tau2[:, None])
    means = (weights * effects).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    return np.asarray((weights * (effects - means) ** 2).sum(axis=1))


def _middles(count: int) -> FloatArray:
    """The middles of `count` equal parts of [0, 1]."""
    return np.asarray((np.arange(count) + 0.5) / count)
