"""Many shares of the same rows, with bootstrap intervals that resample whole clusters.

What `kit.stats.cluster_bootstrap` gives for one statistic, for statistics that are a quotient of
two counts: these add up over clusters, so that one table of draws serves all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import extent, partition, significance

_MOST_UNDEFINED = 0.1
"""Share of resamples without a value up to which the others stand for all."""


class ClusterShares:
    """Draws of whole clusters, made once.

    Args:
        clusters: one label per row; only rows of different labels are independent.
        rng: generator of the resamples.
        confidence: level of the intervals.
        resamples: number of resamples.

    Raises:
        ValueError: a label is missing, or `confidence` is not between 0 and 1.
    """

    def __init__(
        self,
        clusters: ArrayLike,
        rng: np.random.Generator,
        *,
        confidence: float = 0.95,
        resamples: int = 1_999,
    ):
        self._alpha = significance(confidence)
        self._rows = np.asarray(clusters).size
        members = partition(clusters, self._rows, "clusters")
        self._clusters = len(members)
        self._place = np.zeros(self._rows, dtype=np.int64)
        for place, rows in enumerate(members):
            self._place[rows] = place
        self._draws: NDArray[np.int64] = (
            rng.multinomial(
                self._clusters, np.full(self._clusters, 1.0 / self._clusters), resamples
            )
            if self._clusters
            else np.zeros((0, 0), dtype=np.int64)
        )
        self._title = (
            f"percentile {confidence:.6g} interval ({resamples} resamples of {self._clusters} "
            "clusters"
        )

    def share(self, part: NDArray[np.bool_], whole: NDArray[np.bool_], name: str) -> Estimate:
        """Rows that are in `part`, of those in `whole`, with the quantiles of the resamples.

        Args:
            part: one flag per row; all in `part` are in `whole`.
            whole: one flag per row.
            name: what the share is called in `method`.

        Returns:
            The share, undefined if `whole` is empty. The interval is undefined with one cluster, if
            `whole` is empty in more than a tenth of the resamples, or if the share does not vary
            over them (Efron 1979; Davison & Hinkley 1997, section 3.8).
        """
        total = int(whole.sum())
        if not total:
            return Estimate.undefined(f"{name}, {self._title})", Undefined.TOO_FEW, n=0)
        observed = int(part.sum()) / total
        counts = [
            self._draws @ np.bincount(self._place[flags], minlength=self._clusters)
            for flags in (part, whole)
        ]
        known = counts[1] > 0
        replicates = counts[0][known] / counts[1][known]
        missing = int(len(known) - known.sum())
        method = f"{name}, {self._title}, {missing} undefined)"
        few = self._clusters < 2 or missing > _MOST_UNDEFINED * len(known)
        if few or extent(replicates) == 0.0:
            why = Undefined.TOO_FEW if self._clusters < 2 else Undefined.DEGENERATE
            return Estimate(
                estimate=observed, n=total, method=explained(method, why, "std_error", "interval")
            )
        low, high = np.quantile(replicates, [self._alpha / 2.0, 1.0 - self._alpha / 2.0])
        return Estimate(
            estimate=observed,
            std_error=float(np.std(replicates, ddof=1)),
            conf_low=float(low),
            conf_high=float(high),
            n=total,
            method=method,
        )
