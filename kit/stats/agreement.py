"""Two raters and the same units: agreement, kappa, and what one finds of what the other finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import special

from kit.stats.proportion import proportion
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, significance

Category: TypeAlias = str | int
Weights: TypeAlias = Literal["none", "linear", "quadratic"]
"""What a disagreement costs: the same whatever the distance, the distance, or its square."""

_ROUNDING = 1e-12
"""A standard deviation this small beside the values themselves is rounding."""


class ConfusionMatrix(NamedTuple):
    """How often two raters put the same unit in each pair of categories."""

    categories: tuple[Category, ...]
    """In their order, lowest first."""
    counts: tuple[tuple[int, ...], ...]
    """`counts[i][j]`: units that the first rater put in category i and the second in j."""

    @property
    def n(self) -> int:
        """Units that both raters saw."""
        return sum(map(sum, self.counts))

    @property
    def agreed(self) -> int:
        """Units that both raters put in the same category."""
        return sum(row[place] for place, row in enumerate(self.counts))


class Detection(NamedTuple):
    """What the first rater finds of what the second, the reference, finds."""

    true_positives: int
    false_positives: int
    """Positive by the first rater, negative by the reference."""
    false_negatives: int
    """Negative by the first rater, positive by the reference."""
    true_negatives: int
    precision: Estimate
    """Share of true positives among the positives of the first rater."""
    recall: Estimate
    """Share of true positives among the positives of the reference: the sensitivity."""
    specificity: Estimate
    """Share of true negatives among the negatives of the reference."""
    f1: Estimate
    """Harmonic mean of precision and recall."""
    prevalence: Estimate
    """Share of positives by the reference among all units."""


def confusion(
    first: Sequence[Category], second: Sequence[Category], categories: Sequence[Category]
) -> ConfusionMatrix:
    """The confusion matrix of two raters.

    Args:
        first: a category per unit by the first rater.
        second: a category per unit by the second, in the same order.
        categories: all categories that there are, lowest first, whether used or not.

    Raises:
        ValueError: the lengths differ, there are fewer than two categories or one twice, or a
            rating is none of them. Units that one rater has not rated are for the caller to count
            and leave out.
    """
    places = {category: place for place, category in enumerate(categories)}
    if len(places) < max(2, len(categories)):
        raise ValueError(f"need two categories or more, each once: {list(categories)}")
    if len(first) != len(second):
        raise ValueError(f"the first rater has {len(first)} units and the second {len(second)}")
    if unknown := [one for one in (*first, *second) if one not in places]:
        raise ValueError(f"{unknown[0]!r} is none of the categories {list(categories)}")
    counts = [[0] * len(places) for _ in places]
    for one, other in zip(first, second, strict=True):
        counts[places[one]][places[other]] += 1
    return ConfusionMatrix(tuple(categories), tuple(map(tuple, counts)))


def raw_agreement(matrix: ConfusionMatrix, *, confidence: float = 0.95) -> Estimate:
    """Share of units that both raters put in the same category, with Wilson's interval.

    Errors as `kit.stats.proportion.wilson`.
    """
    return proportion(matrix.agreed, matrix.n, "raw agreement", confidence=confidence)


def cohens_kappa(
    matrix: ConfusionMatrix, *, weights: Weights = "none", confidence: float = 0.95
) -> Estimate:
    """Cohen's kappa, agreement beyond what the raters' own shares of categories would give.

    kappa = 1 - q_o / q_e, with q_o = sum of v_ij p_ij the disagreement observed and q_e = sum of
    v_ij p_i. p_.j the one expected (Cohen 1960; with weights Cohen 1968). v_ij is 0 for i = j and
    otherwise 1, or |i - j| (linear), or (i - j)^2 (quadratic). The standard error is the
    large-sample one of Fleiss, Cohen & Everitt (1969, equation 13), not that under independence: in
    terms of v, its square is the variance over units of v_ij q_e - (v_i. + v_.j) q_o, by n q_e^4,
    with v_i. the mean of v_ij over the second rater's shares and v_.j that over the first's. The
    interval is normal and stays within [-1, 1].

    Args:
        matrix: the counts; the order of the categories matters with weights only.
        weights: what a disagreement costs.
        confidence: level of the interval.

    Returns:
        kappa; undefined with fewer than two units, or if a rater puts all units in one category,
        where it is 0 or 0 / 0 whatever the other does. Where no unit departs from the pattern, as
        in full agreement, kappa alone is known.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    alpha = significance(confidence)
    name = "Cohen's kappa" if weights == "none" else f"Cohen's kappa, {weights} weights"
    method = f"{name}, Fleiss-Cohen-Everitt {confidence:.6g} interval"
    n = matrix.n
    if n < 2:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    shares = np.array(matrix.counts, dtype=np.float64) / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    if min(np.count_nonzero(rows), np.count_nonzero(columns)) == 1:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=n)
    costs = _costs(len(matrix.categories), weights)
    observed, expected = float((costs * shares).sum()), float(rows @ costs @ columns)
    kappa = 1.0 - observed / expected

    influence = costs * expected - np.add.outer(costs @ columns, rows @ costs) * observed
    centre = float((shares * influence).sum())
    spread = math.sqrt(float((shares * (influence - centre) ** 2).sum()))
    if spread <= _ROUNDING * float(np.abs(influence).max()):
        method = explained(method, Undefined.BOUNDARY, "std_error", "interval")
        return Estimate(estimate=kappa, n=n, method=method)
    std_error = spread / math.sqrt(n) / expected**2
    margin = float(special.ndtri(1.0 - alpha / 2.0)) * std_error
    return Estimate(
        estimate=kappa,
        std_error=std_error,
        conf_low=max(kappa - margin, -1.0),
        conf_high=min(kappa + margin, 1.0),
        n=n,
        method=method,
    )


def detection(
    matrix: ConfusionMatrix, threshold: Category, *, confidence: float = 0.95
) -> Detection:
    """Both ratings cut at a threshold, and the first held against the second as reference.

    Precision, recall, specificity and prevalence are plain shares, with Wilson's interval. F1 = 2 F
    / (1 + F), with F the share of units positive by both among those positive by either (Hand,
    Christen & Kirielle 2021), rises with F, so that its limits are Wilson's limits of F, mapped.

    Args:
        matrix: the counts, categories lowest first.
        threshold: the lowest category that counts as positive.
        confidence: level of the intervals.

    Returns:
        The four counts and five estimates. An estimate is undefined if no unit is among those it is
        a share of.

    Raises:
        ValueError: the threshold is none of the categories, or `confidence` is not strictly between
            0 and 1.
    """
    if threshold not in matrix.categories:
        raise ValueError(f"threshold {threshold!r} is none of {list(matrix.categories)}")
    cut = matrix.categories.index(threshold)
    counts = np.array(matrix.counts, dtype=np.int64)
    both, neither = int(counts[cut:, cut:].sum()), int(counts[:cut, :cut].sum())
    extra, missed = int(counts[cut:, :cut].sum()), int(counts[:cut, cut:].sum())

    def share(successes: int, trials: int, name: str) -> Estimate:
        return proportion(successes, trials, f"{name} at {threshold!r}", confidence=confidence)

    return Detection(
        true_positives=both,
        false_positives=extra,
        false_negatives=missed,
        true_negatives=neither,
        precision=share(both, both + extra, "precision"),
        recall=share(both, both + missed, "recall"),
        specificity=share(neither, neither + extra, "specificity"),
        f1=_f1(share(both, both + extra + missed, "F1")),
        prevalence=share(both + missed, matrix.n, "prevalence"),
    )


def _costs(size: int, weights: Weights) -> FloatArray:
    """The cost of each pair of categories, 1 for the farthest."""
    places = np.arange(size, dtype=np.float64)
    distance = np.abs(np.subtract.outer(places, places)) / (size - 1)
    if weights == "none":
        return np.asarray(distance > 0.0, dtype=np.float64)
    return distance if weights == "linear" else distance**2


def _f1(jaccard: Estimate) -> Estimate:
    """F1 from the share of units positive by both among those positive by either."""

    def mapped(share: float | None) -> float | None:
        return None if share is None else 2.0 * share / (1.0 + share)

    return Estimate(
        estimate=mapped(jaccard.estimate),
        conf_low=mapped(jaccard.conf_low),
        conf_high=mapped(jaccard.conf_high),
        n=jaccard.n,
        method=jaccard.method,
    )
