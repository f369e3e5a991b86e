"""``kit run``: the plan, what it leaves alone, where results go, and how it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.support import LOG, TINY, contents, kit, write_study
from tests.conftest import GEMMA, SMOLLM

SMOKE = {"smoke": {"sampling": {"max_tokens": 4}}}


def test_a_finished_study_is_left_alone(desk: Path, finished_study: Path) -> None:
    shutil.copytree(finished_study, desk / "results" / "tiny")
    before = contents(desk)

    done = kit("run", "tiny", cwd=desk)

    assert done.code == 0
    assert done.err == ""
    assert "1 cells, 1 runs: 1 complete, 0 to do (0 answers)" in done.out
    assert done.out.endswith("Nothing to do: every run is complete.\n")
    assert contents(desk) == before


def test_a_dry_run_says_what_it_costs_and_writes_nothing(desk: Path) -> None:
    before = contents(desk)

    done = kit("run", "tiny", "--dry-run", cwd=desk)

    assert done.code == 0, done.err
    lines = [line.strip() for line in done.out.splitlines()]
    assert lines[0] == "tiny: Tiny"
    assert "1 cells, 1 runs: 0 complete, 1 to do (10 answers)" in lines
    [longest] = [line for line in lines if line.startswith("longest dialogue in en: ")]
    [room] = [line for line in lines if line.startswith("context for each of ten agents: ")]
    worst, allocated = (int(line.split(": ")[1].split()[0]) for line in (longest, room))
    assert 0 < worst <= allocated <= TINY["protocol"]["engine"]["context"]
    assert allocated - worst < 256
    for what in ("memory: ", "disk: ", "speed here: reads ", "time: about "):
        assert any(line.startswith(what) for line in lines), what
    assert contents(desk) == before


def test_a_small_model_is_called_one(desk: Path) -> None:
    said = kit("run", "study1", "--only", "en-a0-r1", "--model", SMOLLM, "--dry-run", cwd=desk).out

    assert f"{SMOLLM} is too small to tell anything about people or policies" in said


@pytest.mark.parametrize(
    ("options", "cells", "todo"),
    [
        ([], 8, 16),
        (["--only", "*-a10-*"], 4, 8),
        (["--only", "tiny/*-vslots-*-r2"], 4, 4),
        (["--only", "en-a0-vfree-m*-r[12]"], 2, 4),
    ],
)
def test_a_plan_counts_what_is_asked_for(
    desk: Path, options: list[str], cells: int, todo: int
) -> None:
    """No model is in the store: the plan is printed before one is needed."""
    write_study(
        desk,
        aligned=[0, 10],
        models=[SMOLLM, GEMMA],
        variants={"free": {}, "slots": {"channel_choice": "slots"}},
        replicates=2,
    )

    done = kit("run", "tiny", *options, "--dry-run", cwd=desk, KIT_HOME=str(desk / "empty"))

    assert done.code == 1
    expected = f"{cells} cells, {todo} runs: 0 complete, {todo} to do ({10 * todo} answers)"
    assert expected in done.out


def test_results_of_a_profile_lie_beside_those_without(desk: Path, finished_study: Path) -> None:
    shutil.copytree(finished_study, desk / "results" / "tiny")
    write_study(desk, profiles=SMOKE)

    done = kit("run", "tiny", "--profile", "smoke", "--dry-run", cwd=desk)

    assert "tiny: Tiny, profile smoke" in done.out
    assert f"results in {Path('results', 'tiny-smoke')}" in done.out
    assert "1 to do" in done.out
    plain = kit("run", "tiny", cwd=desk)
    assert "Nothing to do" in plain.out


def test_a_folder_grows_with_its_study(desk: Path, finished_study: Path) -> None:
    """A second replicate is made; the first is kept, byte for byte."""
    shutil.copytree(finished_study, desk / "results" / "tiny")
    write_study(desk, replicates=2)

    done = kit("run", "tiny", cwd=desk)

    assert done.code == 0, done.err
    assert "2 runs: 1 complete, 1 to do (10 answers)" in done.out
    assert done.err.endswith("  1 of 1 runs\n")
    assert "Complete: 2 runs in" in done.out
    logs = contents(desk / "results" / "tiny" / "runs")
    assert list(logs) == ["en-a10-r1.jsonl", "en-a10-r2.jsonl"]
    assert logs[LOG.name] == (finished_study / LOG).read_bytes()
    assert logs["en-a10-r2.jsonl"] != logs[LOG.name]
    again = kit("run", "tiny", cwd=desk)
    assert "2 complete, 0 to do" in again.out


def test_what_an_interrupted_start_left_is_taken_up(desk: Path, finished_study: Path) -> None:
    """A header and half a record: what is on disk when the first round is cut off."""
    log = desk / "results" / "tiny" / LOG
    whole = (finished_study / LOG).read_bytes()
    log.parent.mkdir(parents=True)
    log.with_name("en-a10-r1.partial.jsonl").write_bytes(whole[: len(whole) // 3])

    assert kit("run", "tiny", cwd=desk).code == 0
    assert contents(log.parent) == {log.name: whole}


def test_a_study_given_as_a_file_uses_the_languages_beside_it(desk: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = write_study(desk, languages=["en", "ja"])
    (path.parent / "languages" / "ja.yaml").unlink()

    done = kit("run", path, "--dry-run", cwd=elsewhere)

    assert "no file yet for: ja" in done.out, done.err
