"""Every field of a spec is classified: it can change an output, or it cannot.

A new field fails here until it is named in ``SILENT`` (nobody reads it, nothing is drawn by it) or
enters the run hash. Both directions are tried on real values, not looked up.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from kit.runner.resolve import resolve
from kit.society.identity import run_hash
from kit.society.scene import Scene
from kit.spec.experiment import Experiment
from kit.spec.pins import ModelPin
from kit.spec.study import Study
from tests.society.support import ROOT

SILENT = {
    "languages.name",
    "languages.endonym",
    "languages.direction",
    "languages.evidence",
    "languages.country",
    "languages.native_review",
    "languages.register_note",
    "languages.translator_notes",
    "languages.budgets.reason",
    "languages.language",  # the code; the texts themselves are hashed
    "languages.lexicons.sexual",
    "languages.lexicons.protective",
    "languages.lexicons.group_harmony",
    "languages.lexicons.individual_address",
    "languages.lexicons.provider_refusal.intent",
    "languages.lexicons.provider_refusal.evidence",
    "languages.loanwords",  # what a check of the texts lets pass
    "study.title",
    "study.question",
    "study.languages",  # which runs there are, not what a run is
    "study.models",
    "study.aligned",
    "study.individuated",
    "study.replicates",
    "study.profiles",  # only the chosen one counts, through the resolved protocol
    "study.variants",
    "profile",  # as its values
    "missing_languages",
    "models",  # the engine's identity holds the model's hash and template
}
EVERYWHERE_SILENT = {"intent", "evidence", "note"}

BASE = resolve(ROOT / "studies" / "demo.yaml")
VARIANTS = {
    "free": {"turns": 15},
    "slots": {"turns": 15, "channel_choice": "slots", "prefix_language": "native"},
    "placebo": {"turns": 15, "prefix": "placebo", "wording": "b"},
    "native": {"turns": 15, "prefix": "placebo", "prefix_language": "native"},
    "b": {"turns": 15, "wording": "b", "prefix_language": "native"},
    "native_b": {"turns": 15, "prefix": "placebo", "prefix_language": "native", "wording": "b"},
    "sequential": {"turns": 15, "order": "sequential"},
}


def everything() -> dict[str, Any]:
    """An experiment whose runs together read every text, as plain data."""
    study = BASE.study.model_dump() | {
        "variants": VARIANTS,
        "individuated": [10],
        "aligned": [10],
        "replicates": 1,
    }
    whole = BASE.model_copy(update={"study": Study.model_validate(study)})
    return whole.model_dump(mode="json")


def hashes(data: dict[str, Any]) -> dict[str, str]:
    made = Experiment.model_validate(data)
    return {run.run_id: run_hash(Scene(made, run), {"kind": "scripted"}) for run in made.runs()}


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of single values; of a list, the first item and the last."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for index in sorted({0, len(data) - 1} if data else ()):
            yield from leaves(data[index], (*path, index))
    else:
        yield path


def name_of(path: tuple[str | int, ...]) -> str:
    """``languages.budgets.reason`` for ``("languages", "en", "budgets", "reason")``."""
    parts = [part for part in path if isinstance(part, str)]
    if parts[0] == "languages":
        del parts[1]
    return ".".join(part for part in parts if part != "value")


def is_silent(path: tuple[str | int, ...]) -> bool:
    name = name_of(path)
    if path[-1] in EVERYWHERE_SILENT:
        return True
    return any(name == entry or name.startswith(f"{entry}.") for entry in SILENT)


def changed(data: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any] | None:
    """The data with one value changed, if a valid experiment comes of it."""
    made = copy.deepcopy(data)
    *parents, last = path
    target: Any = made
    for part in parents:
        target = target[part]
    value = target[last]
    other: Any = {"ltr": "rtl", "word": "substring", "f16": "q8_0", "substring": "word"}
    if isinstance(value, bool):
        target[last] = not value
    elif isinstance(value, int):
        target[last] = value + 1 if path[-2:] != ("turns", "value") else value - 1
    elif isinstance(value, float):
        target[last] = value * 0.9 or 0.5
    elif isinstance(value, str):
        target[last] = other.get(value, value + "x")
    else:
        return None
    try:
        Experiment.model_validate(made)
    except ValueError:
        return None
    return made


DATA = everything()
BEFORE = hashes(DATA)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_text_and_rule_of_a_language_is_classified(language: str) -> None:
    tried, wrong = 0, []
    for path in leaves(DATA["languages"][language], ("languages", language)):
        made = changed(DATA, path)
        if made is None:
            continue
        tried += 1
        if (hashes(made) != BEFORE) == is_silent(path):
            wrong.append(path)
    assert wrong == []
    assert tried > 60


def test_every_field_of_the_protocol_enters_the_hash() -> None:
    plain = copy.deepcopy(DATA)
    plain["study"]["variants"] = {}
    before = hashes(plain)
    for path in leaves(plain["study"]["protocol"], ("study", "protocol")):
        made = changed(plain, path)
        if made is not None:
            assert (hashes(made) != before) != is_silent(path), path


def test_every_top_level_field_is_classified() -> None:
    for name in ("seed", "id"):
        made = copy.deepcopy(DATA)
        made["study"][name] = 1 if name == "seed" else "other"
        assert set(hashes(made).values()).isdisjoint(BEFORE.values())
    known = {"study", "languages", "protocol_version", *SILENT}
    assert set(Experiment.model_fields) <= known
    heard = {"id", "seed", "protocol"}
    assert {f"study.{field}" for field in Study.model_fields if field not in heard} <= SILENT


def test_what_a_pin_says_reaches_the_hash_through_the_engine() -> None:
    """The file's hash and the template are in the engine's identity; the rest is a label."""
    assert set(ModelPin.model_fields) == {
        "id", "family", "tier", "size", "license", "instruct", "context_length",
        "chat_template", "template_sha256", "attention", "active", "note", "source", "files",
    }  # fmt: skip
    run = BASE.runs()[0]
    scene = Scene(BASE, run)
    one = run_hash(scene, {"kind": "llama.cpp", "model_sha256": "a", "template": "t"})
    assert one != run_hash(scene, {"kind": "llama.cpp", "model_sha256": "b", "template": "t"})
    assert one != run_hash(scene, {"kind": "llama.cpp", "model_sha256": "a", "template": "u"})


def test_other_countries_of_a_language_change_no_hash() -> None:
    made = copy.deepcopy(DATA)
    assert made["languages"]["en"]["country"]["alternatives"]
    made["languages"]["en"]["country"]["alternatives"] = []
    made["languages"]["ja"]["country"]["alternatives"] = [{"code": "KOR", "reason": "other"}]
    assert hashes(made) == BEFORE
