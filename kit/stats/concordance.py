"""Counts of concordant pairs, from which Kendall's tau and the Jonckheere-Terpstra test follow."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kit.stats.sample import FloatArray


class Concordance(NamedTuple):
    """How two variables order the same pairs of units."""

    score: int
    """S: concordant minus discordant pairs."""
    pairs_x: int
    """Pairs not tied in x."""
    pairs_y: int
    """Pairs not tied in y."""
    variance: float
    """Variance of S when every pairing of the values is equally likely."""

    @property
    def tau_b(self) -> float:
        """Kendall's tau-b, S / sqrt(pairs_x pairs_y) (Kendall 1945); needs variance in both."""
        return self.score / math.sqrt(self.pairs_x * self.pairs_y)

    @property
    def somers_d(self) -> float:
        """Somers' D of y given x, S / pairs_x (Somers 1962); needs variance in x."""
        return self.score / self.pairs_x

    @property
    def z(self) -> float:
        """S over its standard deviation, without continuity correction; needs variance in both."""
        return self.score / math.sqrt(self.variance)


def concordance(x: FloatArray, y: FloatArray) -> Concordance:
    """S, its pairs, and its permutation variance with ties in both variables.

    The variance is that of Kendall (1970, Rank Correlation Methods, 4th ed.), exact for any pattern
    of ties. Needs at least three units.
    """
    n = x.size
    score = np.sum(np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(y, y)))
    ties_x = np.unique(x, return_counts=True)[1].astype(np.float64)
    ties_y = np.unique(y, return_counts=True)[1].astype(np.float64)

    def pairs(counts: FloatArray) -> float:
        return float(np.sum(counts * (counts - 1.0)))

    def triples(counts: FloatArray) -> float:
        return float(np.sum(counts * (counts - 1.0) * (counts - 2.0)))

    def spread(counts: FloatArray) -> float:
        return float(np.sum(counts * (counts - 1.0) * (2.0 * counts + 5.0)))

    whole = np.array([n], dtype=np.float64)
    variance = (
        (spread(whole) - spread(ties_x) - spread(ties_y)) / 18.0
        + triples(ties_x) * triples(ties_y) / (9.0 * triples(whole))
        + pairs(ties_x) * pairs(ties_y) / (2.0 * pairs(whole))
    )
    return Concordance(
        score=round(float(score) / 2.0),
        pairs_x=round((pairs(whole) - pairs(ties_x)) / 2.0),
        pairs_y=round((pairs(whole) - pairs(ties_y)) / 2.0),
        variance=variance,
    )
