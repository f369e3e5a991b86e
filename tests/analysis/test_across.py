"""Pooled slopes, syntheses and signs from planted values."""

from __future__ import annotations

import numpy as np
import pytest

from kit.analysis.across import Estimator, Pooled, pooled, signs, syntheses
from kit.analysis.cells import Value
from kit.analysis.effects import Kind, effects
from kit.stats.prediction import prediction_interval
from kit.stats.synthesis import random_effects
from tests.analysis.test_effects import values

SLOPES = {"en": -0.3, "ja": 0.2, "fr": 0.4, "it": 0.1, "ar": 0.5, "de": 0.15}


def planted(reference: str = "within_language", slopes: dict[str, float] = SLOPES) -> list[Value]:
    rng = np.random.Generator(np.random.PCG64(4))
    return [
        value
        for code, slope in slopes.items()
        for value in values(
            {
                level: [slope * (level - 5) + noise for noise in rng.normal(0.0, 1.0, 6)]
                for level in (0, 5, 10)
            },
            code,
            reference=reference,
        )
    ]


def one(found: list[Pooled], estimator: Estimator) -> Pooled:
    (row,) = (row for row in found if row.estimator is estimator)
    return row


def test_the_slope_over_languages_is_the_mean_of_slopes_when_every_language_has_the_same_runs() -> (
    None
):
    points = planted()
    found = pooled(points)
    each = [
        effect.result.estimate
        for effect in effects(points, 1)
        if effect.kind is Kind.SLOPE and effect.result.estimate is not None
    ]

    assert one(found, Estimator.CLUSTERED).result.estimate == pytest.approx(np.mean(each))
    assert one(found, Estimator.MIXED).result.estimate == pytest.approx(np.mean(each), abs=1e-6)
    # Languages are the clusters: five degrees of freedom of six, however many runs there are.
    assert one(found, Estimator.CLUSTERED).result.df == pytest.approx(5.0)
    assert one(found, Estimator.MIXED).result.df == 5
    spread = one(found, Estimator.MIXED).sd_slope
    assert spread is not None
    assert spread == pytest.approx(np.std(each, ddof=1), rel=0.2)


def test_an_intercept_varies_only_where_scores_are_not_z_scored_within_language() -> None:
    within = one(pooled(planted()), Estimator.MIXED)
    whole = one(pooled(planted("pooled")), Estimator.MIXED)

    assert within.sd_intercept is None
    assert whole.sd_intercept is not None


def test_one_language_has_no_slope_over_languages() -> None:
    assert pooled(planted(slopes={"en": 0.1})) == []
    assert syntheses(effects(planted(slopes={"en": 0.1}), 1)) == []


def test_a_measure_that_is_undefined_everywhere_says_so() -> None:
    points = [
        *values({0: [None, None], 10: [None]}, "en"),
        *values({0: [None, None], 10: [None]}, "ja"),
    ]
    for row in pooled(points):
        assert row.undefined == 6
        assert row.result.method == "not testable: the measure is undefined in every run"


def test_syntheses_are_of_every_language_that_has_an_effect() -> None:
    points = planted()
    within = effects(points, 1)
    found = {row.kind: row for row in syntheses(within)}
    gs = [effect.result for effect in within if effect.kind is Kind.HEDGES_G]
    expected = random_effects([g.estimate or 0.0 for g in gs], [g.std_error or 0.0 for g in gs])

    assert set(found) == {Kind.HEDGES_G, Kind.HEDGES_G_STAR, Kind.SLOPE}
    row = found[Kind.HEDGES_G]
    assert row.languages == "en ja fr it ar de"
    assert row.result == expected.pooled
    limits = prediction_interval([g.estimate or 0.0 for g in gs], [g.std_error or 0.0 for g in gs])
    assert (row.prediction_low, row.prediction_high) == limits
    assert row.q_df == 5


def test_a_synthesis_of_one_effect_is_not_testable() -> None:
    points = [*planted(slopes={"en": 0.1}), *values({0: [None, None], 10: [None, None]}, "ja")]
    for row in syntheses(effects(points, 1)):
        assert row.result.method == "not testable: 1 language with an effect, needs 2"
        assert row.tau2 is row.q is row.prediction_low is None


def test_directions_are_counted_and_held_against_a_coin() -> None:
    (row,) = (row for row in signs(effects(planted(), 1)) if row.kind is Kind.SLOPE)

    assert (row.above, row.below, row.zero) == (5, 1, 0)
    # Two-sided binomial: 2 x (1 + 6) / 64.
    assert row.result.p_value == pytest.approx(14 / 64)


def test_a_flat_language_has_no_direction() -> None:
    flat = values({0: [1.0, 2.0], 10: [1.0, 2.0]}, "en")
    (row,) = (
        row
        for row in signs(effects([*flat, *planted(slopes={"ja": 0.4})], 1))
        if row.kind is Kind.SLOPE
    )

    assert (row.above, row.below, row.zero) == (1, 0, 1)


def test_one_language_more_never_changes_another_s_row() -> None:
    few = {(e.language, e.kind): e.result for e in effects(planted(), 1)}
    more = effects([*planted(), *values({0: [5.0, 9.0], 10: [1.0, 2.0]}, "th")], 1)

    for effect in more:
        if effect.language != "th":
            assert effect.result == few[effect.language, effect.kind]
