"""Means of human scores where a judge scored every unit and humans some of them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from kit.stats.rectifier import JudgedSample, StandardError, error_of_difference, rectified
from kit.stats.result import Estimate, Undefined
from kit.stats.sample import sample, significance
from kit.stats.wald import coefficient_only, t_test

_ROUNDING = 1e-12
"""A standard error this small beside the scores is rounding."""


class PredictionPowered(NamedTuple):
    """A prediction-powered mean, and what it is made of."""

    result: Estimate
    """The mean of human scores."""
    judge_mean: float | None
    """Mean of all judge scores: what would be reported without humans."""
    rectifier: float | None
    """Weighted mean of human minus `tuning` times judge score over the labelled units."""
    tuning: float | None
    """Lambda, between 0 (the judge is left out) and 1 (the judge is trusted)."""
    labelled: int
    """Units that humans scored."""
    clusters: int
    """Clusters that hold such units."""


class PredictionPoweredDifference(NamedTuple):
    """A difference of two prediction-powered means."""

    result: Estimate
    """Mean of the treated minus that of the controls."""
    treated: PredictionPowered
    control: PredictionPowered


def prediction_powered_mean(
    units: JudgedSample, *, power_tuned: bool = False, confidence: float = 0.95
) -> PredictionPowered:
    """The mean of human scores, from judge scores of all units and the judge's error in some.

    With f the judge's score and y the human's, the mean is lambda mean(f) over all units plus the
    rectifier, the weighted mean of y - lambda f over the labelled ones; lambda is 1 (Angelopoulos,
    Bates, Fannjiang, Jordan & Zrnic 2023, for the mean; here the labelled units are among all, as
    in the difference estimator of Särndal, Swensson & Wretman 1992, section 9.6). The judge's bias
    cancels whatever it is: a poor judge costs width, not validity.

    Unit i contributes lambda (f_i - mean(f)) / N, and w_i (y_i - lambda f_i - rectifier) / sum(w)
    if labelled. The squared standard error is m / (m - 1) times the sum over clusters of their
    squared totals, m counting the clusters with labelled units; the interval takes t with m - 1
    degrees of freedom. If `power_tuned`, lambda makes this standard error smallest, within [0, 1],
    as that of Angelopoulos, Duchi & Zrnic (2023, PPI++) does for independent units.

    Args:
        units: the scores.
        power_tuned: whether lambda is estimated instead of 1.
        confidence: level of the interval.

    Returns:
        The mean, where `n` counts all units; undefined without labelled units. With labelled units
        in one cluster only, or without variance, the mean alone is known.

    Raises:
        ValueError: lengths do not fit; a position is no unit's or there twice; a weight is not
            above 0; a cluster label is missing; `confidence` is not between 0 and 1; see also
            `kit.stats.sample.sample`.
    """
    significance(confidence)
    part = rectified(units, power_tuned=power_tuned)
    kind = _kind(confidence, power_tuned=power_tuned)
    if part is None:
        judge = sample(units.judge, "judge")
        result = Estimate.undefined(
            f"prediction-powered mean, {kind}", Undefined.TOO_FEW, n=judge.size
        )
        known = float(judge.mean()) if judge.size else None
        return PredictionPowered(result, known, None, None, 0, 0)
    method = f"prediction-powered mean, {kind} ({part.labelled} labelled, {part.clusters} clusters)"
    result = _tested(
        part.mean, part.error, size=part.size, n=part.n, method=method, confidence=confidence
    )
    return PredictionPowered(
        # That a mean score is 0 is no hypothesis.
        result=replace(result, statistic=None, p_value=None),
        judge_mean=part.judge_mean,
        rectifier=part.rectifier,
        tuning=part.tuning,
        labelled=part.labelled,
        clusters=part.clusters,
    )


def prediction_powered_difference(
    treated: JudgedSample,
    control: JudgedSample,
    *,
    power_tuned: bool = False,
    confidence: float = 0.95,
) -> PredictionPoweredDifference:
    """Difference of two prediction-powered means with a t test.

    Each group has its own rectifier and lambda, see `prediction_powered_mean`. If no cluster label
    is in both groups, they are independent: variances add up, and degrees of freedom are those of
    Satterthwaite (1946). A label that is in both is one cluster, whose units of both groups count
    in one total, the controls' negative; m is then that of the group with fewer labelled clusters.

    Args:
        treated: the scores of one group.
        control: the scores of the other.
        power_tuned: whether each lambda is estimated instead of 1.
        confidence: level of the interval.

    Returns:
        The difference, and both means; the difference is undefined if one of them is, and known
        alone if a standard error is not.

    Raises:
        ValueError: as `prediction_powered_mean`.
    """
    means = [
        prediction_powered_mean(group, power_tuned=power_tuned, confidence=confidence)
        for group in (treated, control)
    ]
    left, right = (rectified(group, power_tuned=power_tuned) for group in (treated, control))
    n = sum(sample(group.judge, "judge").size for group in (treated, control))
    method = f"prediction-powered difference, {_kind(confidence, power_tuned=power_tuned)}"
    if left is None or right is None:
        result = Estimate.undefined(method, Undefined.TOO_FEW, n=n)
        return PredictionPoweredDifference(result, *means)
    clusters = f"{left.clusters} and {right.clusters} clusters"
    method = f"{method} ({left.labelled} and {right.labelled} labelled, {clusters})"
    result = _tested(
        left.mean - right.mean,
        error_of_difference(left, right),
        size=max(left.size, right.size),
        n=n,
        method=method,
        confidence=confidence,
    )
    return PredictionPoweredDifference(result, *means)


def _tested(
    value: float,
    error: StandardError | None,
    *,
    size: float,
    n: int,
    method: str,
    confidence: float,
) -> Estimate:
    """The t test of a value, of scores of `size` at most."""
    if error is None:
        return coefficient_only(value, n, method, Undefined.TOO_FEW)
    if error.value <= _ROUNDING * size:
        return coefficient_only(value, n, method, Undefined.NO_VARIANCE)
    return t_test(value, error.value, error.df, n=n, method=method, confidence=confidence)


def _kind(confidence: float, *, power_tuned: bool) -> str:
    return f"{'power-tuned, ' if power_tuned else ''}cluster-robust {confidence:.6g} interval"
