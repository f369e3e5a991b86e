"""Bootstrap intervals of the effects that are reported most."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.effects import hedges_correction
from kit.stats.intervals import bootstrap
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, extent, sample


def hedges_g_bca(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 9_999,
) -> Estimate:
    """Hedges' g with the BCa bootstrap interval instead of the noncentral-t one.

    It assumes neither normal outcomes nor equal variances. With fifteen units a group it is too
    short, as every bootstrap interval is: how often it covers is measured in docs/statistics.md.
    Arguments and errors as `kit.stats.intervals.bootstrap`; undefined as
    `kit.stats.effects.hedges_g`.
    """
    left, right = sample(treated, "treated"), sample(control, "control")
    n = left.size + right.size
    name = "Hedges' g, pooled SD"
    if min(left.size, right.size) < 2:
        return Estimate.undefined(name, Undefined.TOO_FEW, n=n)
    if extent(left) == 0.0 and extent(right) == 0.0:
        return Estimate.undefined(name, Undefined.NO_VARIANCE, n=n)
    if min(left.size, right.size) == 2:
        # The acceleration leaves one unit out, and one unit alone has no variance.
        method = explained(name, Undefined.TOO_FEW, "std_error", "interval")
        g = float(hedges_g_each(left, right))
        return Estimate(estimate=g, n=n, method=method)
    return bootstrap(
        [left, right], hedges_g_each, rng=rng, name=name, confidence=confidence, resamples=resamples
    )


def hedges_g_each(treated: FloatArray, control: FloatArray) -> FloatArray:
    """Hedges' g of many pairs of groups: units along the last axis, one g for each place before.

    A pair without variance gives infinity or NaN: unlike `kit.stats.effects.hedges_g` this is for
    resamples, whose caller looks for such values.
    """
    n_treated, n_control = treated.shape[-1], control.shape[-1]
    df = n_treated + n_control - 2.0
    spread = (n_treated - 1) * treated.var(axis=-1, ddof=1)
    spread = spread + (n_control - 1) * control.var(axis=-1, ddof=1)
    difference = treated.mean(axis=-1) - control.mean(axis=-1)
    return np.asarray(hedges_correction(df) * difference / np.sqrt(spread / df))


def product_moments(x: FloatArray, y: FloatArray) -> FloatArray:
    """Pearson's r of many pairs of variables: units along the last axis.

    A variable without variance gives NaN, as in `hedges_g_each`.
    """
    left = x - x.mean(axis=-1, keepdims=True)
    right = y - y.mean(axis=-1, keepdims=True)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    return np.asarray((left * right).sum(axis=-1) / lengths)
