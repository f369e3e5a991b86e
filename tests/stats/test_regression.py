from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.regression import least_squares


def test_an_interaction_agrees_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("trend_data").filter(pl.col("case") == "interaction")
    level, language = data["level"].to_numpy(), data["language"].to_numpy()
    design = np.column_stack((np.ones_like(level), level, language, level * language))
    names = ("intercept", "level", "language", "product")
    fit = least_squares(design, data["outcome"].to_numpy(), names)
    rows = golden("trend").filter(pl.col("case") == "interaction").to_dicts()
    assert list(fit) == [row["method"] for row in rows]
    for row in rows:
        matches(fit[row["method"]], row)


def test_coefficients_and_hc3_errors_agree_with_statsmodels() -> None:
    # Loaded at run time: statsmodels has no types, and the kit itself does not use it here.
    statsmodels = importlib.import_module("statsmodels.api")
    rng = np.random.Generator(np.random.PCG64(3))
    design = np.column_stack((np.ones(40), rng.normal(size=(40, 2)), rng.integers(0, 2, 40)))
    outcome = design @ [1.0, -2.0, 0.0, 3.0] + rng.normal(size=40) * (1 + design[:, 3])
    fit = least_squares(design, outcome, ("one", "a", "b", "c"), confidence=0.9)
    reference = statsmodels.OLS(outcome, design).fit(cov_type="HC3", use_t=True)
    limits = reference.conf_int(0.1)
    for index, found in enumerate(fit.values()):
        got = (found.estimate, found.std_error, found.p_value, found.conf_low, found.conf_high)
        expected = (
            reference.params[index],
            reference.bse[index],
            reference.pvalues[index],
            *limits[index],
        )
        assert got == pytest.approx(expected, rel=1e-8)
        assert found.df == 36


@given(st.integers(-6, 6), st.integers(-6, 6))
def test_units_of_measurement_do_not_change_the_test(power_x: int, power_y: int) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    design = np.column_stack((np.ones(20), rng.normal(size=20)))
    outcome = design[:, 1] + rng.normal(size=20)
    scales = np.array([1.0, 10.0**power_x])
    plain = least_squares(design, outcome, ("one", "x"))["x"]
    moved = least_squares(design * scales, outcome * 10.0**power_y, ("one", "x"))["x"]
    assert plain.estimate is not None
    assert moved.estimate == pytest.approx(plain.estimate * 10.0 ** (power_y - power_x), rel=1e-9)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-9)


def test_no_more_units_than_columns_is_undefined() -> None:
    fit = least_squares([[1, 0], [1, 1]], [1, 2], ("one", "x"))
    assert {found.method.split("undefined: ")[1] for found in fit.values()} == {
        "too few observations]"
    }


@pytest.mark.parametrize("second", [[0, 0, 0, 0], [2, 2, 2, 2]])
def test_collinear_columns_are_undefined(second: list[float]) -> None:
    design = np.column_stack((np.ones(4), second))
    fit = least_squares(design, [1, 2, 4, 3], ("one", "x"))
    assert not any(found.is_defined for found in fit.values())
    assert "collinear" in fit["x"].method


def test_a_unit_that_alone_determines_a_coefficient_leaves_no_standard_error() -> None:
    design = np.column_stack((np.ones(5), [0, 0, 0, 0, 1]))
    found = least_squares(design, [1, 2, 3, 2, 9], ("one", "x"))["x"]
    assert found.estimate == pytest.approx(7.0)
    assert found.std_error is found.p_value is None
    assert "alone determines" in found.method


def test_a_group_without_variance_has_no_standard_error_but_the_others_do() -> None:
    design = np.column_stack(([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]))
    fit = least_squares(design, [5, 5, 5, 1, 2, 4], ("flat", "varied"))
    assert fit["flat"].estimate == pytest.approx(5.0)
    assert fit["flat"].std_error is None
    assert fit["varied"].std_error is not None


@pytest.mark.parametrize(
    ("design", "names"),
    [([[1], [1]], ("a", "b")), ([[1, 2], [1, 3]], ("a", "a")), ([1, 1], ("a",))],
)
def test_a_design_that_does_not_fit_is_refused(
    design: list[object], names: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        least_squares(np.array(design, dtype=float), [1, 2], names)
