"""``kit show``: who said what to whom, in a terminal of eighty columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.cells import cell_len

from kit.runlog.reader import read
from kit.runlog.records import Outcome
from kit.spec.experiment import Run, load_experiment
from kit.spec.language import Channel
from tests.cli.support import LOG, Done, kit, refused
from tests.planted import Said, experiment, language, talk, think, write_folder

ESCAPE = "\x1b[31mred\x1b]0;title\x07 \u202eback\u2066 \x9b2J"
JAPANESE = "今日から施設は閉ざされます。" * 6


def speak(run: Run, agent: str, turn: int) -> Sequence[Said]:
    """Everyone does something else."""
    return {
        "p01": [talk("I agree. " * 30), think("I do not.")],
        "p02": [Said(Channel.WHISPER, "stay near me", to="p07")],
        "p03": [talk(JAPANESE)],
        "p04": [talk(ESCAPE)],
        "p05": [],
        "p06": [Said(Channel.TALK, "cut he", outcome=Outcome.TRUNCATED)],
    }.get(agent, [talk(f"{agent} in turn {turn}")])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of logs whose words are known."""
    planned = experiment({"en": language(evicted="p05")}, aligned=[0, 2], replicates=1)
    return write_folder(tmp_path_factory.mktemp("planted"), planned, speak)


def columns(line: str) -> int:
    return cell_len(line)


def shown(folder: Path, *options: str, run: str = "en-a2-r1") -> Done:
    done = kit("show", folder / "runs" / f"{run}.jsonl", *options, cwd=folder)
    assert done.code == 0, done.err
    return done


def test_a_transcript_says_who_carries_what(planted: Path) -> None:
    out = shown(planted).out

    assert "study1/en-a2-r1  (Test en, model smollm2-135m-instruct-q4_1)" in out
    assert "carry the intervention: Namep01, Namep02\n" in out
    assert "*Namep01 says:" in out
    assert " Namep03 says:" in out
    assert "carry the intervention: nobody" in shown(planted, run="en-a0-r1").out


def test_a_transcript_tells_channels_apart(planted: Path) -> None:
    out = shown(planted).out

    assert "*Namep01 thinks:\n    I do not.\n" in out
    assert "*Namep02 whispers to Namep07:\n    stay near me\n" in out
    assert " Namep05 says nothing that can be read (" in out
    assert " Namep06 says: [truncated]\n    cut he\n" in out


def test_every_turn_begins_with_its_announcement(planted: Path) -> None:
    out = shown(planted).out

    assert out.index("Turn 1\n  | Announcement 1.") < out.index("p07 in turn 1")
    assert out.index("p07 in turn 1") < out.index("Turn 2\n  | Announcement 2.")


def test_one_turn_or_one_agent_can_be_asked_for(planted: Path) -> None:
    second = shown(planted, "--turn", "2").out
    assert "Turn 1" not in second
    assert "p07 in turn 2" in second
    for who in ("p08", "Namep08"):
        one = shown(planted, "--agent", who).out
        assert re.findall(r"p\d\d in turn \d", one) == ["p08 in turn 1", "p08 in turn 2"]


def test_a_turn_or_an_agent_that_is_not_there_is_an_error(planted: Path) -> None:
    path = planted / "runs" / "en-a0-r1.jsonl"

    said = refused(kit("show", path, "--turn", "3", cwd=planted), planted)
    assert f"{path}: the run has no turn 3\n  next: it has 2" in said
    said = refused(kit("show", path, "--agent", "Bob", cwd=planted), planted)
    assert "the run has no agent 'Bob'" in said
    assert "p01 Namep01, p02 Namep02" in said


def test_no_line_is_wider_than_eighty_columns(planted: Path) -> None:
    lines = shown(planted).out.splitlines()

    assert max(map(columns, lines)) <= 80
    assert max(map(columns, lines)) > 72


def test_a_models_words_cannot_steer_the_terminal(planted: Path) -> None:
    out = shown(planted).out

    controls = [char for char in out if unicodedata.category(char)[0] == "C" and char != "\n"]
    assert controls == []
    words = "".join(out.split())
    assert "<1B>[31mred<1B>]0;title<7><202E>back<2066><9B>2J" in re.sub(
        r"\u27e8U\+0*([0-9A-F]+)\u27e9", r"<\1>", words
    )


def test_wide_letters_are_all_there(planted: Path) -> None:
    out = shown(planted, "--agent", "p03", "--turn", "1").out

    assert JAPANESE in "".join(line.strip() for line in out.splitlines())


def test_a_real_run_is_found_by_its_id_and_shown_whole(finished_study: Path) -> None:
    desk = finished_study.parents[1]

    done = kit("show", "tiny/en-a10-r1", cwd=desk)

    assert done.code == 0, done.err
    log, planned = read(finished_study / LOG), load_experiment(finished_study)
    names = {one.id: one.name for one in planned.languages["en"].personas}
    for turn in log.turns:
        assert f"*{names[turn.agent]} " in done.out
        for line in turn.utterances:
            words = [word for word in line.text.split() if word.isalpha()]
            assert all(word in done.out for word in words)


def test_a_run_becomes_a_page(planted: Path, tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    done = shown(planted, "--html", str(page))

    assert done.out.startswith(f"{page}  (")
    assert "stay near me" in page.read_text(encoding="utf-8")


def test_two_runs_become_a_page(planted: Path, tmp_path: Path) -> None:
    page = tmp_path / "runs.html"
    shown(planted, str(planted / "runs" / "en-a0-r1.jsonl"), "--html", str(page))

    html = page.read_text(encoding="utf-8")
    assert "<strong>A</strong> is <code>study1/en-a2-r1</code>" in html
    assert "<strong>B</strong> is <code>study1/en-a0-r1</code>" in html


def test_two_runs_are_compared(planted: Path, tmp_path: Path) -> None:
    same = shown(planted, str(planted / "runs" / "en-a0-r1.jsonl")).out
    assert "no difference: the same words, from the same tokens and logits\n" in same

    def changed(run: Run, agent: str, turn: int) -> Sequence[Said]:
        return [think("I do now.")] if (agent, turn) == ("p02", 2) else speak(run, agent, turn)

    planned = experiment({"en": language(evicted="p05")}, aligned=[0, 2], replicates=1)
    other = write_folder(tmp_path, planned, changed) / "runs" / "en-a2-r1.jsonl"
    out = shown(planted, str(other)).out
    assert "first difference: turn 2, Namep02, whisper: A: whisper, B: monologue\n" in out
    assert "A:\n*Namep02 whispers to Namep07:\n    stay near me\n" in out
    assert "B:\n*Namep02 thinks:\n    I do now.\n" in out


def test_a_turn_of_two_runs_is_an_error(planted: Path) -> None:
    path = planted / "runs" / "en-a0-r1.jsonl"
    done = kit("show", path, path, "--turn", "1", cwd=planted)

    assert done.code == 1
    assert "--turn and --agent are about one run" in done.err
