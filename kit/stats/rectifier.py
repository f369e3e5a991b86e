"""Judge scores put right by human ones: the mean, and what each unit adds to its error."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.sample import FloatArray, IndexArray, paired, partition, sample

_ROUNDING = 1e-12
"""What adds this little to an error, beside all else, is rounding."""


class JudgedSample(NamedTuple):
    """A group of units, all scored by a judge and some by humans, on one scale."""

    judge: ArrayLike
    """N scores by the judge, those of the labelled units among them."""
    clusters: ArrayLike
    """N labels; only units of different labels are independent."""
    labelled: ArrayLike
    """Positions, from 0 to N - 1, of the n units that humans scored."""
    human: ArrayLike
    """Their n human scores, in the order of `labelled`."""
    weights: ArrayLike | None = None
    """One over the chance of each of the n to be scored, up to a factor; `None` if all equal."""


class StandardError(NamedTuple):
    """A standard error with its degrees of freedom."""

    value: float
    df: float


class Rectified(NamedTuple):
    """The mean of a group, see `kit.stats.prediction_powered.prediction_powered_mean`."""

    mean: float
    influence: FloatArray
    """What each of the N units adds to the error of the mean."""
    labels: ArrayLike
    """The clusters of the N units."""
    error: StandardError | None
    """None with labelled units in fewer than two clusters."""
    judge_mean: float
    """Mean of all judge scores."""
    rectifier: float
    """Weighted mean of human minus lambda times judge score over the labelled units."""
    tuning: float
    """Lambda."""
    size: float
    """The largest score in absolute value."""
    labelled: int
    """Units that humans scored."""
    clusters: int
    """Clusters that hold such units."""

    @property
    def n(self) -> int:
        """All units."""
        return self.influence.size


def rectified(units: JudgedSample, *, power_tuned: bool) -> Rectified | None:
    """The mean and its error; `None` without labelled units.

    Raises:
        ValueError: as `kit.stats.prediction_powered.prediction_powered_mean`.
    """
    judge = sample(units.judge, "judge")
    members = partition(units.clusters, judge.size, "clusters")
    places = np.asarray(units.labelled)
    human, weights = paired(
        units.human,
        np.ones(places.size) if units.weights is None else units.weights,
        "human",
        "weights",
    )
    if places.size == human.size == 0:
        return None
    if places.shape != human.shape or places.dtype.kind not in "iu":
        raise ValueError(f"labelled must hold the positions of {human.size} units")
    if places.min() < 0 or places.max() >= judge.size or np.unique(places).size < places.size:
        raise ValueError(f"labelled must hold positions below {judge.size}, each once")
    if not (weights > 0.0).all():
        raise ValueError("weights must be above 0: what cannot be chosen is not represented")
    shares = weights / weights.max()
    shares /= shares.sum()
    judge_mean, of_labelled = float(judge.mean()), float(shares @ judge[places])
    human_mean = float(shares @ human)
    # What a unit adds to mean(f) minus the weighted mean of f, and to the weighted mean of y.
    of_judge, of_human = (judge - judge_mean) / judge.size, np.zeros(judge.size)
    of_judge[places] -= shares * (judge[places] - of_labelled)
    of_human[places] = shares * (human - human_mean)
    tuning = _tuning(_totals(of_judge, members), _totals(of_human, members)) if power_tuned else 1.0
    influence = of_human + tuning * of_judge
    held = np.zeros(judge.size, dtype=np.bool_)
    held[places] = True
    clusters = sum(bool(held[rows].any()) for rows in members)
    return Rectified(
        mean=human_mean + tuning * (judge_mean - of_labelled),
        influence=influence,
        labels=units.clusters,
        error=_error(influence, members, clusters),
        judge_mean=judge_mean,
        rectifier=human_mean - tuning * of_labelled,
        tuning=tuning,
        size=max(float(np.abs(judge).max()), float(np.abs(human).max())),
        labelled=places.size,
        clusters=clusters,
    )


def _tuning(of_judge: FloatArray, of_human: FloatArray) -> float:
    """The lambda in [0, 1] with the smallest sum of (human + lambda judge)^2; 0 if none matters."""
    unit = float(np.abs(of_judge).max())
    if unit <= _ROUNDING * float(np.abs(of_human).max()):
        return 0.0
    scaled = of_judge / unit
    return min(max(-float(scaled @ (of_human / unit)) / float(scaled @ scaled), 0.0), 1.0)


def _totals(influence: FloatArray, members: list[IndexArray]) -> FloatArray:
    return np.array([influence[rows].sum() for rows in members])


def _error(influence: FloatArray, members: list[IndexArray], clusters: int) -> StandardError | None:
    """The error that the totals of the clusters show, as many as `clusters` of them counting."""
    if clusters < 2:
        return None
    length = math.hypot(*_totals(influence, members).tolist())
    return StandardError(math.sqrt(clusters / (clusters - 1)) * length, clusters - 1.0)


def error_of_difference(left: Rectified, right: Rectified) -> StandardError | None:
    """The error of a difference; `None` if a group has none.

    A label in both groups is one cluster, with a total over both; without one the groups are
    independent, and the degrees of freedom those of Satterthwaite (1946).
    """
    labels = np.concatenate((np.asarray(left.labels), np.asarray(right.labels)))
    members = partition(labels, labels.size, "clusters")
    if any(rows[0] < left.n <= rows[-1] for rows in members):
        influence = np.concatenate((left.influence, -right.influence))
        return _error(influence, members, min(left.clusters, right.clusters))
    if left.error is None or right.error is None:
        return None
    both = math.hypot(left.error.value, right.error.value)
    if both == 0.0:
        return left.error
    share_left = (left.error.value / both) ** 2
    share_right = (right.error.value / both) ** 2
    return StandardError(
        both, 1.0 / (share_left**2 / left.error.df + share_right**2 / right.error.df)
    )
