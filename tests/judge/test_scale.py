"""One question: its letters, its options, its distribution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.engine.grammar import Choice, Line
from kit.judge.scale import DECLINE, LETTERS, Scale, order_of
from kit.spec.judge import Scale as ScaleSpec
from kit.spec.judge import ScaleKind, ScaleText

FOUR = ScaleSpec(id="level", kind=ScaleKind.ORDINAL, values=("0", "1", "2", "3"))
TEXT = ScaleText(
    question="How?", anchors={"0": "Not.", "1": "Little.", "2": "Much.", "3": "Wholly."}
)


def scale(order: int) -> Scale:
    return Scale(FOUR, TEXT, order_of(FOUR, "j", order), "Will not say.")


def test_the_first_two_orders_ascend_and_descend() -> None:
    assert order_of(FOUR, "j", 0) == ("0", "1", "2", "3")
    assert order_of(FOUR, "j", 1) == ("3", "2", "1", "0")


@given(st.integers(2, 23))
def test_later_orders_are_permutations_that_stay_the_same(order: int) -> None:
    found = order_of(FOUR, "j", order)
    assert sorted(found) == sorted(FOUR.values)
    assert order_of(FOUR, "j", order) == found


def test_later_orders_differ() -> None:
    assert len({order_of(FOUR, "j", order) for order in range(2, 24)}) > 10


def test_options_are_lettered_by_place_and_end_with_declining() -> None:
    assert scale(1).options() == (
        "A = Wholly.\nB = Much.\nC = Little.\nD = Not.\nX = Will not say."
    )


@given(st.integers(0, 23), st.sampled_from(FOUR.values))
def test_a_letter_and_its_value_are_one_another_s(order: int, value: str) -> None:
    found = scale(order)
    assert found.letters[found.letter(value)] == value
    assert found.parse(found.letter(value)) == found.letter(value)


@given(st.integers(0, 23), st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_a_distribution_stands_in_the_scale_s_order(order: int, shares: list[float]) -> None:
    found = scale(order)
    values, declined = found.distribution(shares)
    assert declined == shares[-1]
    for value, share in zip(FOUR.values, values, strict=True):
        assert share == shares[LETTERS.index(found.letter(value))]


@pytest.mark.parametrize(
    ("words", "letter"),
    [
        ("A", "A"),
        (" B", "B"),
        ("**C**: because", "C"),
        ("(D) it is", "D"),
        ("X", DECLINE),
        ("E", None),  # no option of this scale
        ("Because", None),
        ("a", None),
        ("", None),
        ("0", None),
        ("ABC", None),
    ],
)
def test_a_letter_is_read_where_it_stands_first_and_alone(words: str, letter: str | None) -> None:
    assert scale(0).parse(words) == letter


def test_a_constrained_letter_is_a_scored_decision_and_a_free_one_a_line() -> None:
    node = scale(0).node("end", free=False)
    assert isinstance(node, Choice)
    assert node.decision
    assert node.scored
    assert list(node.options) == ["A", "B", "C", "D", "X"]
    assert isinstance(scale(0).node("end", free=True), Line)
