"""Workers that are lost in every way: the logs are the undisturbed ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.engine.protocol import Request
from kit.engine.scripted import ScriptedEngine
from kit.errors import EngineError, OutputError
from kit.runner.failures import Failure
from kit.runner.folder import ResultFolder
from kit.runner.plan import Portion, plan
from kit.runner.study import Progress
from kit.runner.worker import Setup
from kit.runner.workers import MOST_TRIES, Workforce
from kit.spec.experiment import Experiment
from tests.conftest import ROOT
from tests.runner.support import contents, result_folder, simulate, talker, talks
from tests.society.support import experiment

EN = experiment(languages=["en"])
VICTIM = "demo/en-a0-r2"
POISON = "demo/en-a10-r1"
MOST_SILENT = 20.0


def mishap(made: Experiment, options: dict[str, Any]) -> ScriptedEngine:
    """An engine to which something happens in one run: the factory that the workers import."""
    said = talks(made)
    happens = MISHAPS[options["mishap"]]
    mark = Path(options["mark"])

    def speak(request: Request) -> str:
        _, _, run_id, agent, turn = request.key
        if run_id == options["run"] and (agent, turn) == ("p03", 2):
            again = mark.exists()
            mark.touch()
            if not again or options["always"]:
                happens()
        return said(request)

    if options["mishap"] == "start":
        os._exit(7)
    return ScriptedEngine(speak, capacity=20)


def _refuses() -> None:
    raise EngineError("the script refuses")


def _stumbles() -> None:
    raise ZeroDivisionError("a bug")


MISHAPS: dict[str, Callable[[], object]] = {
    "none": lambda: None,
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "ends": lambda: os._exit(3),
    "stops": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "bug": _stumbles,
    "refuses": _refuses,
    "start": lambda: None,
}


class Worked:
    """What became of a study."""

    def __init__(self, folder: ResultFolder):
        self.folder = folder
        self.steps: list[Progress] = []
        self.failures: list[Failure] = []


def setup(path: Path, kind: str, *, run: str = VICTIM, always: bool = False) -> Setup:
    """A worker to which ``kind`` happens in ``run``, once or whenever it comes there."""
    folder = result_folder(path)
    folder.freeze(EN)
    options = {"mishap": kind, "run": run, "mark": str(path / "mark"), "always": always}
    return Setup(folder=folder.path, factory=f"{__name__}:mishap", options=options)


def work(
    made: Setup, *, jobs: int = 2, cohort: int = 2, patience: float = 3 * MOST_SILENT
) -> Worked:
    """Simulate everything that is missing."""
    worked = Worked(ResultFolder(made.folder))
    workforce = Workforce(
        [made] * jobs, worked.folder, worked.steps.append, worked.failures.append, patience=patience
    )
    todo = plan(EN, worked.folder, kind="scripted").todo
    workforce.run(Portion(todo[start : start + cohort]) for start in range(0, len(todo), cohort))
    return worked


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find this module."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The logs that one process makes."""
    folder = result_folder(tmp_path_factory.mktemp("undisturbed"))
    simulate(EN, folder, talker(EN))
    return contents(folder)


@pytest.mark.parametrize(("jobs", "cohort"), [(1, 2), (2, 1), (3, 2)])
def test_logs_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, undisturbed: dict[str, bytes], jobs: int, cohort: int
) -> None:
    worked = work(setup(tmp_path, "none"), jobs=jobs, cohort=cohort)
    assert contents(worked.folder) == undisturbed
    assert sum(step.answers for step in worked.steps) == 4 * 20
    assert sorted(run_id for step in worked.steps for run_id in step.finished) == sorted(
        run.run_id for run in EN.runs()
    )


@pytest.mark.parametrize("kind", ["killed", "ends", "stops", "bug"])
def test_a_worker_that_is_lost_once_costs_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes], kind: str
) -> None:
    patience = MOST_SILENT if kind == "stops" else 3 * MOST_SILENT
    worked = work(setup(tmp_path, kind), patience=patience)
    assert (tmp_path / "mark").exists()
    assert worked.failures == []
    assert contents(worked.folder) == undisturbed
    assert sum(step.answers for step in worked.steps) == 4 * 20


@pytest.mark.parametrize(
    ("kind", "tries", "reason"),
    [
        ("killed", MOST_TRIES, "the worker was ended by SIGKILL"),
        ("bug", MOST_TRIES, "the worker ended with 1: ZeroDivisionError: a bug"),
        ("refuses", 1, "the script refuses"),
    ],
)
def test_a_run_that_always_fails_is_given_up_alone(
    tmp_path: Path, undisturbed: dict[str, bytes], kind: str, tries: int, reason: str
) -> None:
    worked = work(setup(tmp_path, kind, run=POISON, always=True), jobs=1)
    [failure] = worked.failures
    assert failure.run_id == POISON
    assert failure.attempt == tries
    assert failure.reason.startswith(reason)
    logs = contents(worked.folder)
    assert "en-a10-r1.partial.jsonl" in logs
    complete = {name: data for name, data in logs.items() if ".partial" not in name}
    assert complete == {n: data for n, data in undisturbed.items() if n != "en-a10-r1.jsonl"}
    again = work(setup(tmp_path, "none"))
    assert contents(again.folder) == undisturbed


def test_workers_that_never_begin_end_the_study(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no worker lives long enough to begin: .* ended with 7"):
        work(setup(tmp_path, "start"))


def test_a_folder_that_cannot_be_written_ends_the_study(tmp_path: Path) -> None:
    made = setup(tmp_path, "none")
    runs = ResultFolder(made.folder).runs
    runs.mkdir()
    (runs / "en-a0-r1.partial.jsonl").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="the disk is full"):
        work(made)


PARENT = """
import sys
from tests.runner.test_workers import setup, work
from pathlib import Path
work(setup(Path(sys.argv[1]), "stops"), jobs=2, cohort=1, patience=3600)
"""


def test_no_worker_outlives_a_parent_that_is_killed(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """One worker is stopped, so that it cannot notice anything by itself."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT)
    until((tmp_path / "mark").exists)
    workers = children(parent.pid)
    assert workers
    parent.kill()
    parent.wait()
    until(lambda: not any(running(pid) for pid in workers))
    worked = work(setup(tmp_path, "none"))
    assert contents(worked.folder) == undisturbed


def children(pid: int) -> list[int]:
    """Processes that ``pid`` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def running(pid: int) -> bool:
    """Whether a process is there, and not only waits to be counted as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(holds: Callable[[], bool]) -> None:
    """Wait for something, generously."""
    deadline = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
