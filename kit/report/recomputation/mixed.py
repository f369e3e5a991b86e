"""The mixed model of slopes over languages, by the marginal likelihood of every language.

y = X b + Z u + e; V = I + Z D Z' in units of the residual variance. The restricted likelihood is
profiled over b and the residual variance and maximised over D by a scalar search. Only the model
in which slopes vary is fitted here: with varying intercepts the likelihood has three parameters,
and a second search would agree to a few digits and no further.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

from kit.report.recomputation.contrasts import FloatArray, Result, result, student


class MixedModel(NamedTuple):
    """The slope and how much languages differ in it."""

    slope: Result
    sd_slope: float | None
    sd_residual: float | None


class _Fit(NamedTuple):
    deviance: float
    coefficients: FloatArray
    covariance: FloatArray
    """Of the coefficients."""
    residual_variance: float


def random_slope(
    levels: Sequence[float], outcome: Sequence[float], languages: Sequence[str]
) -> MixedModel:
    """A slope that varies over languages, of scores that are centred within each."""
    x, y = np.array(levels, dtype=float), np.array(outcome, dtype=float)
    names = list(dict.fromkeys(languages))
    groups = [np.array([each == name for each in languages]) for name in names]
    varied = [rows for rows in groups if np.ptp(x[rows]) > 0.0]
    if len(varied) < 2 or np.ptp(y) == 0.0 or y.size <= len(names):
        return MixedModel(result(n=y.size), None, None)
    position = x.copy()
    for rows in groups:
        position[rows] -= x[rows].mean()
    width = float(position.std())
    design = np.column_stack((np.ones_like(x), position / width))
    effects = position[:, None] / width
    found = optimize.minimize_scalar(
        lambda log: _fitted(design, effects, y, groups, np.array([[math.exp(log)]])).deviance,
        bounds=(-25.0, 20.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    variance = math.exp(float(found.x))
    none = _fitted(design, effects, y, groups, np.zeros((1, 1)))
    fit = _fitted(design, effects, y, groups, np.array([[variance]]))
    if none.deviance <= fit.deviance:
        fit, variance = none, 0.0
    error = math.sqrt(float(fit.covariance[1, 1])) / width
    sd = math.sqrt(fit.residual_variance)
    return MixedModel(
        student(float(fit.coefficients[1]) / width, error, len(names) - 1, y.size),
        sd * math.sqrt(variance) / width,
        sd,
    )


def _fitted(
    design: FloatArray,
    effects: FloatArray,
    y: FloatArray,
    groups: Sequence[np.ndarray[tuple[int], np.dtype[np.bool_]]],
    between: FloatArray,
) -> _Fit:
    """The profile at one covariance of the random effects, language by language."""
    k = design.shape[1]
    information, moment, square, log = np.zeros((k, k)), np.zeros(k), 0.0, 0.0
    for rows in groups:
        z, x, r = effects[rows], design[rows], y[rows]
        v = np.eye(r.size) + z @ between @ z.T
        factor = linalg.cho_factor(v, lower=True)
        information += x.T @ linalg.cho_solve(factor, x)
        moment += x.T @ linalg.cho_solve(factor, r)
        square += float(r @ linalg.cho_solve(factor, r))
        log += 2.0 * float(np.sum(np.log(np.diag(factor[0]))))
    coefficients = np.asarray(np.linalg.solve(information, moment), dtype=np.float64)
    df = y.size - k
    variance = (square - float(coefficients @ moment)) / df
    _, determinant = np.linalg.slogdet(information)
    deviance = df * math.log(variance) + log + float(determinant)
    return _Fit(deviance, coefficients, np.linalg.inv(information) * variance, variance)
