"""A judge at work: what is asked how often, and what identifies it."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import ModelError, PlanError, SpecError
from kit.judge.excerpt import Excerpt
from kit.judge.panel import Panel, check_panel, draw_path, judging_hash, tasks
from kit.judge.setup import Choices, assemble, judge_path
from kit.spec.excerpt import Line
from kit.spec.judge import PromptLanguage, Scoring
from tests.conftest import ROOT, SMOLLM
from tests.judge.support import ENGLISH, judge, panel, rubric

LINE = Line(says="talk", who=1, text="Hello.")
EXCERPTS = [Excerpt(f"e{n}", "s/r", "en", "p01", 1, 1, 1, (LINE,)) for n in range(3)]
TWO_WORDINGS = {letter: rubric(level=("0", "1", "2", "3")) for letter in "ab"}


def test_every_excerpt_is_asked_about_in_every_way() -> None:
    of = panel(judge(wordings=TWO_WORDINGS), wordings=("a", "b"), orders=3, repeats=2)
    found = list(tasks(of, EXCERPTS))
    assert len({(task.excerpt.id, *task[1:]) for task in found}) == len(found) == 3 * 2 * 3 * 2
    assert len({draw_path(of, task) for task in found}) == len(found)


def test_questions_with_the_same_instructions_follow_one_another() -> None:
    found = [(task.wording, task.order) for task in tasks(panel(), EXCERPTS)]
    assert found == sorted(found)


def test_repeats_without_a_temperature_are_refused() -> None:
    cold = judge(sampling={"temperature": 0.0, "max_tokens": 8})
    with pytest.raises(PlanError, match="are the same judgement"):
        check_panel(panel(cold, repeats=2))
    warm = judge(sampling={"temperature": 0.7, "max_tokens": 8})
    check_panel(panel(warm, repeats=2))


def test_a_wording_that_is_not_there_is_refused() -> None:
    with pytest.raises(PlanError, match="has no wording 'c'"):
        check_panel(panel(wordings=("c",)))


def hash_of(of: Panel, excerpts: list[Excerpt] = EXCERPTS, **identity: object) -> str:
    return judging_hash(of, "en", excerpts, {"kind": "test", **identity})


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Other"},
        {"concept": "Other"},
        {"source": "Other"},
        {"evidence": "inferred"},
        {"model": "other-model"},
    ],
)
def test_what_is_said_about_a_judge_changes_no_identity(changes: dict[str, Any]) -> None:
    assert hash_of(panel(judge(**changes))) == hash_of(panel())


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"window": {"turns": 2, "characters": 1000}},
        {"shown": {"channels": ["talk"], "announcements": False}},
        {"scoring": "sample"},
        {"reason": {"place": "after", "characters": 50}},
        {"wordings": {"a": rubric(level=("0", "1", "2", "3")) | {"task": "Look."}}},
        {"sampling": {"temperature": 0.1}},
        {"engine": {"context": 4096}},
    ],
)
def test_what_a_judge_is_told_changes_its_identity(changes: dict[str, Any]) -> None:
    assert hash_of(panel(judge(**changes))) != hash_of(panel())


def test_plan_excerpts_words_and_engine_change_the_identity() -> None:
    plain = hash_of(panel())
    assert hash_of(panel(orders=3)) != plain
    assert hash_of(panel(seed=8)) != plain
    assert hash_of(panel(), EXCERPTS[:2]) != plain
    other = [EXCERPTS[0]._replace(lines=(LINE.model_copy(update={"text": "Bye."}),)), *EXCERPTS[1:]]
    assert hash_of(panel(), other) != plain
    assert hash_of(panel(), build="other") != plain
    words = ENGLISH.model_copy(update={"record": "Record:"})
    assert hash_of(panel(framings={"en": words})) != plain


def test_a_judge_is_found_by_name_or_path() -> None:
    assert judge_path("pathology") == ROOT / "judges" / "pathology.yaml"
    assert str(judge_path("my/own.yaml")) == "my/own.yaml"
    with pytest.raises(SpecError, match="did you mean 'compliance'"):
        judge_path("complience")


def test_choices_replace_what_the_file_says() -> None:
    choices = Choices(SMOLLM, "mine", 4, ("b",), 2, 0.5, Scoring.SAMPLE, PromptLanguage.ENGLISH)
    found = assemble(judge_path("refusal"), choices, ["ja"], 3)
    assert (found.name, found.model.id, found.orders, found.wordings) == ("mine", SMOLLM, 4, ("b",))
    assert (found.repeats, found.seed) == (2, 3)
    assert found.judge.sampling.temperature == 0.5
    assert found.judge.scoring is Scoring.SAMPLE
    assert set(found.framings) == {"en"}


def test_a_language_without_words_is_refused_with_what_to_do() -> None:
    choices = Choices(prompt_language=PromptLanguage.OWN)
    with pytest.raises(SpecError) as caught:
        assemble(judge_path("refusal"), choices, ["xx"], 3)
    assert "or ask in English" in str(caught.value)


def test_a_model_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(ModelError, match="no model 'smol'"):
        assemble(judge_path("refusal"), Choices(model="smol"), (), 0)
