from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.product_moment import fisher_limits, product_moment, standard, unusable, with_test
from kit.stats.result import Undefined


def test_fisher_s_limits_are_those_of_z() -> None:
    # atanh 0.5 = 0.549306; 1.959964 / sqrt(25) = 0.391993; the limits in z are 0.157313, 0.941299.
    limits = fisher_limits(0.5, 1 / 5, 0.95)
    assert np.arctanh(limits) == pytest.approx((0.157313, 0.941299), abs=1e-6)


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=4, max_size=15),
    st.integers(-140, 140),
)
def test_the_product_moment_is_numpy_s_at_any_scale(
    pairs: list[tuple[int, int]], power: int
) -> None:
    x, y = np.array(pairs, dtype=float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert unusable(x, y) is Undefined.NO_VARIANCE
        return
    found = product_moment(x * 10.0**power, y)
    assert found == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert np.linalg.norm(standard(x)) == pytest.approx(1.0)


def test_inflation_widens_the_interval_and_leaves_the_test() -> None:
    plain, wider = (with_test(0.3, 20, factor, 0.95, "r") for factor in (1.0, 2.0))
    assert (plain.p_value, plain.statistic) == (wider.p_value, wider.statistic)
    assert plain.conf_low is not None
    assert wider.conf_low is not None
    assert wider.conf_low < plain.conf_low


def test_three_units_are_too_few() -> None:
    assert unusable(np.arange(3.0), np.arange(3.0)) is Undefined.TOO_FEW
