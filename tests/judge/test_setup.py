"""From names on a command line to a judge at work: what is chosen, needed and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.errors import PlanError, SpecError
from kit.judge.panel import Panel
from kit.judge.setup import Choices, assemble, judge_path
from kit.spec.judge import Judge, PromptLanguage, Scoring, load_judge
from tests.conftest import ROOT, SMOLLM
from tests.judge.support import ENGLISH, judge, rubric

PLAIN = Choices()
OWN = Choices(prompt_language=PromptLanguage.OWN)
LEVELS = ("0", "1", "2", "3")


def written(folder: Path, of: Judge) -> Path:
    path = folder / f"{of.judge}.yaml"
    path.write_text(yaml.safe_dump({"kit_schema": 1, **of.model_dump(mode="json")}))
    return path


def made(folder: Path, choices: Choices = PLAIN, *languages: str, **changes: Any) -> Panel:
    return assemble(written(folder, judge(model=SMOLLM, **changes)), choices, languages, 7)


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The words of a checkout to work in: English, and German for two judges."""
    folder = tmp_path.resolve() / "judges" / "languages"
    folder.mkdir(parents=True)
    (tmp_path / "studies").mkdir()
    shutil.copy(ROOT / "models.yaml", tmp_path)
    found = {"version": 1, "wordings": {"a": rubric(level=LEVELS)}}
    for code, judges in (("en", {}), ("de", {"strictness": found, "other": found})):
        data = ENGLISH.model_dump() | {"kit_schema": 1, "framing": code, "judges": judges}
        (folder / f"{code}.yaml").write_text(json.dumps(data), "utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_name_is_a_file_of_the_judges() -> None:
    assert judge_path("refusal") == ROOT / "judges" / "refusal.yaml"


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all() -> None:
    with pytest.raises(SpecError) as caught:
        judge_path("patology")
    assert caught.value.message == "no judge 'patology'; did you mean 'pathology'?"
    assert caught.value.where == str(ROOT / "judges")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("there are: compliance, dissociation, individuation, ")


def test_without_choices_everything_is_as_the_judge_s_file_says(tmp_path: Path) -> None:
    found = made(tmp_path, orders=3)
    assert found.judge == load_judge(tmp_path / "strictness.yaml")
    assert (found.name, found.model.id, found.orders) == ("strictness", SMOLLM, 3)
    assert (found.wordings, found.repeats, found.seed) == (("a",), 1, 7)


def test_another_model_is_pinned_and_the_judge_stays_as_it_is(tmp_path: Path) -> None:
    found = made(tmp_path, Choices(model="qwen3-4b-instruct-2507-q4_k_m"))
    assert found.model.id == "qwen3-4b-instruct-2507-q4_k_m"
    assert found.judge.model == SMOLLM


def test_orders_are_chosen_for_the_panel_alone(tmp_path: Path) -> None:
    found = made(tmp_path, Choices(orders=5))
    assert (found.orders, found.judge.orders) == (5, 2)


def test_a_temperature_of_zero_is_a_choice_too(tmp_path: Path) -> None:
    warm = {"temperature": 0.7, "max_tokens": 9}
    found = made(tmp_path, Choices(temperature=0.0), sampling=warm).judge.sampling
    assert (found.temperature, found.max_tokens) == (0.0, 9)


def test_a_chosen_temperature_makes_repeats_possible(tmp_path: Path) -> None:
    assert made(tmp_path, Choices(temperature=0.7, repeats=3)).repeats == 3
    with pytest.raises(PlanError, match="3 repeats of a judge without temperature"):
        made(tmp_path, Choices(repeats=3))


def test_probabilities_cannot_be_chosen_for_a_free_form(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a free answer has no probabilities of options") as caught:
        made(tmp_path, Choices(scoring=Scoring.PROBABILITIES), form="free", scoring="sample")
    assert str(tmp_path / "strictness.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (Choices(name="My Judge"), "'My Judge' cannot be used for --name: "),
        (Choices(name="../x"), "'../x' cannot be used for --name: "),
        (Choices(wordings=("ab",)), "'ab' cannot be used for --wordings: "),
        (Choices(wordings=("",)), "'' cannot be used for --wordings: "),
        (Choices(wordings=("a", "a")), "a wording is named twice"),
        (Choices(wordings=("c",)), "the judge 'strictness' has no wording 'c'"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_by_name(
    tmp_path: Path, choices: Choices, says: str
) -> None:
    with pytest.raises(PlanError) as caught:
        made(tmp_path, choices)
    assert caught.value.message.startswith(says)


def test_a_judge_that_is_asked_in_english_needs_no_other_words(tmp_path: Path) -> None:
    assert set(made(tmp_path, PLAIN, "th", "xx").framings) == {"en"}


def test_a_judge_may_itself_ask_for_the_transcript_s_language(tmp_path: Path, words: Path) -> None:
    assert set(made(tmp_path, PLAIN, "de", prompt_language="own").framings) == {"de"}
    english = Choices(prompt_language=PromptLanguage.ENGLISH)
    assert set(made(tmp_path, english, "de", prompt_language="own").framings) == {"en"}


def test_every_language_s_words_are_read_once(tmp_path: Path, words: Path) -> None:
    assert list(made(tmp_path, OWN, "en", "de", "en").framings) == ["de", "en"]


def test_of_the_translations_only_the_judge_s_own_is_kept(tmp_path: Path, words: Path) -> None:
    assert list(made(tmp_path, OWN, "de").framings["de"].judges) == ["strictness"]


def test_english_needs_no_translation(tmp_path: Path, words: Path) -> None:
    assert made(tmp_path, OWN, "en").framings["en"].judges == {}


def test_a_language_without_any_words_is_refused_with_what_to_write(
    tmp_path: Path, words: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        made(tmp_path, OWN, "en", "xx")
    assert caught.value.message == "no words around a transcript in 'xx'"
    assert caught.value.where == str(words)
    assert caught.value.hint == "write xx.yaml after en.yaml, or ask in English"


def test_a_language_without_this_judge_s_texts_is_refused_with_what_to_do(
    tmp_path: Path, words: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        made(tmp_path, OWN, "de", judge="unknown")
    assert caught.value.message == "the judge has no texts in this language"
    assert caught.value.where == f"{words / 'de.yaml'}: judges.unknown"
    assert caught.value.hint == (
        "set prompt_language: english in the judge's file, or write the texts"
    )


def test_texts_of_an_older_version_of_the_judge_are_refused(tmp_path: Path, words: Path) -> None:
    with pytest.raises(SpecError, match="of version 1, the judge is of version 2"):
        made(tmp_path, OWN, "de", version=2)
