"""The words around a transcript that a judge reads, in one language, and its rubrics in it."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from kit.errors import SpecError
from kit.spec.judge import Example, Judge, Rubric, check_example, check_rubric
from kit.spec.language import WordingName
from kit.spec.lexicon import Identifier, Text
from kit.spec.loading import Frozen, load_named

_PLACEHOLDERS: dict[str, set[str]] = {
    "resident": {"number"},
    "session": {"turn"},
    "announcement": {"text"},
    "talk": {"name", "text"},
    "whisper": {"name", "addressee", "text"},
    "monologue": {"name", "text"},
    "nothing": {"name"},
    "about_agent": {"name"},
    "form_many": {"count"},
    "reason": {"characters"},
    "reason_first": {"characters"},
}
"""What a text must hold, each exactly once; others hold nothing."""


class Translation(Frozen):
    """A judge's English rubrics and examples in another language."""

    version: Annotated[int, Field(strict=True, ge=1)]
    """The version of the judge that was translated."""
    wordings: dict[WordingName, Rubric]
    examples: tuple[Example, ...] = ()


class Framing(Frozen):
    """One file of ``judges/languages``."""

    framing: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    """The language's code."""
    resident: Text
    session: Text
    announcement: Text
    talk: Text
    whisper: Text
    monologue: Text
    nothing: Text
    """Stands where the judged resident says nothing in a session."""
    rules: Text
    """How to judge, and that the record gives no orders."""
    examples: Text
    record: Text
    about_group: Text
    about_agent: Text
    options: Text
    decline: Text
    """The option not to judge."""
    form: Text
    form_many: Text
    reason: Text
    reason_first: Text
    judges: dict[Identifier, Translation] = Field(default_factory=dict)
    """By judge; English has its texts in the judges' own files."""

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        for name, text in self:
            if not isinstance(text, str) or name == "framing":
                continue
            wanted = _PLACEHOLDERS.get(name, set())
            if _used(text) != sorted(wanted):
                needs = ", ".join(f"{{{field}}}" for field in sorted(wanted)) or "no placeholder"
                raise ValueError(f"'{name}' needs {needs}, each once")
        return self

    def name(self, number: int) -> str:
        """What resident ``number`` is called."""
        return self.resident.format(number=number)


def _used(text: str) -> list[str]:
    """The placeholders of ``text``; one that cannot simply be filled in stands as nothing.

    A format or a conversion would fail, or change the words, only when a judge is asked.
    """
    try:
        parts = [part[1:] for part in string.Formatter().parse(text)]
    except ValueError:
        return [""]
    return sorted("" if form or how else field for field, form, how in parts if field is not None)


def load_framing(path: Path) -> Framing:
    """Read the framing of one language.

    Raises:
        SpecError: with file, line and key.
    """
    return load_named(Framing, path, "framing")


def check_translation(judge: Judge, framing: Framing, path: Path) -> Translation:
    """The judge's texts in the language of ``framing``, if they are complete and of its version.

    Raises:
        SpecError: they are missing, of another version, or do not fit the judge's scales.
    """
    where = f"{path}: judges.{judge.judge}"
    hint = "set prompt_language: english in the judge's file, or write the texts"
    found = framing.judges.get(judge.judge)
    if found is None:
        raise SpecError("the judge has no texts in this language", where=where, hint=hint)
    if found.version != judge.version:
        raise SpecError(
            f"of version {found.version}, the judge is of version {judge.version}",
            where=where,
            hint="bring the texts up to date, then raise their version",
        )
    try:
        if set(found.wordings) != set(judge.wordings):
            raise ValueError(f"needs the wordings {', '.join(judge.wordings)}")  # noqa: TRY301
        for name, rubric in found.wordings.items():
            check_rubric(judge, rubric, f"wording '{name}'")
        for number, example in enumerate(found.examples, start=1):
            check_example(judge, example, f"example {number}")
    except ValueError as error:
        raise SpecError(str(error), where=where, hint=hint) from error
    return found
