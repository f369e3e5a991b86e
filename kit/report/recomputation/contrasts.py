"""Two groups held against each other, with SciPy's distributions.

Formulas are those of docs/statistics.md, written a second time. The noncentrality interval asks
SciPy's `nctdtr`, and integrates over the chi distribution where that gives no number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, special, stats

FloatArray: TypeAlias = NDArray[np.float64]
Result: TypeAlias = dict[str, float | None]
"""Columns of one result: estimate, std_error, df, statistic, p_value, conf_low, conf_high, n."""

MARGIN = 0.5
"""Standard deviations within which an effect counts as none."""
COLUMNS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "n")


def result(**known: float | None) -> Result:
    """A result with None in every column that is not given."""
    return {name: known.get(name) for name in COLUMNS}


def mean(values: Sequence[float]) -> Result:
    """Mean with Student's interval and the t test against 0."""
    n = len(values)
    if n == 0:
        return result(n=0)
    x = np.array(values)
    centre = float(x.mean())
    if n == 1:
        return result(estimate=centre, n=1)
    if np.ptp(x) == 0.0:
        return result(estimate=centre, std_error=0.0, n=n)
    error = float(stats.sem(x))
    return student(centre, error, n - 1, n)


def student(estimate: float, error: float, df: float, n: int) -> Result:
    """The t test of an estimate against 0, with its 95 % interval."""
    reach = float(stats.t.ppf(0.975, df)) * error
    return result(
        estimate=estimate,
        std_error=error,
        df=df,
        statistic=estimate / error,
        p_value=2.0 * float(stats.t.sf(abs(estimate / error), df)),
        conf_low=estimate - reach,
        conf_high=estimate + reach,
        n=n,
    )


def contrasts(treated: Sequence[float], control: Sequence[float]) -> dict[str, Result]:
    """Every contrast of two groups that needs no random number, by kind."""
    n = len(treated) + len(control)
    kinds = (
        "hedges_g",
        "hedges_g_star",
        "hedges_g_av",
        "cohens_d",
        "glass_delta",
        "cliffs_delta",
        "probability_of_superiority",
        "welch",
        "mann_whitney",
        "equivalence",
    )
    if min(len(treated), len(control)) < 2:
        return {kind: result(n=n) for kind in kinds}
    left, right = np.array(treated), np.array(control)
    dominance = _superiority(left, right)
    return {
        **_standardised(left, right),
        "cliffs_delta": _cliff(dominance),
        "probability_of_superiority": dominance,
        "welch": welch(left, right),
        "mann_whitney": _mann_whitney(left, right),
    }


def welch(left: FloatArray, right: FloatArray) -> Result:
    """Difference of means with Welch's t test."""
    n = left.size + right.size
    difference = float(left.mean() - right.mean())
    parts = [variance(side) / side.size for side in (left, right)]
    error = sum(parts)
    if error == 0.0:
        return result(estimate=difference, n=n)
    weights = [part**2 / (side.size - 1) for part, side in zip(parts, (left, right), strict=True)]
    return student(difference, math.sqrt(error), error**2 / sum(weights), n)


def variance(values: FloatArray) -> float:
    """Sample variance; 0 of a constant, where NumPy may leave rounding."""
    return float(values.var(ddof=1)) if np.ptp(values) > 0.0 else 0.0


def _standardised(left: FloatArray, right: FloatArray) -> dict[str, Result]:
    n_left, n_right = left.size, right.size
    n = n_left + n_right
    v_left, v_right = variance(left), variance(right)
    names = ("hedges_g", "cohens_d", "equivalence", "hedges_g_star", "hedges_g_av", "glass_delta")
    found = {name: result(n=n) for name in names}
    if v_left + v_right == 0.0:
        return found
    difference = float(left.mean() - right.mean())
    df = n - 2.0
    pooled = math.sqrt(((n_left - 1) * v_left + (n_right - 1) * v_right) / df)
    h = 1.0 / n_left + 1.0 / n_right
    found["hedges_g"] = _effect(difference / pooled, h, df, df, n, corrected=True)
    found["cohens_d"] = _effect(difference / pooled, h, df, df, n, corrected=False)
    found["equivalence"] = _equivalence(difference / pooled, h, df, n)
    both = v_left + v_right
    error = v_left / n_left + v_right / n_right
    star = both**2 / (v_left**2 / (n_left - 1) + v_right**2 / (n_right - 1))
    test = error**2 / (
        (v_left / n_left) ** 2 / (n_left - 1) + (v_right / n_right) ** 2 / (n_right - 1)
    )
    for name, unit in (
        ("hedges_g_star", math.sqrt(both / 2.0)),
        ("hedges_g_av", (math.sqrt(v_left) + math.sqrt(v_right)) / 2.0),
    ):
        if star > 1.0:
            found[name] = _effect(difference / unit, error / unit**2, star, test, n, corrected=True)
    if v_right > 0.0:
        found["glass_delta"] = _effect(
            difference / math.sqrt(v_right),
            1.0 / n_right + v_left / v_right / n_left,
            n_right - 1.0,
            test,
            n,
            corrected=False,
        )
    return found


def correction(df: float) -> float:
    """Hedges' exact J."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def _effect(
    d: float, h: float, df: float, test_df: float, n: int, *, corrected: bool, level: float = 0.95
) -> Result:
    """A standardised difference with its exact interval, standard error and t test."""
    factor = correction(df) if corrected else 1.0
    root = math.sqrt(h)
    low, high = noncentrality(d / root, df, level)
    error = None
    if df > 2.0:
        j = correction(df)
        g = d * j
        variance = h + g * g * (1.0 - (df - 2.0) / (df * j * j))
        error = math.sqrt(variance) * factor / j
    return result(
        estimate=factor * d,
        std_error=error,
        df=test_df,
        statistic=d / root,
        p_value=2.0 * float(stats.t.sf(abs(d / root), test_df)),
        conf_low=factor * low * root,
        conf_high=factor * high * root,
        n=n,
    )


def _equivalence(d: float, h: float, df: float, n: int) -> Result:
    base = _effect(d, h, df, df, n, corrected=False, level=0.90)
    root = math.sqrt(h)
    t = d / root
    above = 1.0 - noncentral(t, df, -MARGIN / root)
    below = noncentral(t, df, MARGIN / root)
    return {**base, "p_value": min(max(above, below, 0.0), 1.0)}


def noncentral(t: float, df: float, shift: float) -> float:
    """P(T <= t) of noncentral t, by integration over the density of chi."""
    if t < 0.0:
        return 1.0 - noncentral(-t, df, -shift)
    chi = stats.chi(df, scale=1.0 / math.sqrt(df))
    low, high = float(chi.ppf(1e-17)), float(chi.isf(1e-17))
    middle = min(max(shift / t, low), high) if t > 0.0 else high
    width = (high - low) / 16.0
    points = [p for p in (middle - width, middle, middle + width) if low < p < high]
    value, _ = integrate.quad(
        lambda s: float(special.ndtr(t * s - shift)) * _chi_density(s, df),
        low,
        high,
        points=points or None,
        epsabs=1e-15,
        epsrel=1e-13,
        limit=200,
    )
    return float(value)


def _chi_density(s: float, df: float) -> float:
    """Density of sqrt(chi-squared(df) / df)."""
    if s <= 0.0:
        return 0.0
    half = df / 2.0
    log = math.log(2.0) + half * math.log(half) - math.lgamma(half)
    return math.exp(log + (df - 1.0) * math.log(s) - half * s * s)


def noncentrality(t: float, df: float, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of the noncentrality: where ``t`` is its upper and lower quantile."""
    tail = (1.0 - level) / 2.0
    reach = 10.0 + abs(t)

    def below(shift: float) -> float:
        found = float(special.nctdtr(df, shift, t))
        return noncentral(t, df, shift) if math.isnan(found) else found

    def at(probability: float) -> float:
        return float(
            optimize.brentq(
                lambda shift: below(shift) - probability, t - reach, t + reach, xtol=1e-12
            )
        )

    return at(1.0 - tail), at(tail)


def _superiority(left: FloatArray, right: FloatArray) -> Result:
    n_left, n_right = left.size, right.size
    u = float(stats.mannwhitneyu(left, right, method="asymptotic").statistic)
    share = u / (n_left * n_right)
    low = _newcombe(share, n_left, n_right)
    high = 1.0 - _newcombe(1.0 - share, n_left, n_right)
    known = result(estimate=share, conf_low=low, conf_high=high, n=n_left + n_right)
    placed = np.array([[(a > b) + 0.5 * (a == b) for b in right] for a in left])
    parts = (
        placed.mean(axis=1).var(ddof=1) / n_left,
        placed.mean(axis=0).var(ddof=1) / n_right,
    )
    variance = float(sum(parts))
    if variance < 1e-20:
        return known
    df = variance**2 / float(parts[0] ** 2 / (n_left - 1) + parts[1] ** 2 / (n_right - 1))
    statistic = (share - 0.5) / math.sqrt(variance)
    return {
        **known,
        "std_error": math.sqrt(variance),
        "df": df,
        "statistic": statistic,
        "p_value": 2.0 * float(stats.t.sf(abs(statistic), df)),
    }


def _newcombe(share: float, n_left: int, n_right: int) -> float:
    if share == 0.0:
        return 0.0
    z = float(stats.norm.ppf(0.975))
    extra = (n_left + n_right) / 2.0 - 1.0

    def gap(a: float) -> float:
        shape = 1.0 + extra * ((1.0 - a) / (2.0 - a) + a / (1.0 + a))
        return share - a - z * math.sqrt(a * (1.0 - a) * shape / (n_left * n_right))

    return float(optimize.brentq(gap, 0.0, min(share, 1.0 - 1e-13), xtol=1e-15))


def _cliff(base: Result) -> Result:
    found = dict(base)
    for name in ("estimate", "conf_low", "conf_high"):
        value = base[name]
        found[name] = None if value is None else 2.0 * value - 1.0
    error = base["std_error"]
    found["std_error"] = None if error is None else 2.0 * error
    return found


def _mann_whitney(left: FloatArray, right: FloatArray) -> Result:
    n = left.size + right.size
    both = np.concatenate((left, right))
    shift = float(np.median([a - b for a, b in itertools.product(left, right)]))
    if np.ptp(both) == 0.0:
        return result(estimate=shift, n=n)
    exact = max(left.size, right.size) < 50 and len(set(both.tolist())) == n
    found = stats.mannwhitneyu(left, right, method="exact" if exact else "asymptotic")
    return result(
        estimate=shift, statistic=float(found.statistic), p_value=float(found.pvalue), n=n
    )
