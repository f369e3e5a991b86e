"""Frames have the columns they promise, whatever the runs hold."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from kit.measure import frames
from kit.measure.overlap import overlaps
from kit.spec.experiment import Run
from tests.measure.test_run import measured
from tests.planted import Said, everyone, language, talk, think


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    if agent == "p01":
        return [talk("Protect us together."), think("Intimate.")]
    return []


def test_rows_add_up_over_agents_and_channels(tmp_path: Path) -> None:
    runs = list(measured(tmp_path, speak).values())
    by_run = frames.runs_frame(runs)
    by_agent = frames.agents_frame(runs)
    by_channel = frames.channels_frame(runs)

    assert (by_run.height, by_agent.height, by_channel.height) == (2, 20, 60)
    for column in ("lines", "characters", "sexual", "protective", "protective_no_echo"):
        assert by_run[column].sum() == by_agent[column].sum() == by_channel[column].sum()
    assert by_run["protective"].to_list() == [2, 2]
    assert by_run["sexual"].to_list() == [2, 2]


def test_schemas_are_fixed_even_without_rows(tmp_path: Path) -> None:
    runs = list(measured(tmp_path, everyone()).values())

    for build, schema in (
        (frames.runs_frame, frames.RUNS),
        (frames.agents_frame, frames.AGENTS),
        (frames.channels_frame, frames.CHANNELS),
        (frames.outcomes_frame, frames.OUTCOMES),
    ):
        assert build(runs).schema == pl.Schema(schema)
        assert build([]).schema == pl.Schema(schema)
    assert frames.overlap_frame([]).schema == pl.Schema(frames.OVERLAP)
    assert frames.runs_frame(runs)["monologue_share"].to_list() == [None, None]


def test_outcomes_are_counted_by_channel_and_for_whole_answers(tmp_path: Path) -> None:
    runs = list(measured(tmp_path, speak).values())
    table = frames.outcomes_frame(runs[:1]).select("channel", "outcome", "number").rows()

    assert table == [
        ("turn", "ok", 2),
        ("turn", "empty", 18),
        ("talk", "ok", 2),
        ("monologue", "ok", 2),
    ]


def test_a_prefix_overlaps_only_with_the_lexicon_of_its_own_language() -> None:
    german = language(
        "de",
        "GER",
        lexicons__protective__concepts__word=["schutz"],
        texts__safety_prefix__wordings={"a": "Schutz und Schutz.", "b": "Nichts."},
    )
    table = frames.overlap_frame(overlaps({"en": language(), "de": german}, ("en", "de")))
    prefix = table.filter(text="safety_prefix", register="protective")

    assert prefix.select(
        "text_language", "wording", "lexicon_language", "hits", "entries"
    ).rows() == [
        ("en", "a", "en", 2, 2),
        ("en", "a", "de", 0, 0),
        ("de", "a", "de", 2, 1),
        ("de", "b", "de", 0, 0),
    ]


def test_every_text_of_the_language_is_searched_and_of_english_the_interventions() -> None:
    german = language(
        "de", "GER", texts__heard_nothing__wordings={"a": "Help.", "b": "Help, safety."}
    )
    table = frames.overlap_frame(overlaps({"en": language(), "de": german}, ("de",)))

    nothing = table.filter(text="heard_nothing", register="protective")
    assert nothing.select("text_language", "wording", "hits").rows() == [
        ("de", "a", 1),
        ("de", "b", 2),
    ]
    assert {*table.filter(text_language="en")["text"]} == {
        "safety_prefix",
        "placebo_prefix",
        "individuation",
    }
    assert table.filter(text="persona_p03").height == 4
