from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from kit.stats.heterogeneity import contrasts
from kit.stats.sample import FloatArray

UNITS = st.lists(
    st.tuples(
        st.integers(-300, 300).map(lambda value: value / 100),
        st.integers(5, 200).map(lambda value: value / 100),
    ),
    min_size=3,
    max_size=16,
)


def restricted(tau2: float, y: FloatArray, variances: FloatArray, x: FloatArray) -> float:
    """The restricted log-likelihood as textbooks write it (Harville 1977)."""
    weights = np.diag(1 / (variances + tau2))
    gram = x.T @ weights @ x
    rest = y - x @ np.linalg.solve(gram, x.T @ weights @ y)
    determinants = np.sum(np.log(variances + tau2)) + np.linalg.slogdet(gram)[1]
    return -0.5 * float(determinants + rest @ weights @ rest)


@given(UNITS)
def test_no_tau2_has_a_higher_restricted_likelihood(units: list[tuple[float, float]]) -> None:
    y, errors = np.array(units).T
    x = np.column_stack((np.ones(y.size), np.arange(y.size) % 3))
    variances = errors**2
    found = contrasts(y, variances, x).restricted_tau2()
    reached = restricted(found, y, variances, x)
    places = np.concatenate(([0.0], np.geomspace(1e-4, 100.0, 100)))
    assert found >= 0.0
    assert reached >= max(restricted(place, y, variances, x) for place in places) - 1e-9


@pytest.mark.parametrize(
    ("precise", "variance", "rough", "rough_variance", "large"),
    [
        ([0.0, 0.01], 1e-4, [4.0, -4.0, 5.0], 1.0, True),
        ([0.0, 0.01, 0.02, -0.01], 1e-3, [1.8, -1.5], 0.3, False),
    ],
)
def test_of_two_maxima_the_higher_is_taken(
    *,
    precise: list[float],
    variance: float,
    rough: list[float],
    rough_variance: float,
    large: bool,
) -> None:
    # Precise estimates that agree speak for a tau^2 of 0, rough ones that do not for a large one.
    y = np.array(precise + rough)
    variances = np.repeat([variance, rough_variance], [len(precise), len(rough)])
    x = np.ones((y.size, 1))
    found = contrasts(y, variances, x).restricted_tau2()
    places = np.concatenate(([0.0], np.geomspace(1e-8, 100.0, 2000)))
    heights = np.array([restricted(place, y, variances, x) for place in places])
    peaks = [
        index
        for index in range(places.size)
        if heights[index] == heights[max(0, index - 1) : index + 2].max()
    ]
    assert len(peaks) == 2
    assert found == pytest.approx(places[np.argmax(heights)], rel=0.02)
    assert (found > 1.0) == large


@given(UNITS)
def test_q_is_the_weighted_residual_sum_of_squares(units: list[tuple[float, float]]) -> None:
    y, errors = np.array(units).T
    for tau2 in (0.0, 0.7):
        weights = 1 / (errors**2 + tau2)
        mean = np.sum(weights * y) / np.sum(weights)
        expected = np.sum(weights * (y - mean) ** 2)
        found = contrasts(y, errors**2, np.ones((y.size, 1))).q(tau2)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_profile_interval_solves_q_for_both_quantiles() -> None:
    y, variances = np.array([-1.0, 0.5, 2.0, 0.3]), np.array([0.04, 0.09, 0.2, 0.01])
    found = contrasts(y, variances, np.ones((4, 1)))
    limits = found.tau2_interval(0.9)
    assert limits is not None
    assert found.q(limits.low) == pytest.approx(stats.chi2.isf(0.05, 3))
    assert found.q(limits.high) == pytest.approx(stats.chi2.isf(0.95, 3))
    assert limits.low < found.restricted_tau2() < limits.high


def test_equal_variances_give_the_variance_of_the_estimates_less_theirs() -> None:
    y = np.array([0.0, 1.0, 3.0, 4.5])
    found = contrasts(y, np.full(4, 0.5), np.ones((4, 1)))
    assert found.restricted_tau2() == pytest.approx(np.var(y, ddof=1) - 0.5)
    assert found.typical_variance == pytest.approx(0.5)


def test_the_maximum_agrees_with_scipy_s_optimiser() -> None:
    rng = np.random.Generator(np.random.PCG64(11))
    for _ in range(20):
        variances = rng.uniform(0.05, 0.5, 10)
        x = np.column_stack((np.ones(10), rng.normal(size=10)))
        y = rng.normal(size=10)
        best = optimize.minimize_scalar(
            lambda t, y=y, v=variances, x=x: -restricted(t, y, v, x),
            bounds=(0.0, 20.0),
            method="bounded",
            options={"xatol": 1e-10},
        )
        found = contrasts(y, variances, x).restricted_tau2()
        assert found == pytest.approx(float(best.x), abs=2e-6)
