from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kit.stats.proportion import proportion, wilson


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.5, 0.99))
def test_the_limits_are_those_of_scipy(successes: int, trials: int, confidence: float) -> None:
    successes = min(successes, trials)
    found = wilson(successes, trials, confidence=confidence)
    expected = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert found == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_the_ends_are_exact() -> None:
    none, all_ = wilson(0, 7), wilson(7, 7)
    assert none is not None
    assert all_ is not None
    assert (none.low, all_.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1.0 - all_.low)


def test_a_share_says_what_it_is() -> None:
    found = proportion(3, 12, "raw agreement", confidence=0.9)
    assert (found.estimate, found.n) == (0.25, 12)
    assert found.method == "raw agreement, Wilson 0.9 interval"
    assert found.std_error is None


def test_no_trials_have_no_share() -> None:
    found = proportion(0, 0, "recall")
    assert not found.is_defined
    assert "too few" in found.method


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3), (0, -1)])
def test_wrong_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        wilson(successes, trials)


def test_a_wrong_level_is_refused() -> None:
    with pytest.raises(ValueError, match="confidence"):
        wilson(0, 0, confidence=1.0)
