from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.sample import (
    deviation,
    extent,
    moments,
    paired,
    partition,
    sample,
    significance,
)

VALUES = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=2, max_size=20)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e200])
def test_values_out_of_range_are_refused_by_name(bad: float) -> None:
    with pytest.raises(ValueError, match="treated holds values that are not finite"):
        sample([1.0, bad], "treated")


def test_only_one_dimension_is_accepted() -> None:
    with pytest.raises(ValueError, match=r"control must be one-dimensional, not of shape \(2, 1\)"):
        sample([[1.0], [2.0]], "control")


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        (["ja", "en", "ja", "en"], [[1, 3], [0, 2]]),
        ([10, 2, 2, 10], [[1, 2], [0, 3]]),
        ([5.0, 5.0, 5.0, 5.0], [[0, 1, 2, 3]]),
    ],
)
def test_units_of_one_label_are_one_group(labels: list[str], groups: list[list[int]]) -> None:
    assert [rows.tolist() for rows in partition(labels, 4, "cluster")] == groups


def test_no_units_have_no_groups() -> None:
    assert partition([], 0, "cluster") == []


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], r"shape \(2,\) does not give 3 units"),
        ([["a"], ["b"], ["a"]], r"shape \(3, 1\)"),
        (["a", None, "b"], "missing"),
        ([1.0, float("nan"), 2.0], "missing"),
    ],
)
def test_every_unit_needs_one_label(labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        partition(labels, 3, "cluster")


def test_pairs_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="x has 2 values and y has 3"):
        paired([1, 2], [1, 2, 3], "x", "y")


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
def test_a_confidence_outside_the_unit_interval_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        significance(confidence)


def test_constant_values_have_exactly_no_deviation() -> None:
    values = np.full(7, 0.1)
    assert np.std(values, ddof=1) > 0.0, "the plain formula rounds, which is why this test exists"
    assert deviation(values) == 0.0


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e140])
def test_deviation_survives_any_scale(scale: float) -> None:
    # SD of 1, 2, 3, 4 with divisor 3 is sqrt(5 / 3).
    values = np.array([1.0, 2.0, 3.0, 4.0]) * scale
    assert deviation(values) == pytest.approx(math.sqrt(5 / 3) * scale, rel=1e-14, abs=0.0)


@given(VALUES)
def test_deviation_agrees_with_numpy(values: list[float]) -> None:
    array = np.array(values)
    expected = float(np.std(array, ddof=1)) if extent(array) else 0.0
    assert deviation(array) == pytest.approx(expected, rel=1e-9)


def test_satterthwaite_df_of_equal_groups_is_the_pooled_df() -> None:
    groups = moments(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]))
    assert groups.difference == -4.0
    assert groups.satterthwaite_df == pytest.approx(4.0)
    assert groups.std_error == pytest.approx(math.sqrt(2 / 3))
