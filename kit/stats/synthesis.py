"""Effects of several units pooled: random-effects mean, meta-regression, sign test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, stats

from kit.stats.heterogeneity import Contrasts, contrasts
from kit.stats.noncentral import Limits
from kit.stats.regression import RELATIVE, matched
from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import FloatArray, paired, sample, significance
from kit.stats.student import critical
from kit.stats.wald import coefficient_only, t_test

_SMALLEST_RATIO = 1e-70
"""Below this share of the largest number, a standard error's weight squared would overflow."""
_LARGEST_UNIT = 1e120
"""Above this, and below its inverse, variances leave no room in floating point."""


@dataclass(frozen=True, slots=True)
class MetaRegression:
    """Effects of units explained by properties of the units, and how much they differ beyond."""

    coefficients: dict[str, Estimate]
    """One result per column of the design, in order."""
    tau2: Estimate
    """Variance of the true effects about the regression, with its Q-profile interval."""
    i2: float | None
    """Share of the variance of the estimates that is not sampling error, from 0 to 1."""
    heterogeneity: Estimate
    """Cochran's Q of the residuals, both `estimate` and `statistic`, with its chi-squared p."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The mean of the true effects of all units, and how much they differ."""

    pooled: Estimate
    """Mean of the true effects, with Knapp-Hartung error, test and interval."""
    prediction: Limits | None
    """Where the true effect of one more unit lies with the given confidence."""
    tau2: Estimate
    """Variance of the true effects, with its Q-profile interval."""
    i2: float | None
    """Share of the variance of the estimates that is not sampling error, from 0 to 1."""
    heterogeneity: Estimate
    """Cochran's Q, both `estimate` and `statistic`, with its chi-squared p."""


def random_effects(
    estimates: ArrayLike, std_errors: ArrayLike, *, confidence: float = 0.95
) -> Synthesis:
    """Random-effects meta-analysis: the case of `meta_regression` with a column of ones alone.

    The prediction interval is mean -+ t sqrt(tau^2 + SE^2) (Higgins, Thompson & Spiegelhalter 2009)
    with the Knapp-Hartung SE and the k - 1 degrees of freedom of the mean, as in metafor; the
    original has k - 2 and no Knapp-Hartung.

    Args:
        estimates: the effect of each of k units, all on one scale.
        std_errors: their standard errors, taken as known.
        confidence: level of all intervals.

    Returns:
        All undefined with fewer than two units. Equal effects: the mean alone is known, and the
        prediction interval is `None`.

    Raises:
        ValueError: the lengths differ, a standard error is not above 0, values are not finite, or
            `confidence` is not between 0 and 1.
    """
    effects, errors = _measured(estimates, std_errors)
    method = f"random-effects mean, REML, Knapp-Hartung {confidence:.6g} interval"
    ones = np.ones((effects.size, 1))
    fit = _fitted(effects, errors, ones, ("mean",), method=method, confidence=confidence)
    pooled = fit.coefficients["mean"]
    return Synthesis(
        pooled=pooled,
        prediction=_prediction(pooled, fit.tau2, confidence),
        tau2=fit.tau2,
        i2=fit.i2,
        heterogeneity=fit.heterogeneity,
    )


def meta_regression(
    estimates: ArrayLike,
    std_errors: ArrayLike,
    design: ArrayLike,
    names: Sequence[str],
    *,
    confidence: float = 0.95,
) -> MetaRegression:
    """Mixed-effects meta-regression: y_i = x_i b + u_i + e_i, e_i of known variance v_i.

    tau^2 = Var(u_i) by restricted maximum likelihood (see
    `kit.stats.heterogeneity.Contrasts.restricted_tau2`); b by least squares with weights w_i = 1 /
    (v_i + tau^2). The covariance of b is s^2 (X'WX)^-1 with s^2 = sum of w_i times the squared
    residual i, over k - p, and tests use t with k - p degrees of freedom (Knapp & Hartung 2003).
    s^2 may fall below 1 and is not truncated.
    I^2 = tau^2 / (tau^2 + v), v the typical variance of Higgins & Thompson (2002).

    Args:
        estimates: the effect of each of k units.
        std_errors: their standard errors, taken as known.
        design: k x p matrix, one row per unit, including the column of ones if an intercept is
            wanted.
        names: p names of the columns, all different.
        confidence: level of all intervals.

    Returns:
        All undefined if there are no more units than columns or the columns are collinear. Effects
        without residuals: coefficients are known and their standard errors are not. The interval of
        tau^2 is undefined if the effects differ less than their errors allow.

    Raises:
        ValueError: shapes do not fit, names repeat, a standard error is not above 0, values are not
            finite, or `confidence` is not between 0 and 1.
    """
    effects, errors = _measured(estimates, std_errors)
    x, _ = matched(design, effects, names)
    method = f"meta-regression, REML, Knapp-Hartung {confidence:.6g} interval"
    return _fitted(effects, errors, x, names, method=method, confidence=confidence)


def sign_test(estimates: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Exact two-sided sign test (Arbuthnot 1710): are effects above and below 0 equally likely?

    The p value is binomial; the interval of the share is that of Clopper & Pearson (1934).

    Args:
        estimates: the effect of each unit. Zeros have no sign: they are left out, and `method` says
            how many.
        confidence: level of the interval.

    Returns:
        Share of effects above 0 among those that are not 0; `statistic` is their number and `n` all
        that have a sign. Undefined without any.

    Raises:
        ValueError: see `kit.stats.sample.sample`; or `confidence` is not between 0 and 1.
    """
    significance(confidence)
    effects = sample(estimates, "estimates")
    above, n = int(np.sum(effects > 0.0)), int(np.sum(effects != 0.0))
    method = f"share above 0, exact sign test, Clopper-Pearson {confidence:.6g} interval"
    if n < effects.size:
        method = f"{method} ({effects.size - n} zeros left out)"
    if n == 0:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=0)
    test = stats.binomtest(above, n)
    limits = test.proportion_ci(confidence, method="exact")
    return Estimate(
        estimate=above / n,
        statistic=above,
        p_value=min(float(test.pvalue), 1.0),
        conf_low=float(limits.low),
        conf_high=float(limits.high),
        n=n,
        method=method,
    )


def _measured(estimates: ArrayLike, std_errors: ArrayLike) -> tuple[FloatArray, FloatArray]:
    effects, errors = paired(estimates, std_errors, "estimates", "std_errors")
    if not (errors > 0.0).all():
        raise ValueError("std_errors must be above 0: an estimate without error cannot be weighed")
    return effects, errors


def _fitted(
    effects: FloatArray,
    errors: FloatArray,
    design: FloatArray,
    names: Sequence[str],
    *,
    method: str,
    confidence: float,
) -> MetaRegression:
    significance(confidence)
    reason, unit = _unusable(effects, errors, design)
    tau2_method = f"tau^2, REML, Q-profile {confidence:.6g} interval"
    n = effects.size
    if reason:
        return MetaRegression(
            coefficients={name: Estimate.undefined(method, reason, n=n) for name in names},
            tau2=Estimate.undefined(tau2_method, reason, n=n),
            i2=None,
            heterogeneity=Estimate.undefined("Cochran's Q", reason, n=n),
        )
    lengths = np.max(np.abs(design), axis=0)
    variances = (errors / unit) ** 2
    found = contrasts(effects / unit, variances, design / lengths)
    tau2 = found.restricted_tau2()

    weights = 1.0 / np.sqrt(variances + tau2)
    basis, triangle = linalg.qr(design / lengths * weights[:, None], mode="economic")
    inverse = linalg.solve_triangular(triangle, np.eye(len(names)))
    with np.errstate(over="ignore"):
        units = unit / lengths
        coefficients = (inverse @ (basis.T @ (weights * effects / unit)) * units).tolist()
        scale = math.sqrt(found.q(tau2) / found.df)
        std_errors = (scale * np.linalg.norm(inverse, axis=1) * units).tolist()
    return MetaRegression(
        coefficients={
            name: _coefficient(
                coefficient, error, found.df, n=n, method=method, confidence=confidence
            )
            for name, coefficient, error in zip(names, coefficients, std_errors, strict=True)
        },
        tau2=_between(found, tau2, unit, n=n, method=tau2_method, confidence=confidence),
        i2=tau2 / (tau2 + found.typical_variance),
        heterogeneity=Estimate(
            estimate=found.q(0.0),
            df=found.df,
            statistic=found.q(0.0),
            p_value=float(stats.chi2.sf(found.q(0.0), found.df)),
            n=n,
            method="Cochran's Q",
        ),
    )


def _unusable(
    effects: FloatArray, errors: FloatArray, design: FloatArray
) -> tuple[Undefined | None, float]:
    """Why there is no fit, if there is none; and the unit in which to compute."""
    k, p = design.shape
    if k <= p:
        return Undefined.TOO_FEW, 1.0
    lengths = np.max(np.abs(design), axis=0)
    if not lengths.all():
        return Undefined.COLLINEAR, 1.0
    scaled = design / lengths
    singular = linalg.svdvals(scaled / np.linalg.norm(scaled, axis=0))
    if singular[-1] < RELATIVE * singular[0]:
        return Undefined.COLLINEAR, 1.0
    unit = max(float(np.max(errors)), float(np.max(np.abs(effects))))
    if not 1.0 / _LARGEST_UNIT < unit < _LARGEST_UNIT or np.min(errors) < _SMALLEST_RATIO * unit:
        return Undefined.OVERFLOW, 1.0
    return None, unit


def _coefficient(
    coefficient: float, std_error: float, df: int, *, n: int, method: str, confidence: float
) -> Estimate:
    if not (math.isfinite(coefficient) and math.isfinite(std_error)):
        return Estimate.undefined(method, Undefined.OVERFLOW, n=n)
    if std_error == 0.0:
        return coefficient_only(coefficient, n, method, Undefined.PERFECT_FIT)
    return t_test(coefficient, std_error, df, n=n, method=method, confidence=confidence)


def _between(
    found: Contrasts, tau2: float, unit: float, *, n: int, method: str, confidence: float
) -> Estimate:
    limits = found.tau2_interval(confidence)
    if limits is None:
        method = explained(method, Undefined.BOUNDARY, "interval")
    return Estimate(
        estimate=tau2 * unit**2,
        conf_low=limits.low * unit**2 if limits else None,
        conf_high=limits.high * unit**2 if limits else None,
        n=n,
        method=method,
    )


def _prediction(pooled: Estimate, tau2: Estimate, confidence: float) -> Limits | None:
    if pooled.estimate is None or pooled.std_error is None or pooled.df is None:
        return None
    assert tau2.estimate is not None
    spread = math.hypot(pooled.std_error, math.sqrt(tau2.estimate))
    margin = critical(significance(confidence), pooled.df) * spread
    return Limits(pooled.estimate - margin, pooled.estimate + margin)
