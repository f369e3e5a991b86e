"""Restricted likelihood of a linear mixed model with one grouping, in units near 1."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize
from statsmodels.regression.mixed_linear_model import MixedLM

from kit.stats.sample import FloatArray, IndexArray

_FLAT = 1e-5
"""Slope of the log-likelihood, per relative change of a parameter, up to which it is a maximum."""
_BOUNDARY = 1e-4
"""Random effects this small beside the residuals count as none (as in lme4's `isSingular`)."""


@dataclass(frozen=True, slots=True)
class MixedModel:
    """y = X b + Z u + e by groups, u of covariance sigma^2 R R', e of variance sigma^2.

    All that the likelihood needs are the cross products of Z, X and y in each group.
    """

    response: FloatArray
    """n outcomes, of a size near 1."""
    design: FloatArray
    """n x p matrix X of the fixed effects."""
    effects: FloatArray
    """n x k matrix Z of the random effects, k = 1 or 2, of a size near 1."""
    members: list[IndexArray]
    """The positions of the units of each group."""

    def products(self) -> FloatArray:
        """Groups x (k + p + 1) x (k + p + 1): W'W of each group, W the columns of Z, X and y."""
        columns = np.column_stack((self.effects, self.design, self.response))
        return np.array([columns[rows].T @ columns[rows] for rows in self.members])


class Fit(NamedTuple):
    """The maximum of the likelihood, in units of the fit."""

    root: FloatArray
    """k x k, R with sigma^2 R R' the covariance of the random effects."""
    coefficients: FloatArray
    """p coefficients b by generalised least squares at that covariance."""
    std_errors: FloatArray
    """Their standard errors."""
    residual_sd: float
    """Sigma."""
    boundary: bool
    """Whether a variance is 0 or the correlation -1 or 1."""


class _Place(NamedTuple):
    """The likelihood at one R."""

    root: FloatArray
    log_likelihood: float
    curvature: FloatArray
    """K, k x k and symmetric: the derivative of the log-likelihood in R is K R."""
    coefficients: FloatArray
    inverse: FloatArray
    residual_variance: float


def fitted(model: MixedModel) -> Fit | None:
    """The fit of highest restricted likelihood, or None if no search ends at a maximum.

    The likelihood has the form of Bates, Mächler, Bolker & Walker (2015, section 3), which never
    inverts the covariance of the random effects and so has its boundary inside the domain. The
    search starts from R = I and, should it not end at a maximum, where statsmodels' MixedLM stops.
    MixedLM does not come first because it does invert: where a variance is near 0 it stops short,
    after ten times the time.
    """
    products, df = model.products(), model.response.size - model.design.shape[1]
    for start in (_identity, _where_statsmodels_stops):
        with np.errstate(all="ignore"):
            try:
                fit = _searched(products, start(model), df)
            except np.linalg.LinAlgError:
                continue
        if fit is not None:
            return fit
    return None


def _identity(model: MixedModel) -> FloatArray:
    return np.eye(model.effects.shape[1])


def _where_statsmodels_stops(model: MixedModel) -> FloatArray:
    group = np.empty(model.response.size, dtype=np.intp)
    for code, rows in enumerate(model.members):
        group[rows] = code
    # Its warnings, of optimisers that give up and of small variances, are answered by the search
    # from there, which decides about convergence.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = MixedLM(model.response, model.design, group, exog_re=model.effects).fit(reml=True)
    return np.linalg.cholesky(np.asarray(fit.cov_re_unscaled, dtype=np.float64))


def _searched(products: FloatArray, start: FloatArray, df: int) -> Fit | None:
    """The maximum reached from R = `start`, or None if the search ends elsewhere.

    Raises:
        LinAlgError: the search left the range of floating point.
    """
    triangle = np.tril_indices(start.shape[0])

    def at(parameters: FloatArray) -> _Place:
        root = np.zeros_like(start)
        root[triangle] = parameters
        return _place(products, root, df)

    # Both of the negative log-likelihood, which is minimised.
    def height(parameters: FloatArray) -> float:
        return -at(parameters).log_likelihood

    def slope(parameters: FloatArray) -> FloatArray:
        place = at(parameters)
        return np.asarray(-(place.curvature @ place.root)[triangle])

    climbed = optimize.minimize(height, start[triangle], jac=slope, method="BFGS", tol=1e-8).x
    # Heights of the likelihood tell places apart to half the digits, its slope to all.
    place, refined = at(climbed), at(optimize.root(slope, climbed, tol=1e-13).x)
    if refined.log_likelihood >= place.log_likelihood - 1e-9:
        place = refined
    values, vectors = np.linalg.eigh(place.root @ place.root.T)
    empty = values < _BOUNDARY**2
    if not _is_maximum(place, vectors[:, empty]):
        return None
    residual_sd = math.sqrt(place.residual_variance)
    return Fit(
        root=vectors * np.sqrt(np.where(empty, 0.0, values)),
        coefficients=place.coefficients,
        std_errors=residual_sd * np.sqrt(np.diag(place.inverse)),
        residual_sd=residual_sd,
        boundary=bool(empty.any()),
    )


def _place(products: FloatArray, root: FloatArray, df: int) -> _Place:
    """The restricted likelihood, its derivative and what is estimated, at V = I + Z R R' Z'.

    With S = W'V^-1 W over the columns of Z, X and y, -2 log L is the sum of log |V| and log |X'V^-1
    X| and of df log(rss), rss the generalised residual sum of squares, up to a constant.
    """
    k = root.shape[0]
    spread = np.eye(k) + root.T @ products[:, :k, :k] @ root
    onto = root.T @ products[:, :k, :]
    weighted = products - onto.transpose(0, 2, 1) @ np.linalg.solve(spread, onto)
    total = weighted[:, k:, k:].sum(axis=0)
    lower = np.linalg.cholesky(total)
    inverse = np.linalg.inv(total[:-1, :-1])
    coefficients = inverse @ total[:-1, -1]
    rss = float(lower[-1, -1] ** 2)
    determinants = float(np.sum(np.linalg.slogdet(spread)[1]))
    determinants += 2.0 * float(np.sum(np.log(np.diag(lower)[:-1])))
    effects_design = weighted[:, :k, k:-1]
    effects_rest = weighted[:, :k, -1] - effects_design @ coefficients
    curvature = (
        np.einsum("gip,pq,gjq->ij", effects_design, inverse, effects_design)
        + df / rss * np.einsum("gi,gj->ij", effects_rest, effects_rest)
        - weighted[:, :k, :k].sum(axis=0)
    )
    return _Place(
        root=root,
        log_likelihood=-0.5 * (determinants + df * math.log(rss)),
        curvature=curvature,
        coefficients=coefficients,
        inverse=inverse,
        residual_variance=rss / df,
    )


def _is_maximum(place: _Place, empty: FloatArray) -> bool:
    """Whether no small change of the covariance R R' would raise the likelihood.

    Along R (I + E) R' the derivative is R'KR, which must be 0; into a direction that R leaves empty
    only a rise is possible, and there K must not be positive.
    """
    flat = np.abs(place.root.T @ place.curvature @ place.root) < _FLAT
    rising = np.linalg.eigvalsh(empty.T @ place.curvature @ empty) > 0.0
    return bool(flat.all() and not rising.any())
