"""Effects from planted values, held to SciPy and to arithmetic by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy import stats

from kit.analysis.cells import Condition, Value, cells, mean
from kit.analysis.effects import Effect, Factor, Kind, effects, pooled_slopes

SLOPE_ADJUSTED = Kind.SLOPE_ADJUSTED


def values(
    by_level: Mapping[int, Sequence[float | None]],
    language: str = "en",
    measure: str = "cpi",
    reference: str | None = "within_language",
    individuated: int = 0,
) -> list[Value]:
    return [
        Value(
            f"{language}-a{level}-r{replicate}",
            Condition("m", language, None, individuated, level),
            measure,
            reference,
            number,
        )
        for level, numbers in by_level.items()
        for replicate, number in enumerate(numbers)
    ]


def one(found: Sequence[Effect], kind: Kind, factor: Factor = Factor.ALIGNED) -> Effect:
    (effect,) = (effect for effect in found if effect.kind is kind and effect.factor is factor)
    return effect


def test_contrasts_compare_all_ten_marked_agents_with_none() -> None:
    none, full = [1.0, 2.0, 3.0, 4.0], [3.0, 5.0, 6.0, 8.0]
    found = effects(values({0: none, 5: [100.0, 101.0], 10: full}), 1)
    g, welch = one(found, Kind.HEDGES_G).result, one(found, Kind.WELCH).result

    # Mean difference 3, pooled SD sqrt((5 + 13) / 6); J for 6 degrees of freedom (Hedges 1981).
    correction = math.gamma(3) / (math.sqrt(3) * math.gamma(2.5))
    assert g.estimate == pytest.approx(3 / math.sqrt(3) * correction)
    assert g.n == 8
    expected = stats.ttest_ind(full, none, equal_var=False)
    assert welch.statistic == pytest.approx(expected.statistic)
    assert welch.p_value == pytest.approx(expected.pvalue)


def test_slopes_use_every_level() -> None:
    levels = [0, 0, 5, 5, 10, 10]
    numbers = [1.0, 2.0, 2.0, 4.0, 4.0, 5.0]
    found = effects(values({0: numbers[:2], 5: numbers[2:4], 10: numbers[4:]}), 1)

    expected = stats.linregress(levels, numbers).slope
    assert one(found, Kind.SLOPE).result.estimate == pytest.approx(expected)


def test_runs_without_a_value_are_left_out_and_counted() -> None:
    found = effects(values({0: [1.0, 2.0, None], 10: [2.0, None, 4.0]}), 1)

    assert {effect.undefined for effect in found} == {2}
    assert one(found, Kind.HEDGES_G).result.n == 4


def test_a_design_without_the_extremes_says_that_it_cannot_contrast() -> None:
    found = effects(values({2: [1.0, 2.0], 8: [3.0, 5.0]}), 1)
    g = one(found, Kind.HEDGES_G).result

    assert g.estimate is None
    assert g.method == "not testable: no complete run with 10 of 10 agents aligned"
    assert one(found, Kind.SLOPE).result.estimate == pytest.approx(2.5 / 6)


def test_individuation_is_contrasted_at_each_level_of_alignment() -> None:
    points = [
        *values({0: [1.0, 2.0], 10: [3.0, 5.0]}),
        *values({0: [5.0, 6.0], 10: [9.0, 7.0]}, individuated=10),
    ]
    found = [effect for effect in effects(points, 1) if effect.kind is Kind.WELCH]

    assert {
        (effect.factor.value, effect.other): effect.result.estimate for effect in found
    } == pytest.approx(
        {
            ("aligned", 0): 2.5,
            ("aligned", 10): 2.5,
            ("individuated", 0): 4.0,
            ("individuated", 10): 4.0,
        }
    )


def test_a_factor_that_is_not_varied_has_no_effect() -> None:
    found = effects(values({0: [1.0, 2.0], 10: [3.0, 5.0]}), 1)

    assert {effect.factor for effect in found} == {Factor.ALIGNED}


def test_the_pooled_slope_gives_each_language_its_own_intercept() -> None:
    points = [
        *values({0: [0.0, 2.0], 10: [10.0, 12.0]}, "en"),
        *values({0: [100.0, 102.0], 10: [120.0, 122.0]}, "ja"),
    ]
    (effect,) = pooled_slopes(points)

    assert effect.language is None
    assert effect.result.estimate == pytest.approx(1.5)
    assert effect.result.n == 8


def test_raw_counts_and_single_languages_are_not_pooled() -> None:
    numbers = {0: [0.0, 2.0], 10: [10.0, 12.0]}

    assert not pooled_slopes(values(numbers))
    assert not pooled_slopes(
        values(numbers, "en", "sexual", None) + values(numbers, "ja", "sexual", None)
    )


def test_cells_give_mean_sd_and_students_interval() -> None:
    (cell,) = cells(values({0: [1.0, 2.0, 4.0, None]}))
    low, high = stats.t.interval(0.95, 2, loc=7 / 3, scale=stats.sem([1, 2, 4]))

    assert cell.undefined == 1
    assert cell.sd == pytest.approx(1.5275252)
    assert cell.mean.n == 3
    assert cell.mean.estimate == pytest.approx(7 / 3)
    assert (cell.mean.conf_low, cell.mean.conf_high) == pytest.approx((low, high))
    expected = stats.ttest_1samp([1, 2, 4], 0)
    assert cell.mean.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("numbers", [[], [1.0], [2.0, 2.0, 2.0]])
def test_a_mean_without_spread_has_no_interval(numbers: list[float]) -> None:
    result = mean(numbers)

    assert result.n == len(numbers)
    assert result.conf_low is None
    assert result.p_value is None
    assert result.estimate == (numbers[0] if numbers else None)


def noisy(seed: int, shift: float) -> dict[int, list[float | None]]:
    rng = np.random.Generator(np.random.PCG64(seed))
    return {level: [*rng.normal(shift * level / 10, 1.0, 8)] for level in (0, 2, 5, 8, 10)}


def test_every_kind_of_effect_is_there_for_a_headline_measure() -> None:
    found = effects(values(noisy(1, 1.0)), 1)
    other = effects(values(noisy(1, 1.0), measure="harmony_share", reference=None), 1)

    assert [effect.kind for effect in found] == list(Kind)
    # Tests that resample are for the headline measures.
    assert {*Kind} - {effect.kind for effect in other} == {Kind.HEDGES_G_BCA, Kind.PERMUTATION}
    assert all(effect.result.is_defined for effect in found if effect.kind is not SLOPE_ADJUSTED)


def test_resampling_takes_its_draws_from_the_study_s_seed_and_its_own_place() -> None:
    drawn = {
        (seed, code): one(effects(values(noisy(1, 0.6), code), seed), Kind.HEDGES_G_BCA).result
        for seed in (1, 2)
        for code in ("en", "ja")
    }

    assert drawn[1, "en"] == one(effects(values(noisy(1, 0.6)), 1), Kind.HEDGES_G_BCA).result
    assert len({result.conf_low for result in drawn.values()}) == 4


def test_the_resident_named_for_eviction_is_a_covariate() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    points = []
    for level in (0, 2, 5, 8, 10):
        for replicate in range(10):
            # Assigned by a draw: ever more likely with the level, as in the kit.
            evicted = replicate < level
            number = 0.1 * level + 2.0 * evicted + float(rng.normal(0.0, 0.01))
            point = values({level: [number]})[0]
            points.append(point._replace(evicted_aligned=evicted))
    found = effects(points, 1)
    plain, adjusted = one(found, Kind.SLOPE).result, one(found, SLOPE_ADJUSTED).result

    assert adjusted.estimate == pytest.approx(0.1, abs=0.01)
    assert plain.estimate == pytest.approx(0.3, abs=0.02)


def test_a_covariate_that_is_the_same_in_every_run_adjusts_nothing() -> None:
    found = one(effects(values(noisy(1, 1.0)), 1), SLOPE_ADJUSTED).result

    assert not found.is_defined
    assert "collinear" in found.method
