"""Every rule on both sides of its bounds, and every verdict it can give."""

from __future__ import annotations

from typing import Any

import pytest

from kit.analysis.checks import Ours
from kit.analysis.replication import Verdict, decide
from kit.spec.published import Claim
from kit.stats.effects import g_from_summary
from kit.stats.replication import Sizes
from kit.stats.result import Estimate

REPLICATED, INCONCLUSIVE = Verdict.REPLICATED, Verdict.INCONCLUSIVE
NOT, REVERSED, NOT_TESTABLE = Verdict.NOT_REPLICATED, Verdict.REVERSED, Verdict.NOT_TESTABLE
PER_CELL = {"value": 15, "evidence": "inferred"}


def claim(**changes: Any) -> Claim:
    return Claim.model_validate(
        {
            "id": "c",
            "study": "study1",
            "statement": "Something.",
            "languages": ["en"],
            "outcome": "cpi",
            "quantity": "hedges_g",
            "model_family": "llama-3.3-70b",
            "source": ["ABS"],
            "confidence": "high",
            "rule": "sign",
            "sign": "negative",
            "why": "Needs the text.",
            **changes,
        }
    )


def ours(low: float, high: float, estimate: float | None = None) -> Ours:
    middle = (low + high) / 2 if estimate is None else estimate
    return Ours(Estimate(estimate=middle, conf_low=low, conf_high=high, n=30, method="g"))


def g(value: float, treated: int = 15, control: int = 15) -> Ours:
    """Hedges' g as the kit computes it, over so many runs."""
    return Ours(g_from_summary(value, treated, control), Sizes(treated, control))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2.0, -0.1, REPLICATED),
        (-2.0, 0.0, INCONCLUSIVE),
        (-2.0, 1.9, INCONCLUSIVE),
        (-2.0, 2.0, NOT),
        (-1.9, 2.0, NOT),
        (0.0, 2.0, NOT),
        (0.1, 2.0, REVERSED),
    ],
)
def test_a_sign_needs_an_interval_on_one_side_of_zero(
    low: float, high: float, verdict: Verdict
) -> None:
    assert decide(claim(), ours(low, high))[0] is verdict
    mirrored = decide(claim(sign="positive"), ours(-high, -low))[0]
    assert mirrored is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2.8, -1.0, REPLICATED),
        (-1.0, -0.2, REPLICATED),
        (-0.98, -0.2, NOT),
        (-5.0, -2.71, NOT),
        (-1.5, 0.2, INCONCLUSIVE),
        (-1.5, 1.6, NOT),
        (-0.5, 0.2, NOT),
        (0.1, 0.9, REVERSED),
    ],
)
def test_sign_and_overlap_also_needs_the_published_interval(
    low: float, high: float, verdict: Verdict
) -> None:
    interval = {"low": -2.7, "high": -0.99, "evidence": "inferred"}
    found = decide(claim(rule="sign_and_overlap", interval=interval), ours(low, high))

    assert found[0] is verdict


@pytest.mark.parametrize(
    ("low", "high", "sign", "verdict"),
    [
        (0.3, 0.6, "positive", REPLICATED),
        (0.1, 0.6, "positive", INCONCLUSIVE),
        (-0.4, 0.5, "positive", INCONCLUSIVE),
        (-0.6, 0.5, "positive", NOT),
        (0.8, 0.9, "positive", NOT),
        (-0.05, 0.1, "positive", NOT),
        (-0.9, -0.1, "positive", REVERSED),
        (0.3, 0.6, None, REPLICATED),
        (0.1, 0.6, None, INCONCLUSIVE),
        (-0.4, 0.5, None, NOT),
        (-0.9, -0.1, None, NOT),
    ],
)
def test_equivalence_needs_the_whole_interval_within_the_margin(
    low: float, high: float, sign: str | None, verdict: Verdict
) -> None:
    asked = claim(rule="equivalence", sign=sign, estimate=0.474, margin=0.3)

    assert decide(asked, ours(low, high))[0] is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.6, 0.4, REPLICATED),
        (0.1, 0.4, REPLICATED),
        (-0.6, 0.6, INCONCLUSIVE),
        (-0.1, 1.1, NOT),
        (0.1, 0.9, NOT),
        (0.1, 0.6, NOT),
    ],
)
def test_absence_needs_an_upper_bound_and_is_never_reversed(
    low: float, high: float, verdict: Verdict
) -> None:
    assert decide(claim(rule="no_rise", sign=None, margin=0.5), ours(low, high))[0] is verdict


@pytest.mark.parametrize(
    ("rising", "n", "verdict"),
    [
        (16, 16, REPLICATED),
        (14, 16, REPLICATED),
        (13, 16, NOT),
        (1, 16, NOT),
        (15, 15, NOT_TESTABLE),
    ],
)
def test_counts_need_every_language(rising: int, n: int, verdict: Verdict) -> None:
    found = Ours(Estimate(estimate=rising, n=n, method="count"))
    asked = claim(
        rule="count", quantity="rising_languages", sign=None, estimate=15, of=16, margin=1
    )

    assert decide(asked, found)[0] is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        # The interval of g = 0.771 at 15 and 15 runs reaches from -0.27 to 1.81.
        (1.8, REPLICATED),
        (0.1, REPLICATED),
        (-0.2, REPLICATED),
        (-0.3, NOT),
        (1.9, NOT),
        (-1.5, REVERSED),
    ],
)
def test_a_prediction_interval_holds_the_estimate_or_not(value: float, verdict: Verdict) -> None:
    asked = claim(rule="prediction_interval", sign="positive", estimate=0.771, per_cell=PER_CELL)

    assert decide(asked, g(value))[0] is verdict


@pytest.mark.parametrize(
    ("r", "verdict"),
    [(0.84, REPLICATED), (-0.24, REPLICATED), (0.87, NOT), (-0.27, NOT)],
)
def test_a_prediction_interval_of_a_correlation_has_fishers_scale(
    r: float, verdict: Verdict
) -> None:
    asked = claim(
        rule="prediction_interval", quantity="correlation", sign=None, estimate=0.474, of=16
    )
    found = Ours(Estimate(estimate=r, n=16, method="r"))

    assert decide(asked, found)[0] is verdict


@pytest.mark.parametrize(
    ("value", "n", "verdict"),
    [
        # d33 of 15 runs a cell is 0.578.
        (0.8, 15, REPLICATED),
        (0.4, 15, INCONCLUSIVE),
        (-0.05, 15, NOT),
        (0.2, 200, NOT),
        (0.3, 200, NOT),
        (0.5, 200, REPLICATED),
        (-0.9, 15, REVERSED),
    ],
)
def test_small_telescopes_ask_whether_the_effect_could_have_been_seen(
    value: float, n: int, verdict: Verdict
) -> None:
    rises = claim(rule="small_telescopes", sign="positive", per_cell=PER_CELL)
    falls = claim(rule="small_telescopes", sign="negative", per_cell=PER_CELL)

    assert decide(rises, g(value, n, n))[0] is verdict
    assert decide(falls, g(-value, n, n))[0] is verdict


@pytest.mark.parametrize(
    ("changes", "number", "reason"),
    [
        ({}, ours(-2, -0.1), "The interval [-2, -0.1] lies on the published side of 0."),
        ({}, ours(0.1, 2), "The interval [0.1, 2] lies on the other side of 0."),
        (
            {},
            ours(-2, 0.1),
            "The interval [-2, 0.1] crosses 0. The estimate -0.95 has the published sign.",
        ),
        (
            {},
            ours(-0.1, 2),
            "The interval [-0.1, 2] crosses 0. The estimate 0.95 does not have the published sign.",
        ),
        (
            {
                "rule": "sign_and_overlap",
                "interval": {"low": -2.7, "high": -0.99, "evidence": "inferred"},
            },
            ours(-0.9, -0.1),
            (
                "The interval [-0.9, -0.1] lies on the published side of 0. "
                "It does not overlap the published [-2.7, -0.99] (inferred)."
            ),
        ),
        (
            {"rule": "no_rise", "sign": None, "margin": 0.5},
            ours(0.1, 0.9),
            "The interval [0.1, 0.9] reaches 0.5 and lies above 0.",
        ),
        (
            {"rule": "equivalence", "sign": None, "estimate": 0.5, "margin": 0.25},
            ours(0.6, 0.8),
            (
                "The interval [0.6, 0.8] reaches beyond [0.25, 0.75]. "
                "The estimate 0.7 lies where the claim puts it."
            ),
        ),
        (
            {"rule": "small_telescopes", "per_cell": PER_CELL},
            g(0.1),
            (
                "The effect (90 % interval [-0.499, 0.703]) is significantly smaller than "
                "d33 = -0.578 (15 runs per cell, inferred). The interval [-0.598, 0.796] crosses 0."
            ),
        ),
    ],
)
def test_the_reason_holds_the_numbers(changes: dict[str, Any], number: Ours, reason: str) -> None:
    assert decide(claim(**changes), number)[1] == reason


def test_without_a_rule_a_number_or_an_interval_there_is_no_verdict() -> None:
    undefined = Ours(Estimate(n=3, method="g [undefined: no variance]"))
    bare = Ours(Estimate(estimate=1.0, n=3, method="g [interval undefined: no variance]"))

    assert decide(claim(rule="none"), ours(-1, 1)) == (NOT_TESTABLE, "Needs the text.")
    assert decide(claim(), undefined)[0] is NOT_TESTABLE
    assert "no variance" in decide(claim(), undefined)[1]
    assert decide(claim(), bare)[0] is NOT_TESTABLE
    telescopes = claim(rule="small_telescopes", per_cell=PER_CELL)
    assert decide(telescopes, ours(-2, -1))[0] is NOT_TESTABLE
