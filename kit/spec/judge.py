"""A judge: what a local language model is asked about a transcript, and on which scale."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kit.spec.evidence import Evidence
from kit.spec.excerpt import Line, in_order
from kit.spec.language import TURNS, Channel, WordingName
from kit.spec.lexicon import Identifier, Text
from kit.spec.loading import Frozen, load_named
from kit.spec.study import EngineSettings, ModelId, Sampling

Value = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=40)]
MOST_VALUES = 12
"""Options of one question: a reader chooses between letters, and few models between more."""


class Subject(StrEnum):
    """Who one judgement is about."""

    AGENT = "agent"
    """One resident, whose own lines are shown."""
    GROUP = "group"
    """All residents."""


class ScaleKind(StrEnum):
    """What the values of a scale are."""

    ORDINAL = "ordinal"
    """Whole numbers in ascending order; means of them are taken."""
    NOMINAL = "nominal"
    """Names; shares of them are taken."""


class ReasonPlace(StrEnum):
    """Whether the judge says why, and when."""

    NONE = "none"
    AFTER = "after"
    """After the answers, on which it then has no bearing."""
    BEFORE = "before"
    """Before them: they follow from it."""


class PromptLanguage(StrEnum):
    """The language in which the judge is asked."""

    ENGLISH = "english"
    OWN = "own"
    """That of the transcript."""


class Scoring(StrEnum):
    """Which number of a judgement is its score."""

    SAMPLE = "sample"
    """The option that was drawn."""
    PROBABILITIES = "probabilities"
    """The mean over the options, weighted by the model's own probability of each."""


class AnswerFormKind(StrEnum):
    """Who keeps the form of an answer."""

    CONSTRAINED = "constrained"
    """The grammar: only the options' letters can be said."""
    FREE = "free"
    """The model: what it says is read, and may hold no answer."""


class Scale(Frozen):
    """One question's possible answers."""

    id: Identifier
    kind: ScaleKind
    values: Annotated[tuple[Value, ...], Field(min_length=2, max_length=MOST_VALUES)]
    """What is recorded, in the order of the scale."""

    @model_validator(mode="after")
    def _values_fit_the_kind(self) -> Self:
        if len(set(self.values)) != len(self.values):
            raise ValueError("a value stands twice")
        if self.kind is ScaleKind.ORDINAL:
            if not all(value.isdecimal() for value in self.values):
                raise ValueError("the values of an ordinal scale are whole numbers, in quotes")
            if any(int(one) >= int(other) for one, other in pairwise(self.values)):
                raise ValueError("the values of an ordinal scale ascend")
        return self

    @property
    def numbers(self) -> tuple[int, ...]:
        """The values as numbers; empty where they are names."""
        return tuple(map(int, self.values)) if self.kind is ScaleKind.ORDINAL else ()


class ScaleText(Frozen):
    """How a question is put."""

    question: Text
    anchors: dict[Value, Text]
    """What each value means."""


class Rubric(Frozen):
    """All that a judge is told about its task, in one language and one wording."""

    task: Text
    scales: dict[Identifier, ScaleText]


class Example(Frozen):
    """An excerpt with the right answers, shown before the one to be judged."""

    lines: Annotated[tuple[Line, ...], Field(min_length=1), AfterValidator(in_order)]
    answers: dict[Identifier, Value]


class Shown(Frozen):
    """What of a transcript is shown; the condition, prompts and personas never are."""

    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    announcements: bool
    """Whether the facility's announcements are."""


class Window(Frozen):
    """How much of a transcript one judgement is about.

    A window holds consecutive turns. It is closed before the turn with which it would have more
    turns or characters than this; a turn that alone has more characters is too long to be judged.
    """

    turns: Annotated[int, Field(strict=True, ge=1, le=TURNS)]
    characters: Annotated[int, Field(strict=True, ge=200, le=200_000)]


class Reason(Frozen):
    """Whether the judge gives a reason."""

    place: ReasonPlace = ReasonPlace.NONE
    characters: Annotated[int, Field(strict=True, ge=20, le=2000)] = 160


class Judge(Frozen):
    """One file of ``judges``."""

    judge: Identifier
    version: Annotated[int, Field(strict=True, ge=1)]
    """Raised with every change that could change a judgement."""
    title: Text
    concept: Text
    """The construct that is measured."""
    source: Text
    """Where construct and scale come from."""
    evidence: Evidence
    subject: Subject
    shown: Shown
    window: Window
    scales: Annotated[tuple[Scale, ...], Field(min_length=1, max_length=6)]
    """Asked in this order, in one answer."""
    wordings: dict[WordingName, Rubric]
    """English rubrics that ask the same, by letter; ``a`` always exists."""
    examples: tuple[Example, ...] = ()
    prompt_language: PromptLanguage = PromptLanguage.ENGLISH
    scoring: Scoring = Scoring.PROBABILITIES
    orders: Annotated[int, Field(strict=True, ge=1, le=24)] = 2
    """In how many orders the options are shown; scores are averaged over them."""
    form: AnswerFormKind = AnswerFormKind.CONSTRAINED
    reason: Reason = Reason()
    model: ModelId
    """A model of ``models.yaml``; ``kit judge --model`` names another."""
    sampling: Sampling = Sampling(temperature=0.0, max_tokens=200)
    engine: EngineSettings = EngineSettings(context=8192)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "a" not in self.wordings:
            raise ValueError("needs a wording 'a'")
        scales = {scale.id: scale for scale in self.scales}
        if len(scales) != len(self.scales):
            raise ValueError("two scales share an id")
        for name, rubric in self.wordings.items():
            check_rubric(self, rubric, f"wording '{name}'")
        for number, example in enumerate(self.examples, start=1):
            check_example(self, example, f"example {number}")
        if self.form is AnswerFormKind.FREE and self.scoring is Scoring.PROBABILITIES:
            raise ValueError("a free answer has no probabilities of options; score the sample")
        return self

    def scale(self, name: str) -> Scale:
        """The scale with the id ``name``."""
        return next(scale for scale in self.scales if scale.id == name)


def check_rubric(judge: Judge, rubric: Rubric, what: str) -> None:
    """Hold a rubric against the judge's scales.

    Raises:
        ValueError: a scale or a value has no text, or a text no scale.
    """
    wanted = {scale.id: set(scale.values) for scale in judge.scales}
    if set(rubric.scales) != set(wanted):
        raise ValueError(f"{what} needs texts for the scales {', '.join(wanted)}, and no others")
    for name, text in rubric.scales.items():
        if set(text.anchors) != wanted[name]:
            raise ValueError(
                f"{what}, scale '{name}': needs an anchor for each of "
                f"{', '.join(judge.scale(name).values)}, and no others"
            )


def check_example(judge: Judge, example: Example, what: str) -> None:
    """Hold an example against the judge.

    Raises:
        ValueError: an answer is missing or none of the scale's, or an agent judge's example shows
            several residents or none.
    """
    if set(example.answers) != {scale.id for scale in judge.scales}:
        raise ValueError(f"{what} needs one answer for each scale")
    for name, value in example.answers.items():
        if value not in judge.scale(name).values:
            raise ValueError(f"{what}: '{value}' is no value of the scale '{name}'")
    speakers = {line.who for line in example.lines if line.who is not None}
    if judge.subject is Subject.AGENT and len(speakers) != 1:
        raise ValueError(f"{what} shows {len(speakers)} residents; this judge sees one at a time")


def load_judge(path: Path) -> Judge:
    """Read one judge.

    Raises:
        SpecError: with file, line and key.
    """
    return load_named(Judge, path, "judge")
