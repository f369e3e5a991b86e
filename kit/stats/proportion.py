"""A share of units, with the interval that holds near 0 and 1."""

from __future__ import annotations

import math

from scipy import special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import significance


def proportion(successes: int, trials: int, name: str, *, confidence: float = 0.95) -> Estimate:
    """The share of successes, with Wilson's interval.

    Args:
        successes: units that have what is counted.
        trials: units looked at.
        name: what the share is called in `method`.
        confidence: level of the interval.

    Returns:
        The share in [0, 1]; undefined without trials. There is no standard error: the interval does
        not rest on one.

    Raises:
        ValueError: as `wilson`.
    """
    method = f"{name}, Wilson {confidence:.6g} interval"
    limits = wilson(successes, trials, confidence=confidence)
    if limits is None:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=trials)
    return Estimate(
        estimate=successes / trials,
        conf_low=limits.low,
        conf_high=limits.high,
        n=trials,
        method=method,
    )


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Limits | None:
    """The shares p for which |p - successes / trials| <= z sqrt(p (1 - p) / trials) (Wilson 1927).

    Returns:
        The limits; `None` without trials.

    Raises:
        ValueError: the successes are not between 0 and the trials, or `confidence` is not between 0
            and 1.
    """
    alpha = significance(confidence)
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes do not fit {trials} trials")
    if trials == 0:
        return None
    z2 = float(special.ndtri(1.0 - alpha / 2.0)) ** 2
    failures = trials - successes
    margin = math.sqrt(z2 * (successes * failures / trials + z2 / 4.0))
    middle = successes + z2 / 2.0
    # Exact at the ends, where the difference of two equal numbers need not come out as 0.
    low = 0.0 if successes == 0 else (middle - margin) / (trials + z2)
    high = 1.0 if failures == 0 else (middle + margin) / (trials + z2)
    return Limits(low, high)
