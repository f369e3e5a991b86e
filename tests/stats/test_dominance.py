from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.dominance import cliffs_delta, probability_of_superiority

GROUP = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=12)


@pytest.mark.parametrize("measure", [probability_of_superiority, cliffs_delta])
def test_dominance_agrees_with_r(
    measure: Callable[..., object],
    golden: Callable[[str], pl.DataFrame],
    matches: Callable[..., None],
) -> None:
    data = golden("two_groups_data")
    rows = golden("two_groups").filter(pl.col("method") == measure.__name__).to_dicts()
    assert {row["case"] for row in rows} == set(data["case"])
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        treated, control = (
            case.filter(pl.col("group") == group)["value"].to_numpy()
            for group in ("treated", "control")
        )
        matches(measure(treated, control), row)


def test_superiority_counts_wins_and_half_the_ties() -> None:
    # 3 > 1, 3 > 2, 3 = 3; 2 > 1, 2 = 2, 2 < 3: 3 wins and 2 ties of 6 pairs.
    found = probability_of_superiority([3, 2], [1, 2, 3])
    assert found.estimate == pytest.approx(4 / 6)
    assert cliffs_delta([3, 2], [1, 2, 3]).estimate == pytest.approx((3 - 1) / 6)


@given(GROUP, GROUP)
def test_the_test_is_brunner_and_munzel_s(treated: list[float], control: list[float]) -> None:
    found = probability_of_superiority(treated, control)
    assume(found.std_error is not None)
    reference = stats.brunnermunzel(control, treated)
    assert found.statistic == pytest.approx(reference.statistic, rel=1e-8, abs=1e-9)
    assert found.p_value == pytest.approx(reference.pvalue, rel=1e-8, abs=1e-9)


@given(GROUP, GROUP)
def test_superiority_is_mann_whitney_u_over_the_pairs(
    treated: list[float], control: list[float]
) -> None:
    u = stats.mannwhitneyu(treated, control, method="asymptotic", use_continuity=False).statistic
    found = probability_of_superiority(treated, control)
    assert found.estimate == pytest.approx(u / (len(treated) * len(control)))


@given(GROUP, GROUP)
def test_swapping_the_labels_flips_the_sign_of_delta(
    treated: list[float], control: list[float]
) -> None:
    one, other = cliffs_delta(treated, control), cliffs_delta(control, treated)
    assert one.estimate is not None
    assert one.conf_low is not None
    assert one.conf_high is not None
    assert other.estimate == pytest.approx(-one.estimate, abs=1e-12)
    assert other.conf_low == pytest.approx(-one.conf_high, abs=1e-9)
    assert other.conf_high == pytest.approx(-one.conf_low, abs=1e-9)


@given(GROUP, GROUP)
def test_only_the_order_of_values_matters(treated: list[float], control: list[float]) -> None:
    stretched = cliffs_delta(np.exp(treated) + 7.0, np.exp(control) + 7.0)
    assert stretched == cliffs_delta(treated, control)


@given(GROUP, GROUP)
def test_the_interval_holds_the_estimate_and_stays_in_range(
    treated: list[float], control: list[float]
) -> None:
    found = probability_of_superiority(treated, control)
    assert found.estimate is not None
    assert found.conf_low is not None
    assert found.conf_high is not None
    assert 0.0 <= found.conf_low <= found.estimate <= found.conf_high <= 1.0


def test_groups_that_do_not_overlap_have_an_interval_but_no_test() -> None:
    found = cliffs_delta([5, 6, 7, 8], [1, 2, 3])
    assert found.estimate == found.conf_high == 1.0
    assert found.conf_low is not None
    assert 0.0 < found.conf_low < 1.0
    assert found.std_error is found.statistic is found.p_value is None
    assert "p_value undefined: estimate at its bound" in found.method


def test_equal_values_everywhere_are_no_effect_with_no_test() -> None:
    found = cliffs_delta([2, 2, 2], [2, 2])
    assert found.estimate == 0.0
    assert found.p_value is None
    assert "no variance" in found.method


def test_a_group_of_one_is_undefined() -> None:
    found = cliffs_delta([1.0], [1.0, 2.0])
    assert not found.is_defined
    assert found.method.startswith("Cliff's delta")
    assert found.n == 3
