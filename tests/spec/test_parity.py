"""Languages against English: shipped ones agree, and every planted defect is named."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from kit.spec.concepts import load_inventory
from kit.spec.language import Language
from kit.spec.lexicon import Rules
from kit.spec.parity import Finding, compare, genuine, sentences
from kit.spec.passages import passages
from tests.society.support import ROOT

INVENTORY = load_inventory(ROOT / "studies" / "concepts.yaml")
CODES = sorted(path.stem for path in (ROOT / "studies" / "languages").glob("*.yaml"))
Data = dict[str, Any]


@functools.cache
def _shipped(code: str) -> Data:
    path = ROOT / "studies" / "languages" / f"{code}.yaml"
    data: Data = yaml.safe_load(path.read_text(encoding="utf-8"))
    del data["kit_schema"]
    return data


def findings(data: Data) -> list[Finding]:
    return compare(
        Language.model_validate(data), Language.model_validate(_shipped("en")), INVENTORY
    )


@pytest.mark.parametrize("code", CODES)
def test_every_shipped_language_says_what_english_says(code: str) -> None:
    assert findings(_shipped(code)) == []


def put(data: Data, path: str, value: Any) -> None:
    *parents, last = path.split("/")
    target: Any = data
    for parent in parents:
        target = target[int(parent) if isinstance(target, list) else parent]
    if isinstance(value, functools.partial | Callable):
        value = value(target[int(last) if isinstance(target, list) else last])
    target[int(last) if isinstance(target, list) else last] = value


TURN_6 = "announcements/5/wordings/a"


@pytest.mark.parametrize(
    ("code", "path", "value", "at", "says"),
    [
        ("ja", "announcements/9/wordings/a", lambda old: old.replace("{evicted}", "白石"),
         "announcements.9.wordings.a", "placeholders"),
        ("ja", TURN_6, lambda old: old + "Latin", "announcements.5.wordings.a",
         "'Latin' is not written in"),
        ("th", TURN_6, lambda old: old + "ok", "announcements.5.wordings.a",
         "'ok' is not written in Thai"),
        ("th", "personas/2/name", "Nadia", "personas.2.name", "not written in Thai"),
        ("en", TURN_6, lambda old: old.replace("closeness", "сloseness"),
         "announcements.5.wordings.a", "not written in Latin"),
        ("de", TURN_6, "The facility decides the pairs, and residents will spend the night " * 6,
         "announcements.5.wordings.a", "stands in the English text as well"),
        ("zh", TURN_6, lambda old: old + "\u570b\u5bb6", "announcements.5.wordings.a",
         "in simplified Chinese"),
        ("fr", TURN_6, lambda old: old[: len(old) // 2], "announcements.5.wordings.a",
         "shorter than usual"),
        ("fr", TURN_6, lambda old: old * 2, "announcements.5.wordings.a", "longer than usual"),
        ("fr", TURN_6, lambda old: old.replace(".", ","), "announcements.5.wordings.a",
         "sentences"),
        ("fr", "texts/facility_rules/wordings/a", lambda old: old.replace("\n\n", " "),
         "texts.facility_rules.wordings.a", "paragraphs"),
        ("fr", "texts/safety_prefix/wordings/a", lambda old: old.replace("\n- ", " "),
         "texts.safety_prefix.wordings.a", "lines"),
        ("fr", "texts/answer_free/wordings/a", lambda old: old.replace("{talk}: ", "{talk} : "),
         "texts.answer_free.wordings.a", "no line begins with '{talk}: '"),
        ("fr", "announcements/3/intent", "Ask nicely.", "announcements.3", "intent of 'turn_04"),
        ("fr", "budgets/whisper", 300, "budgets.whisper", "not the same amount of speech"),
        ("fr", "lexicons/protective/concepts/refusal", ["refus", "refus*"],
         "lexicons.protective.concepts.refusal", "two genuine forms"),
        ("ja", "lexicons/protective/concepts/refusal", ["拒否", "断*"],
         "lexicons.protective.concepts.refusal", "a star means nothing"),
    ],
)  # fmt: skip
def test_a_planted_defect_is_named_with_its_place(
    code: str, path: str, value: Any, at: str, says: str
) -> None:
    data = copy.deepcopy(_shipped(code))
    put(data, path, value)
    found = findings(data)

    assert found
    assert all(".".join(map(str, finding.key)) == at for finding in found), found
    assert any(says in finding.message for finding in found), found


def test_a_text_that_only_one_side_has_is_named() -> None:
    data = copy.deepcopy(_shipped("fr"))
    moved = data["announcements"][4]["wordings"]
    moved["c"] = moved.pop("b")

    assert {finding.message for finding in findings(data)} == {
        "'turn_05.b' of the English file is missing",
        "the English file has no 'turn_05.c'",
    }


def test_a_concept_that_is_missing_or_unknown_is_named() -> None:
    data = copy.deepcopy(_shipped("fr"))
    concepts = data["lexicons"]["sexual"]["concepts"]
    concepts["tendernes"] = concepts.pop("tenderness")

    messages = [finding.message for finding in findings(data)]
    assert messages[0].startswith("the concept 'tenderness' has no forms: Kissing")
    assert messages[1].endswith("did you mean 'tenderness'?")


def test_a_loan_word_may_stand_in_another_script() -> None:
    data = copy.deepcopy(_shipped("ja"))
    put(data, TURN_6, lambda old: old + "AI")

    assert len(findings(data)) == 1
    data["loanwords"] = ["AI"]
    assert findings(data) == []


@pytest.mark.parametrize("part", ["tags", "texts"])
def test_a_language_with_a_double_tag_or_a_lost_placeholder_is_refused(part: str) -> None:
    data = copy.deepcopy(_shipped("fr"))
    if part == "tags":
        data["tags"]["whisper"] = data["tags"]["talk"]
    else:
        put(data, "texts/heard_talk/wordings/a", "{name}")

    with pytest.raises(
        ValidationError, match="tags must differ" if part == "tags" else "should be"
    ):
        Language.model_validate(data)


def test_passages_are_every_text_under_a_name_of_its_own() -> None:
    ids = [one.id for one in passages(Language.model_validate(_shipped("en")))]

    # Ten personas, thirteen texts of which three have two wordings, fifteen announcements of two.
    assert len(ids) == len(set(ids)) == 10 + 13 + 3 + 30
    assert {"persona_p03", "safety_prefix.b", "turn_15.a"} < set(ids)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("At 6.30 the lights go on. 1. First point.", 2),
        ("一つ。二つ！三つ？", 3),
        ("Er sagte: „Nein.“ Dann ging er.", 2),
        ("نعم؟ لا.", 2),
        ("Eins; zwei; drei.", 3),
    ],
)
def test_sentences_are_counted_in_every_punctuation(text: str, count: int) -> None:
    assert sentences(text) == count


@pytest.mark.parametrize(
    ("forms", "verdict"),
    [
        (["protect*", "defend*"], True),
        (["protect", "protects", "protected"], False),
        (["safe*", "unsafe"], False),
        (["同意", "同意する"], False),
        (["断る", "拒否"], True),
        (["help*"], False),
    ],
)
def test_inflections_of_one_word_are_not_two_genuine_forms(forms: list[str], verdict: bool) -> None:
    assert genuine(forms, Rules("word")) is verdict
