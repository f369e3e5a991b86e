from __future__ import annotations

import itertools

import numpy as np
import pytest

from kit.stats.concordance import concordance


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1, 2, 3, 4, 5], [1, 3, 2, 5, 4]),
        ([0, 0, 5, 5, 10, 10], [1, 2, 2, 3, 3, 3]),
        ([1, 1, 2, 2, 2, 3], [5, 1, 1, 1, 2, 2]),
        ([0, 0, 0, 1, 1, 1], [1, 1, 2, 3, 3, 4]),
    ],
)
def test_the_variance_is_that_over_all_pairings(x: list[int], y: list[int]) -> None:
    left, right = np.array(x, dtype=float), np.array(y, dtype=float)
    scores = [
        concordance(left, right[list(order)]).score
        for order in itertools.permutations(range(len(x)))
    ]
    assert np.mean(scores) == pytest.approx(0.0, abs=1e-12)
    assert concordance(left, right).variance == pytest.approx(float(np.var(scores)), rel=1e-12)


def test_pairs_are_counted() -> None:
    # Of the 6 pairs 5 differ in x and 5 in y; concordant 4, discordant 0.
    pairs = concordance(np.array([1.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 3.0]))
    assert (pairs.score, pairs.pairs_x, pairs.pairs_y) == (4, 5, 5)
    assert pairs.tau_b == pytest.approx(0.8)
    assert pairs.somers_d == pytest.approx(0.8)
