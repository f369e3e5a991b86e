"""Bootstrap intervals of any statistic of rows, when whole clusters of rows are resampled."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.intervals import bca_interval
from kit.stats.noncentral import Limits
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, IndexArray, extent, partition, significance

RowStatistic: TypeAlias = Callable[[IndexArray], float | None]
"""A number from the positions of rows, some maybe several times; `None` if they give none."""

_MOST_UNDEFINED = 0.1
"""Share of resamples without a value up to which the others stand for all."""


class ClusterBootstrap(NamedTuple):
    """A statistic with two intervals from the same resamples."""

    percentile: Estimate
    """With the quantiles of the resamples (Efron 1979)."""
    bca: Estimate
    """With the bias-corrected and accelerated ones (Efron 1987)."""
    clusters: int
    resamples: int
    undefined: int
    """Resamples in which the statistic had no value."""


def cluster_bootstrap(
    clusters: ArrayLike,
    statistic: RowStatistic,
    *,
    rng: np.random.Generator,
    name: str,
    confidence: float = 0.95,
    resamples: int = 1_999,
) -> ClusterBootstrap:
    """A statistic with bootstrap intervals that let the rows of a cluster depend on each other.

    As many clusters as there are are drawn with replacement, each with all its rows (Davison &
    Hinkley 1997, section 3.8). The acceleration of the BCa interval comes from leaving out one
    cluster at a time, see `kit.stats.intervals.bca_interval`.

    Args:
        clusters: one label per row; only rows of different labels are independent.
        statistic: a function of an array of row positions, cluster by cluster. It gets all rows,
            then those of every resample, then all but those of each cluster. A value that is not
            finite counts as `None`.
        rng: generator of the resamples.
        name: what the statistic is called in `method`.
        confidence: level of the intervals.
        resamples: number of resamples.

    Returns:
        The statistic of all rows, undefined if it has no value or there are fewer than two
        clusters. Resamples without a value are left out, and counted in `undefined` and in
        `method`. Standard error and intervals are undefined if more than a tenth of the resamples
        are, or if the statistic does not vary over them; the BCa interval also if the statistic has
        no value without one of the clusters, or where `bca_interval` has none.

    Raises:
        ValueError: there are no labels, one is missing, `resamples` is below 2, or `confidence` is
            not between 0 and 1.
    """
    alpha = significance(confidence)
    rows = np.asarray(clusters).size
    members = partition(clusters, rows, "clusters")
    if rows == 0 or resamples < 2:
        raise ValueError(f"cannot resample {resamples} times the clusters of {rows} rows")
    count = len(members)
    titles = [
        f"{name}, {kind} {confidence:.6g} interval ({resamples} resamples of {count} clusters"
        for kind in ("percentile", "BCa")
    ]

    def neither(reason: Undefined) -> ClusterBootstrap:
        percentile, bca = (Estimate.undefined(f"{one})", reason, n=rows) for one in titles)
        return ClusterBootstrap(percentile, bca, count, resamples, 0)

    if count < 2:
        return neither(Undefined.TOO_FEW)
    observed = _value(statistic, np.concatenate(members))
    if observed is None:
        return neither(Undefined.DEGENERATE)
    # Sorted, so that a draw of every cluster once gives the observed value to the last bit.
    draws = np.sort(rng.integers(0, count, (resamples, count)), axis=1)
    drawn = [_value(statistic, np.concatenate([members[one] for one in draw])) for draw in draws]
    replicates = np.array([value for value in drawn if value is not None])
    missing = resamples - replicates.size
    methods = [f"{one}, {missing} undefined)" for one in titles]
    usable = missing <= _MOST_UNDEFINED * resamples and extent(replicates) > 0.0

    def estimate(method: str, limits: Limits | None) -> Estimate:
        spread = float(np.std(replicates, ddof=1)) if usable else None
        unknown = ("interval",) if usable else ("std_error", "interval")
        if limits is None:
            method = explained(method, Undefined.DEGENERATE, *unknown)
        return Estimate(
            estimate=observed,
            std_error=spread,
            conf_low=None if limits is None else limits.low,
            conf_high=None if limits is None else limits.high,
            n=rows,
            method=method,
        )

    plain = accelerated = None
    if usable:
        low, high = np.quantile(replicates, [alpha / 2.0, 1.0 - alpha / 2.0])
        plain = Limits(float(low), float(high))
        influence = _influence(members, statistic)
        if influence is not None:
            accelerated = bca_interval(observed, replicates, influence, confidence)
    return ClusterBootstrap(
        percentile=estimate(methods[0], plain),
        bca=estimate(methods[1], accelerated),
        clusters=count,
        resamples=resamples,
        undefined=missing,
    )


def _value(statistic: RowStatistic, rows: IndexArray) -> float | None:
    value = statistic(rows)
    return None if value is None or not math.isfinite(value) else float(value)


def _influence(members: list[IndexArray], statistic: RowStatistic) -> FloatArray | None:
    """Mean of the statistics without one cluster minus each; `None` if one has no value."""
    values: list[float] = []
    for left_out in range(len(members)):
        rest = [rows for place, rows in enumerate(members) if place != left_out]
        value = _value(statistic, np.concatenate(rest))
        if value is None:
            return None
        values.append(value)
    left = np.array(values)
    return np.asarray(left.mean() - left)
