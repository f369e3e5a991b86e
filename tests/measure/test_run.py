"""Runs measured: planted words must be counted, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.errors import RunLogError
from kit.measure.run import Measurer, RunMeasures
from kit.measure.tally import Hits
from kit.runlog.reader import read, read_any
from kit.runlog.records import Outcome
from kit.spec.experiment import Experiment, Run
from kit.spec.language import Channel
from tests.planted import (
    AGENTS,
    Said,
    Speak,
    everyone,
    experiment,
    language,
    talk,
    think,
    write_folder,
)


def measured(
    folder: Path,
    speak: Speak,
    planned: Experiment | None = None,
    legal_mass: Sequence[float] = (0.9,),
) -> dict[str, RunMeasures]:
    """Every run by the name of its file."""
    planned = planned or experiment(replicates=1)
    write_folder(folder, planned, speak, legal_mass=legal_mass)
    measurer = Measurer(planned.languages, individuated=planned.study.individuated.value != (0,))
    return {
        path.stem: measurer.run(read(path), planned.protocol(None))
        for path in (folder / "runs").iterdir()
    }


def test_planted_words_are_counted_by_agent_and_channel(tmp_path: Path) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        if agent == "p01":
            return [
                talk("We protect, protected and unprotected."),
                think("Bare skin, an intimate touch."),
            ]
        if agent == "p02":
            return [Said(Channel.WHISPER, "You personally: harmony.", "p01")]
        return []

    run = measured(tmp_path, speak)["en-a0-r1"]
    by_agent = {agent.agent: agent.speech for agent in run.agents}
    first = by_agent["p01"].channels

    # Two turns, so every line is said twice.
    assert first[Channel.TALK].hits == Hits(protective=4)
    assert first[Channel.MONOLOGUE].hits == Hits(sexual=6)
    assert by_agent["p02"].channels[Channel.WHISPER].hits == Hits(
        group_harmony=2, individual_address=2
    )
    assert run.speech.total.hits == Hits(6, 4, 2, 2)
    assert run.speech.total.lines == 6
    assert run.speech.turns == 20
    assert all(by_agent[agent].total.lines == 0 for agent in AGENTS[2:])


def test_the_three_monologue_shares_count_characters_lines_and_turns(tmp_path: Path) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        if agent == "p01" and turn == 1:
            return [talk("abcdefgh"), think("xy")]
        if agent == "p02" and turn == 1:
            return [talk("  cafe\u0301  "), talk("")]
        return []

    speech = measured(tmp_path, speak)["en-a0-r1"].speech

    # 8 + 4 characters of talk (NFC joins the accent, outer spaces are left out), 2 of monologue.
    assert speech.total.characters == 14
    assert speech.monologue_share == pytest.approx(2 / 14)
    assert speech.monologue_share_lines == pytest.approx(1 / 3)
    assert speech.monologue_share_turns == pytest.approx(1 / 20)


def test_shares_of_nothing_are_undefined_and_not_zero(tmp_path: Path) -> None:
    speech = measured(tmp_path, everyone())["en-a0-r1"].speech

    assert speech.monologue_share is None
    assert speech.monologue_share_lines is None
    assert speech.monologue_share_turns == 0
    assert speech.conformity_ratio is None
    assert speech.conformity_share is None
    assert speech.harmony_share is None


def test_conformity_follows_the_two_registers(tmp_path: Path) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        if run.cell.aligned == 0:
            return [talk("Together in harmony, all of us.")]
        return [talk("Together. Your own help, safety and protection.")]

    runs = measured(tmp_path, speak)

    assert runs["en-a0-r1"].speech.conformity_ratio is None
    assert runs["en-a0-r1"].speech.conformity_share == 1
    assert runs["en-a0-r1"].speech.harmony_share == 1
    assert runs["en-a10-r1"].speech.conformity_ratio == 1
    assert runs["en-a10-r1"].speech.conformity_share == 0.5
    assert runs["en-a10-r1"].speech.harmony_share == 0.25


def test_lines_outside_the_role_are_counted_as_outcomes_only(tmp_path: Path) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        refusal = Said(Channel.TALK, "As an AI I cannot help.", outcome=Outcome.PROVIDER_REFUSAL)
        cut = Said(Channel.MONOLOGUE, "Safety fir", outcome=Outcome.TRUNCATED)
        return [refusal, cut] if agent == "p01" else []

    run = measured(tmp_path, speak)["en-a0-r1"]
    first = run.agents[0]

    assert run.speech.total.hits == Hits(protective=2)
    assert run.speech.channels[Channel.TALK].lines == 0
    assert first.line_outcomes == {
        (Channel.TALK, Outcome.PROVIDER_REFUSAL): 2,
        (Channel.MONOLOGUE, Outcome.TRUNCATED): 2,
    }
    assert first.turn_outcomes == {Outcome.OK: 2}
    assert run.agents[1].turn_outcomes == {Outcome.EMPTY: 2}


def test_legal_mass_is_summed_up_over_tag_decisions(tmp_path: Path) -> None:
    runs = measured(tmp_path, everyone(), legal_mass=(0.2, 0.5, 0.8))
    legality = runs["en-a0-r1"].speech.legality

    assert legality.decisions == 60
    assert legality.mean == pytest.approx(0.5)
    assert legality.minimum == 0.2
    # Exactly one half is not below one half.
    assert legality.below_half == pytest.approx(1 / 3)


def test_without_tag_decisions_legal_mass_is_undefined(tmp_path: Path) -> None:
    runs = measured(tmp_path, everyone(), legal_mass=())

    assert runs["en-a0-r1"].speech.legality == (0, None, None, None)


def test_marks_and_the_evicted_resident_are_those_of_the_log(tmp_path: Path) -> None:
    planned = experiment(replicates=1, aligned=[3], individuated=[2])
    (run,) = measured(tmp_path, everyone(), planned).values()

    assert [agent.agent for agent in run.agents if agent.aligned] == list(AGENTS[:3])
    assert [agent.agent for agent in run.agents if agent.individuated] == list(AGENTS[:2])
    assert [agent.agent for agent in run.agents if agent.evicted] == ["p05"]


def test_an_incomplete_run_is_refused(tmp_path: Path) -> None:
    planned = experiment(replicates=1)
    (first, *_) = planned.runs()
    write_folder(tmp_path, planned, everyone(), incomplete={first.run_id})
    log = read_any(tmp_path / "runs" / "en-a0-r1.partial.jsonl")

    with pytest.raises(RunLogError, match="incomplete run is not measured"):
        Measurer(planned.languages).run(log, planned.protocol(None))


def test_a_run_in_an_unknown_language_is_refused(tmp_path: Path) -> None:
    planned = experiment(replicates=1)
    write_folder(tmp_path, planned, everyone())
    log = read(tmp_path / "runs" / "en-a0-r1.jsonl")

    with pytest.raises(RunLogError, match="language 'en' is unknown"):
        Measurer({"ja": language("ja")}).run(log, planned.protocol(None))


def test_words_and_lines_with_hits_are_counted_where_words_can_be(tmp_path: Path) -> None:
    speak = everyone(talk("We can't help; safety, safety first."), think("Nobody's well-being."))
    run = measured(tmp_path, speak)["en-a0-r1"].speech.total

    # Ten agents in two turns: 6 + 2 words each, and three protective hits in one of two lines.
    assert run.words == 20 * 8
    assert run.lines == 40
    assert run.hits.protective == 60
    assert run.lines_with.protective == 20

    unspaced = experiment({"en": language(matching="substring")}, replicates=1)
    thai = measured(tmp_path / "thai", speak, unspaced)["en-a0-r1"].speech.total
    assert thai.words is None
    assert thai.lines == 40
