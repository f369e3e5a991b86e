from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.stats.equivalence import standardised_equivalence, welch_equivalence
from kit.stats.result import Estimate

Test = Callable[..., Estimate]
TESTS: dict[str, Test] = {
    "welch_equivalence": welch_equivalence,
    "standardised_equivalence": standardised_equivalence,
}
GROUP = st.lists(st.floats(-5, 5).map(lambda value: round(value, 2)), min_size=3, max_size=12)


@pytest.mark.parametrize("name", TESTS)
def test_two_one_sided_tests_agree_with_r(
    name: str, golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("two_groups_data")
    rows = golden("two_groups").filter(pl.col("method") == name).to_dicts()
    assert {row["case"] for row in rows} == set(data["case"])
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        treated, control = (
            case.filter(pl.col("group") == group)["value"].to_numpy()
            for group in ("treated", "control")
        )
        matches(TESTS[name](treated, control, margin=1.0), row)


@pytest.mark.parametrize("name", TESTS)
@given(treated=GROUP, control=GROUP, margin=st.sampled_from([0.3, 1.0, 4.0]))
def test_p_is_below_five_percent_exactly_when_the_interval_lies_within_the_margin(
    name: str, treated: list[float], control: list[float], margin: float
) -> None:
    assume(np.ptp(treated) > 0 and np.ptp(control) > 0)
    found = TESTS[name](treated, control, margin=margin)
    assert found.p_value is not None
    assert found.conf_low is not None
    assert found.conf_high is not None
    assume(abs(found.p_value - 0.05) > 1e-9)
    inside = -margin < found.conf_low and found.conf_high < margin
    assert inside == (found.p_value < 0.05)


@pytest.mark.parametrize("name", TESTS)
@given(treated=GROUP, control=GROUP)
def test_swapping_the_labels_keeps_the_p(
    name: str, treated: list[float], control: list[float]
) -> None:
    assume(np.ptp(treated) > 0 and np.ptp(control) > 0)
    one = TESTS[name](treated, control, margin=1.0).p_value
    assert TESTS[name](control, treated, margin=1.0).p_value == pytest.approx(one, abs=1e-10)


@pytest.mark.parametrize("name", TESTS)
def test_groups_without_variance_have_no_test(name: str) -> None:
    found = TESTS[name]([1.0, 1.0], [1.0, 1.0], margin=1.0)
    assert found.p_value is None
    assert "no variance" in found.method
    assert "(TOST)" in found.method


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_is_positive(name: str, margin: float) -> None:
    with pytest.raises(ValueError, match="a margin is a positive number"):
        TESTS[name]([1.0, 2.0], [1.0, 3.0], margin=margin)
