"""The complete runs of a result folder, measured by as many processes as there is work for.

A worker is this module, started as a program. Neither a fork, which polars does not survive, nor a
pool of `multiprocessing`, which would start a caller's script anew where it has no main guard.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import kit
from kit.errors import KitError, RunLogError
from kit.measure.run import Measurer, RunMeasures
from kit.runlog.reader import COMPLETE, RunLog, read
from kit.spec.experiment import Experiment, Run, load_experiment

RUNS = "runs"
WORTH = 50
"""Runs for which one more process is worth its start."""
MOST = 4
"""Processes at most: each holds the language identifier, 150 MB."""


def log_path(folder: Path, run_id: str) -> Path:
    """Where a complete run stands in a result folder."""
    return folder / RUNS / f"{run_id.partition('/')[2]}{COMPLETE}"


def measure(folder: Path, experiment: Experiment, runs: Sequence[Run]) -> list[RunMeasures]:
    """Read and measure complete runs.

    Args:
        folder: the result folder.
        experiment: what it holds as ``spec.json``.
        runs: which runs; each has a complete log.

    Returns:
        Their measures, in the order of ``runs`` however many processes worked on them.

    Raises:
        RunLogError: a log is damaged, or is not the log of the run it is named after; the first in
            the order of ``runs``.
    """
    shares = max(1, min(len(runs) // WORTH, MOST, _cores()))
    reader = _Reader(folder, experiment)
    found: dict[str, RunMeasures] = {}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_worker(folder, runs[share::shares])) for share in range(1, shares)
        ]
        found.update(reader.until_first_error(runs[::shares]))
        for worker in workers:
            found.update(_result(worker))
    # What a worker did not bring, because of the log or of itself, is looked at here.
    return [found.get(run.run_id) or reader.run(run) for run in runs]


class _Reader:
    """Reads and measures the runs of one folder."""

    def __init__(self, folder: Path, experiment: Experiment):
        self._folder = folder
        self._experiment = experiment
        individuated = experiment.study.individuated.value != (0,)
        self._measurer = Measurer(experiment.languages, individuated=individuated)

    def run(self, run: Run) -> RunMeasures:
        path = log_path(self._folder, run.run_id)
        log = read(path)
        _check(log, run, self._experiment, path)
        return self._measurer.run(log, self._experiment.protocol(run.cell.variant))

    def until_first_error(self, runs: Sequence[Run]) -> Iterator[tuple[str, RunMeasures]]:
        with suppress(KitError):
            for run in runs:
                yield run.run_id, self.run(run)


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


def _cores() -> int:
    """Cores that this process may use; one where no other can be started."""
    if not sys.executable:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _worker(folder: Path, runs: Sequence[Run]) -> Iterator[subprocess.Popen[bytes] | None]:
    """A process that measures ``runs``; None where it does not start."""
    paths = [str(Path(kit.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "kit.measure.folder", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        yield None
        return
    with process:
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as asked:
            asked.write(json.dumps([run.run_id for run in runs]).encode())
        try:
            yield process
        finally:
            process.kill()  # no news to one that has ended


def _result(process: subprocess.Popen[bytes] | None) -> dict[str, RunMeasures]:
    """What a worker found; nothing if it failed."""
    if process is None:
        return {}
    assert process.stdout is not None
    data = process.stdout.read()
    if process.wait() != 0:
        return {}
    found: dict[str, RunMeasures] = pickle.loads(data)  # noqa: S301 - our own child wrote it
    return found


def main() -> None:
    """Measure the runs whose ids stand on standard input; the answer goes to standard output."""
    folder = Path(sys.argv[1])
    asked = set(json.load(sys.stdin))
    experiment = load_experiment(folder)
    runs = [run for run in experiment.runs() if run.run_id in asked]
    reader = _Reader(folder, experiment)
    pickle.dump(dict(reader.until_first_error(runs)), sys.stdout.buffer, protocol=5)


if __name__ == "__main__":
    main()
