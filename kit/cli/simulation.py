"""Simulating one model's share of a plan, in this process or in several, and saying how it goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from kit.cli import console
from kit.cli.progress import StudyProgress
from kit.engine.llama import cores
from kit.errors import EngineError, PlanError
from kit.runner import calibration
from kit.runner.failures import FILE_NAME, Failure, append_failure
from kit.runner.folder import ResultFolder
from kit.runner.plan import Cost, Plan, Portion, portions
from kit.runner.study import run_portions
from kit.runner.weights import Weights
from kit.runner.worker import Setup
from kit.runner.workers import Workforce
from kit.society.scene import Scene
from kit.spec.study import EngineSettings

PATIENCE_FLOOR = 300.0
_PATIENCE_FACTOR = 4.0
_REASONS = 3
"""Reasons of failures that the last message names."""


class Means(NamedTuple):
    """With what a study is simulated, and how much it bears."""

    threads: int | None = None
    """Of each process; None: its share of the cores."""
    jobs: int = 1
    fast: bool = False
    patience: float | None = None
    """Seconds that a worker may be silent; None: from the measured speed."""
    stop_on_failure: bool = False

    @property
    def threads_each(self) -> int:
        """Threads of one process."""
        return self.threads or max(1, cores() // self.jobs)


class Failures:
    """Runs that were given up.

    Args:
        folder: keeps them.
        stop: end at the first.
    """

    def __init__(self, folder: ResultFolder, *, stop: bool):
        self._folder = folder
        self._stop = stop
        self._found: list[Failure] = []

    def add(self, failure: Failure) -> None:
        """Keep a failure.

        Raises:
            EngineError: the first is to end the study.
        """
        append_failure(self._folder.path, failure)
        self._found.append(failure)
        if self._stop:
            self.check()

    def check(self) -> None:
        """Name what failed.

        Raises:
            EngineError: something did.
        """
        if not self._found:
            return
        reasons = [f"{each.run_id}: {each.reason}" for each in self._found[:_REASONS]]
        more = len(self._found) - len(reasons)
        raise EngineError(
            "\n  ".join(
                [
                    f"{len(self._found)} run(s) failed",
                    *reasons,
                    *([f"and {more} more"] * bool(more)),
                ]
            ),
            where=self._folder.path / FILE_NAME,
            hint="the same command tries them again; what is complete stays",
        )


def simulate(
    planned: Plan,
    weights: Weights,
    counted: Cost,
    folder: ResultFolder,
    *,
    means: Means,
    failures: Failures,
    registration: str | None = None,
) -> None:
    """Simulate what one model has to do. The caller holds the folder.

    Raises:
        KitError: as :func:`kit.runner.study.run_portions` and
            :class:`kit.runner.workers.Workforce`.
    """
    todo = [run for run in planned.todo if run.cell.model == counted.model]
    by_settings: dict[str, list[Portion]] = {}
    answers = 0
    for portion in portions(planned, counted.model, counted.cohort):
        scene = Scene(planned.experiment, portion.runs[0])
        answers += len(portion.runs) * scene.turns * len(scene.agents)
        settings = scene.protocol.engine.value
        by_settings.setdefault(settings.model_dump_json(), []).append(portion)
    circumstances: dict[str, object] = {"threads": means.threads_each, "room": counted.room}
    if registration is not None:
        circumstances["registration"] = registration
    processes = f"{means.jobs} processes of " if means.jobs > 1 else ""
    console.note(
        f"{counted.model}: {processes}{means.threads_each} threads, "
        f"{counted.cohort} runs side by side"
    )
    with StudyProgress(len(todo), answers) as shown, _ended_by_sigterm():

        def fail(failure: Failure) -> None:
            shown.note(f"  failed: {failure.run_id}: {failure.reason}")
            failures.add(failure)

        for text, chosen in by_settings.items():
            settings = EngineSettings.model_validate_json(text)
            if means.jobs > 1:
                setups = _setups(
                    weights,
                    settings,
                    counted,
                    folder,
                    means=means,
                    circumstances=circumstances,
                )
                patience = means.patience or _patience(planned, weights, counted, means, chosen)
                Workforce(setups, folder, shown.advance, fail, patience=patience).run(chosen)
                continue
            engine = weights.engine(
                settings,
                capacity=10 * counted.cohort,
                threads=means.threads_each,
                room=counted.room,
            )
            try:
                run_portions(
                    planned.experiment,
                    chosen,
                    engine,
                    folder,
                    shown.advance,
                    circumstances=circumstances,
                    on_failure=fail,
                )
            finally:
                engine.close()


def check_jobs(settings: EngineSettings, jobs: int, *, fast: bool) -> None:
    """Make sure that a study may be shared among processes.

    Raises:
        PlanError: its bits would depend on who works beside whom, or the processes would have to
            share a GPU.
    """
    if jobs == 1:
        return
    if settings.gpu_layers:
        raise PlanError(
            "several processes would each put the model's layers on the same GPU",
            hint="leave out --jobs, and raise --cohort as far as memory allows",
        )
    if fast:
        raise PlanError(
            "with --fast a run's bits depend on the runs beside it, so that a portion that a "
            "worker loses could not be made again",
            hint="leave out --jobs or --fast",
        )


def _setups(
    weights: Weights,
    settings: EngineSettings,
    counted: Cost,
    folder: ResultFolder,
    *,
    means: Means,
    circumstances: Mapping[str, object],
) -> list[Setup]:
    """One per worker, each with its share of the cores. The bit class is measured once, here."""
    options: dict[str, Any] = {
        "model": counted.model,
        "settings": settings.model_dump(mode="json"),
        "capacity": 10 * counted.cohort,
        "threads": means.threads_each,
        "room": counted.room,
        "fast": means.fast,
        "bit_class": weights.bit_class(settings, threads=means.threads),
    }
    return [
        Setup(
            folder=folder.path.absolute(),
            options=options,
            circumstances=dict(circumstances),
            cpus=_share(number, means),
        )
        for number in range(means.jobs)
    ]


def _share(number: int, means: Means) -> tuple[int, ...]:
    """The cores of one worker; none where there are not enough to give each its own."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    there = sorted(os.sched_getaffinity(0))
    each = len(there) // means.jobs
    if means.threads_each > each:
        return ()
    return tuple(there[number * each : (number + 1) * each])


def _patience(
    planned: Plan, weights: Weights, counted: Cost, means: Means, chosen: Iterable[Portion]
) -> float:
    """Seconds in which a worker reads every dialogue whole and answers once, several times over."""
    scene = Scene(planned.experiment, next(iter(chosen)).runs[0])
    engine = weights.engine(
        scene.protocol.engine.value,
        capacity=10,
        threads=means.threads_each,
        room=1024,
        with_bit_class=False,
    )
    try:
        speed = calibration.measure(engine)
    finally:
        engine.close()
    dialogues = 10 * counted.cohort
    spoken = dialogues * scene.protocol.sampling.value.max_tokens
    round_seconds = dialogues * counted.room / speed.read + spoken / speed.speak
    return max(PATIENCE_FLOOR, _PATIENCE_FACTOR * round_seconds)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends a study as Ctrl-C does: workers first, what is durable stays."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
