from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.student import critical, two_sided_p


@given(st.floats(-1e6, 1e6), st.floats(1.0, 1e6))
def test_p_is_scipy_s(t: float, df: float) -> None:
    assert two_sided_p(t, df) == pytest.approx(2.0 * stats.t.sf(abs(t), df), rel=1e-12)


@pytest.mark.parametrize(
    # R: qt(0.975, df) and qt(0.95, df).
    ("alpha", "df", "expected"),
    [
        (0.05, 1.0, 12.7062047361747),
        (0.05, 28.0, 2.04840714179524),
        (0.1, 28.0, 1.70113093426593),
        (0.05, 4.5, 2.6589123472044),
    ],
)
def test_critical_values_are_r_s(alpha: float, df: float, expected: float) -> None:
    assert critical(alpha, df) == pytest.approx(expected, rel=1e-12)
    assert two_sided_p(critical(alpha, df), df) == pytest.approx(alpha, rel=1e-12)
