from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.multiplicity import benjamini_hochberg, holm

ADJUSTMENTS = [holm, benjamini_hochberg]
Adjustment = Callable[[list[float | None]], tuple[float | None, ...]]
FAMILY = st.lists(st.none() | st.floats(0, 1), max_size=20)


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_adjustments_agree_with_r(
    adjust: Adjustment, golden: Callable[[str], pl.DataFrame]
) -> None:
    for (family,), rows in golden("multiplicity").group_by("family", maintain_order=True):
        found = adjust(rows["p_value"].to_list())
        expected = [
            None if value is None else pytest.approx(value, rel=1e-12)
            for value in rows[adjust.__name__]
        ]
        assert list(found) == expected, family


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_benjamini_hochberg_agrees_with_scipy(p_values: list[float]) -> None:
    reference = stats.false_discovery_control(p_values, method="bh")
    assert list(benjamini_hochberg(p_values)) == pytest.approx(reference.tolist(), rel=1e-12)


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
@given(family=FAMILY)
def test_adjusted_values_are_larger_stay_in_range_and_keep_their_order(
    adjust: Adjustment, family: list[float | None]
) -> None:
    found = adjust(family)
    assert [value is None for value in found] == [value is None for value in family]
    pairs = sorted(
        (p, q) for p, q in zip(family, found, strict=True) if p is not None and q is not None
    )
    assert all(p <= q * (1 + 1e-12) and q <= 1.0 for p, q in pairs)
    adjusted = [q for _, q in pairs]
    assert adjusted == sorted(adjusted)


@given(FAMILY)
def test_holm_is_never_below_benjamini_hochberg(family: list[float | None]) -> None:
    for strict, lenient in zip(holm(family), benjamini_hochberg(family), strict=True):
        if strict is not None and lenient is not None:
            assert strict >= lenient * (1 - 1e-12)


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_a_test_that_could_not_be_done_does_not_count(adjust: Adjustment) -> None:
    assert adjust([0.01, None, 0.04]) == (adjust([0.01, 0.04])[0], None, adjust([0.01, 0.04])[1])
    assert adjust([None]) == (None,)
    assert adjust([]) == ()


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_values_that_are_no_p_are_refused(adjust: Adjustment, bad: float) -> None:
    with pytest.raises(ValueError, match="p values"):
        adjust([0.5, bad])
