"""All checks beside the one that decides: what they compare, and what they lack."""

from __future__ import annotations

import pytest

from kit.analysis.checks import Check, Holds, Ours, checks
from kit.spec.published import Rule
from kit.stats.effects import g_from_summary
from kit.stats.replication import (
    Sizes,
    effect_interval,
    g_prediction,
    r_prediction,
    smallest_telescoped_effect,
)
from kit.stats.result import Estimate
from tests.analysis.test_replication import PER_CELL, claim, g, ours

INTERVAL = {"low": 0.03, "high": 1.51, "evidence": "inferred"}
BACKFIRE = claim(
    rule="sign_and_overlap", sign="positive", estimate=0.771, interval=INTERVAL, per_cell=PER_CELL
)


def by_rule(found: tuple[Check, ...]) -> dict[Rule, Check]:
    assert len({one.check for one in found}) == len(found)
    return {one.check: one for one in found}


def test_a_standardised_difference_is_put_to_every_rule_that_can_be_computed() -> None:
    number = g(0.6, 14, 15)
    found = by_rule(checks(BACKFIRE, number))

    assert {rule: one.holds for rule, one in found.items()} == {
        Rule.SIGN: Holds.NO,
        Rule.SIGN_AND_OVERLAP: Holds.NO,
        Rule.EQUIVALENCE: Holds.UNKNOWN,
        Rule.PREDICTION_INTERVAL: Holds.YES,
        Rule.SMALL_TELESCOPES: Holds.NO,
    }
    assert {one.published for one in found.values()} == {0.771}
    assert found[Rule.EQUIVALENCE].why == "No equivalence margin was set before the run."
    # Crossing 0 is no contradiction.
    assert not any(one.ruled_out for one in found.values())


def test_bounds_are_those_of_the_statistics() -> None:
    number = g(0.6, 14, 15)
    found = by_rule(checks(BACKFIRE, number))
    predicted = g_prediction(0.771, Sizes(15, 15), Sizes(14, 15))
    assert number.result.statistic is not None
    effect = effect_interval(number.result.statistic, Sizes(14, 15))

    one = found[Rule.PREDICTION_INTERVAL]
    assert (one.bound_low, one.bound_high) == (predicted.conf_low, predicted.conf_high)
    assert one.ours == number.result.estimate
    one = found[Rule.SMALL_TELESCOPES]
    assert (one.bound_low, one.bound_high) == (smallest_telescoped_effect(Sizes(15, 15)), None)
    assert (one.ours, one.low, one.high) == (effect.estimate, effect.conf_low, effect.conf_high)
    one = found[Rule.SIGN_AND_OVERLAP]
    assert (one.bound_low, one.bound_high) == (0.03, 1.51)
    assert (one.low, one.high) == (number.result.conf_low, number.result.conf_high)


def test_a_published_fall_has_its_bound_below_zero() -> None:
    falls = claim(sign="negative", per_cell=PER_CELL)
    one = by_rule(checks(falls, g(0.1)))[Rule.SMALL_TELESCOPES]

    assert one.bound_low is None
    assert one.bound_high == -smallest_telescoped_effect(Sizes(15, 15))
    assert one.holds is Holds.NO
    assert one.ruled_out


def test_a_correlation_is_predicted_over_its_languages() -> None:
    asked = claim(
        rule="equivalence", quantity="correlation", sign="positive", estimate=0.474, of=16,
        margin=0.3, interval=INTERVAL,
    )  # fmt: skip
    number = Ours(Estimate(estimate=0.2, conf_low=-0.33, conf_high=0.63, n=16, method="r"))
    found = by_rule(checks(asked, number))

    assert set(found) == {
        Rule.SIGN,
        Rule.SIGN_AND_OVERLAP,
        Rule.EQUIVALENCE,
        Rule.PREDICTION_INTERVAL,
    }
    predicted = r_prediction(0.474, 16, 16)
    one = found[Rule.PREDICTION_INTERVAL]
    assert (one.bound_low, one.bound_high) == (predicted.conf_low, predicted.conf_high)
    assert one.holds is Holds.YES
    assert found[Rule.EQUIVALENCE].bound_low == pytest.approx(0.174)


@pytest.mark.parametrize(
    ("changes", "rule", "why"),
    [
        ({"sign": None, "rule": "none"}, Rule.SIGN, "No direction was published."),
        ({"sign": None, "rule": "none"}, Rule.SIGN_AND_OVERLAP, "No direction was published."),
        ({}, Rule.SIGN_AND_OVERLAP, "The published interval is unknown."),
        ({}, Rule.EQUIVALENCE, "The published estimate is unknown."),
        ({}, Rule.PREDICTION_INTERVAL, "The published estimate is unknown."),
        (
            {"estimate": 0.5},
            Rule.PREDICTION_INTERVAL,
            "The published runs per cell are unknown.",
        ),
        (
            {"estimate": 0.0667, "quantity": "pooled_slope"},
            Rule.PREDICTION_INTERVAL,
            "The published standard error is unknown.",
        ),
        ({}, Rule.SMALL_TELESCOPES, "The published runs per cell are unknown."),
        (
            {"sign": None, "rule": "no_rise", "margin": 0.5, "per_cell": PER_CELL},
            Rule.SMALL_TELESCOPES,
            "No direction was published.",
        ),
    ],
)
def test_a_check_that_needs_what_was_not_published_says_so(
    changes: dict[str, object], rule: Rule, why: str
) -> None:
    one = by_rule(checks(claim(**changes), g(-0.6)))[rule]

    assert one.holds is Holds.UNKNOWN
    assert one.why == why
    assert (one.bound_low, one.bound_high) == (None, None)
    assert one.ours is not None


def test_the_claims_own_rule_is_always_among_its_checks() -> None:
    absent = claim(rule="no_rise", sign=None, margin=0.5)
    assert by_rule(checks(absent, ours(-0.6, 0.4)))[Rule.NO_RISE].holds is Holds.YES
    count = claim(
        rule="count", quantity="rising_languages", sign=None, estimate=15, of=16, margin=1
    )
    (one,) = checks(count, Ours(Estimate(estimate=14, n=16, method="count")))
    assert (one.check, one.holds) == (Rule.COUNT, Holds.YES)
    assert (one.bound_low, one.ours, one.bound_high) == (14, 14, 16)


def test_without_our_number_every_check_is_unknown() -> None:
    found = checks(BACKFIRE, None)

    assert len(found) == 5
    assert {one.holds for one in found} == {Holds.UNKNOWN}
    assert {one.why for one in found} == {"No number: this folder holds no such number."}


def test_a_cell_of_two_runs_has_no_prediction() -> None:
    number = Ours(g_from_summary(0.6, 2, 2), Sizes(2, 2))
    one = by_rule(checks(BACKFIRE, number))[Rule.PREDICTION_INTERVAL]

    assert one.holds is Holds.UNKNOWN
    assert "too few degrees of freedom" in one.why
