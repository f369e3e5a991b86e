"""The words around a transcript: every placeholder in its place, and texts of one version."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kit.errors import SpecError
from kit.spec.framing import Framing, check_translation, load_framing
from kit.spec.judge import load_judge
from tests.conftest import ROOT
from tests.judge.support import ENGLISH, judge, rubric

JUDGES = {path.stem: load_judge(path) for path in sorted((ROOT / "judges").glob("*.yaml"))}
LANGUAGES = sorted((ROOT / "judges" / "languages").glob("*.yaml"))
OTHERS = [path for path in LANGUAGES if path.stem != "en"]
WORDS = ENGLISH.model_dump(exclude={"framing", "judges"})
FILLED = {
    name: [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    for name, text in WORDS.items()
}
"""The placeholders of English by text, as written."""
WITH = [(name, field) for name, fields in FILLED.items() for field in fields]
WITHOUT = [name for name, fields in FILLED.items() if not fields]


def framing(**changes: Any) -> Framing:
    return Framing.model_validate(ENGLISH.model_dump() | changes)


def refused(name: str, text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        framing(**{name: text})
    [error] = caught.value.errors()
    return error["msg"].removeprefix("Value error, ")


def needs(name: str) -> str:
    fields = ", ".join(f"{{{field}}}" for field in sorted(FILLED[name])) or "no placeholder"
    return f"'{name}' needs {fields}, each once"


def test_english_is_there() -> None:
    assert ROOT / "judges" / "languages" / "en.yaml" in LANGUAGES


def test_eleven_texts_are_filled_in_and_seven_are_not() -> None:
    assert len({name for name, _ in WITH}) == 11
    assert len(WITHOUT) == 7


@pytest.mark.parametrize(("name", "field"), WITH)
def test_a_placeholder_cannot_be_left_out(name: str, field: str) -> None:
    assert refused(name, WORDS[name].replace(f"{{{field}}}", "x")) == needs(name)


@pytest.mark.parametrize(("name", "field"), WITH)
def test_a_placeholder_stands_once(name: str, field: str) -> None:
    assert refused(name, f"{WORDS[name]} {{{field}}}") == needs(name)


@pytest.mark.parametrize("name", WORDS)
def test_a_text_has_no_placeholder_of_another(name: str) -> None:
    assert refused(name, WORDS[name] + " {other}") == needs(name)


@pytest.mark.parametrize("written", ["{text:d}", "{text!r}", "{text:{name}}", "{text.x}", "{text"])
def test_a_placeholder_that_could_not_be_filled_in_is_refused(written: str) -> None:
    assert refused("talk", "{name}: " + written) == needs("talk")


@pytest.mark.parametrize("brace", ["{", "}"])
def test_a_brace_alone_is_no_placeholder(brace: str) -> None:
    assert refused("rules", f"Be just. {brace}") == needs("rules")


def test_a_resident_is_called_by_number() -> None:
    assert framing(resident="Bewohner {number}").name(10) == "Bewohner 10"


def test_a_text_that_is_missing_is_named_with_its_file(tmp_path: Path) -> None:
    text = (ROOT / "judges" / "languages" / "en.yaml").read_text("utf-8")
    path = tmp_path / "en.yaml"
    path.write_text(text.replace("nothing: ", "silent: "), "utf-8")
    with pytest.raises(SpecError, match=r"en\.yaml:\d+: silent: unknown key"):
        load_framing(path)


VALUES = ("0", "1", "2", "3")


def translated(**changes: Any) -> Framing:
    found = {"version": 1, "wordings": {"a": rubric(level=VALUES)}} | changes
    return framing(framing="de", judges={"strictness": found})


def unfit(found: Framing) -> SpecError:
    with pytest.raises(SpecError) as caught:
        check_translation(judge(), found, Path("de.yaml"))
    assert caught.value.where == "de.yaml: judges.strictness"
    return caught.value


def test_texts_that_fit_are_given() -> None:
    found = translated()
    assert check_translation(judge(), found, Path("de.yaml")) == found.judges["strictness"]


def test_a_judge_without_texts_is_asked_in_english_or_translated() -> None:
    error = unfit(framing())
    assert error.message == "the judge has no texts in this language"
    assert error.hint == "set prompt_language: english in the judge's file, or write the texts"


def test_texts_of_another_version_are_brought_up_to_date_first() -> None:
    error = unfit(translated(version=2))
    assert error.message == "of version 2, the judge is of version 1"
    assert error.hint == "bring the texts up to date, then raise their version"


def test_a_wording_too_many_is_refused() -> None:
    both = {letter: rubric(level=VALUES) for letter in "ab"}
    assert unfit(translated(wordings=both)).message == "needs the wordings a"


@pytest.mark.parametrize(
    ("wording", "message"),
    [
        (
            rubric(level=("0", "1", "2")),
            "wording 'a', scale 'level': needs an anchor for each of 0, 1, 2, 3, and no others",
        ),
        (
            rubric(level=VALUES, mood=("0", "1")),
            "wording 'a' needs texts for the scales level, and no others",
        ),
    ],
)
def test_a_translated_rubric_has_the_judge_s_scales(wording: dict[str, Any], message: str) -> None:
    assert unfit(translated(wordings={"a": wording})).message == message


def test_a_translated_example_has_the_judge_s_values() -> None:
    lines = [{"says": "talk", "who": 1, "text": "Hm."}]
    examples = [
        {"lines": lines, "answers": {"level": "3"}},
        {"lines": lines, "answers": {"level": "4"}},
    ]
    error = unfit(translated(examples=examples))
    assert error.message == "example 2: '4' is no value of the scale 'level'"


def test_a_judge_can_be_asked_in_every_language_of_the_studies() -> None:
    spoken = {path.stem for path in (ROOT / "studies" / "languages").glob("*.yaml")}
    assert {path.stem for path in LANGUAGES} == spoken


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_shipped_language_is_named_as_its_file_and_fits_its_judges(path: Path) -> None:
    found = load_framing(path)
    assert found.framing == path.stem
    assert set(found.judges) == (set() if path.stem == "en" else set(JUDGES))
    for name in found.judges:
        check_translation(JUDGES[name], found, path)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_what_stands_around_a_line_or_an_option_stays_on_its_line(path: Path) -> None:
    found = load_framing(path)
    texts = found.model_dump(exclude={"judges", "rules"}).values()
    anchors = [
        anchor
        for translation in found.judges.values()
        for wording in translation.wordings.values()
        for scale in wording.scales.values()
        for anchor in scale.anchors.values()
    ]
    assert [text for text in (*texts, *anchors) if text.splitlines() != [text]] == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_a_shipped_language_says_nothing_in_english(path: Path) -> None:
    found = load_framing(path).model_dump(exclude={"framing", "judges"})
    assert [name for name in WORDS if found[name] == WORDS[name]] == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_shipped_examples_have_the_same_answers_as_the_english_ones(path: Path) -> None:
    for name, found in load_framing(path).judges.items():
        english = [example.answers for example in JUDGES[name].examples]
        assert [example.answers for example in found.examples] == english


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_the_two_wordings_of_a_shipped_translation_share_no_text(path: Path) -> None:
    for found in load_framing(path).judges.values():
        texts = [
            {rubric.task}
            | {scale.question for scale in rubric.scales.values()}
            | {anchor for scale in rubric.scales.values() for anchor in scale.anchors.values()}
            for rubric in found.wordings.values()
        ]
        assert len(texts) == 2
        assert texts[0] & texts[1] == set()
