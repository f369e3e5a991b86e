"""From answers to numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.judge.log import JudgementLog
from kit.judge.records import Answer, Judgement, JudgementHeader, JudgementOutcome
from kit.judge.scores import (
    bounded,
    excerpt_scores,
    number,
    run_outcomes,
    run_scores,
    subject_scores,
    targets,
)
from kit.spec.judge import Scoring
from tests.judge.support import judge, rubric

ORDINAL = judge()
NOMINAL = judge(
    scales=[{"id": "kind", "kind": "nominal", "values": ["calm", "loud"]}],
    wordings={"a": rubric(kind=("calm", "loud"))},
)
SCORED, REFUSED = JudgementOutcome.SCORED, JudgementOutcome.REFUSED


def answer(value: str | None, shares: tuple[float, ...] | None = None, **changes: object) -> Answer:
    outcome = REFUSED if value is None else SCORED
    data = {"scale": "level", "outcome": outcome, "value": value, "shares": shares}
    return Answer.model_validate(data | changes)


def judgement(subject: str, window: int, given: Answer, order: int = 0) -> Judgement:
    return Judgement(
        excerpt=f"run#{subject}#{window}",
        subject=subject,
        first_turn=window,
        last_turn=window,
        order=order,
        wording="a",
        repeat=1,
        prompt_tokens=1,
        prompt_digest="0" * 64,
        tokens=(),
        stop="end",
        text="",
        answers=(given,),
        reason=None,
        digest="0" * 64,
    )


def log(*judgements: Judgement) -> JudgementLog:
    header = JudgementHeader(
        panel="p", judge="j", judge_version=1, judging_hash="", run_id="s/r", language="en",
        run_digest="0" * 64, model="m", model_sha256="", engine={}, bit_class=None,
    )  # fmt: skip
    return JudgementLog(header, judgements, None)


def test_probabilities_give_the_mean_over_the_values_without_declining() -> None:
    given = answer("3", (0.1, 0.0, 0.2, 0.5), declined=0.2)
    [target] = targets(ORDINAL)
    expected = (0.2 * 2 + 0.5 * 3) / 0.8
    assert number(given, ORDINAL.scales[0], target, Scoring.PROBABILITIES) == pytest.approx(
        expected
    )
    assert number(given, ORDINAL.scales[0], target, Scoring.SAMPLE) == 3


def test_a_named_value_is_a_share() -> None:
    calm, loud = targets(NOMINAL)
    given = answer("loud", (0.25, 0.75), scale="kind")
    scale = NOMINAL.scales[0]
    assert (calm.name, calm.low, calm.high) == ("kind_calm", 0, 1)
    assert number(given, scale, calm, Scoring.PROBABILITIES) == 0.25
    assert number(given, scale, loud, Scoring.SAMPLE) == 1


def test_an_unscored_answer_is_no_number_even_if_it_has_probabilities() -> None:
    given = answer(None, (0.1, 0.0, 0.0, 0.0), declined=0.9)
    [target] = targets(ORDINAL)
    assert number(given, ORDINAL.scales[0], target, Scoring.PROBABILITIES) is None


def test_bounds_put_the_missing_at_the_ends_of_the_scale() -> None:
    assert bounded([2.0, None, 1.0, None], 0, 3) == (1.5, 0.75, 2.25)
    assert bounded([None], 0, 3) == (None, 0, 3)
    assert bounded([], 0, 3) == (None, None, None)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), min_size=1, max_size=20
    )
)
def test_whatever_the_unscored_would_have_been_the_run_lies_within_its_bounds(
    said: Sequence[tuple[str, int, bool]],
) -> None:
    judgements = [
        judgement(subject, window, answer(None if hidden else str(value)))
        for window, (subject, value, hidden) in enumerate(said, start=1)
    ]
    truth = [
        judgement(subject, window, answer(str(value)))
        for window, (subject, value, _) in enumerate(said, start=1)
    ]
    found = run_scores(log(*judgements), ORDINAL)["level"]
    true = run_scores(log(*truth), ORDINAL)["level"].score
    assert true is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low - 1e-9 <= true <= found.high + 1e-9


def test_a_run_is_the_mean_of_its_residents_not_of_its_windows() -> None:
    found = log(
        judgement("a", 1, answer("0")),
        judgement("a", 2, answer("0")),
        judgement("a", 3, answer("0")),
        judgement("b", 1, answer("3")),
    )
    assert run_scores(found, ORDINAL)["level"].score == 1.5
    assert subject_scores(found, ORDINAL)["b"]["level"].score == 3


def test_a_resident_without_a_score_stands_at_both_ends() -> None:
    found = log(judgement("a", 1, answer("1")), judgement("b", 1, answer(None)))
    assert run_scores(found, ORDINAL)["level"] == (1, 0.5, 2)


def test_orders_are_averaged_and_their_difference_kept() -> None:
    [score] = excerpt_scores(
        [
            judgement("a", 1, answer("0", (1.0, 0.0, 0.0, 0.0)), order=0),
            judgement("a", 1, answer("3", (0.0, 0.0, 0.0, 1.0)), order=1),
        ],
        ORDINAL,
    )
    assert score.numbers["level"].score == 1.5
    assert score.order_gap == 3
    assert score.entropy == pytest.approx(1.0)


def test_entropy_is_in_bits_of_the_mean_distribution() -> None:
    [score] = excerpt_scores([judgement("a", 1, answer("1", (0.25, 0.25, 0.25, 0.25)))], ORDINAL)
    assert score.entropy == pytest.approx(math.log2(4))
    assert score.order_gap is None


def test_outcomes_are_counted_by_scale() -> None:
    found = log(judgement("a", 1, answer("1")), judgement("b", 1, answer(None)))
    assert run_outcomes(found) == {("level", SCORED): 1, ("level", REFUSED): 1}
