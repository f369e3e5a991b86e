"""Which language a line is in, on the sentences written by hand for the lexicons."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.measure.drift import LATIN, OTHER_SCRIPT, Drift, identifier
from kit.measure.home import Home
from kit.measure.run import Measurer
from kit.measure.tally import Hits
from kit.runlog.reader import read
from kit.spec.language import Channel
from tests.measure.test_corpora import LANGUAGES, corpus
from tests.measure.test_corpora import language as shipped
from tests.planted import Said, everyone, experiment, language, talk, think, write_folder


@pytest.mark.parametrize("code", LANGUAGES)
def test_lines_in_their_own_language_are_at_home(code: str) -> None:
    drift = Drift(shipped(code))
    said = [sentence["text"] for sentence in corpus(code) if not refuses(sentence)]

    away = {text: other for text in said if (other := drift.language_of(text))}
    assert len(away) <= 0.02 * len(said), away


@pytest.mark.parametrize("code", LANGUAGES)
def test_lines_in_another_language_are_seen(code: str) -> None:
    drift = Drift(shipped(code))
    for other in {"en", "ja", "zh", "de", "es"} - {code}:
        said = [sentence["text"] for sentence in corpus(other) if not refuses(sentence)]
        seen = [drift.language_of(text) for text in said]
        wanted = {other} if other in LATIN else {OTHER_SCRIPT}
        assert sum(found in wanted for found in seen) >= 0.9 * len(said), (code, other)


@pytest.mark.parametrize("code", LANGUAGES)
def test_many_lines_at_once_are_told_as_one_by_one(code: str) -> None:
    drift = Drift(shipped(code))
    texts = [sentence["text"] for other in LANGUAGES for sentence in corpus(other)]
    half = len(texts) // 2
    mixed = [f"{one} {two}" for one, two in zip(texts[:half], texts[half:], strict=False)]
    said = [*texts, *mixed, "", "?", "NO", "NEIN, NIEMALS LASSE ICH DAS ZU", "\udc80 surrogate"]

    assert drift.languages_of(said) == [drift.language_of(text) for text in said]
    assert drift.languages_of([]) == []


@pytest.mark.parametrize("code", LATIN)
def test_most_lines_need_no_second_look(code: str) -> None:
    clear = Home(identifier(code)).clear([sentence["text"] for sentence in corpus(code)], code)

    assert sum(clear) >= 0.9 * len(clear)


@pytest.mark.parametrize("code", LATIN)
def test_what_is_clear_is_what_the_identifier_says(code: str) -> None:
    texts = [sentence["text"] for other in LANGUAGES for sentence in corpus(other)]
    clear = Home(identifier(code)).clear(texts, code)

    assert {
        identifier(code).classify(text)[0]
        for text, is_clear in zip(texts, clear, strict=True)
        if is_clear
    } == {code}


def refuses(sentence: dict[str, dict[str, int]]) -> bool:
    return "provider_refusal" in sentence.get("counts", {})


def test_short_lines_and_unknown_languages_are_taken_to_be_at_home() -> None:
    assert Drift(shipped("de")).language_of("No, stop!") is None
    unknown = language("zz", scripts=["Latin"])
    assert Drift(unknown).language_of("She needs our help tonight, all of us.") is None
    assert Drift(unknown).language_of("今夜は皆さんの助けが必要です。") == OTHER_SCRIPT


def test_lines_that_left_for_english_are_searched_for_english_words(tmp_path: Path) -> None:
    german = language(
        "de",
        "GER",
        lexicons__protective__concepts__word=["schutz", "hilfe"],
        lexicons__group_harmony__concepts__word=["gemeinsam"],
    )
    planned = experiment({"en": language(), "de": german}, replicates=1)
    home = talk("Wir brauchen heute Nacht alle zusammen deine Hilfe.")
    away = think("All of us should protect her tonight; we have to help.")
    write_folder(tmp_path, planned, everyone(home, away))
    measurer = Measurer(planned.languages)
    logs = {path.stem: read(path) for path in (tmp_path / "runs").iterdir()}
    run = measurer.run(logs["de-a0-r1"], planned.protocol(None)).speech

    assert run.total.lines_away == 20
    assert run.total.hits.protective == 20
    assert run.channels[Channel.MONOLOGUE].hits == Hits()
    # Per turn and agent: protect and help; all of us.
    assert run.total.hits_english == Hits(protective=40, group_harmony=20)
    # Half of a turn is not more than half of it, but this monologue is longer.
    assert run.turns_away == 20

    english = measurer.run(logs["en-a0-r1"], planned.protocol(None)).speech
    assert english.total.lines_away == 20
    assert english.total.hits_english == Hits()


def test_a_turn_is_away_when_most_of_its_characters_are(tmp_path: Path) -> None:
    planned = experiment({"de": language("de", "GER"), "en": language()}, replicates=1)
    long = Said(
        Channel.TALK, "Wir brauchen heute Nacht alle zusammen deine Hilfe, und zwar sofort."
    )
    write_folder(tmp_path, planned, everyone(long, think("We should all help her tonight.")))
    log = read(tmp_path / "runs" / "de-a0-r1.jsonl")
    speech = Measurer(planned.languages).run(log, planned.protocol(None)).speech

    assert speech.total.lines_away == 20
    assert speech.turns_away == 0
