"""Effects of languages or models put together: random effects, signs, prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, special, stats

from kit.report.recomputation.contrasts import FloatArray, Result, result, student

EMPTY = dict.fromkeys(("tau2", "tau2_low", "tau2_high", "i2", "q", "q_df", "q_p"))


def random_effects(
    estimates: Sequence[float], errors: Sequence[float]
) -> tuple[Result, dict[str, float | None]]:
    """The Knapp-Hartung mean at the REML variance between units, and that variance with its tests.

    The restricted likelihood is that of the mean model, written out and maximised by its score.
    """
    y, v = np.array(estimates), np.array(errors) ** 2
    k = y.size
    if k < 2:
        return result(n=k), dict(EMPTY)
    tau2 = _reml(y, v)
    weights = 1.0 / (v + tau2)
    centre = float(np.average(y, weights=weights))
    scale = float(weights @ (y - centre) ** 2) / (k - 1)
    error = math.sqrt(scale / float(weights.sum()))
    q = _q(0.0, y, v)
    plain = 1.0 / v
    typical = (k - 1) / float(plain.sum() - (plain @ plain) / plain.sum())
    low, high = _profile(y, v)
    spread = {
        "tau2": tau2,
        "tau2_low": low,
        "tau2_high": high,
        "i2": tau2 / (tau2 + typical),
        "q": q,
        "q_df": float(k - 1),
        "q_p": float(stats.chi2.sf(q, k - 1)),
    }
    if error == 0.0:
        return result(estimate=centre, n=k), spread
    return student(centre, error, k - 1, k), spread


def meta_regression(
    estimates: Sequence[float], errors: Sequence[float], scores: Sequence[float]
) -> Result:
    """Change of the effect per point of the score, weighted by precision."""
    y, v = np.array(estimates), np.array(errors) ** 2
    x = np.array(scores, dtype=float)
    design = np.column_stack((np.ones_like(x), x - x.mean()))
    k = y.size
    if k <= 2 or np.ptp(x) == 0.0:
        return result(n=k)
    tau2 = _reml(y, v, design)
    weights = 1.0 / (v + tau2)
    inverse = np.linalg.inv(design.T @ (weights[:, None] * design))
    coefficients = inverse @ (design.T @ (weights * y))
    rest = y - design @ coefficients
    error = math.sqrt(float(weights @ rest**2) / (k - 2) * float(inverse[1, 1]))
    return student(float(coefficients[1]), error, k - 2, k)


def signs(estimates: Sequence[float]) -> tuple[Result, dict[str, float | None]]:
    """The share of effects above 0 with the exact sign test."""
    above = sum(value > 1e-9 for value in estimates)
    below = sum(value < -1e-9 for value in estimates)
    n = above + below
    counts: dict[str, float | None] = {
        "above": above,
        "below": below,
        "zero": len(estimates) - n,
    }
    if n == 0:
        return result(n=0), counts
    tail = float(stats.binom.cdf(min(above, below), n, 0.5))
    low = 0.0 if above == 0 else float(stats.beta.ppf(0.025, above, n - above + 1))
    high = 1.0 if above == n else float(stats.beta.ppf(0.975, above + 1, n - above))
    known = result(
        estimate=above / n,
        statistic=above,
        p_value=min(1.0, 2.0 * tail),
        conf_low=low,
        conf_high=high,
        n=n,
    )
    return known, counts


def _reml(y: FloatArray, v: FloatArray, design: FloatArray | None = None) -> float:
    """The variance between units of highest restricted likelihood, with the full P matrix."""
    x = np.ones((y.size, 1)) if design is None else design

    def parts(tau2: float) -> tuple[float, float]:
        w = np.diag(1.0 / (v + tau2))
        inner = np.linalg.inv(x.T @ w @ x)
        p = w - w @ x @ inner @ x.T @ w
        score = float(y @ p @ p @ y - np.trace(p))
        _, log = np.linalg.slogdet(x.T @ w @ x)
        likelihood = -0.5 * float(np.sum(np.log(v + tau2)) + log + y @ p @ y)
        return score, likelihood

    top = 10.0 * float(np.ptp(y) ** 2 + v.max())
    places = np.concatenate(([0.0], np.geomspace(1e-8 * float(v.min()), top, 400)))
    rising = [parts(place)[0] > 0.0 for place in places]
    peaks = [0.0]
    for low, high, up, still in zip(places, places[1:], rising, rising[1:], strict=False):
        if up and not still:
            peaks.append(
                float(
                    optimize.brentq(lambda tau2: parts(tau2)[0], low, high, xtol=1e-15, rtol=1e-14)
                )
            )
    return max(peaks, key=lambda tau2: parts(tau2)[1])


def _q(tau2: float, y: FloatArray, v: FloatArray) -> float:
    weights = 1.0 / (v + tau2)
    return float(weights @ (y - np.average(y, weights=weights)) ** 2)


def _profile(y: FloatArray, v: FloatArray) -> tuple[float | None, float | None]:
    """The Q-profile interval of the variance between units."""
    df = y.size - 1
    lower, upper = float(stats.chi2.ppf(0.025, df)), float(stats.chi2.ppf(0.975, df))
    start = _q(0.0, y, v)
    if start < lower:
        return None, None
    top = 1.0
    while _q(top, y, v) > lower:
        top *= 2.0

    def where(value: float) -> float:
        return float(
            optimize.brentq(lambda tau2: _q(tau2, y, v) - value, 0.0, top, xtol=1e-15, rtol=1e-14)
        )

    return (where(upper) if start > upper else 0.0), where(lower)


def prediction(
    estimates: Sequence[float], errors: Sequence[float]
) -> tuple[float | None, float | None]:
    """Where the effect of one more unit is expected (Nagashima), over 256 by 64 equal parts."""
    y, v = np.array(estimates), np.array(errors) ** 2
    k = y.size
    if k < 3 or np.ptp(y) == 0.0:
        return None, None
    df = k - 1
    parts = (np.arange(256) + 0.5) / 256
    wanted = stats.chi2.isf(parts, df)
    top = 1.0
    while _q(top, y, v) > float(wanted.min()):
        top *= 2.0
    tau2 = np.array([_variance_at(float(q), y, v, top) for q in wanted])
    weights = 1.0 / (v + tau2[:, None])
    centres = (weights * y).sum(axis=1) / weights.sum(axis=1)
    scale = (weights * (y - centres[:, None]) ** 2).sum(axis=1) / df
    spreads = np.sqrt(scale / weights.sum(axis=1))
    t = stats.t.ppf((np.arange(64) + 0.5) / 64, df)
    middles = centres[:, None] - spreads[:, None] * t
    widths = np.maximum(np.sqrt(tau2), 1e-12)[:, None]
    reach = 100.0 * (float(np.abs(y).max()) + float(widths.max()) + float(spreads.max()))

    def at(probability: float) -> float:
        return float(
            optimize.brentq(
                lambda x: float(special.ndtr((x - middles) / widths).mean()) - probability,
                -reach,
                reach,
            )
        )

    return at(0.025), at(0.975)


def _variance_at(wanted: float, y: FloatArray, v: FloatArray, top: float) -> float:
    if _q(0.0, y, v) <= wanted:
        return 0.0
    return float(optimize.brentq(lambda tau2: _q(tau2, y, v) - wanted, 0.0, top, rtol=1e-12))
