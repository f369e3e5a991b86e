"""From names on a command line to a panel: the judge, the words around it, the model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from kit.errors import PlanError, SpecError
from kit.judge.panel import ENGLISH, Panel, check_panel
from kit.spec.framing import Framing, check_translation, load_framing
from kit.spec.judge import Judge, PromptLanguage, Scoring, load_judge
from kit.spec.library import library_file, named_file
from kit.spec.loading import validate
from kit.spec.pins import find_pin, load_pins


class Choices(NamedTuple):
    """What a user may choose beside the judge's file; None leaves what stands there."""

    model: str | None = None
    name: str | None = None
    orders: int | None = None
    wordings: tuple[str, ...] = ("a",)
    repeats: int = 1
    temperature: float | None = None
    scoring: Scoring | None = None
    prompt_language: PromptLanguage | None = None


def judge_path(name: str) -> Path:
    """The file of a judge given by path or by name.

    Raises:
        SpecError: there is none; the message names the nearest.
    """
    return named_file(library_file("judges"), name, "judge")


def assemble(path: Path, choices: Choices, languages: Iterable[str], seed: int) -> Panel:
    """Read a judge and everything it needs for transcripts in ``languages``.

    Raises:
        SpecError: a file is wrong, or the judge has no texts in a language it is to be asked in.
        ModelError: no such model.
        PlanError: a choice cannot be, or the plan would ask the same thing several times.
    """
    judge = _chosen(load_judge(path), choices, path)
    own = judge.prompt_language is PromptLanguage.OWN
    needed = sorted(set(languages)) if own else [ENGLISH]
    framings = {code: _framing(judge, code) for code in needed}
    model = find_pin(load_pins(library_file("models.yaml")), choices.model or judge.model)
    try:
        panel = Panel(
            name=choices.name or judge.judge,
            judge=judge,
            framings=framings,
            model=model,
            orders=choices.orders or judge.orders,
            wordings=choices.wordings,
            repeats=choices.repeats,
            seed=seed,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanError(
            f"'{first['input']}' cannot be used for --{first['loc'][0]}: {first['msg']}"
        ) from error
    check_panel(panel)
    return panel


def _chosen(judge: Judge, choices: Choices, path: Path) -> Judge:
    changes: dict[str, object] = {}
    if choices.temperature is not None:
        changes["sampling"] = judge.sampling.model_copy(update={"temperature": choices.temperature})
    if choices.scoring is not None:
        changes["scoring"] = choices.scoring
    if choices.prompt_language is not None:
        changes["prompt_language"] = choices.prompt_language
    return validate(Judge, judge.model_dump() | changes, path, {}) if changes else judge


def _framing(judge: Judge, language: str) -> Framing:
    path = library_file("judges", "languages") / f"{language}.yaml"
    if not path.is_file():
        raise SpecError(
            f"no words around a transcript in '{language}'",
            where=path.parent,
            hint=f"write {path.name} after en.yaml, or ask in English",
        )
    framing = load_framing(path)
    if language != ENGLISH:
        found = check_translation(judge, framing, path)
        return framing.model_copy(update={"judges": {judge.judge: found}})
    return framing
