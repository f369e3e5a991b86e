from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.difference import mann_whitney, permutation, welch
from kit.stats.result import Estimate

GROUP = st.lists(st.floats(-100, 100).map(lambda value: round(value, 2)), min_size=2, max_size=8)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


TESTS: dict[str, Callable[..., Estimate]] = {
    "welch": welch,
    "mann_whitney": mann_whitney,
    "permutation": lambda t, c: permutation(t, c, rng=generator()),
}


@pytest.mark.parametrize("name", TESTS)
def test_tests_agree_with_r(
    name: str, golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("two_groups_data")
    rows = golden("two_groups").filter(pl.col("method") == name).to_dicts()
    # R counts all splits for the small cases only.
    exact = {"tiny", "separated", "one_flat", "medium"}
    assert {row["case"] for row in rows} == (exact if name == "permutation" else set(data["case"]))
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        treated, control = (
            case.filter(pl.col("group") == group)["value"].to_numpy()
            for group in ("treated", "control")
        )
        matches(TESTS[name](treated, control), row)


@given(GROUP, GROUP)
def test_welch_agrees_with_scipy(treated: list[float], control: list[float]) -> None:
    found = welch(treated, control)
    assume(np.ptp(treated) > 0 and np.ptp(control) > 0)
    reference = stats.ttest_ind(treated, control, equal_var=False)
    interval = reference.confidence_interval(0.95)
    expected = (reference.df, reference.statistic, reference.pvalue, interval.low, interval.high)
    got = (found.df, found.statistic, found.p_value, found.conf_low, found.conf_high)
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", TESTS)
@given(treated=GROUP, control=GROUP)
def test_swapping_the_labels_flips_the_sign(
    name: str, treated: list[float], control: list[float]
) -> None:
    one, other = TESTS[name](treated, control), TESTS[name](control, treated)
    assert one.estimate is not None
    assert other.estimate == pytest.approx(-one.estimate, abs=1e-9)
    assert other.p_value == (None if one.p_value is None else pytest.approx(one.p_value, rel=1e-9))


@pytest.mark.parametrize("name", TESTS)
@given(treated=GROUP, control=GROUP, shift=st.integers(-100, 100))
def test_shifting_both_groups_does_not_matter(
    name: str, treated: list[float], control: list[float], shift: int
) -> None:
    plain = TESTS[name](treated, control)
    # Two decimals, so that values that tie before the shift tie after it.
    moved = TESTS[name](np.round(np.add(treated, shift), 2), np.round(np.add(control, shift), 2))
    assert moved.estimate == pytest.approx(plain.estimate, abs=1e-9)
    assert moved.p_value == (
        None if plain.p_value is None else pytest.approx(plain.p_value, rel=1e-6, abs=1e-12)
    )


@pytest.mark.parametrize("name", TESTS)
@given(
    treated=st.lists(st.floats(-1e150, 1e150), max_size=5),
    control=st.lists(st.floats(-1e150, 1e150), max_size=5),
)
def test_any_finite_data_gives_numbers_or_none(
    name: str, treated: list[float], control: list[float]
) -> None:
    assert TESTS[name](treated, control).n == len(treated) + len(control)


@pytest.mark.parametrize("name", TESTS)
def test_a_group_of_one_is_undefined(name: str) -> None:
    found = TESTS[name]([1.0], [2.0, 3.0])
    assert not found.is_defined
    assert "too few observations" in found.method


def test_welch_without_variance_knows_the_difference_alone() -> None:
    found = welch([0.3] * 4, [0.1] * 3)
    assert found.estimate == pytest.approx(0.2)
    assert found.std_error is found.p_value is found.conf_low is None
    assert "no variance" in found.method


def test_mann_whitney_of_equal_values_has_no_p() -> None:
    found = mann_whitney([1.0, 1.0], [1.0, 1.0, 1.0])
    assert found.estimate == 0.0
    assert found.p_value is None


@pytest.mark.parametrize(("size", "kind"), [(49, "exact"), (50, "normal")])
def test_mann_whitney_is_exact_below_fifty_a_group(size: int, kind: str) -> None:
    values = np.arange(2.0 * size)
    assert mann_whitney(values[::2], values[1::2]).method.endswith(f"({kind})")


def test_exact_permutation_counts_splits() -> None:
    # Of the 10 splits of 1 to 5 into two and three, only {4, 5} and {1, 2} differ this much.
    found = permutation([4, 5], [1, 2, 3], rng=generator())
    assert found.estimate == pytest.approx(2.5)
    assert found.p_value == pytest.approx(2 / 10)
    assert found.method == "mean difference, permutation (all 10 splits)"


def test_exact_permutation_leaves_the_generator_alone() -> None:
    rng = generator(7)
    permutation([4, 5], [1, 2, 3], rng=rng)
    assert rng.random() == generator(7).random()


def test_random_permutation_is_near_scipy_s_p_and_repeats_with_its_seed() -> None:
    treated = np.array([0.2, 1.4, 2.9, 3.1, 2.2, 1.7, 0.9, 4.0, 2.4, 1.1])
    control = np.array([0.1, 0.8, 1.3, 2.0, 1.9, 0.4, 1.0, 2.6, 0.3, 0.7, 1.2])
    reference = stats.permutation_test(
        (treated, control),
        lambda a, b, axis: np.mean(a, axis=axis) - np.mean(b, axis=axis),
        vectorized=True,
        n_resamples=9_999,
        rng=generator(3),
    )
    found = permutation(treated, control, rng=generator(1))
    assert "random splits" in found.method
    # With 9,999 splits each, four standard errors of a difference of two p near 0.04 are 0.011.
    assert found.p_value == pytest.approx(reference.pvalue, abs=0.011)
    assert permutation(treated, control, rng=generator(1)) == found
    assert permutation(treated, control, rng=generator(2)) != found


def test_random_permutation_never_gives_zero() -> None:
    found = permutation(np.arange(20.0) + 1000.0, np.arange(20.0), rng=generator(), resamples=99)
    assert found.p_value == pytest.approx(1 / 100)


def test_resamples_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="resamples"):
        permutation([1, 2], [3, 4], rng=generator(), resamples=0)
