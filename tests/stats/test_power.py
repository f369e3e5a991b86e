from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy import stats

from kit.stats.power import minimum_detectable_effect, power, rejection_rate, units_needed
from kit.stats.sample import FloatArray

Golden = Callable[[str], pl.DataFrame]


def test_powers_are_those_of_r(golden: Golden) -> None:
    for row in golden("power").iter_rows(named=True):
        found = power(row["effect"], row["n"], row["n"])
        assert found == pytest.approx(row["power"], rel=1e-6, abs=1e-9), row
        assert power(-row["effect"], row["n"], row["n"]) == pytest.approx(found, rel=1e-12)


def test_detectable_effects_are_those_of_r(golden: Golden) -> None:
    for row in golden("power_detectable").iter_rows(named=True):
        found = minimum_detectable_effect(row["n"], row["n"], wanted=row["wanted"])
        assert found == pytest.approx(row["effect"], rel=1e-6), row


@pytest.mark.parametrize(
    # Cohen (1988), table 2.4.1: two-sided .05, power .80.
    ("effect", "n"),
    [(0.2, 394), (0.5, 64), (0.8, 26)],
)
def test_group_sizes_are_those_of_cohen_s_table(effect: float, n: int) -> None:
    assert units_needed(effect) == n


def test_the_group_size_is_the_smallest_that_suffices() -> None:
    n = units_needed(0.9, wanted=0.9)
    assert n is not None
    assert power(0.9, n, n) >= 0.9 > power(0.9, n - 1, n - 1)
    assert units_needed(1e-4) is None
    assert units_needed(50.0) == 2


def draws(effect: float) -> Callable[[np.random.Generator, int], FloatArray]:
    def simulate(rng: np.random.Generator, count: int) -> FloatArray:
        treated = rng.normal(effect, 1.0, (count, 15))
        control = rng.normal(0.0, 1.0, (count, 15))
        return np.asarray(stats.ttest_ind(treated, control, axis=1).pvalue)

    return simulate


@pytest.mark.parametrize("effect", [0.0, 0.771])
def test_simulated_power_is_the_exact_one_within_its_interval(effect: float) -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    found = rejection_rate(draws(effect), rng=rng)
    assert found.conf_low is not None
    assert found.conf_high is not None
    assert found.conf_low <= power(effect, 15, 15) <= found.conf_high
    assert found.n == 2_000


def test_wrong_calls_are_refused() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    with pytest.raises(ValueError, match="two units"):
        power(0.5, 1, 15)
    with pytest.raises(ValueError, match="power must lie"):
        minimum_detectable_effect(15, 15, wanted=0.01)
    with pytest.raises(ValueError, match="at least 1"):
        rejection_rate(draws(0.0), rng=rng, repetitions=0)
    with pytest.raises(ValueError, match="p values wanted"):
        rejection_rate(lambda _, __: np.zeros(3), rng=rng, repetitions=4)
