"""One question: its letters, its options, its distribution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.engine.grammar import Choice, Line
from kit.judge.scale import DECLINE, LETTERS, Scale, order_of
from kit.spec.judge import MOST_VALUES, ScaleKind, ScaleText
from kit.spec.judge import Scale as ScaleSpec

FOUR = ScaleSpec(id="level", kind=ScaleKind.ORDINAL, values=("0", "1", "2", "3"))
TEXT = ScaleText(
    question="How?", anchors={"0": "Not.", "1": "Little.", "2": "Much.", "3": "Wholly."}
)


def scale(order: int) -> Scale:
    return Scale(FOUR, TEXT, order_of(FOUR, "j", order), "Will not say.")


def test_the_first_two_orders_ascend_and_descend() -> None:
    assert order_of(FOUR, "j", 0) == ("0", "1", "2", "3")
    assert order_of(FOUR, "j", 1) == ("3", "2", "1", "0")


def test_every_scale_draws_its_own_later_orders() -> None:
    other = FOUR.model_copy(update={"id": "other"})
    for first, second in ((("j", FOUR), ("k", FOUR)), (("j", FOUR), ("j", other))):
        found = [[order_of(spec, name, n) for n in range(24)] for name, spec in (first, second)]
        assert found[0] != found[1]


@given(st.integers(2, 23))
def test_later_orders_are_permutations_that_stay_the_same(order: int) -> None:
    found = order_of(FOUR, "j", order)
    assert sorted(found) == sorted(FOUR.values)
    assert order_of(FOUR, "j", order) == found


def test_later_orders_differ() -> None:
    assert len({order_of(FOUR, "j", order) for order in range(2, 24)}) > 10


@pytest.mark.parametrize("orders", [2, 4, 24])
def test_in_an_even_number_of_orders_every_value_has_the_same_mean_place(orders: int) -> None:
    found = [order_of(FOUR, "j", order) for order in range(orders)]
    assert {sum(each.index(value) for each in found) for value in FOUR.values} == {orders * 3 // 2}


def test_options_are_lettered_by_place_and_end_with_declining() -> None:
    assert scale(1).options() == (
        "A = Wholly.\nB = Much.\nC = Little.\nD = Not.\nX = Will not say."
    )


def test_the_longest_scale_has_a_letter_for_every_value_and_for_none() -> None:
    values = tuple(map(str, range(MOST_VALUES)))
    spec = ScaleSpec(id="level", kind=ScaleKind.ORDINAL, values=values)
    text = ScaleText(question="How?", anchors=dict.fromkeys(values, "So."))
    assert list(Scale(spec, text, values, "No.").letters) == [*"ABCDEFGHIJKL", "X"]


@given(st.integers(0, 23), st.sampled_from(FOUR.values))
def test_a_letter_and_its_value_are_one_another_s(order: int, value: str) -> None:
    found = scale(order)
    assert found.letters[found.letter(value)] == value
    assert found.parse(found.letter(value)) == found.letter(value)


@given(st.integers(0, 23))
def test_letters_are_all_values_once_and_declining(order: int) -> None:
    letters = scale(order).letters
    assert [*letters] == ["A", "B", "C", "D", DECLINE]
    assert sorted(letters.values(), key=str) == ["0", "1", "2", "3", None]


def test_a_distribution_is_turned_from_letters_into_values() -> None:
    assert scale(0).distribution((0.1, 0.2, 0.3, 0.4, 0.0)) == ((0.1, 0.2, 0.3, 0.4), 0.0)
    assert scale(1).distribution((0.1, 0.2, 0.3, 0.3, 0.1)) == ((0.3, 0.3, 0.2, 0.1), 0.1)


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
        ("D = It is 3.", "D"),
        ("B, since he obeys", "B"),
        ("A\r", "A"),
        ("X", DECLINE),
        ("E", None),  # no option of this scale
        ("Because", None),
        ("a", None),
        ("", None),
        ("0", None),
        ("ABC", None),
        ("A resident obeys", None),
        ("A's", None),
        ("A or B", None),
        ("A1", None),
        ("_A_", None),
        ("Ａ", None),
        ("А", None),  # Cyrillic
        ("{A", "A"),
        ("\u202eA", "A"),
        ("None of A", None),
    ],
)
def test_a_letter_is_read_where_it_stands_first_and_alone(words: str, letter: str | None) -> None:
    assert scale(0).parse(words) == letter


@given(st.text())
def test_of_any_words_an_option_is_read_or_nothing(words: str) -> None:
    letter = scale(0).parse(words)
    assert letter is None or (letter in "ABCDX" and letter in words)


@given(st.sampled_from("aEZé0_あ"), st.text())
def test_behind_another_word_no_letter_is_looked_for(first: str, rest: str) -> None:
    assert scale(0).parse(f"{first}{rest}\nA") is None


def test_a_constrained_letter_is_a_scored_decision_and_a_free_one_a_line() -> None:
    node = scale(0).node("end", free=False)
    assert isinstance(node, Choice)
    assert node.decision
    assert node.scored
    assert dict(node.options) == dict.fromkeys("ABCDX", "end")
    assert not node.may_end
    assert scale(0).node("end", free=True) == Line(60, "end")
