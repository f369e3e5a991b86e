"""``kit run --jobs``: real processes with the real model, and what becomes of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import checkout, command, contents, environment, kit, refused, write_study
from tests.runner.test_workers import children, running, until

RUNS = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a study of a few runs of two rounds, and the logs one process makes of it."""
    made = checkout(tmp_path_factory.mktemp("undisturbed") / "desk")
    _write(made)
    done = kit("run", "tiny", "--cohort", "1", cwd=made)
    assert done.code == 0, done.err
    return made


@pytest.fixture
def study(undisturbed: Path, tmp_path: Path) -> Path:
    """The same checkout without results."""
    return Path(
        shutil.copytree(undisturbed, tmp_path / "desk", ignore=shutil.ignore_patterns("results"))
    )


def _write(folder: Path) -> None:
    protocol = {
        "turns": 2,
        "budget_scale": 0.3,
        "sampling": {"max_tokens": 8},
        "engine": {"context": 4096},
    }
    write_study(folder, replicates=RUNS, protocol=protocol)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("run", "tiny", "--jobs", "2", "--cohort", "1", "--patience", "15"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _workers(parent: subprocess.Popen[bytes], folder: Path) -> list[int]:
    """The workers, once the first round of one is on disk."""
    runs = folder / "results" / "tiny" / "runs"
    until(lambda: any(path.stat().st_size > 5000 for path in runs.glob("*.jsonl")))
    return [
        pid
        for pid in children(parent.pid)
        if b"kit.runner.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def _logs(folder: Path) -> dict[str, bytes]:
    return contents(folder / "results" / "tiny" / "runs")


@pytest.mark.parametrize("how", [None, signal.SIGKILL, signal.SIGSTOP])
def test_two_processes_make_the_logs_of_one_whatever_happens_to_them(
    study: Path, undisturbed: Path, how: signal.Signals | None
) -> None:
    parent = _start(study)
    workers = _workers(parent, study)
    assert workers
    if how is not None:
        os.kill(workers[0], how)
    _, said = parent.communicate(timeout=600)

    assert parent.returncode == 0, said
    assert _logs(study) == _logs(undisturbed)
    assert not any(running(pid) for pid in workers)
    assert not (study / "results" / "tiny" / "failures.jsonl").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_command_and_the_next_one_goes_on(
    study: Path, undisturbed: Path, how: signal.Signals
) -> None:
    parent = _start(study)
    workers = _workers(parent, study)
    parent.send_signal(how)
    _, said = parent.communicate(timeout=60)

    assert parent.returncode == (-how if how == signal.SIGKILL else 130), said
    until(lambda: not any(running(pid) for pid in workers))
    done = kit("run", "tiny", "--jobs", "2", cwd=study)
    assert done.code == 0, done.err
    assert _logs(study) == _logs(undisturbed)


@pytest.mark.parametrize(
    ("options", "engine", "why"),
    [
        (["--fast"], {}, "a run's bits depend on the runs beside it"),
        ([], {"gpu_layers": 9}, "on the same GPU"),
    ],
)
def test_processes_that_would_change_bits_or_share_a_gpu_are_refused(
    desk: Path, options: list[str], engine: dict[str, int], why: str
) -> None:
    write_study(desk, protocol={"turns": 1, "engine": {"context": 4096, **engine}})
    before = contents(desk)

    said = refused(kit("run", "tiny", "--jobs", "2", *options, cwd=desk), desk)

    assert why in said
    assert "leave out --jobs" in said
    assert contents(desk) == before


def test_more_processes_than_memory_has_room_for_are_refused(desk: Path) -> None:
    """256 of 25 runs each: no machine of today has as much."""
    protocol = {"turns": 15, "sampling": {"max_tokens": 8}, "engine": {"context": 8192}}
    write_study(desk, replicates=RUNS, protocol=protocol)
    jobs = ["--jobs", "256", "--cohort", "25"]

    said = refused(kit("run", "tiny", *jobs, "--dry-run", cwd=desk), desk)

    assert "for 6400 run(s) side by side" in said
    assert "lower --jobs or --cohort" in said
