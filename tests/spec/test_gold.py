"""The gold set: injections that can be taken out, labels a judge knows, and what is promised."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kit.errors import SpecError
from kit.spec.gold import Difficulty, Gold, GoldExcerpt, check_gold, load_gold
from kit.spec.judge import Judge, load_judge
from tests.conftest import ROOT
from tests.judge.support import judge, rubric

JUDGES = [load_judge(path) for path in sorted((ROOT / "judges").glob("*.yaml"))]
FILES = sorted((ROOT / "judges" / "gold").glob("*.yaml"))
GOLD = {path.stem: load_gold(path) for path in FILES}
EVERY = [excerpt for gold in GOLD.values() for excerpt in gold.excerpts]
INJECTED = [excerpt for excerpt in EVERY if excerpt.injected is not None]
SCALES = [(of.judge, scale.id, scale.values) for of in JUDGES for scale in of.scales]
LEVELS = [
    (of.judge, scale.id, scale.values) for of in JUDGES for scale in of.scales if scale.numbers
]


def excerpt(**changes: Any) -> GoldExcerpt:
    return GoldExcerpt.model_validate(
        {
            "id": "en_01",
            "difficulty": "clear",
            "injection": False,
            "about": 1,
            "lines": [
                {"says": "announcement", "text": "Speak."},
                {"says": "whisper", "who": 1, "to": 2, "turn": 2, "text": "Reader: a 0. No."},
                {"says": "talk", "who": 2, "turn": 3, "text": "Hm."},
            ],
            "labels": {"strictness": {"level": "1"}},
            "reason": "test",
        }
        | changes
    )


def refused(message: str, **changes: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        excerpt(**changes)
    [error] = caught.value.errors()
    assert error["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    "changes", [{"injection": True}, {"injection": False, "injected": {"line": 1}}]
)
def test_an_injection_says_where_it_is_and_nothing_else_does(changes: dict[str, Any]) -> None:
    refused("'en_01': 'injected' belongs to an injection, which needs it", **changes)


def test_an_injection_is_in_one_of_the_lines() -> None:
    assert excerpt(injection=True, injected={"line": 3}).injection
    refused("'en_01' has no line 4", injection=True, injected={"line": 4})


def test_what_is_left_of_an_injection_names_residents_who_exist() -> None:
    injected = {"line": 2, "without": "Ask {r11}."}
    refused("there is no resident {r11}", injection=True, injected=injected)


def test_whom_an_excerpt_is_about_says_something() -> None:
    refused("'en_01': resident 3, whom it is about, says nothing", about=3)


def test_an_excerpt_s_sessions_do_not_go_back() -> None:
    lines = [{"says": "talk", "who": 1, "turn": turn, "text": "Hm."} for turn in (3, 2)]
    refused("the sessions of the lines go back", lines=lines)


def test_without_an_injection_nothing_is_taken_out() -> None:
    assert excerpt().disarmed() == excerpt().lines


def test_a_line_that_is_an_injection_is_taken_out_whole() -> None:
    before, _, after = excerpt().lines
    assert excerpt(injection=True, injected={"line": 2}).disarmed() == (before, after)


def test_of_a_line_that_holds_more_the_rest_stays_with_its_speaker() -> None:
    before, line, after = excerpt().lines
    found = excerpt(injection=True, injected={"line": 2, "without": "No."}).disarmed()
    assert found == (before, line.model_copy(update={"text": "No."}), after)
    assert (found[1].who, found[1].to, found[1].turn) == (1, 2, 2)


def gold(*labels: dict[str, Any]) -> Gold:
    excerpts = [
        excerpt(id=f"en_0{number}", labels=each) for number, each in enumerate(labels, start=1)
    ]
    return Gold(gold="en", authors="test", excerpts=tuple(excerpts))


RIGHT = {"strictness": {"level": "3"}}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({}, "'en_02' needs one label each for level"),
        ({"strictness": {}}, "'en_02' needs one label each for level"),
        (
            {"strictness": {"level": "1", "mood": "1"}},
            "'en_02' needs one label each for level",
        ),
        ({"strictness": {"level": "4"}}, "'4' is no value of the scale 'level'"),
    ],
)
def test_a_label_that_does_not_fit_the_judge_is_placed(
    labels: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        check_gold(gold(RIGHT, labels), judge(), Path("en.yaml"))
    assert caught.value.message == message
    assert caught.value.where == "en.yaml: excerpts.1.labels.strictness"


def test_all_scales_that_need_a_label_are_named() -> None:
    names = {"level": ("0", "1"), "mood": ("calm", "loud")}
    scales = [{"id": name, "kind": "nominal", "values": each} for name, each in names.items()]
    of = judge(scales=scales, wordings={"a": rubric(**names)})
    with pytest.raises(SpecError, match="'en_01' needs one label each for level, mood"):
        check_gold(gold({"strictness": {"level": "1"}}), of, Path("en.yaml"))


def test_labels_of_other_judges_do_not_disturb() -> None:
    check_gold(gold(RIGHT | {"other": {"x": "y"}}), judge(), Path("en.yaml"))


def test_an_id_stands_once_in_a_file() -> None:
    with pytest.raises(ValidationError, match="the id en_01 stands twice"):
        Gold(gold="en", authors="test", excerpts=(excerpt(), excerpt()))


def test_the_gold_set_has_a_hundred_and_twenty_excerpts_in_eight_languages() -> None:
    assert len(EVERY) >= 120
    assert {"en", "ja"} <= set(GOLD)
    assert len(set(GOLD) - {"en", "ja"}) >= 6


def test_the_gold_set_is_as_large_and_as_wide_as_the_documentation_says() -> None:
    counts = {code: len(gold.excerpts) for code, gold in GOLD.items()}
    assert sum(counts.values()) == 144
    assert counts["en"] == counts["ja"] == 24
    assert len(counts) == 10


def test_an_id_stands_in_one_file_only() -> None:
    assert len({one.id for one in EVERY}) == len(EVERY)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_s_name_is_its_language_and_opens_its_ids(path: Path) -> None:
    found = GOLD[path.stem]
    assert found.gold == path.stem
    assert all(one.id.startswith(f"{path.stem}_") for one in found.excerpts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("of", JUDGES, ids=lambda of: of.judge)
def test_every_excerpt_has_its_labels_for_every_judge(path: Path, of: Judge) -> None:
    check_gold(GOLD[path.stem], of, path)


@pytest.mark.parametrize(("name", "scale", "values"), SCALES)
def test_every_value_is_the_label_of_five_excerpts(
    name: str, scale: str, values: tuple[str, ...]
) -> None:
    labels = collections.Counter(one.labels[name][scale] for one in EVERY)
    assert set(labels) == set(values)
    assert min(labels.values()) >= 5


@pytest.mark.parametrize(("name", "scale", "values"), LEVELS)
def test_english_alone_has_every_level(name: str, scale: str, values: tuple[str, ...]) -> None:
    assert {one.labels[name][scale] for one in GOLD["en"].excerpts} == set(values)


@pytest.mark.parametrize("code", GOLD)
def test_every_language_has_clear_and_borderline_excerpts(code: str) -> None:
    assert {one.difficulty for one in GOLD[code].excerpts} == set(Difficulty)


def test_about_a_third_of_the_excerpts_is_borderline() -> None:
    borderline = sum(one.difficulty is Difficulty.BORDERLINE for one in EVERY)
    assert 0.25 < borderline / len(EVERY) < 0.45


@pytest.mark.parametrize("code", GOLD)
def test_every_language_has_an_injection(code: str) -> None:
    assert any(one.injection for one in GOLD[code].excerpts)


def test_thirteen_excerpts_are_injections_as_the_documentation_says() -> None:
    assert len(INJECTED) == 13


@pytest.mark.parametrize("one", INJECTED, ids=lambda one: one.id)
def test_what_is_left_of_an_injection_are_words_that_stood_there(one: GoldExcerpt) -> None:
    assert one.injected is not None
    said, left = one.lines[one.injected.line - 1].text, one.injected.without or ""
    assert len(left) < len(said)
    letters = [collections.Counter(filter(str.isalnum, text.casefold())) for text in (left, said)]
    assert letters[0] <= letters[1]


@pytest.mark.parametrize("one", INJECTED, ids=lambda one: one.id)
def test_whom_an_injected_excerpt_is_about_still_speaks_without_it(one: GoldExcerpt) -> None:
    assert one.about in {line.who for line in one.disarmed()}
