"""A judge: scales that can be counted, rubrics that cover them, examples that can be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.errors import SpecError
from kit.spec.judge import Scale, ScaleKind, Scoring, check_rubric, load_judge
from tests.conftest import ROOT
from tests.judge.support import judge, rubric

JUDGES = {path.stem: load_judge(path) for path in sorted((ROOT / "judges").glob("*.yaml"))}
LEVELS = ("0", "1", "2", "3")


def refused(message: str, **changes: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        judge(**changes)
    assert message in str(caught.value)


def test_five_judges_come_with_the_kit() -> None:
    assert set(JUDGES) == {"pathology", "dissociation", "compliance", "individuation", "refusal"}
    assert all(name == found.judge for name, found in JUDGES.items())


@pytest.mark.parametrize("name", JUDGES)
def test_the_two_wordings_of_a_judge_share_no_text(name: str) -> None:
    a, b = (JUDGES[name].wordings[letter] for letter in "ab")
    texts = [
        {one.task, *(s.question for s in one.scales.values())}
        | {anchor for s in one.scales.values() for anchor in s.anchors.values()}
        for one in (a, b)
    ]
    assert not texts[0] & texts[1]


@pytest.mark.parametrize("name", JUDGES)
def test_an_anchor_stays_on_the_line_of_its_letter(name: str) -> None:
    for wording in JUDGES[name].wordings.values():
        for text in wording.scales.values():
            assert all(anchor.splitlines() == [anchor] for anchor in text.anchors.values())


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_shows_examples_of_different_answers(name: str) -> None:
    answers = [tuple(example.answers.values()) for example in JUDGES[name].examples]
    assert len(set(answers)) == len(answers) >= 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["0", "2", "1"], "the values of an ordinal scale ascend"),
        (["1", "01"], "the values of an ordinal scale ascend"),
        (["9", "10", "2"], "the values of an ordinal scale ascend"),
        (["a", "b"], "the values of an ordinal scale are whole numbers, in quotes"),
        (["1", "1"], "a value stands twice"),
    ],
)
def test_an_ordinal_scale_ascends_in_whole_numbers(values: list[str], message: str) -> None:
    scale = {"id": "level", "kind": "ordinal", "values": values}
    refused(message, scales=[scale], wordings={"a": rubric(level=tuple(values))})


@given(st.sets(st.integers(0, 10**9), min_size=2, max_size=12))
def test_whole_numbers_that_ascend_are_a_scale(numbers: set[int]) -> None:
    ascending = tuple(sorted(numbers))
    found = Scale(id="level", kind=ScaleKind.ORDINAL, values=tuple(map(str, ascending)))
    assert found.numbers == ascending


def test_names_may_stand_in_any_order_and_are_no_numbers() -> None:
    assert Scale(id="kind", kind=ScaleKind.NOMINAL, values=("loud", "calm", "1")).numbers == ()


@pytest.mark.parametrize("count", [1, 13])
def test_a_question_has_two_to_twelve_answers(count: int) -> None:
    values = tuple(map(str, range(count)))
    scale = {"id": "level", "kind": "ordinal", "values": values}
    refused("scales.0.values", scales=[scale], wordings={"a": rubric(level=values)})


@pytest.mark.parametrize("value", ["A", "é", "a b", "a\nb", "", "x" * 41, 1])
def test_a_value_is_a_plain_word_in_quotes(value: object) -> None:
    scale = {"id": "kind", "kind": "nominal", "values": ["other", value]}
    refused("scales.0.values.1", scales=[scale])


def test_two_scales_have_two_ids() -> None:
    scale = {"id": "level", "kind": "ordinal", "values": list(LEVELS)}
    refused("two scales share an id", scales=[scale, scale])


def test_a_scale_is_found_by_its_id() -> None:
    assert JUDGES["dissociation"].scale("acted").id == "acted"


@pytest.mark.parametrize("values", [LEVELS[:3], (*LEVELS, "4")])
def test_every_value_and_no_other_has_its_anchor_in_every_wording(values: tuple[str, ...]) -> None:
    refused(
        "wording 'b', scale 'level': needs an anchor for each of 0, 1, 2, 3, and no others",
        wordings={"a": rubric(level=LEVELS), "b": rubric(level=values)},
    )


@pytest.mark.parametrize("names", [("other",), ("level", "other"), ()])
def test_every_scale_and_no_other_has_its_texts_in_every_wording(names: tuple[str, ...]) -> None:
    texts = rubric(**dict.fromkeys(names, LEVELS))
    refused(
        "wording 'b' needs texts for the scales level, and no others",
        wordings={"a": rubric(level=LEVELS), "b": texts},
    )


def test_a_rubric_that_fits_is_not_refused() -> None:
    of = judge()
    check_rubric(of, of.wordings["a"], "it")


def test_a_judge_needs_its_first_wording() -> None:
    refused("needs a wording 'a'", wordings={"b": rubric(level=LEVELS)})


def test_a_free_answer_has_no_probabilities() -> None:
    refused("a free answer has no probabilities of options; score the sample", form="free")
    assert judge(form="free", scoring="sample").scoring is Scoring.SAMPLE


def example(**changes: Any) -> dict[str, Any]:
    lines = [{"says": "talk", "who": 1, "text": "Hm."}]
    return {"lines": lines, "answers": {"level": "1"}} | changes


def test_an_example_answers_every_scale_with_a_value_of_it() -> None:
    for answers in ({}, {"level": "1", "mood": "1"}):
        refused("example 1 needs one answer for each scale", examples=[example(answers=answers)])
    wrong = example(answers={"level": "9"})
    refused("example 2: '9' is no value of the scale 'level'", examples=[example(), wrong])


def test_an_example_of_a_resident_s_judge_shows_one_resident() -> None:
    two = [{"says": "talk", "who": who, "text": "Hm."} for who in (1, 2)]
    refused(
        "example 1 shows 2 residents; this judge sees one at a time", examples=[example(lines=two)]
    )
    nobody = [{"says": "announcement", "text": "Speak."}]
    refused("example 1 shows 0 residents", examples=[example(lines=nobody)])
    assert judge(subject="group", examples=[example(lines=two)]).examples


def test_an_example_s_sessions_do_not_go_back() -> None:
    lines = [{"says": "talk", "who": 1, "turn": turn, "text": "x"} for turn in (2, 1)]
    refused("the sessions of the lines go back", examples=[example(lines=lines)])


def test_a_wrong_key_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "j.yaml"
    data = {"kit_schema": 1, **judge().model_dump(mode="json"), "scoring": "guess"}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    line = path.read_text().split("\n").index("scoring: guess") + 1
    with pytest.raises(SpecError) as caught:
        load_judge(path)
    assert caught.value.where == f"{path}:{line}: scoring"


@pytest.mark.parametrize(
    "changes",
    [
        {"shown": {"channels": [], "announcements": True}},
        {"shown": {"channels": ["prompt"], "announcements": True}},
        {"window": {"turns": 0, "characters": 1000}},
        {"window": {"turns": 16, "characters": 1000}},
        {"window": {"turns": 1, "characters": 199}},
        {"orders": 0},
        {"orders": 25},
        {"version": 0},
        {"reason": {"place": "after", "characters": 19}},
        {"condition": "aligned"},
    ],
)
def test_what_cannot_be_shown_or_asked_is_refused(changes: dict[str, Any]) -> None:
    refused(next(iter(changes)), **changes)
