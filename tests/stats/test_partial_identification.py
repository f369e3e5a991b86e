from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.partial_identification import (
    Bounds,
    difference_bounds,
    mean_bounds,
    proportion_bounds,
)
from kit.stats.result import Undefined

SCORES = st.lists(st.floats(-2, 5), min_size=0, max_size=12)


def known(found: Bounds | Undefined) -> Bounds:
    assert isinstance(found, Bounds)
    return found


def test_a_mean_by_hand() -> None:
    found = known(mean_bounds([0.0, 1.0, 5.0], 2, minimum=0.0, maximum=10.0))
    assert (found.low, found.high) == pytest.approx((6 / 5, 26 / 5))
    assert found.width == pytest.approx(2 / 5 * 10)
    assert (found.missing, found.n) == (2, 5)


def test_a_difference_by_hand() -> None:
    found = known(difference_bounds([4.0], 1, [1.0, 3.0], 2, minimum=0.0, maximum=4.0))
    # Means of 2 to 4 and of 1 to 3.
    assert (found.low, found.high) == pytest.approx((-1.0, 3.0))
    assert (found.missing, found.n) == (3, 6)


def test_a_proportion_by_hand() -> None:
    found = known(proportion_bounds(3, 8, 2))
    assert (found.low, found.high) == (0.3, 0.5)


@given(SCORES, st.lists(st.floats(-2, 5), max_size=6))
def test_any_imputation_lies_within_and_the_ends_are_reached(
    observed: list[float], imputed: list[float]
) -> None:
    if not observed and not imputed:
        assert mean_bounds([], 0, minimum=-2.0, maximum=5.0) is Undefined.TOO_FEW
        return
    found = known(mean_bounds(observed, len(imputed), minimum=-2.0, maximum=5.0))
    mean = float(np.mean(observed + imputed))
    assert found.low - 1e-12 <= mean <= found.high + 1e-12
    for end, limit in ((-2.0, found.low), (5.0, found.high)):
        assert np.mean(observed + [end] * len(imputed)) == pytest.approx(limit, abs=1e-12)


@given(SCORES, SCORES, SCORES, SCORES)
def test_any_imputation_of_both_groups_lies_within(
    treated: list[float], more: list[float], control: list[float], other: list[float]
) -> None:
    found = difference_bounds(treated, len(more), control, len(other), minimum=-2.0, maximum=5.0)
    if not treated + more or not control + other:
        assert found is Undefined.TOO_FEW
        return
    difference = float(np.mean(treated + more) - np.mean(control + other))
    assert known(found).low - 1e-12 <= difference <= known(found).high + 1e-12


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5))
def test_a_proportion_is_a_mean_of_zeros_and_ones(hits: int, misses: int, missing: int) -> None:
    found = proportion_bounds(hits, hits + misses, missing)
    scores = [1.0] * hits + [0.0] * misses
    expected = mean_bounds(scores, missing, minimum=0.0, maximum=1.0)
    if isinstance(expected, Undefined):
        assert found is expected
    else:
        assert known(found) == pytest.approx(expected)


@given(SCORES.filter(bool))
def test_without_missing_scores_the_mean_is_known(observed: list[float]) -> None:
    found = known(mean_bounds(observed, 0, minimum=-2.0, maximum=5.0))
    assert found.width == 0.0
    assert found.low == pytest.approx(float(np.mean(observed)))


def test_without_observed_scores_all_of_the_scale_is_possible() -> None:
    assert known(mean_bounds([], 3, minimum=1.0, maximum=7.0))[:2] == (1.0, 7.0)


def test_wrong_calls_are_refused() -> None:
    for observed, missing, minimum, maximum, message in (
        ([0.0, 6.0], 1, 0.0, 5.0, "outside the scale"),
        ([-1.0], 1, 0.0, 5.0, "outside the scale"),
        ([1.0], -1, 0.0, 5.0, "negative"),
        ([1.0], 1, 5.0, 5.0, "no scale"),
        ([1.0], 1, 0.0, float("inf"), "no scale"),
        ([float("nan")], 1, 0.0, 5.0, "not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            mean_bounds(observed, missing, minimum=minimum, maximum=maximum)
    for successes, observed_units, missing in ((-1, 3, 0), (4, 3, 0), (1, 3, -1)):
        with pytest.raises(ValueError, match="no counts"):
            proportion_bounds(successes, observed_units, missing)
