"""Bootstrap intervals of any statistic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, sample, significance

Statistic: TypeAlias = Callable[..., FloatArray]
"""A function of samples whose units lie along the last axis."""
_HELD = 4_000_000
"""Resampled values held at a time: 32 MB."""


def bootstrap(
    samples: Sequence[ArrayLike],
    statistic: Statistic,
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
        statistic: a function of as many arrays as there are samples. Units lie along the last axis,
            and the value has the shape of the axes before it, so that all resamples are computed
            at once.
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
    # A statistic of a resample without variance may divide by 0; what is not finite is seen below.
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = float(statistic(*groups))
        if not math.isfinite(observed):
            return Estimate.undefined(method, Undefined.DEGENERATE, n=n)
        replicates = np.concatenate(
            [
                statistic(*_resampled(groups, rng, count, paired=paired))
                for count in _portions(resamples, sum(sizes))
            ]
        )
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


def _portions(resamples: int, units: int) -> list[int]:
    """How many resamples to hold at a time, so that memory stays bounded."""
    most = max(1, _HELD // units)
    return [min(most, resamples - start) for start in range(0, resamples, most)]


def _resampled(
    groups: Sequence[FloatArray], rng: np.random.Generator, count: int, *, paired: bool
) -> list[FloatArray]:
    """`count` resamples of every group, one a row."""
    if paired:
        size = groups[0].size
        units = rng.integers(0, size, (count, size))
        return [group[units] for group in groups]
    return [group[rng.integers(0, group.size, (count, group.size))] for group in groups]


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
    groups: Sequence[FloatArray], statistic: Statistic, *, paired: bool = False
) -> FloatArray:
    """Jackknife influence of unit i: (m - 1) / m times (mean of all statistics - that without i).

    The m of a unit's own sample weights the samples (Davison & Hinkley 1997, ch. 5); with one
    sample it has no effect on `bca_interval`. In the order of the units, sample by sample.
    """
    if paired:
        return _jackknife(statistic(*map(_without_each, groups)))
    values: list[FloatArray] = []
    for position, group in enumerate(groups):
        rows = [
            _without_each(other)
            if place == position
            else np.broadcast_to(other, (group.size, other.size))
            for place, other in enumerate(groups)
        ]
        values.append(_jackknife(statistic(*rows)))
    return np.concatenate(values)


def _without_each(values: FloatArray) -> FloatArray:
    """Row i is `values` without value i."""
    rest = ~np.eye(values.size, dtype=np.bool_)
    return np.broadcast_to(values, (values.size, values.size))[rest].reshape(values.size, -1)


def _jackknife(left_out: FloatArray) -> FloatArray:
    return np.asarray((left_out.size - 1) / left_out.size * (left_out.mean() - left_out))
