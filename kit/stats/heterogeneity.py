"""How much the true effects of several units differ, given one estimate and its error for each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize, stats

from kit.stats.noncentral import Limits
from kit.stats.sample import FloatArray, significance

_PLACES = 256
"""Where the slope of the likelihood is looked at before its roots are refined."""


class Contrasts(NamedTuple):
    """What the estimates say about the variance tau^2 between units, free of the design.

    y = X b + u + e, where e_i has the known variance v_i and u_i the unknown tau^2. With K an
    orthonormal basis of all that is orthogonal to X, K'y is free of b and has the variance K'VK +
    tau^2 I. Along the eigenvectors of K'VK its k - p elements are independent with variances
    lambda_j + tau^2, and their likelihood is the restricted one (Patterson & Thompson 1971).
    """

    squares: FloatArray
    """Squared elements of K'y along the eigenvectors."""
    variances: FloatArray
    """Eigenvalues lambda of K'VK, each at least the smallest v."""

    def q(self, tau2: float) -> float:
        """Generalised Q: the weighted residual sum of squares with weights 1 / (v + tau^2).

        Cochran's (1954) Q at tau^2 = 0; chi-squared with `df` degrees of freedom at the true tau^2.
        """
        return float(np.sum(self.squares / (self.variances + tau2)))

    @property
    def df(self) -> int:
        """Estimates minus columns of the design."""
        return self.squares.size

    @property
    def typical_variance(self) -> float:
        """The v of equally precise estimates that would say as much (Higgins & Thompson 2002).

        (k - p) / trace(P), P the projection of weighted least squares, in its form for any design.
        """
        return self.df / float(np.sum(1.0 / self.variances))

    def restricted_tau2(self) -> float:
        """The tau^2 >= 0 at which the restricted likelihood is largest (REML).

        Every stationary point lies between the smallest and the largest squares - lambda, because
        outside all terms of the derivative have one sign. There may be several: each maximum is
        found, and the highest taken.
        """
        excess = self.squares - self.variances
        low, high = max(float(excess.min()), 0.0), max(float(excess.max()), 0.0)
        if low == high:
            return low
        origin = float(self.variances.min())
        places = np.geomspace(low + origin, high + origin, _PLACES) - origin
        places[0], places[-1] = low, high
        rising = np.array([self._score(place) > 0.0 for place in places])
        peaks = [low]
        for index in np.flatnonzero(rising[:-1] & ~rising[1:]):
            bracket = float(places[index]), float(places[index + 1])
            peaks.append(optimize.brentq(self._score, *bracket, xtol=1e-300, maxiter=1000))
        return max(peaks, key=self._log_likelihood)

    def tau2_interval(self, confidence: float) -> Limits | None:
        """Q-profile interval: the tau^2 at which Q is no surprise (Viechtbauer 2007).

        Q falls with tau^2; the limits are where it crosses the upper and the lower alpha / 2
        quantile of chi-squared, or 0 where it starts below the upper one. None if it starts below
        the lower one: the estimates differ less than their errors allow, and no tau^2 fits.
        """
        alpha = significance(confidence)
        lower = float(stats.chi2.ppf(alpha / 2.0, self.df))
        upper = float(stats.chi2.isf(alpha / 2.0, self.df))
        if self.q(0.0) < lower:
            return None
        low = 0.0 if self.q(0.0) <= upper else self._where_q_is(upper)
        return Limits(low, self._where_q_is(lower))

    def _where_q_is(self, value: float) -> float:
        beyond = 2.0 * float(np.sum(self.squares)) / value
        return optimize.brentq(
            lambda tau2: self.q(tau2) - value, 0.0, beyond, xtol=1e-300, maxiter=1000
        )

    def _score(self, tau2: float) -> float:
        """Twice the derivative of the log-likelihood."""
        total = self.variances + tau2
        return float(np.sum((self.squares / total - 1.0) / total))

    def _log_likelihood(self, tau2: float) -> float:
        total = self.variances + tau2
        return -0.5 * float(np.sum(np.log(total) + self.squares / total))


def contrasts(estimates: FloatArray, variances: FloatArray, design: FloatArray) -> Contrasts:
    """The contrasts of k estimates with known variances, about a k x p design of full rank, p < k.

    What is left of estimates that fit the design to the last digits counts as 0.
    """
    full, _ = linalg.qr(design)
    rest = full[:, design.shape[1] :]
    eigenvalues, vectors = linalg.eigh((rest.T * variances) @ rest)
    elements = vectors.T @ (rest.T @ estimates)
    rounding = 4.0 * estimates.size * float(np.spacing(np.max(np.abs(estimates))))
    elements[np.abs(elements) <= rounding] = 0.0
    return Contrasts(elements**2, np.maximum(eigenvalues, variances.min()))
