from __future__ import annotations

import pytest
from scipy import stats

from kit.stats.result import Undefined
from kit.stats.wald import coefficient_only, t_test


def test_a_coefficient_and_its_error_give_the_t_test_of_a_mean() -> None:
    values = [1.2, 0.4, 3.1, 2.2, -0.3, 1.9]
    test = stats.ttest_1samp(values, 0.0)
    mean, error = sum(values) / 6, float(stats.sem(values))
    found = t_test(mean, error, 5, n=6, method="mean", confidence=0.9)
    limits = test.confidence_interval(0.9)
    assert (found.statistic, found.p_value) == pytest.approx((test.statistic, test.pvalue))
    assert (found.conf_low, found.conf_high) == pytest.approx((limits.low, limits.high))
    assert (found.df, found.n) == (5, 6)


@pytest.mark.parametrize(("coefficient", "error"), [(1e200, 1e-200), (1e300, 1e308)])
def test_a_test_beyond_floating_point_is_undefined(coefficient: float, error: float) -> None:
    found = t_test(coefficient, error, 2, n=4, method="slope", confidence=0.95)
    assert not found.is_defined
    assert "floating-point" in found.method


def test_a_coefficient_alone_says_what_is_missing_and_why() -> None:
    found = coefficient_only(2.0, 9, "slope", Undefined.PERFECT_FIT)
    assert (found.estimate, found.n, found.std_error, found.p_value) == (2.0, 9, None, None)
    assert found.method == (
        "slope [std_error, statistic, p_value, interval undefined: no residual variance]"
    )
