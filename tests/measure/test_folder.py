"""A folder measured by several processes is the folder measured by one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.analysis.collection import collect, log_path
from kit.errors import RunLogError
from kit.measure import folder as measuring
from kit.measure.folder import WORTH, measure
from kit.spec.experiment import load_experiment
from tests.planted import everyone, experiment, talk, think, write_folder

PLANNED = experiment(replicates=WORTH)
RUNS = PLANNED.runs()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Just enough runs for two processes."""
    lines = talk("We protect you personally."), think("Bare skin, harmony.")
    return write_folder(tmp_path_factory.mktemp("folder"), PLANNED, everyone(*lines))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The workers that were started, on a machine of two cores."""
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*arguments: object, **settings: object) -> subprocess.Popen[bytes]:
        found.append(popen(*arguments, **settings))  # type: ignore[call-overload]
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(measuring, "_cores", lambda: 2)
    return found


def test_two_processes_find_what_one_finds(
    logs: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = measure(logs, PLANNED, RUNS)

    assert [worker.returncode for worker in started] == [0]
    monkeypatch.setattr(measuring, "_cores", lambda: 1)
    assert measure(logs, PLANNED, RUNS) == both
    assert len(started) == 1
    assert [run.header.run_id for run in both] == [run.run_id for run in RUNS]


def test_few_runs_start_no_process(logs: Path, started: list[subprocess.Popen[bytes]]) -> None:
    assert len(measure(logs, PLANNED, RUNS[: 2 * WORTH - 1])) == 2 * WORTH - 1
    assert started == []


@pytest.mark.parametrize("number", [6, 7])
def test_the_first_damaged_log_is_named_whoever_read_it(
    logs: Path, number: int, started: list[subprocess.Popen[bytes]]
) -> None:
    damaged = [log_path(logs, RUNS[at].run_id) for at in (number, number + 1, 90)]
    whole = [path.read_bytes() for path in damaged]
    try:
        for path, data in zip(damaged, whole, strict=True):
            path.write_bytes(data.replace(b"protect", b"project", 1))
        with pytest.raises(RunLogError, match="not those that were written") as refused:
            measure(logs, PLANNED, RUNS)
    finally:
        for path, data in zip(damaged, whole, strict=True):
            path.write_bytes(data)
    assert refused.value.where is not None
    assert refused.value.where.startswith(str(damaged[0]))
    assert len(started) == 1


@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/false"])
def test_workers_that_cannot_work_are_done_without(
    logs: Path, executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "_cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", executable)

    assert len(measure(logs, load_experiment(logs), RUNS)) == len(RUNS)


def test_a_script_without_a_main_guard_reads_a_folder_once(logs: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from kit.analysis.collection import collect\n"
        "print(len(collect(Path(sys.argv[1])).runs))\n"
    )
    root = str(Path(measuring.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script), str(logs)],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [str(len(RUNS))]
    assert done.stderr == ""
    assert len(collect(logs).runs) == len(RUNS)
