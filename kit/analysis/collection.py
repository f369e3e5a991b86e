"""The runs of a result folder: what was planned, what is there, what is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kit.errors import OutputError
from kit.measure.folder import RUNS, log_path, measure
from kit.measure.run import RunMeasures
from kit.runlog.reader import COMPLETE, PARTIAL
from kit.spec.experiment import Experiment, Run, load_experiment

__all__ = ["RUNS", "Collection", "RunState", "collect", "log_path"]


class RunState(StrEnum):
    """What became of a planned run."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Begun and not finished: counted, never measured."""
    MISSING = "missing"
    """Not begun."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A result folder, read."""

    experiment: Experiment
    runs: tuple[RunMeasures, ...]
    """Complete runs in the order of the plan."""
    states: Mapping[str, RunState]
    """By run id, in the order of the plan."""
    unplanned: tuple[str, ...]
    """Names of logs that the plan does not hold; they are left out."""

    def count(self, state: RunState) -> int:
        """How many planned runs are in ``state``."""
        return sum(found is state for found in self.states.values())


def collect(folder: Path) -> Collection:
    """Read a result folder and measure its complete runs.

    Raises:
        OutputError: not a result folder, or of another release.
        RunLogError: a complete log is damaged, or is not the log of the run it is named after.
    """
    experiment = load_experiment(folder)
    plan = experiment.runs()
    states = {run.run_id: _state(log_path(folder, run.run_id)) for run in plan}
    complete = [run for run in plan if states[run.run_id] is RunState.COMPLETE]
    measured = measure(folder, experiment, complete)
    return Collection(experiment, tuple(measured), states, _unplanned(folder, plan))


def _state(path: Path) -> RunState:
    if path.exists():
        return RunState.COMPLETE
    return RunState.INCOMPLETE if _partial(path).exists() else RunState.MISSING


def _partial(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(COMPLETE) + PARTIAL)


def _unplanned(folder: Path, plan: tuple[Run, ...]) -> tuple[str, ...]:
    planned = {log_path(folder, run.run_id).name for run in plan}
    try:
        present = [path.name for path in (folder / RUNS).iterdir()]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}", where=folder / RUNS) from error
    complete = {
        name.removesuffix(PARTIAL) + COMPLETE if name.endswith(PARTIAL) else name
        for name in present
        if name.endswith(COMPLETE)
    }
    return tuple(sorted(complete - planned))
