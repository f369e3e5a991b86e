from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.result import Estimate
from kit.stats.trend import jonckheere_terpstra, quadratic, slope

TRENDS: dict[str, Callable[..., Estimate]] = {
    "slope": slope,
    "jonckheere_terpstra": jonckheere_terpstra,
}
LEVELS = (0, 2, 5, 8, 10)
UNITS = st.lists(
    st.tuples(st.sampled_from(LEVELS), st.integers(-300, 300).map(lambda value: value / 100)),
    min_size=3,
    max_size=25,
)


@pytest.mark.parametrize("name", TRENDS)
def test_trends_agree_with_r(
    name: str, golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("trend_data")
    rows = golden("trend").filter(pl.col("method") == name, pl.col("case") != "interaction")
    assert set(rows["case"]) == set(data["case"]) - {"interaction"}
    for row in rows.to_dicts():
        case = data.filter(pl.col("case") == row["case"])
        matches(TRENDS[name](case["level"].to_numpy(), case["outcome"].to_numpy()), row)


def test_curvature_agrees_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("trend_data")
    rows = golden("trend").filter(pl.col("method") == "quadratic")
    # Two levels cannot bend.
    assert set(rows["case"]) == set(data["case"]) - {"interaction", "two_levels"}
    for row in rows.to_dicts():
        case = data.filter(pl.col("case") == row["case"])
        matches(quadratic(case["level"].to_numpy(), case["outcome"].to_numpy()), row)


def test_a_parabola_has_its_own_curvature_wherever_its_levels_lie() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    level = np.repeat([0.0, 2.0, 5.0, 8.0, 10.0], 6)
    outcome = 3.0 - 2.0 * level + 0.25 * level**2 + rng.normal(0.0, 1e-6, level.size)
    assert quadratic(level, outcome).estimate == pytest.approx(0.25, abs=1e-6)
    assert quadratic(level + 1000.0, outcome).estimate == pytest.approx(0.25, abs=1e-6)
    assert quadratic(-level, -outcome).estimate == pytest.approx(-0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("level", "outcome", "reason"),
    [
        ([0, 5, 10], [1, 2, 4], "too few"),
        ([0, 0, 10, 10], [1, 2, 3, 4], "too few"),
        ([0, 5, 10, 10], [1, 1, 1, 1], "no variance"),
    ],
)
def test_data_that_cannot_bend_is_undefined(
    level: list[float], outcome: list[float], reason: str
) -> None:
    found = quadratic(level, outcome)
    assert not found.is_defined
    assert reason in found.method


@given(UNITS)
def test_slope_agrees_with_scipy(units: list[tuple[int, float]]) -> None:
    level, outcome = np.array(units).T
    assume(np.ptp(level) > 0 and np.ptp(outcome) > 0)
    found = slope(level, outcome)
    assert found.estimate == pytest.approx(stats.linregress(level, outcome).slope, abs=1e-9)


@example(units=[(0, -0.01), (2, 0.0), (2, -0.02), (5, -0.01)])
@given(UNITS)
def test_jonckheere_terpstra_is_kendall_s_test_of_level_and_outcome(
    units: list[tuple[int, float]],
) -> None:
    level, outcome = np.array(units).T
    assume(np.ptp(level) > 0 and np.ptp(outcome) > 0)
    found = jonckheere_terpstra(level, outcome)
    with np.errstate(invalid="ignore"):  # SciPy's p of it, which is not asked for, may be 0 / 0
        reference_d = stats.somersd(level, outcome).statistic
    assert found.estimate == pytest.approx(reference_d, abs=1e-12)
    reference = stats.kendalltau(level, outcome, method="asymptotic")
    assert found.p_value == pytest.approx(reference.pvalue, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", TRENDS)
@given(units=UNITS, shift=st.integers(-50, 50))
def test_reversing_the_levels_flips_the_sign_and_shifts_do_not_matter(
    name: str, units: list[tuple[int, float]], shift: int
) -> None:
    level, outcome = np.array(units).T
    plain = TRENDS[name](level, outcome)
    turned = TRENDS[name](10 - level, np.round(outcome + shift, 2))
    assert turned.is_defined == plain.is_defined
    if plain.estimate is None:
        return
    assert turned.estimate == pytest.approx(-plain.estimate, abs=1e-9)
    if plain.p_value is not None and turned.p_value is not None:
        assert turned.p_value == pytest.approx(plain.p_value, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", TRENDS)
@given(
    level=st.lists(st.floats(-1e150, 1e150), min_size=5, max_size=5),
    outcome=st.lists(st.floats(-1e150, 1e150), min_size=5, max_size=5),
)
def test_any_finite_data_gives_numbers_or_none(
    name: str, level: list[float], outcome: list[float]
) -> None:
    assert TRENDS[name](level, outcome).n == 5


@pytest.mark.parametrize("name", TRENDS)
@pytest.mark.parametrize(
    ("level", "outcome", "reason"),
    [
        ([], [], "too few"),
        ([0, 1], [1, 2], "too few"),
        ([5, 5, 5], [1, 2, 3], "no variance"),
        ([0, 5, 10], [0.1, 0.1, 0.1], "no variance"),
    ],
)
def test_data_without_a_trend_to_speak_of_is_undefined(
    name: str, level: list[float], outcome: list[float], reason: str
) -> None:
    found = TRENDS[name](level, outcome)
    assert not found.is_defined
    assert reason in found.method


def test_a_perfect_line_has_a_slope_but_no_standard_error() -> None:
    found = slope([0, 2, 5, 8, 10], [0.1, 0.3, 0.6, 0.9, 1.1])
    assert found.estimate == pytest.approx(0.1)
    assert found.std_error is found.p_value is found.conf_low is None
    assert "no residual variance" in found.method


def test_residuals_at_the_mean_level_alone_give_no_standard_error() -> None:
    # HC3 weights residuals by distance from the mean level, and the only ones here lie at it.
    found = slope([0, 1, 1, 2], [0, 2, 0, 2])
    assert found.estimate == pytest.approx(1.0)
    assert found.std_error is None


def test_levels_far_from_zero_are_not_collinear_with_the_intercept() -> None:
    found = slope(np.array([0, 1, 2, 3]) + 1e9, [1, 3, 2, 5])
    assert found.estimate == pytest.approx(1.1)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="level has 3 values and outcome has 2"):
        slope([1, 2, 3], [1, 2])
