"""The runs of a result folder: what was planned, what is there, what is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kit.errors import OutputError, RunLogError
from kit.measure.run import Measurer, RunMeasures
from kit.runlog.reader import COMPLETE, PARTIAL, RunLog, read
from kit.spec.experiment import Experiment, Run, load_experiment

RUNS = "runs"


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


def log_path(folder: Path, run_id: str) -> Path:
    """Where a complete run stands in a result folder."""
    return folder / RUNS / f"{run_id.partition('/')[2]}{COMPLETE}"


def collect(folder: Path) -> Collection:
    """Read a result folder and measure its complete runs.

    Raises:
        OutputError: not a result folder, or of another release.
        RunLogError: a complete log is damaged, or is not the log of the run it is named after.
    """
    experiment = load_experiment(folder)
    plan = experiment.runs()
    individuated = experiment.study.individuated.value != (0,)
    measurer = Measurer(experiment.languages, individuated=individuated)
    states: dict[str, RunState] = {}
    measured: list[RunMeasures] = []
    for run in plan:
        path = log_path(folder, run.run_id)
        if path.exists():
            log = read(path)
            _check(log, run, experiment, path)
            measured.append(measurer.run(log, experiment.protocol(run.cell.variant)))
            states[run.run_id] = RunState.COMPLETE
        elif _partial(path).exists():
            states[run.run_id] = RunState.INCOMPLETE
        else:
            states[run.run_id] = RunState.MISSING
    return Collection(experiment, tuple(measured), states, _unplanned(folder, plan))


def _partial(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(COMPLETE) + PARTIAL)


def _check(log: RunLog, run: Run, experiment: Experiment, path: Path) -> None:
    header = log.header
    found = (
        header.run_id,
        (header.model, header.language, header.variant, header.individuated, header.aligned),
        header.replicate,
        header.profile,
    )
    if found != (run.run_id, tuple(run.cell), run.replicate, experiment.profile):
        raise RunLogError(
            f"holds the run '{header.run_id}' (profile {header.profile}) instead of its own",
            where=path,
            hint="remove the file and run the study again",
        )


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
