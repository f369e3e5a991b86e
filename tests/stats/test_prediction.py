from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

from kit.stats.prediction import prediction_interval
from kit.stats.synthesis import random_effects

EFFECTS = st.lists(st.tuples(st.integers(-300, 300), st.integers(5, 80)), min_size=3, max_size=16)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def drawn(effects: list[float], errors: list[float], count: int) -> tuple[float, float]:
    """Nagashima, Noma & Furukawa (2019), draw by draw."""
    rng = generator(1)
    y, v, df = np.array(effects), np.array(errors) ** 2, len(effects) - 1

    def moments(tau2: float) -> tuple[float, float, float]:
        w = 1 / (v + tau2)
        mean = float(np.sum(w * y) / np.sum(w))
        q = float(np.sum(w * (y - mean) ** 2))
        return mean, q, math.sqrt(q / df / float(np.sum(w)))

    found = []
    for chi2 in rng.chisquare(df, count):
        tau2 = 0.0
        if moments(0.0)[1] > chi2:
            tau2 = optimize.brentq(lambda one, chi2=chi2: moments(one)[1] - chi2, 0.0, 1e6)
        mean, _, error = moments(tau2)
        found.append(mean - rng.standard_t(df) * error + rng.normal() * math.sqrt(tau2))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def test_the_limits_are_those_of_the_method_draw_by_draw() -> None:
    rng = generator(3)
    errors = [0.3, 0.25, 0.4, 0.35, 0.2, 0.3, 0.5, 0.3]
    effects = [float(rng.normal(0.4, 0.5)) for _ in errors]
    found = prediction_interval(effects, errors)
    assert found is not None
    # 8,000 draws: the standard error of a limit is about 1.5 % of the interval's width.
    width = found.high - found.low
    assert found == pytest.approx(drawn(effects, errors, 8_000), abs=0.05 * width)


def test_few_units_make_it_longer_than_the_usual_one_and_many_do_not() -> None:
    rng = generator(4)
    few = rng.normal(0.0, 1.0, 8)
    wide, plain = prediction_interval(few, [0.3] * 8), random_effects(few, [0.3] * 8).prediction
    assert wide is not None
    assert plain is not None
    assert wide.low < plain.low
    assert wide.high > plain.high

    many = rng.normal(2.0, 0.5, 2_000)
    limits = prediction_interval(many, [0.1] * 2_000)
    # Normal with mean 2 and variance 0.25, for the error variance of 0.01 is taken off.
    spread = math.sqrt(np.var(many, ddof=1) - 0.01)
    expected = stats.norm(np.mean(many), spread).ppf([0.025, 0.975])
    assert limits == pytest.approx(tuple(expected), abs=0.01)


@given(EFFECTS, st.integers(-1000, 1000), st.sampled_from([-7.0, 0.01, 1e6]))
def test_neither_shift_nor_scale_matters(
    units: list[tuple[int, int]], shift: int, scale: float
) -> None:
    effects, errors = (np.array(column) / 100 for column in zip(*units, strict=True))
    assume(np.ptp(effects) > 0)
    plain = prediction_interval(effects, errors)
    moved = prediction_interval(scale * effects + shift, abs(scale) * errors)
    assert plain is not None
    assert moved is not None
    expected = sorted(scale * limit + shift for limit in plain)
    assert list(moved) == pytest.approx(expected, rel=1e-6, abs=1e-6 * abs(scale))


@pytest.mark.parametrize("effects", [[1.0, 2.0], [0.5, 0.5, 0.5, 0.5]])
def test_too_few_or_equal_effects_have_none(effects: list[float]) -> None:
    assert prediction_interval(effects, [0.1] * len(effects)) is None


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        prediction_interval([1.0, 2.0, 3.0], [0.1, 0.0, 0.1])
    with pytest.raises(ValueError, match="confidence"):
        prediction_interval([1.0, 2.0, 3.0], [0.1, 0.2, 0.1], confidence=1.0)
