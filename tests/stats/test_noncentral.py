from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import special

from kit.stats.noncentral import cdf, noncentrality_interval


# Roots of the integral of Phi(t s - ncp) against the chi density, in 30-digit arithmetic.
@pytest.mark.parametrize(
    ("t", "df", "low", "high"),
    [
        (2.17, 28, 0.112167037300438548, 4.19213742776077407),
        (-5.19, 28, -7.53989743407807277, -2.77673672830790356),
        (3.0, 2, -0.394674406576793897, 6.28283257540529978),
        (0.3, 5.5, -1.68072874175077289, 2.25442089319932164),
        (150.0, 28, 110.857020297605372, 189.063153031431887),
        (1000.0, 28, 739.390028046503435, 1260.12018607771002),
    ],
)
def test_limits_agree_with_high_precision_quadrature(
    t: float, df: float, low: float, high: float
) -> None:
    limits = noncentrality_interval(t, df)
    assert limits == pytest.approx((low, high), rel=1e-12)


def test_limits_at_zero_are_those_of_a_normal_variable() -> None:
    # At t = 0 the denominator of T does not matter: P(T <= 0) = Phi(-ncp).
    z = 1.959963984540054
    assert noncentrality_interval(0.0, 7) == pytest.approx((-z, z), rel=1e-12)


@given(st.floats(0.01, 8), st.floats(1, 200), st.floats(-8, 8))
def test_cdf_agrees_with_scipy_where_scipy_has_a_value(t: float, df: float, ncp: float) -> None:
    reference = float(special.nctdtr(df, ncp, t))
    # SciPy's series ends in NaN for some t far above a negative noncentrality.
    assume(math.isfinite(reference))
    assert cdf(t, df, ncp) == pytest.approx(reference, abs=1e-12)


@given(st.floats(-40, 40), st.floats(1, 300))
@example(1e-9, 1)
def test_without_noncentrality_the_cdf_is_student_s(t: float, df: float) -> None:
    # SciPy's own distribution of t has ten digits only where t is nearly 0.
    half = 0.5 * float(special.betainc(0.5, df / 2, t * t / (df + t * t)))
    assert cdf(t, df, 0.0) == pytest.approx(0.5 + math.copysign(half, t), abs=1e-12)


@given(st.floats(-1e12, 1e12), st.floats(1, 1e4), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_limits_put_the_observed_t_at_its_quantiles(t: float, df: float, level: float) -> None:
    low, high = noncentrality_interval(t, df, level)
    assert low < high
    assert cdf(t, df, low) == pytest.approx((1 + level) / 2, abs=1e-10)
    assert cdf(t, df, high) == pytest.approx((1 - level) / 2, abs=1e-10)
