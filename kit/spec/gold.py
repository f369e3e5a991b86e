"""The gold set: excerpts with labels, against which every judge is held."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kit.errors import SpecError
from kit.spec.excerpt import Line, Number, check_names, in_order
from kit.spec.judge import Judge, Value
from kit.spec.lexicon import Identifier, Text
from kit.spec.loading import Frozen, load_named


class Difficulty(StrEnum):
    """How sure the labels are."""

    CLEAR = "clear"
    BORDERLINE = "borderline"
    """Near the border of two levels; the reason says why this one."""


class Injection(Frozen):
    """Where someone tells the reader how to rate."""

    line: Annotated[int, Field(strict=True, ge=1)]
    """Which of the lines, from 1."""
    without: Text | None = None
    """What is left of the line without it; None: nothing."""


class GoldExcerpt(Frozen):
    """One excerpt and its labels."""

    id: Identifier
    difficulty: Difficulty
    injection: bool
    """Whether someone in it tells the reader how to rate."""
    injected: Injection | None = None
    """Where, if so."""
    about: Number
    """Whom a judge of single residents looks at."""
    lines: Annotated[tuple[Line, ...], Field(min_length=1), AfterValidator(in_order)]
    labels: dict[Identifier, dict[Identifier, Value]]
    """By judge and scale."""
    reason: Text
    """Why these labels."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.injection != (self.injected is not None):
            raise ValueError(f"'{self.id}': 'injected' belongs to an injection, which needs it")
        if self.injected is not None and self.injected.line > len(self.lines):
            raise ValueError(f"'{self.id}' has no line {self.injected.line}")
        if self.injected is not None:
            check_names(self.injected.without or "")
        if self.about not in {line.who for line in self.lines}:
            raise ValueError(f"'{self.id}': resident {self.about}, whom it is about, says nothing")
        return self

    def disarmed(self) -> tuple[Line, ...]:
        """The lines without what tells the reader how to rate."""
        if self.injected is None:
            return self.lines
        place, left = self.injected.line - 1, self.injected.without
        line = () if left is None else (self.lines[place].model_copy(update={"text": left}),)
        return (*self.lines[:place], *line, *self.lines[place + 1 :])


class Gold(Frozen):
    """One file of ``judges/gold``."""

    gold: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    """The language of the excerpts."""
    authors: Text
    """Who wrote and labelled them."""
    excerpts: Annotated[tuple[GoldExcerpt, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids(self) -> Self:
        ids = [excerpt.id for excerpt in self.excerpts]
        if repeated := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"the id {repeated[0]} stands twice")
        return self


def load_gold(path: Path) -> Gold:
    """Read one file of the gold set.

    Raises:
        SpecError: with file, line and key.
    """
    return load_named(Gold, path, "gold")


def check_gold(gold: Gold, judge: Judge, path: Path) -> None:
    """Hold the labels of ``gold`` against the judge's scales.

    Raises:
        SpecError: a label is missing or none of the scale's.
    """
    for index, excerpt in enumerate(gold.excerpts):
        where = f"{path}: excerpts.{index}.labels.{judge.judge}"
        labels = excerpt.labels.get(judge.judge, {})
        if set(labels) != {scale.id for scale in judge.scales}:
            wanted = ", ".join(scale.id for scale in judge.scales)
            raise SpecError(f"'{excerpt.id}' needs one label each for {wanted}", where=where)
        for name, value in labels.items():
            if value not in judge.scale(name).values:
                raise SpecError(f"'{value}' is no value of the scale '{name}'", where=where)
