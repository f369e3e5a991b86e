"""One effect over several models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kit.analysis.effects import Effect, Kind, effects
from kit.analysis.models import Generality, differences, generality, heterogeneity
from kit.stats.result import Estimate
from kit.stats.synthesis import random_effects
from tests.analysis.test_effects import values


def planted(shifts: dict[str, float]) -> list[Effect]:
    rng = np.random.Generator(np.random.PCG64(6))
    points = []
    for model, shift in shifts.items():
        drawn = values({0: [*rng.normal(0.0, 1.0, 10)], 10: [*rng.normal(shift, 1.0, 10)]})
        points += [
            value._replace(condition=value.condition._replace(model=model)) for value in drawn
        ]
    return effects(points, 1)


def interval(low: float | None, high: float | None) -> Estimate:
    return Estimate(conf_low=low, conf_high=high, method="g")


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([(-2, -1), (-1, -0.1)], Generality.GENERAL),
        ([(0.1, 1), (0.2, 1)], Generality.GENERAL),
        ([(-2, -1), (-1, 0.1)], Generality.OPEN),
        ([(-2, -1), (0.1, 1)], Generality.OPPOSED),
        ([(-2, -1), (None, None)], Generality.OPEN),
    ],
)
def test_general_means_that_every_model_shows_it(
    intervals: list[tuple[float | None, float | None]], expected: Generality
) -> None:
    assert generality(interval(*limits) for limits in intervals) is expected


def test_models_that_differ_are_heterogeneous() -> None:
    within = planted({"a": -3.0, "b": 3.0, "c": 0.0})
    (row,) = heterogeneity(within)
    gs = [effect.result for effect in within if effect.kind is Kind.HEDGES_G]
    expected = random_effects([g.estimate or 0.0 for g in gs], [g.std_error or 0.0 for g in gs])

    assert row.models == "a b c"
    assert row.generality is Generality.OPPOSED
    assert row.q == expected.heterogeneity.statistic
    assert row.q_p is not None
    assert row.q_p < 1e-6
    assert row.result == expected.pooled


def test_differences_are_of_independent_effects() -> None:
    within = planted({"a": 2.0, "b": 0.0})
    one, other = (effect.result for effect in within if effect.kind is Kind.HEDGES_G)
    (row,) = differences(within)

    assert (row.model, row.against) == ("a", "b")
    assert one.estimate is not None
    assert other.estimate is not None
    assert one.std_error is not None
    assert other.std_error is not None
    assert row.result.estimate == pytest.approx(one.estimate - other.estimate)
    assert row.result.std_error == pytest.approx(math.hypot(one.std_error, other.std_error))
    assert row.p_holm == row.result.p_value


def test_one_model_has_nothing_to_be_compared_with() -> None:
    assert heterogeneity(planted({"a": 1.0})) == []
    assert differences(planted({"a": 1.0})) == []
