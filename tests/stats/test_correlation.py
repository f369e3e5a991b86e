from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.correlation import (
    Coefficient,
    kendall,
    leave_one_out,
    pearson,
    permutation,
    r_from_summary,
    spearman,
)
from kit.stats.result import Estimate

CORRELATIONS: dict[str, Callable[..., Estimate]] = {
    "pearson": pearson,
    "spearman": spearman,
    "kendall": kendall,
}
COEFFICIENTS = {
    "pearson": Coefficient.PEARSON,
    "spearman": Coefficient.SPEARMAN,
    "kendall": Coefficient.KENDALL,
}
PAIRS = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=4, max_size=15)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("name", CORRELATIONS)
def test_correlations_agree_with_r(
    name: str, golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("correlation_data")
    rows = golden("correlation").filter(pl.col("method") == name).to_dicts()
    assert {row["case"] for row in rows} == set(data["case"])
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        matches(CORRELATIONS[name](case["x"].to_numpy(), case["y"].to_numpy()), row)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_exact_permutation_agrees_with_all_orders_in_r(
    name: str, golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("correlation_data")
    rows = golden("correlation").filter(pl.col("method") == f"permutation_{name}").to_dicts()
    assert {row["case"] for row in rows} == {"negative", "seven_ties", "five", "four"}
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        x, y = case["x"].to_numpy(), case["y"].to_numpy()
        matches(permutation(x, y, rng=generator(), coefficient=COEFFICIENTS[name]), row)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_leave_one_out_agrees_with_r(name: str, golden: Callable[[str], pl.DataFrame]) -> None:
    data = golden("correlation_data")
    reference = golden("correlation_left_out").filter(pl.col("method") == name)
    for (case,), rows in reference.group_by("case"):
        units = data.filter(pl.col("case") == case)
        found = leave_one_out(
            units["x"].to_numpy(), units["y"].to_numpy(), coefficient=COEFFICIENTS[name]
        )
        expected = rows.sort("unit")["coefficient"].to_list()
        assert list(found.coefficients) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert (found.low, found.high) == pytest.approx((min(expected), max(expected)), abs=1e-12)
        assert found.low_without is not None
        assert found.coefficients[found.low_without] == found.low
        assert found.high_without is not None
        assert found.coefficients[found.high_without] == found.high


def test_published_correlation_with_power_distance_has_the_published_p() -> None:
    # arXiv 2603.04904, abstract: r = 0.474, p = .064, over sixteen languages.
    found = r_from_summary(0.474, 16)
    assert found.p_value == pytest.approx(0.0636, abs=5e-5)
    assert found.statistic == pytest.approx(2.014, abs=5e-4)
    assert found.df == 14
    assert (found.conf_low, found.conf_high) == pytest.approx((-0.03, 0.79), abs=0.005)


@given(PAIRS)
def test_a_summary_gives_back_what_the_data_gave(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    full = pearson(x, y)
    assume(full.estimate is not None)
    assert full.estimate is not None
    again = r_from_summary(full.estimate, len(pairs))
    assert (again.p_value, again.conf_low, again.conf_high, again.n) == (
        full.p_value,
        full.conf_low,
        full.conf_high,
        full.n,
    )


@given(PAIRS)
def test_correlations_agree_with_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    found = pearson(x, y)
    assert found.estimate == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    if found.estimate is not None and abs(found.estimate) < 1 - 1e-9:
        reference = stats.pearsonr(x, y)
        interval = reference.confidence_interval(0.95)
        assert (found.p_value, found.conf_low, found.conf_high) == pytest.approx(
            (reference.pvalue, interval.low, interval.high), rel=1e-6, abs=1e-9
        )
    ranked = spearman(x, y)
    if ranked.estimate is not None and abs(ranked.estimate) < 1 - 1e-9:
        by_rank = stats.spearmanr(x, y)
        assert (ranked.estimate, ranked.p_value) == pytest.approx(
            (by_rank.statistic, by_rank.pvalue), rel=1e-6, abs=1e-9
        )
    assert kendall(x, y).estimate == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("name", CORRELATIONS)
@given(pairs=PAIRS, shift=st.integers(-50, 50), scale=st.integers(-7, 7))
def test_neither_order_nor_shift_nor_scale_matters(
    name: str, pairs: list[tuple[int, int]], shift: int, scale: int
) -> None:
    assume(scale != 0)
    x, y = np.array(pairs, dtype=float).T
    plain = CORRELATIONS[name](x, y)
    assert CORRELATIONS[name](y, x).estimate == (
        None if plain.estimate is None else pytest.approx(plain.estimate, abs=1e-12)
    )
    moved = CORRELATIONS[name](x, y * scale + shift)
    if plain.estimate is None:
        assert moved.estimate is None
        return
    assert moved.estimate == pytest.approx(np.sign(scale) * plain.estimate, abs=1e-12)
    # At |r| = 1 rounding decides whether a tiny p exists at all.
    if abs(plain.estimate) < 1 - 1e-9:
        assert moved.p_value == pytest.approx(plain.p_value, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", CORRELATIONS)
@given(pairs=st.lists(st.tuples(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150)), max_size=7))
def test_any_finite_data_gives_numbers_or_none(name: str, pairs: list[tuple[float, float]]) -> None:
    x, y = [left for left, _ in pairs], [right for _, right in pairs]
    assert CORRELATIONS[name](x, y).n == len(pairs)
    assert len(leave_one_out(x, y, coefficient=COEFFICIENTS[name]).coefficients) == len(pairs)


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [], "too few"),
        ([1, 2, 3], [1, 3, 2], "too few"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "no variance"),
        ([1, 2, 3, 4], [0.1, 0.1, 0.1, 0.1], "no variance"),
    ],
)
def test_data_without_a_correlation_is_undefined(
    name: str, x: list[float], y: list[float], reason: str
) -> None:
    for found in (
        CORRELATIONS[name](x, y),
        permutation(x, y, rng=generator(), coefficient=COEFFICIENTS[name]),
    ):
        assert not found.is_defined
        assert found.p_value is None
        assert reason in found.method


def test_a_perfect_correlation_has_neither_test_nor_interval() -> None:
    found = r_from_summary(-1.0, 10)
    assert found.estimate == -1.0
    assert found.p_value is found.conf_low is found.statistic is None
    assert "estimate at its bound" in found.method


def test_kendall_at_its_bound_keeps_its_exact_p() -> None:
    # One of 120 orders, two-sided: 2 / 5!.
    found = kendall([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])
    assert found.estimate == pytest.approx(1.0)
    assert found.p_value == pytest.approx(2 / 120)
    assert found.conf_low is None


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_random_permutation_is_near_scipy_s_p_and_repeats_with_its_seed(name: str) -> None:
    x = np.array([11, 33, 35, 36, 38, 40, 50, 54, 54, 57])
    y = np.array([0.4, 0.1, 1.0, 0.3, 0.9, 0.8, 0.2, 1.1, 1.3, 0.7])
    coefficient = COEFFICIENTS[name]
    first = permutation(x, y, rng=generator(1), coefficient=coefficient, resamples=4_999)
    second = permutation(x, y, rng=generator(2), coefficient=coefficient, resamples=4_999)
    again = permutation(x, y, rng=generator(1), coefficient=coefficient, resamples=4_999)
    assert first == again
    assert first.estimate == second.estimate == CORRELATIONS[name](x, y).estimate
    scipy_s = {
        "pearson": lambda values: abs(stats.pearsonr(x, values).statistic),
        "spearman": lambda values: abs(stats.spearmanr(x, values).statistic),
        "kendall": lambda values: abs(stats.kendalltau(x, values).statistic),
    }
    reference = stats.permutation_test(
        (y,),
        scipy_s[name],
        permutation_type="pairings",
        alternative="greater",
        n_resamples=1_999,
        rng=generator(3),
    )
    # With 4,999 and 1,999 orders four standard errors of a difference of two p are at most 0.053.
    assert first.p_value == pytest.approx(second.p_value, abs=0.04)
    assert first.p_value == pytest.approx(reference.pvalue, abs=0.053)


def test_random_permutation_never_gives_zero() -> None:
    x = np.arange(30.0)
    found = permutation(x, x, rng=generator(), resamples=99)
    assert found.p_value == pytest.approx(1 / 100)


def test_leave_one_out_shows_the_unit_a_correlation_hangs_on() -> None:
    x = [1, 2, 3, 4, 20]
    y = [2, 1, 2, 1, 20]
    found = leave_one_out(x, y)
    assert pearson(x, y).estimate == pytest.approx(0.99, abs=0.01)
    assert found.low_without == 4
    assert found.low == pytest.approx(-0.4472135955, abs=1e-9)


def test_leave_one_out_of_four_units_is_undefined() -> None:
    found = leave_one_out([1, 2, 3, 4], [1, 3, 2, 4])
    assert found.coefficients == (None,) * 4
    assert found.low is found.high is found.low_without is None


@pytest.mark.parametrize(("r", "n"), [(1.2, 16), (float("nan"), 16), (0.5, 3)])
def test_a_summary_that_says_nothing_is_refused(r: float, n: int) -> None:
    with pytest.raises(ValueError, match="four units"):
        r_from_summary(r, n)


def test_resamples_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="resamples"):
        permutation([1, 2, 3, 4], [1, 2, 3, 4], rng=generator(), resamples=0)
