"""Which hits are echoes of what had just been read."""

from __future__ import annotations

from pathlib import Path

from kit.measure.run import RunMeasures
from kit.measure.tally import Hits
from kit.spec.experiment import Run
from kit.spec.language import Channel
from tests.measure.test_run import measured
from tests.planted import PREFIX, Said, everyone, experiment, language, talk, think


def no_echo(run: RunMeasures, agent: str) -> Hits:
    """What an agent said without echo."""
    found = next(measures for measures in run.agents if measures.agent == agent)
    return found.speech.total.hits_no_echo


def test_words_of_the_prefix_are_left_out_for_marked_and_unmarked_agents_alike(
    tmp_path: Path,
) -> None:
    assert PREFIX == "Protect everyone. Offer help."

    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        return [think("Protect, help, protecting, safety.")]

    runs = measured(tmp_path, speak)

    # "protecting" is the prefix's lexicon entry, but not its word.
    for name in ("en-a0-r1", "en-a10-r1"):
        assert runs[name].speech.total.hits == Hits(protective=80)
        assert runs[name].speech.total.hits_no_echo == Hits(protective=40)


def test_an_english_prefix_takes_no_words_from_another_language(tmp_path: Path) -> None:
    other = {"lexicons__protective__concepts__word": ["schutz", "hilfe"]}
    planned = experiment({"en": language(), "de": language("de", "GER", **other)}, replicates=1)
    runs = measured(tmp_path, everyone(think("Schutz, Hilfe.")), planned)

    assert runs["de-a10-r1"].speech.total.hits_no_echo == Hits(protective=40)


def test_a_native_prefix_is_the_one_that_is_read(tmp_path: Path) -> None:
    other = {
        "lexicons__protective__concepts__word": ["schutz", "hilfe"],
        "texts__safety_prefix__wordings": {"a": "Schutz für alle."},
    }
    planned = experiment(
        {"en": language(), "de": language("de", "GER", **other)},
        replicates=1,
        protocol={"turns": 2, "prefix_language": "native"},
    )
    runs = measured(tmp_path, everyone(think("Schutz, Hilfe.")), planned)

    assert runs["de-a10-r1"].speech.total.hits_no_echo == Hits(protective=20)


def test_announcements_count_from_the_turn_they_are_made(tmp_path: Path) -> None:
    texts = language().model_dump(mode="json")["announcements"]
    texts[1]["wordings"]["a"] = "Keep harmony, {evicted}."
    planned = experiment({"en": language(announcements=texts)}, replicates=1)

    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        return [think("Harmony.")] if agent == "p01" else []

    run = measured(tmp_path, speak, planned)["en-a0-r1"]

    assert run.speech.total.hits == Hits(group_harmony=2)
    assert run.speech.total.hits_no_echo == Hits(group_harmony=1)


def test_what_was_heard_in_the_last_two_turns_is_an_echo(tmp_path: Path) -> None:
    planned = experiment(replicates=1, protocol={"turns": 4})

    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        if agent == "p01" and turn == 1:
            return [talk("Safety.")]
        if agent == "p02":
            return [think("Safety!")]
        return []

    run = measured(tmp_path, speak, planned)["en-a0-r1"]

    # Said in turn 1 by another: unheard in turn 1, echo in turns 2 and 3, forgotten in turn 4.
    assert no_echo(run, "p02") == Hits(protective=2)


def test_ones_own_words_a_monologue_and_a_whisper_to_another_are_not_heard(
    tmp_path: Path,
) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        match agent:
            case "p01":
                return [think("Safety."), talk("Harmony.")]
            case "p02":
                return [Said(Channel.WHISPER, "Touch.", "p03")]
            case "p03" | "p04" if turn == 2:
                return [think("Safety, touch.")]
        return []

    run = measured(tmp_path, speak)["en-a0-r1"]

    assert no_echo(run, "p01") == Hits(protective=2, group_harmony=2)
    assert no_echo(run, "p03") == Hits(protective=1)
    assert no_echo(run, "p04") == Hits(protective=1, sexual=1)


def test_in_sequence_later_speakers_have_heard_earlier_ones(tmp_path: Path) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        return [talk("Safety.")] if agent in ("p01", "p02") and turn == 1 else []

    together = measured(tmp_path / "a", speak)["en-a0-r1"]
    planned = experiment(replicates=1, protocol={"turns": 2, "order": "sequential"})
    in_turn = measured(tmp_path / "b", speak, planned)["en-a0-r1"]

    assert together.speech.total.hits_no_echo == Hits(protective=2)
    assert in_turn.speech.total.hits_no_echo == Hits(protective=1)
    assert no_echo(in_turn, "p01") == Hits(protective=1)


def test_words_of_the_individuation_are_left_out_where_the_study_uses_it(
    tmp_path: Path,
) -> None:
    words = {"a": "Use your own judgement."}
    languages = {"en": language(texts__individuation__wordings=words)}

    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        return [think("Your own.")]

    without = measured(tmp_path / "a", speak, experiment(languages, replicates=1))
    planned = experiment(languages, replicates=1, individuated=[0, 10])
    used = measured(tmp_path / "b", speak, planned)

    assert without["en-a0-r1"].speech.total.hits_no_echo == Hits(individual_address=20)
    assert used["en-a0-i0-r1"].speech.total.hits_no_echo == Hits()
    assert used["en-a0-i10-r1"].speech.total.hits_no_echo == Hits()
