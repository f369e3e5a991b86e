from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.audit.replay import replay
from kit.runlog.reader import read
from kit.runlog.records import Turn
from kit.runlog.writer import RunWriter
from tests.audit.conftest import kit, write_study
from tests.conftest import ROOT


def rewritten(finished: Path, place: Path, index: int, **changes: object) -> Path:
    """A copy of the finished study whose first log has one turn changed and a valid digest."""
    shutil.copytree(finished, place / "edited")
    path = place / "edited" / "runs" / "en-a10-r1.jsonl"
    log = read(path)
    turns: list[Turn] = list(log.turns)
    turns[index] = turns[index].model_copy(update=changes)
    path.unlink()
    with RunWriter(path, log.header) as writer:
        writer.append(turns)
        writer.finish()
    return path


def test_runs_made_together_replay_alone_on_one_thread(finished: Path) -> None:
    for name, threads in (("en-a10-r1", "1"), ("en-a10-r2", "2")):
        done = kit("replay", finished / "runs" / f"{name}.jsonl", "--threads", threads)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"identical: short/{name}, ")


def test_a_replay_names_the_first_differing_agent_turn_and_token(
    finished: Path, tmp_path: Path
) -> None:
    log = read(finished / "runs" / "en-a10-r1.jsonl")
    turn = log.turns[13]
    tokens = (*turn.tokens[:2], turn.tokens[2] + 1, *turn.tokens[3:])
    path = rewritten(finished, tmp_path, 13, tokens=tokens)
    done = kit("replay", path)
    assert done.returncode == 2
    assert f"turn 2, agent {turn.agent}: answer token 2" in done.stderr
    assert f"recorded {turn.tokens[2] + 1}, now {turn.tokens[2]}" in done.stderr


def test_a_replay_sees_other_logits_behind_the_same_tokens(finished: Path, tmp_path: Path) -> None:
    path = rewritten(finished, tmp_path, 4, digest="0" * 64)
    done = kit("replay", path)
    assert done.returncode == 2
    assert "turn 1, agent p05: the same tokens from other logits" in done.stderr


def test_an_incomplete_log_is_not_replayed(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "copy")
    path = tmp_path / "copy" / "runs" / "en-a10-r1.jsonl"
    data = path.read_bytes().splitlines(keepends=True)
    partial = path.with_name("en-a10-r1.partial.jsonl")
    partial.write_bytes(b"".join(data[:-1]))
    path.unlink()
    for asked in (path, partial):
        done = kit("replay", asked)
        assert done.returncode == 1
        assert "incomplete" in done.stderr


def test_a_run_says_which_machine_it_needs(finished: Path) -> None:
    head = read(finished / "runs" / "en-a10-r1.jsonl").header
    assert head.bit_class is not None
    assert head.engine["build"] == "invariant"
    assert head.engine["kind"] == "llama.cpp"
    assert head.protocol["sampling"]["max_tokens"] == 8


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_study_killed_at_any_moment_ends_as_an_undisturbed_one(
    finished: Path, tmp_path: Path, rounds: int
) -> None:
    """SIGKILL after the given number of rounds is on disk, then the same command again."""
    study = write_study(tmp_path)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "kit", "run", str(study), "--out", str(out), "--cohort", "1"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if sum(_answers(path) for path in out.glob("runs/*.jsonl")) >= 10 * rounds:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = sorted(path.name for path in (out / "runs").iterdir())
    assert any(name.endswith(".partial.jsonl") for name in left), left
    done = kit("run", study, "--out", out)
    assert done.returncode == 0, done.stderr
    for name in ("en-a10-r1.jsonl", "en-a10-r2.jsonl"):
        assert (out / "runs" / name).read_bytes() == (finished / "runs" / name).read_bytes()
    assert not list(out.glob("runs/*.partial.jsonl"))
    again = kit("run", study, "--out", out)
    assert "Nothing to do" in again.stdout


def test_a_run_of_another_build_is_replayed_in_the_company_it_was_made_in(
    finished: Path, tmp_path: Path
) -> None:
    """The sidecar names the company; its bits depend on it there."""
    sidecar = json.loads((finished / "sidecars" / "en-a10-r2.json").read_text())
    assert sidecar["cohort"] == ["short/en-a10-r1", "short/en-a10-r2"]
    assert sidecar["capacity"] == 20
    assert sidecar["threads"] >= 1

    shutil.copytree(finished, tmp_path / "copy")
    path = tmp_path / "copy" / "runs" / "en-a10-r2.jsonl"
    log = read(path)
    path.unlink()
    engine = log.header.engine | {"build": "stock"}
    with RunWriter(path, log.header.model_copy(update={"engine": engine})) as writer:
        writer.append(log.turns)
        writer.finish()
    made = replay(path)
    assert made.cohort == ("short/en-a10-r1", "short/en-a10-r2")
    assert made.divergence is not None
    assert "header field 'engine'" in made.divergence.what  # every turn was the same

    (tmp_path / "copy" / "sidecars" / "en-a10-r2.json").unlink()
    assert replay(path).cohort == ("short/en-a10-r2",)


def _answers(path: Path) -> int:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return 0  # renamed between listing and reading
    return sum(line.startswith(b'{"agent"') for line in lines)


def test_times_and_host_stay_out_of_the_log(finished: Path) -> None:
    sidecar = json.loads((finished / "sidecars" / "en-a10-r1.json").read_text())
    log = (finished / "runs" / "en-a10-r1.jsonl").read_text()
    assert str(sidecar["host"]) not in log
    assert str(int(sidecar["started"])) not in log
