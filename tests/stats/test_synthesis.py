from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.result import Estimate
from kit.stats.synthesis import (
    MetaRegression,
    Synthesis,
    meta_regression,
    random_effects,
    sign_test,
)

UNITS = st.lists(
    st.tuples(
        st.integers(-300, 300).map(lambda value: value / 100),
        st.integers(5, 200).map(lambda value: value / 100),
    ),
    min_size=2,
    max_size=16,
)
INTERVAL = ("estimate", "conf_low", "conf_high")
TEST = ("estimate", "df", "statistic", "p_value")


def matches_between(
    found: Synthesis | MetaRegression, rows: dict[str, dict[str, Any]], matches: Callable[..., None]
) -> None:
    matches(found.tau2, rows["tau2"], INTERVAL)
    assert found.i2 == pytest.approx(rows["i2"]["estimate"], rel=1e-8, abs=1e-12)
    matches(found.heterogeneity, rows["heterogeneity"], TEST)


def test_random_effects_agree_with_metafor(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("synthesis_data").filter(pl.col("case") != "regression")
    reference = golden("synthesis")
    for case in data["case"].unique(maintain_order=True):
        units = data.filter(pl.col("case") == case)
        found = random_effects(units["estimate"].to_numpy(), units["std_error"].to_numpy())
        rows = {row["method"]: row for row in reference.filter(pl.col("case") == case).to_dicts()}
        matches(found.pooled, rows["pooled"])
        assert found.prediction == pytest.approx(
            (rows["prediction"]["conf_low"], rows["prediction"]["conf_high"]), rel=1e-8
        )
        matches_between(found, rows, matches)


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("one_predictor", ("intercept", "power")),
        ("two_predictors", ("intercept", "power", "other")),
    ],
)
def test_meta_regression_agrees_with_metafor(
    case: str,
    names: tuple[str, ...],
    golden: Callable[[str], pl.DataFrame],
    matches: Callable[..., None],
) -> None:
    units = golden("synthesis_data").filter(pl.col("case") == "regression")
    design = units.select(pl.lit(1.0).alias("intercept"), "power", "other").select(names)
    found = meta_regression(
        units["estimate"].to_numpy(), units["std_error"].to_numpy(), design.to_numpy(), names
    )
    reference = golden("synthesis").filter(pl.col("case") == case)
    rows = {row["method"]: row for row in reference.to_dicts()}
    assert tuple(found.coefficients) == names
    for name, estimate in found.coefficients.items():
        matches(estimate, rows[name])
    matches_between(found, rows, matches)


@given(UNITS)
def test_the_mean_lies_among_the_estimates_and_tau2_is_not_negative(
    units: list[tuple[float, float]],
) -> None:
    estimates, errors = np.array(units).T
    found = random_effects(estimates, errors)
    assert found.pooled.estimate is not None
    assert estimates.min() - 1e-12 <= found.pooled.estimate <= estimates.max() + 1e-12
    assert found.tau2.estimate is not None
    assert found.tau2.estimate >= 0.0
    assert found.i2 is not None
    assert 0.0 <= found.i2 < 1.0
    if found.prediction is not None:
        assert found.pooled.conf_low is not None
        assert found.prediction.low <= found.pooled.conf_low


@given(UNITS, st.integers(-50, 50), st.integers(-6, 6), st.sampled_from([-1.0, 1.0]))
def test_shift_scale_sign_and_order_do_not_matter(
    units: list[tuple[float, float]], shift: int, power: int, sign: float
) -> None:
    estimates, errors = np.array(units).T
    scale = sign * 10.0**power
    plain = random_effects(estimates, errors)
    moved = random_effects((estimates + shift)[::-1] * scale, errors[::-1] * abs(scale))
    assert plain.pooled.estimate is not None
    assert plain.tau2.estimate is not None
    tolerance = abs(scale) * 1e-9
    assert moved.pooled.estimate == pytest.approx(
        (plain.pooled.estimate + shift) * scale, abs=tolerance
    )
    assert moved.tau2.estimate == pytest.approx(
        plain.tau2.estimate * scale**2, rel=1e-7, abs=1e-9 * scale**2
    )
    assert moved.heterogeneity.p_value == pytest.approx(plain.heterogeneity.p_value, abs=1e-9)
    if plain.pooled.std_error is not None and plain.pooled.std_error > 1e-9:
        assert moved.pooled.std_error == pytest.approx(
            plain.pooled.std_error * abs(scale), rel=1e-7
        )


@given(UNITS, st.integers(-9, 9))
def test_a_regression_moves_with_what_its_columns_explain(
    units: list[tuple[float, float]], slope: int
) -> None:
    estimates, errors = np.array(units).T
    position = np.arange(estimates.size) ** 2 / 4.0
    design = np.column_stack((np.ones_like(position), position))
    plain = meta_regression(estimates, errors, design, ("one", "x")).coefficients["x"]
    tilted = meta_regression(
        estimates + slope * position, errors, design, ("one", "x")
    ).coefficients["x"]
    if plain.estimate is None:
        assert tilted.estimate is None
        return
    assert tilted.estimate == pytest.approx(plain.estimate + slope, abs=1e-7)


@given(
    st.lists(st.tuples(st.floats(-1e150, 1e150), st.floats(1e-150, 1e150)), max_size=6),
)
def test_any_finite_data_gives_numbers_or_none(units: list[tuple[float, float]]) -> None:
    estimates, errors = [left for left, _ in units], [right for _, right in units]
    assert random_effects(estimates, errors).pooled.n == len(units)
    design = [[1.0, float(index)] for index in range(len(units))]
    found = meta_regression(estimates, errors, np.reshape(design, (-1, 2)), ("one", "x"))
    assert found.tau2.n == len(units)


@pytest.mark.parametrize(
    ("design", "names", "reason"),
    [
        ([[1.0, 0.0], [1.0, 1.0]], ("one", "x"), "too few"),
        ([[1.0, 2.0]] * 4, ("one", "x"), "collinear"),
        ([[1.0, 0.0]] * 4, ("one", "x"), "collinear"),
    ],
)
def test_a_regression_without_an_answer_is_undefined(
    design: list[list[float]], names: tuple[str, ...], reason: str
) -> None:
    k = len(design)
    found = meta_regression(np.arange(k), np.ones(k), design, names)
    for estimate in (*found.coefficients.values(), found.tau2, found.heterogeneity):
        assert not estimate.is_defined
        assert reason in estimate.method
    assert found.i2 is None


@pytest.mark.parametrize("k", [0, 1])
def test_fewer_than_two_units_have_no_mean(k: int) -> None:
    found = random_effects([0.3] * k, [0.1] * k)
    assert not found.pooled.is_defined
    assert "too few" in found.pooled.method
    assert found.prediction is None


def test_equal_effects_have_a_mean_and_nothing_more() -> None:
    found = random_effects([0.3, 0.3, 0.3], [0.1, 0.2, 0.15])
    assert found.pooled.estimate == pytest.approx(0.3)
    assert found.pooled.std_error is None
    assert found.prediction is None
    assert "no residual variance" in found.pooled.method
    assert (found.tau2.estimate, found.i2, found.heterogeneity.estimate) == (0.0, 0.0, 0.0)


def test_effects_that_agree_too_well_have_no_interval_of_tau2() -> None:
    found = random_effects([0.2, 0.21, 0.2, 0.19], [0.3, 0.25, 0.4, 0.3])
    assert found.tau2.estimate == 0.0
    assert found.tau2.conf_low is found.tau2.conf_high is None
    assert "interval undefined: estimate at its bound" in found.tau2.method


def test_an_estimate_without_error_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        random_effects([1.0, 2.0], [0.1, 0.0])
    with pytest.raises(ValueError, match="above 0"):
        meta_regression([1.0, 2.0], [-0.1, 1.0], [[1.0], [1.0]], ("one",))


@pytest.mark.parametrize("above", [(15, 16), (8, 16), (0, 5), (1, 1), (11, 14)])
def test_the_sign_test_agrees_with_r(
    above: tuple[int, int],
    golden: Callable[[str], pl.DataFrame],
    matches: Callable[..., None],
) -> None:
    count, n = above
    found = sign_test([0.4] * count + [-0.1] * (n - count))
    (row,) = golden("synthesis").filter(pl.col("case") == f"{count}_of_{n}").to_dicts()
    matches(found, row)
    assert found.n == n


def test_fifteen_of_sixteen_languages_is_beyond_chance() -> None:
    # arXiv 2603.04904, abstract: dissociation rose in 15 of 16 languages. 2 (1 + 16) / 2^16.
    found = sign_test([1.0] * 15 + [-1.0])
    assert found.p_value == pytest.approx(34 / 65536)
    assert (found.conf_low, found.conf_high) == pytest.approx((0.698, 0.998), abs=5e-4)


@given(st.lists(st.integers(-3, 3), max_size=30))
def test_the_sign_test_agrees_with_scipy_and_flips_with_the_sign(values: list[int]) -> None:
    found, turned = sign_test(values), sign_test([-value for value in values])
    signed = [value for value in values if value]
    assert found.n == len(signed)
    if len(signed) < len(values):
        assert f"({len(values) - len(signed)} zeros left out)" in found.method
    if not signed:
        assert not found.is_defined
        return
    reference = stats.binomtest(sum(value > 0 for value in signed), len(signed))
    assert found.p_value == pytest.approx(min(reference.pvalue, 1.0))
    assert turned.p_value == pytest.approx(found.p_value)
    assert turned.estimate == pytest.approx(1 - float(found.estimate or 0.0))


def test_confidence_must_be_a_probability() -> None:
    calls: list[Callable[[], Estimate | Synthesis]] = [
        lambda: sign_test([1.0], confidence=1.0),
        lambda: random_effects([1.0, 2.0], [1.0, 1.0], confidence=95.0),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="confidence"):
            call()
