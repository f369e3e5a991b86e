from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kit.stats.intraclass import IntraclassCorrelations, intraclass_correlations
from kit.stats.result import Undefined
from kit.stats.sample import FloatArray

MATRICES = st.tuples(st.integers(2, 8), st.integers(2, 5)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 6), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


def known(ratings: FloatArray | list[list[float]]) -> IntraclassCorrelations:
    found = intraclass_correlations(ratings)
    assert not isinstance(found, Undefined)
    return found


def test_correlations_agree_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("intraclass_data")
    rows = golden("intraclass").to_dicts()
    assert len(rows) == 48
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        ratings = case["rating"].to_numpy().reshape(case["judge"].n_unique(), -1).T
        found = intraclass_correlations(ratings, confidence=row["confidence"])
        assert isinstance(found, IntraclassCorrelations)
        one = getattr(found, row["method"].lower())
        names = ("estimate", "statistic", "p_value", "conf_low", "conf_high")
        matches(one.result, row, names)
        assert (one.df_units, one.df_error) == (row["df1"], row["df2"])
        assert one.result.n == ratings.shape[0]


def test_the_example_of_shrout_and_fleiss() -> None:
    found = known(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    )
    printed = (0.17, 0.29, 0.71, 0.44, 0.62, 0.91)
    for one, expected in zip(found, printed, strict=True):
        assert one.result.estimate == pytest.approx(expected, abs=0.005)


@example(ratings=[[2, 0], [0, 1], [1, 0]], scale=-3.0, shift=0, seed=0)
@example(ratings=[[0, 1], [0, 2], [1, 0]], scale=-3.0, shift=0, seed=0)
@given(MATRICES, st.sampled_from([-3.0, 1e-6, 1e8]), st.integers(-50, 50), st.integers(0, 99))
def test_neither_scale_nor_order_matters(
    ratings: list[list[int]], scale: float, shift: int, seed: int
) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    matrix = np.array(ratings, dtype=float)
    assume(np.ptp(matrix) > 0)
    moved = rng.permutation(rng.permutation(scale * (matrix + shift)), axis=1)
    for plain, other in zip(known(matrix), known(moved), strict=True):
        assert plain[1:] == other[1:]
        assert plain.result.is_defined == other.result.is_defined
        for name in ("estimate", "p_value", "conf_low", "conf_high"):
            expected = getattr(plain.result, name)
            if expected is not None:
                assert getattr(other.result, name) == pytest.approx(expected, rel=1e-6, abs=1e-8)


@given(MATRICES)
def test_intervals_and_tests_are_of_one_mind(ratings: list[list[int]]) -> None:
    matrix = np.array(ratings, dtype=float)
    assume(np.ptp(matrix) > 0)
    found = known(matrix)
    for one in found:
        result = one.result
        if result.conf_low is None or result.p_value is None:
            continue
        assert result.estimate is not None
        assert result.estimate <= 1.0 + 1e-12
        if one in (found.icc1, found.icc3, found.icc1k, found.icc3k):
            # The two-sided interval excludes 0 from above exactly where the one-sided p is small.
            assert (result.conf_low > 0.0) == (result.p_value < 0.025)


@given(MATRICES)
def test_the_mean_of_raters_follows_spearman_and_brown(ratings: list[list[int]]) -> None:
    matrix = np.array(ratings, dtype=float)
    assume(np.ptp(matrix) > 0)
    k = matrix.shape[1]
    found = known(matrix)
    for single, average in zip(found[:3], found[3:], strict=True):
        if single.result.estimate is None or average.result.estimate is None:
            continue
        one = single.result.estimate
        assume(1 + (k - 1) * one > 1e-6)
        assert average.result.estimate == pytest.approx(k * one / (1 + (k - 1) * one), abs=1e-7)


def test_levels_of_raters_count_for_absolute_agreement_only() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    ratings = rng.normal(size=(20, 1)) + rng.normal(0, 0.3, (20, 3))
    plain, shifted = known(ratings), known(ratings + np.array([0.0, 2.0, -2.0]))
    assert shifted.icc3.result.estimate == pytest.approx(plain.icc3.result.estimate)
    for name in ("icc1", "icc2"):
        low, high = (getattr(one, name).result.estimate for one in (shifted, plain))
        assert low < high - 0.3


def test_raters_who_differ_by_a_level_only_leave_the_consistency_at_one() -> None:
    units = np.array([1.0, 2.0, 4.0, 4.0, 7.0])
    found = known(np.column_stack((units, units + 1.0, units - 2.0)))
    assert found.icc3.result.estimate == found.icc3k.result.estimate == 1.0
    assert found.icc3.result.statistic is found.icc3.result.conf_low is None
    assert "no residual variance" in found.icc3.result.method
    assert found.icc2.result.estimate is not None
    assert 0.0 < found.icc2.result.estimate < 1.0
    assert found.icc1.result.conf_low is not None


def test_equal_means_of_units_leave_their_averages_undefined() -> None:
    found = known([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0]])
    assert found.icc1.result.estimate == -1.0
    assert found.icc1.result.conf_low is None
    assert "interval undefined" in found.icc1.result.method
    assert not found.icc1k.result.is_defined
    assert "no variance" in found.icc1k.result.method


@pytest.mark.parametrize(
    ("shape", "value", "reason"),
    [
        ((1, 3), 0.0, Undefined.TOO_FEW),
        ((3, 1), 0.0, Undefined.TOO_FEW),
        ((0, 3), 0.0, Undefined.TOO_FEW),
        ((3, 3), 2.5, Undefined.NO_VARIANCE),
    ],
)
def test_data_without_an_answer_say_why(
    shape: tuple[int, int], value: float, reason: Undefined
) -> None:
    assert intraclass_correlations(np.full(shape, value)) is reason


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    held = {"icc1": 0, "icc3": 0}
    for _ in range(400):
        units = rng.normal(size=(15, 1))
        one = intraclass_correlations(units + rng.normal(0, 1.0, (15, 3)))
        assert isinstance(one, IntraclassCorrelations)
        for name in held:
            result = getattr(one, name).result
            held[name] += result.conf_low <= 0.5 <= result.conf_high
    band = 3.3 * math.sqrt(0.95 * 0.05 / 400)
    for count in held.values():
        assert abs(count / 400 - 0.95) < band


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="no matrix"):
        intraclass_correlations([1.0, 2.0])
    with pytest.raises(ValueError, match="not finite"):
        intraclass_correlations([[1.0, np.nan], [2.0, 3.0]])
    with pytest.raises(ValueError, match="confidence"):
        intraclass_correlations([[1.0, 2.0], [2.0, 3.0]], confidence=1.0)
