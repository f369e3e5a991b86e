"""Every language's lexicons on sentences written by hand, with the counts worked out by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.spec.language import Language, load_language
from kit.spec.matcher import compiled
from tests.society.support import ROOT

CORPORA = Path(__file__).parent / "corpora"
LANGUAGES = sorted(path.stem for path in (ROOT / "studies" / "languages").glob("*.yaml"))
SENTENCES = 30
LOOKALIKES = 10


def corpus(code: str) -> list[dict[str, Any]]:
    data = yaml.safe_load((CORPORA / f"{code}.yaml").read_text(encoding="utf-8"))
    assert data["language"] == code
    sentences: list[dict[str, Any]] = data["sentences"]
    return sentences


def language(code: str) -> Language:
    return load_language(ROOT / "studies" / "languages" / f"{code}.yaml")


@pytest.mark.parametrize("code", LANGUAGES)
def test_counts_are_those_worked_out_by_hand(code: str) -> None:
    spoken = language(code)
    matcher = compiled(dict(spoken.lexicons), spoken.rules)
    wrong = []
    for sentence in corpus(code):
        hits = matcher.find(sentence["text"])
        found = {register: len(places) for register, places in hits.items() if places}
        if found != sentence.get("counts", {}):
            entries = {register: [hit.entry for hit in hits[register]] for register in found}
            wrong.append(f"{sentence['text']}\n    asked {sentence.get('counts')}, found {entries}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_corpus_says_every_concept_and_enough_that_only_looks_alike(code: str) -> None:
    spoken = language(code)
    matcher = compiled(dict(spoken.lexicons), spoken.rules)
    sentences = corpus(code)
    said: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        for register, hits in matcher.find(sentence["text"]).items():
            concepts = getattr(spoken.lexicons, register).concepts
            for hit in hits:
                said.update((register, name) for name in concepts if hit.entry in concepts[name])
    silent = [
        f"{register}.{name}"
        for register, lexicon in spoken.lexicons
        for name in lexicon.concepts
        if not said[register, name]
    ]

    assert not silent
    assert len({sentence["text"] for sentence in sentences}) >= SENTENCES
    assert sum("looks_like" in sentence for sentence in sentences) >= LOOKALIKES


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_looks_alike_is_not_counted_as_what_it_looks_like(code: str) -> None:
    for sentence in corpus(code):
        for register in sentence.get("looks_like", {}):
            assert register in language(code).lexicons.model_fields_set
            assert "counts" not in sentence or register not in sentence["counts"], sentence["text"]
