"""Numbers as text."""

from __future__ import annotations

import pytest

from kit.analysis import Estimate
from kit.report import numbers


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (1.005, 2, "1.00"),
        (-0.126, 2, "-0.13"),
        (0.0, 2, "0.00"),
        (-0.0004, 2, "0.00"),
        (0.00041, 3, "4.1e-04"),
        (2.5e7, 2, "2.5e+07"),
        (None, 2, "undefined"),
    ],
)
def test_numbers_are_rounded_for_display(value: float | None, digits: int, shown: str) -> None:
    assert numbers.number(value, digits) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0381, "0.038"),
        (0.00036, "0.0004"),
        (0.00009, "< 0.0001"),
        (0.0, "< 0.0001"),
        (1.0, "1.000"),
        (None, "undefined"),
    ],
)
def test_p_values_are_never_shown_as_zero(value: float | None, shown: str) -> None:
    assert numbers.p_value(value) == shown


def test_estimates_come_with_their_interval_or_with_the_reason() -> None:
    whole = Estimate(estimate=1.0, conf_low=-0.5, conf_high=2.5, method="g")
    bare = Estimate(estimate=1.0, method="mean [interval undefined: no variance]")
    none = Estimate(method="g [undefined: too few observations]")
    never = Estimate(method="not testable: 2 languages")

    assert numbers.estimate(whole) == "1.00 [-0.50, 2.50]"
    assert numbers.estimate(bare) == "1.00 (no interval)"
    assert numbers.estimate(none) == "undefined: too few observations"
    assert numbers.estimate(never) == "not testable: 2 languages"
    assert numbers.estimate(None) == "none"


def test_a_test_is_shown_with_its_degrees_of_freedom() -> None:
    result = Estimate(estimate=1.0, df=7.84, statistic=-3.891, p_value=0.00001, method="t")

    assert numbers.test(result) == "t(7.8) = -3.89, p < 0.0001"
