"""Slopes of languages against culture scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from kit.report.recomputation.contrasts import FloatArray, Result, result
from kit.report.recomputation.trends import rank_score

FEWEST = 4
"""Languages that a correlation needs."""
PLACES = 13
"""Scores at which the line through a scatter is given."""


def correlation(r: float, n: int, inflation: float = 1.0) -> Result:
    """The t test of a correlation, with Fisher's interval; ``n`` less what was held fixed."""
    if abs(r) >= 1.0:
        return result(estimate=r, n=n)
    error = math.sqrt((1.0 - r * r) / (n - 2))
    reach = float(stats.norm.ppf(0.975)) * math.sqrt(inflation / (n - 3))
    return result(
        estimate=r,
        std_error=error,
        df=n - 2,
        statistic=r / error,
        p_value=2.0 * float(stats.t.sf(abs(r / error), n - 2)),
        conf_low=math.tanh(math.atanh(r) - reach),
        conf_high=math.tanh(math.atanh(r) + reach),
        n=n,
    )


def usable(x: FloatArray, y: FloatArray) -> bool:
    """Whether two variables have a correlation."""
    return bool(x.size >= FEWEST and np.ptp(x) > 0.0 and np.ptp(y) > 0.0)


def pearson(x: FloatArray, y: FloatArray) -> Result:
    """Pearson's r."""
    if not usable(x, y):
        return result(n=x.size)
    return correlation(float(stats.pearsonr(x, y).statistic), x.size)


def spearman(x: FloatArray, y: FloatArray) -> Result:
    """Spearman's rho with the interval of Bonett and Wright."""
    if not usable(x, y):
        return result(n=x.size)
    rho = float(stats.spearmanr(x, y).statistic)
    return correlation(rho, x.size, 1.0 + rho * rho / 2.0)


def kendall(x: FloatArray, y: FloatArray) -> Result:
    """Kendall's tau-b; exact p without ties, else normal."""
    n = x.size
    if not usable(x, y):
        return result(n=n)
    untied = np.unique(x).size == n and np.unique(y).size == n and n < 50
    tau = float(stats.kendalltau(x, y).statistic)
    score, deviation = rank_score(x, y)
    z = score / deviation
    low = high = None
    if n >= 5 and abs(tau) < 1.0:
        reach = float(stats.norm.ppf(0.975)) * math.sqrt(0.437 / (n - 4))
        low, high = (math.tanh(math.atanh(tau) + side * reach) for side in (-1, 1))
    return result(
        estimate=tau,
        statistic=None if untied else z,
        p_value=float(stats.kendalltau(x, y, method="exact").pvalue)
        if untied
        else 2.0 * float(stats.norm.sf(abs(z))),
        conf_low=low,
        conf_high=high,
        n=n,
    )


def corrected(x: FloatArray, y: FloatArray, errors: FloatArray) -> Result:
    """Pearson's r over the root of the reliability of the slopes."""
    if not usable(x, y):
        return result(n=x.size)
    reliability = max(0.0, 1.0 - float(np.mean(errors**2)) / float(y.var(ddof=1)))
    if reliability == 0.0:
        return result(n=x.size)
    base, root = pearson(x, y), math.sqrt(reliability)
    found = dict(base)
    for name in ("estimate", "conf_low", "conf_high"):
        value = base[name]
        found[name] = None if value is None else min(max(value / root, -1.0), 1.0)
    r, error = base["estimate"], base["std_error"]
    cut = r is None or error is None or abs(r / root) >= 1.0
    found["std_error"] = None if cut or error is None else error / root
    return found


def partial(x: FloatArray, y: FloatArray, given: FloatArray) -> Result:
    """Pearson's r given other variables, through the inverse of the correlation matrix."""
    n, k = given.shape
    if n - k < FEWEST:
        return result(n=n)
    matrix = np.corrcoef(np.column_stack((x, y, given)), rowvar=False)
    if not np.isfinite(matrix).all() or np.linalg.matrix_rank(matrix) < k + 2:
        return result(n=n)
    inverse = np.linalg.inv(matrix)
    r = -float(inverse[0, 1]) / math.sqrt(float(inverse[0, 0] * inverse[1, 1]))
    return {**correlation(r, n - k), "n": n}


def line(x: FloatArray, y: FloatArray) -> list[tuple[float, Result]]:
    """Height of the least-squares line at equally spaced scores, with its standard error."""
    n = x.size
    places = np.linspace(float(x.min()), float(x.max()), PLACES)
    if np.ptp(x) == 0.0:
        return [(float(place), result(n=n)) for place in places]
    fit = stats.linregress(x, y)
    rest = y - fit.intercept - fit.slope * x
    deviation = math.sqrt(float(rest @ rest) / (n - 2))
    spread = float(((x - x.mean()) ** 2).sum())
    reach = float(stats.t.ppf(0.975, n - 2))
    found = []
    for place in places.tolist():
        height = float(fit.intercept + fit.slope * place)
        error = deviation * math.sqrt(1.0 / n + (place - float(x.mean())) ** 2 / spread)
        known = result(
            estimate=height,
            std_error=error,
            df=n - 2,
            conf_low=height - reach * error,
            conf_high=height + reach * error,
            n=n,
        )
        found.append((place, known if np.ptp(y) > 0.0 else result(estimate=height, n=n)))
    return found


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's adjustment; a test without p is no member of the family."""
    known = [p for p in p_values if p is not None]
    ranked = sorted(known)
    steps: dict[float, float] = {}
    largest = 0.0
    for place, p in enumerate(ranked):
        largest = max(largest, min(1.0, (len(ranked) - place) * p))
        steps.setdefault(p, largest)
    return [None if p is None else steps[p] for p in p_values]


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """The step-up adjustment of the false discovery rate."""
    known = [p for p in p_values if p is not None]
    if not known:
        return list(p_values)
    adjusted = iter(stats.false_discovery_control(known, method="bh").tolist())
    return [None if p is None else float(next(adjusted)) for p in p_values]
