from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.stats.adjustment import disattenuated, partial
from kit.stats.correlation import pearson

GIVEN = {"one": ["first"], "two": ["first", "second"], "three": ["first", "second", "third"]}
UNITS = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9)),
    min_size=7,
    max_size=15,
)


def test_partial_correlations_agree_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("adjustment_data")
    rows = golden("adjustment").filter(pl.col("method").str.starts_with("partial")).to_dicts()
    assert len(rows) == 9
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        fixed = case.select(GIVEN[row["method"].removeprefix("partial_")]).to_numpy()
        found = partial(case["x"].to_numpy(), case["y"].to_numpy(), fixed)
        matches(found, row)
        assert found.n == case.height


def test_corrected_correlations_agree_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("adjustment_data")
    for row in golden("adjustment").filter(pl.col("method") == "disattenuated").to_dicts():
        case = data.filter(pl.col("case") == row["case"])
        columns = (case[name].to_numpy() for name in ("x", "y", "y_error"))
        matches(disattenuated(*columns), row)


@given(UNITS)
def test_the_partial_t_is_that_of_the_regression_with_the_others(
    units: list[tuple[int, int, int, int]],
) -> None:
    # Loaded at run time: statsmodels has no types.
    statsmodels = importlib.import_module("statsmodels.api")
    x, y, first, second = np.array(units, dtype=float).T
    fixed = np.column_stack((first, second))
    found = partial(x, y, fixed)
    assume(found.estimate is not None and abs(found.estimate) < 1 - 1e-9)
    fit = statsmodels.OLS(y, np.column_stack((x, np.ones_like(x), fixed))).fit()
    assert found.df == fit.df_resid
    assert found.statistic == pytest.approx(fit.tvalues[0], rel=1e-6, abs=1e-7)
    assert found.p_value == pytest.approx(fit.pvalues[0], rel=1e-6, abs=1e-9)


@given(UNITS, st.integers(-5, 5), st.integers(-3, 3))
def test_what_the_others_explain_does_not_count(
    units: list[tuple[int, int, int, int]], first_share: int, second_share: int
) -> None:
    x, y, first, second = np.array(units, dtype=float).T
    fixed = np.column_stack((first, second))
    plain = partial(x, y, fixed)
    moved = partial(
        y + 100.0, 10.0 * x + first_share * first - second_share * second, fixed[:, ::-1] + 2.0**40
    )
    if plain.estimate is None:
        assert moved.estimate is None
        return
    assert moved.estimate == pytest.approx(plain.estimate, abs=1e-9)


def test_nothing_held_fixed_leaves_the_plain_correlation() -> None:
    x, y = [1, 4, 2, 8, 5], [2.0, 3.0, 1.0, 4.0, 4.5]
    found, plain = partial(x, y, np.empty((5, 0))), pearson(x, y)
    assert (found.estimate, found.p_value, found.df, found.conf_low) == pytest.approx(
        (plain.estimate, plain.p_value, plain.df, plain.conf_low)
    )


@pytest.mark.parametrize(
    ("x", "y", "columns", "reason"),
    [
        ([1, 2, 4, 3], [1, 3, 2, 4], [[1, 5, 2, 3]], "too few degrees of freedom"),
        ([1, 1, 1, 1, 1, 1], [1, 3, 2, 4, 6, 5], [[1, 5, 2, 3, 3, 1]], "no variance"),
        ([1, 2, 4, 3, 5, 7], [1, 3, 2, 4, 6, 5], [[4, 4, 4, 4, 4, 4]], "collinear"),
        (
            [1, 2, 4, 3, 5, 7],
            [1, 3, 2, 4, 6, 5],
            [[1, 5, 2, 3, 3, 1], [3, 11, 5, 7, 7, 3]],
            "collinear",
        ),
        ([1, 2, 4, 3, 5, 7], [1, 3, 2, 4, 6, 5], [[2.1, 4.1, 8.1, 6.1, 10.1, 14.1]], "residual"),
    ],
)
def test_data_without_a_partial_correlation_are_undefined(
    x: list[float], y: list[float], columns: list[list[float]], reason: str
) -> None:
    found = partial(x, y, np.transpose(columns))
    assert not found.is_defined
    assert reason in found.method


@pytest.mark.parametrize("fixed", [[1.0, 2.0, 3.0], [[1.0], [2.0]]])
def test_variables_held_fixed_must_fit(fixed: list[float]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        partial([1, 2, 3], [1, 3, 2], np.array(fixed))


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=4, max_size=15),
    st.integers(0, 30),
)
def test_error_in_the_outcome_can_only_hide_a_correlation(
    pairs: list[tuple[int, int]], error: int
) -> None:
    x, y = np.array(pairs, dtype=float).T
    plain, found = pearson(x, y), disattenuated(x, y, np.full(y.size, error / 10))
    if plain.estimate is None or not found.is_defined:
        assert found.estimate is None
        return
    assert found.estimate is not None
    assert 1.0 >= abs(found.estimate) >= abs(plain.estimate) - 1e-12
    assert found.estimate * plain.estimate >= 0.0
    assert (found.p_value, found.statistic) == (plain.p_value, plain.statistic)
    turned = disattenuated(-x, y * 4.0 - 3.0, np.full(y.size, error / 10 * 4.0))
    assert turned.estimate == pytest.approx(-found.estimate, abs=1e-9)


def test_without_error_nothing_is_corrected() -> None:
    x, y = [1, 4, 2, 8, 5], [2.0, 3.0, 1.0, 4.0, 4.5]
    found, plain = disattenuated(x, y, np.zeros(5)), pearson(x, y)
    assert (found.estimate, found.conf_low, found.std_error) == pytest.approx(
        (plain.estimate, plain.conf_low, plain.std_error)
    )
    assert "(reliability 1)" in found.method


def test_half_the_variance_being_error_divides_by_the_root_of_a_half() -> None:
    x, y = [1, 4, 2, 8, 5], [2.0, 1.0, 3.0, 2.5, 4.5]
    errors = np.full(5, np.sqrt(np.var(y, ddof=1) / 2))
    plain, found = pearson(x, y), disattenuated(x, y, errors)
    assert plain.estimate is not None
    assert found.estimate == pytest.approx(plain.estimate * np.sqrt(2))


def test_a_correction_beyond_one_is_cut_and_says_so() -> None:
    x, y = [1, 2, 3, 4, 5], [1.0, 2.2, 2.8, 4.3, 4.9]
    found = disattenuated(x, y, np.full(5, 1.2))
    assert (found.estimate, found.conf_high) == (1.0, 1.0)
    assert found.std_error is None
    assert found.p_value == pearson(x, y).p_value
    assert "estimate at its bound" in found.method


def test_an_outcome_that_is_error_alone_has_no_correlation_to_correct() -> None:
    found = disattenuated([1, 2, 3, 4], [1.0, 1.2, 0.9, 1.1], np.full(4, 0.5))
    assert not found.is_defined
    assert "no variance beyond sampling error" in found.method


def test_a_negative_error_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        disattenuated([1, 2, 3, 4], [1, 3, 2, 4], [0.1, 0.1, -0.1, 0.1])


@given(
    st.lists(
        st.tuples(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150), st.floats(0, 1e150)),
        max_size=7,
    )
)
def test_any_finite_data_gives_numbers_or_none(
    units: list[tuple[float, float, float]],
) -> None:
    x, y, error = np.reshape(units, (-1, 3)).T
    assert disattenuated(x, y, error).n == len(units)
    assert partial(x, y, error[:, None]).n == len(units)
