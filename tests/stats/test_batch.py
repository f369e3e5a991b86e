"""Many outcomes at once are the same numbers as one call each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats import batch
from kit.stats.batch import Batch
from kit.stats.correlation import pearson
from kit.stats.effects import hedges_g
from kit.stats.result import SCHEMA, Estimate
from kit.stats.sample import FloatArray
from kit.stats.trend import slope

NUMBERS = tuple(name for name in SCHEMA if name not in ("n", "method"))
GAPS = (None, 0.0, 1.0, 1.5, -2.25, 40.0)
"""Few values, so that constant and empty rows come up."""


def rows(width: int, values: st.SearchStrategy[float | None]) -> st.SearchStrategy[FloatArray]:
    return st.lists(st.lists(values, min_size=width, max_size=width), min_size=1, max_size=6).map(
        lambda found: np.array(found, dtype=np.float64)
    )


def defined(row: FloatArray) -> FloatArray:
    return row[~np.isnan(row)]


def agrees(found: Batch, row: int, expected: Estimate, names: tuple[str, ...] = NUMBERS) -> None:
    assert found.n[row] == expected.n
    for name in names:
        number, wanted = float(getattr(found, name)[row]), getattr(expected, name)
        if wanted is None:
            assert math.isnan(number), (name, number, expected)
        else:
            assert number == pytest.approx(wanted, rel=1e-9, abs=1e-12), (name, expected)


@given(st.data())
def test_hedges_g_is_that_of_one_call_each(data: st.DataObject) -> None:
    values = st.sampled_from(GAPS) | st.floats(-9, 9).map(lambda value: round(value, 3))
    treated = data.draw(rows(5, values))
    control = data.draw(st.permutations(data.draw(rows(4, values)).tolist()))
    k = min(len(treated), len(control))
    pairs = treated[:k], np.array(control[:k])
    found = batch.hedges_g(*pairs)

    for row, (one, other) in enumerate(zip(*pairs, strict=True)):
        expected = hedges_g(defined(one), defined(other))
        agrees(found, row, expected, ("estimate", "std_error", "df", "statistic", "p_value"))
        assert math.isnan(found.conf_low[row])


@given(st.data())
def test_correlations_are_those_of_one_call_each(data: st.DataObject) -> None:
    values = st.sampled_from(GAPS) | st.floats(-9, 9).map(lambda value: round(value, 3))
    x = data.draw(rows(7, values))[0]
    y = data.draw(rows(7, values))
    found = batch.pearson(x, y)

    for row, one in enumerate(y):
        both = ~np.isnan(x) & ~np.isnan(one)
        expected = pearson(x[both], one[both])
        if expected.estimate is not None and abs(expected.estimate) > 1 - 1e-9:
            continue  # whether r is 1 or next to it is rounding
        agrees(found, row, expected)


@given(rows(6, st.sampled_from(GAPS) | st.floats(-9, 9).map(lambda value: round(value, 3))))
def test_slopes_are_those_of_one_call_each(outcome: FloatArray) -> None:
    level = np.array([0.0, 0.0, 2.0, 5.0, 10.0, 10.0])
    found = batch.slopes(level, outcome)

    for row, one in enumerate(outcome):
        there = ~np.isnan(one)
        expected = slope(level[there], one[there]).estimate
        if expected is None:
            assert math.isnan(found[row])
        else:
            assert found[row] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_two_units_have_no_slope_and_three_units_no_correlation() -> None:
    level = np.array([0.0, 5.0, 10.0, 10.0])
    two = np.array([[1.0, math.nan, 3.0, math.nan]])
    three = np.array([[1.0, 2.0, 5.0, math.nan]])

    assert math.isnan(batch.slopes(level, two)[0])
    assert batch.slopes(level, three)[0] == pytest.approx(0.4)
    assert math.isnan(batch.pearson(level, three).estimate[0])


def test_constant_groups_have_no_variance_in_spite_of_rounding() -> None:
    values = np.full((1, 7), 0.1 + 0.2)

    assert math.isnan(batch.hedges_g(values, values + 0.7).estimate[0])


def test_without_units_everything_is_undefined() -> None:
    found = batch.hedges_g(np.empty((2, 0)), np.ones((2, 3)))

    assert found.n.tolist() == [3, 3]
    assert np.isnan(found.estimate).all()


def test_a_perfect_line_has_a_correlation_and_no_test() -> None:
    found = batch.pearson(np.arange(5.0), np.array([[0.0, 1.0, 2.0, 3.0, 4.0]]))

    assert found.estimate[0] == 1.0
    assert math.isnan(found.p_value[0])
    assert math.isnan(found.conf_low[0])


def test_a_confidence_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        batch.pearson(np.arange(5.0), np.ones((1, 5)), confidence=1.0)


def test_z_scores_are_deviations_in_standard_deviations_of_the_reference() -> None:
    outcome = np.array([[1.0, 2.0, math.nan], [5.0, 5.0, 6.0]])
    reference = np.array([[1.0, 3.0, math.nan], [5.0, 5.0, 5.0]])
    found = batch.standardised(outcome, reference)

    # Mean 2 and SD sqrt(2); a reference without variance scores nothing.
    assert found[0, :2] == pytest.approx([-1 / math.sqrt(2), 0.0])
    assert math.isnan(found[0, 2])
    assert np.isnan(found[1]).all()


def test_one_value_is_no_reference() -> None:
    assert np.isnan(batch.standardised(np.array([[1.0, 2.0]]), np.array([[1.0]]))).all()
