"""Bootstrap intervals of any statistic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, sample, significance


def bootstrap(
    samples: Sequence[ArrayLike],
    statistic: Callable[..., float],
    *,
    rng: np.random.Generator,
    name: str,
    confidence: float = 0.95,
    resamples: int = 9_999,
    paired: bool = False,
) -> Estimate:
    """A statistic with its bootstrap standard error and BCa interval.

    Samples are independent groups and resampled one by one, or, if `paired`, variables over the
    same units whose units are resampled. See `bca_interval`; the acceleration comes from leaving
    out one unit at a time, in several groups as in Davison & Hinkley (1997, Bootstrap Methods and
    their Application, ch. 5).

    Args:
        samples: one-dimensional samples, passed to `statistic` in order.
        statistic: a function of as many arrays as there are samples.
        rng: generator of the resamples.
        name: what the statistic is called in `method`.
        confidence: level of the interval.
        resamples: number of resamples.
        paired: whether unit i is the same in all samples.

    Returns:
        The statistic of the samples, undefined if one has fewer than two values or the statistic is
        not finite. The interval is undefined if the statistic does not vary, or is not finite, over
        the resamples.

    Raises:
        ValueError: there are no samples, lengths differ although `paired`, `resamples` is below 2
            or `confidence` is not between 0 and 1.
    """
    significance(confidence)
    groups = [sample(values, f"sample {index}") for index, values in enumerate(samples)]
    sizes = [group.size for group in groups]
    if not groups or resamples < 2 or (paired and len(set(sizes)) > 1):
        raise ValueError(f"cannot resample {resamples} times samples of sizes {sizes}")
    n = sizes[0] if paired else sum(sizes)
    method = f"{name}, BCa {confidence:.6g} interval ({resamples} resamples)"
    if min(sizes) < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    observed = float(statistic(*groups))
    if not math.isfinite(observed):
        return Estimate.undefined(method, Undefined.DEGENERATE, n=n)

    def resampled() -> float:
        if paired:
            units = rng.integers(0, n, n)
            return float(statistic(*(group[units] for group in groups)))
        return float(
            statistic(*(group[rng.integers(0, group.size, group.size)] for group in groups))
        )

    replicates = np.array([resampled() for _ in range(resamples)])
    influence = jackknife_influence(groups, statistic, paired=paired)
    limits = (
        bca_interval(observed, replicates, influence, confidence)
        if np.isfinite(replicates).all() and np.isfinite(influence).all()
        else None
    )
    if limits is None:
        method = explained(method, Undefined.DEGENERATE, "std_error", "interval")
        return Estimate(estimate=observed, n=n, method=method)
    return Estimate(
        estimate=observed,
        std_error=float(np.std(replicates, ddof=1)),
        conf_low=limits.low,
        conf_high=limits.high,
        n=n,
        method=method,
    )


def bca_interval(
    observed: float, replicates: FloatArray, influence: FloatArray, confidence: float = 0.95
) -> Limits | None:
    """The bias-corrected and accelerated percentile interval (Efron 1987).

    The limits are the quantiles of the replicates at Phi(z0 + (z0 + z) / (1 - a (z0 + z))), with z0
    the normal quantile of the share of replicates below the observed value (ties counting half) and
    a = sum(l^3) / (6 sum(l^2)^1.5) for influence values l.

    Args:
        observed: the statistic of the sample.
        replicates: the statistic of the resamples.
        influence: influence of each unit on the statistic, in any unit.
        confidence: level of the interval.

    Returns:
        The limits, or `None` where they do not exist: the replicates do not vary, all lie on one
        side of the observed value, or no unit has influence.
    """
    below = float(np.mean(replicates < observed) + 0.5 * np.mean(replicates == observed))
    size = float(np.max(np.abs(influence), initial=0.0))
    if size == 0.0 or float(np.ptp(replicates)) == 0.0 or not 0.0 < below < 1.0:
        return None
    scaled = influence / size
    acceleration = float(np.sum(scaled**3) / (6.0 * np.sum(scaled**2) ** 1.5))
    bias = float(special.ndtri(below))
    margin = float(special.ndtri(1.0 - significance(confidence) / 2.0))

    def limit(z: float) -> float:
        shrink = 1.0 - acceleration * (bias + z)
        if shrink <= 0.0:
            return 1.0 if z > 0.0 else 0.0
        return float(special.ndtr(bias + (bias + z) / shrink))

    low, high = np.quantile(replicates, [limit(-margin), limit(margin)])
    return Limits(float(low), float(high))


def jackknife_influence(
    groups: Sequence[FloatArray], statistic: Callable[..., float], *, paired: bool = False
) -> FloatArray:
    """Jackknife influence of unit i: (m - 1) / m times (mean of all statistics - that without i).

    The m of a unit's own sample weights the samples (Davison & Hinkley 1997, ch. 5); with one
    sample it has no effect on `bca_interval`. In the order of the units, sample by sample.
    """
    if paired:
        size = groups[0].size
        return _jackknife(
            [
                float(statistic(*(np.delete(group, unit) for group in groups)))
                for unit in range(size)
            ]
        )
    values: list[FloatArray] = []
    for position, group in enumerate(groups):
        before, after = groups[:position], groups[position + 1 :]
        without = [
            float(statistic(*before, np.delete(group, unit), *after)) for unit in range(group.size)
        ]
        values.append(_jackknife(without))
    return np.concatenate(values)


def _jackknife(without: list[float]) -> FloatArray:
    left_out = np.array(without, dtype=np.float64)
    return np.asarray((left_out.size - 1) / left_out.size * (left_out.mean() - left_out))
