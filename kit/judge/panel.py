"""A judge at work: with which model, in how many orders, wordings and repeats it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

from pydantic import Field

from kit.errors import PlanError
from kit.judge.excerpt import Excerpt
from kit.judge.question import Questionnaire
from kit.spec.experiment import content_hash
from kit.spec.framing import Framing
from kit.spec.judge import Example, Judge, PromptLanguage, Rubric
from kit.spec.language import WordingName
from kit.spec.lexicon import Identifier
from kit.spec.loading import Frozen
from kit.spec.pins import ModelPin
from kit.spec.seeds import Part

JUDGING_VERSION = 1
"""Raised when the kit itself changes what a judge reads or how its answer is read."""
ENGLISH = "en"
_ABOUT_THE_JUDGE = {"title", "concept", "source", "evidence", "model"}
"""Fields of a judge that no judgement depends on; the model enters by its hash."""


class Panel(Frozen):
    """What a folder of judgements holds beside them, so that they can be made again."""

    judging_version: int = JUDGING_VERSION
    name: Identifier
    judge: Judge
    framings: dict[str, Framing]
    """By language; English alone where the judge is asked in English."""
    model: ModelPin
    orders: Annotated[int, Field(ge=1, le=24)]
    wordings: Annotated[tuple[WordingName, ...], Field(min_length=1)]
    repeats: Annotated[int, Field(ge=1, le=100)]
    seed: int
    """Names the random draws, together with excerpt, order, wording and repeat."""


class Task(NamedTuple):
    """One question to the engine."""

    excerpt: Excerpt
    order: int
    wording: str
    repeat: int


def check_panel(panel: Panel) -> None:
    """Refuse a plan that would ask the same thing several times.

    Raises:
        PlanError: repeats without a temperature, or wordings that the judge does not have or that
            are named twice.
    """
    if panel.repeats > 1 and panel.judge.sampling.temperature == 0:
        raise PlanError(
            f"{panel.repeats} repeats of a judge without temperature are the same judgement",
            hint="add --temperature 0.7, or ask in other orders (--orders) or --wordings",
        )
    if missing := [name for name in panel.wordings if name not in panel.judge.wordings]:
        raise PlanError(
            f"the judge '{panel.judge.judge}' has no wording '{missing[0]}'",
            hint=f"it has: {', '.join(panel.judge.wordings)}",
        )
    if len(set(panel.wordings)) != len(panel.wordings):
        raise PlanError("a wording is named twice", hint="name each of --wordings once")


def tasks(panel: Panel, excerpts: Iterable[Excerpt]) -> Iterator[Task]:
    """Every question about ``excerpts``; those with the same instructions follow one another."""
    asked = tuple(excerpts)
    for wording in panel.wordings:
        for order in range(panel.orders):
            for repeat in range(1, panel.repeats + 1):
                for excerpt in asked:
                    yield Task(excerpt, order, wording, repeat)


def questionnaire(panel: Panel, language: str, task: Task) -> Questionnaire:
    """What ``task`` asks, in the language that the panel asks in."""
    own = panel.judge.prompt_language is PromptLanguage.OWN
    return _questionnaire(panel, language if own else ENGLISH, task.wording, task.order)


def _questionnaire(panel: Panel, language: str, wording: str, order: int) -> Questionnaire:
    framing = panel.framings[language]
    rubric, examples = _texts(panel.judge, framing, language, wording)
    return Questionnaire(panel.judge, framing, rubric, examples, order)


def _texts(
    judge: Judge, framing: Framing, language: str, wording: str
) -> tuple[Rubric, tuple[Example, ...]]:
    if language == ENGLISH:
        return judge.wordings[wording], judge.examples
    translated = framing.judges[judge.judge]
    return translated.wordings[wording], translated.examples


def draw_path(panel: Panel, task: Task) -> tuple[Part, ...]:
    """Names the random draws of one judgement."""
    return (
        panel.seed,
        "judge",
        panel.judge.judge,
        task.excerpt.id,
        task.order,
        task.wording,
        task.repeat,
    )


def judging_hash(
    panel: Panel, language: str, excerpts: Iterable[Excerpt], identity: dict[str, object]
) -> str:
    """SHA-256 of everything that can change the judgements of one run.

    Args:
        panel: who judges, and how often.
        language: the run's.
        excerpts: what is judged.
        identity: the engine's, with the model's hash.
    """
    own = panel.judge.prompt_language is PromptLanguage.OWN
    framing = panel.framings[language if own else ENGLISH]
    translated = framing.judges.get(panel.judge.judge)
    return content_hash(
        {
            "judging_version": JUDGING_VERSION,
            "judge": panel.judge.model_dump(mode="json", exclude=_ABOUT_THE_JUDGE),
            "framing": framing.model_dump(mode="json", exclude={"judges"}),
            "translation": translated.model_dump(mode="json") if own and translated else None,
            "plan": [panel.orders, list(panel.wordings), panel.repeats, panel.seed],
            "excerpts": [
                [
                    excerpt.id,
                    excerpt.about,
                    [line.model_dump(mode="json") for line in excerpt.lines],
                ]
                for excerpt in excerpts
            ],
            "engine": identity,
        }
    )
