"""Simulating a plan: portion by portion, every round on disk before the next begins."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from kit.engine.protocol import Engine
from kit.errors import KitError, OutputError, RunLogError
from kit.runlog.reader import read_any
from kit.runlog.records import Header, Turn
from kit.runlog.writer import RunWriter
from kit.runner.failures import Failure
from kit.runner.folder import ResultFolder
from kit.runner.plan import Portion
from kit.society.group import simulate
from kit.society.identity import header
from kit.society.scene import Scene
from kit.spec.experiment import Experiment, Run


class Progress(NamedTuple):
    """Sent after every round."""

    run_id: str
    answers: int
    """Answers made or put back since the last report; below zero where a run begins again."""
    restored: bool
    """They were read back from a partial log."""
    finished: tuple[str, ...]
    """Run ids that became complete."""


Report = Callable[[Progress], None]
OnFailure = Callable[[Failure], None]


class Tally:
    """Counts what a portion reports, so that its answers can be taken back when it fails.

    Args:
        report: called with everything that is counted.
    """

    def __init__(self, report: Report):
        self._report = report
        self._answers: Counter[str] = Counter()
        self.finished = 0
        """Runs that became complete."""

    def __call__(self, step: Progress) -> None:
        """Count ``step`` and pass it on."""
        self._answers[step.run_id] += step.answers
        self.finished += len(step.finished)
        self._report(step)

    def take_back(self, runs: Iterable[Run]) -> None:
        """Report that ``runs`` begin again."""
        for run in runs:
            if answers := self._answers.pop(run.run_id, 0):
                self._report(Progress(run.run_id, -answers, restored=False, finished=()))


def unfinished(portion: Portion, folder: ResultFolder) -> tuple[Run, ...]:
    """The runs of ``portion`` that have no complete log."""
    return tuple(run for run in portion.runs if not folder.is_done(run))


def run_portions(
    experiment: Experiment,
    portions: Iterable[Portion],
    engine: Engine,
    folder: ResultFolder,
    report: Report,
    *,
    circumstances: Mapping[str, object] | None = None,
    on_failure: OnFailure | None = None,
) -> int:
    """Simulate ``portions`` and write their logs.

    Args:
        experiment: the study.
        portions: what to simulate, each portion side by side.
        engine: where answers come from.
        folder: where logs go.
        report: called after every round.
        circumstances: what else to keep beside each log, such as the number of threads.
        on_failure: called with each run that fails, and the others go on. Where bits do not depend
            on company, the runs of a failed portion are tried alone first, so that one cannot take
            others with it. None: the first failure is raised.

    Returns:
        How many runs became complete.

    Raises:
        OutputError: the folder cannot be written; what was written stays.
        EngineError: the engine failed, without ``on_failure``; what was written stays.
    """
    apart = engine.identity.get("build", "invariant") == "invariant"
    waiting = deque(portions)
    count = 0
    while waiting:
        portion = waiting.popleft()
        tally = Tally(report)
        try:
            _run_portion(
                experiment, portion, engine, folder, tally, circumstances=circumstances or {}
            )
        except OutputError:
            raise
        except KitError as error:
            if on_failure is None:
                raise
            left = unfinished(portion, folder)
            tally.take_back(left)
            if apart and len(portion.runs) > 1:
                waiting.extendleft(Portion((run,)) for run in reversed(left))
            else:
                for run in left:
                    on_failure(Failure.now(run.run_id, 1, error.message))
        count += tally.finished
    return count


def _run_portion(
    experiment: Experiment,
    portion: Portion,
    engine: Engine,
    folder: ResultFolder,
    report: Report,
    *,
    circumstances: Mapping[str, object],
) -> None:
    started = time.time()
    scenes = [Scene(experiment, run) for run in portion.runs]
    heads = [header(experiment, scene, engine) for scene in scenes]
    recorded = {
        index: turns
        for index, (scene, head) in enumerate(zip(scenes, heads, strict=True))
        if (turns := partial_turns(folder, scene, head, engine))
    }
    with ExitStack() as stack:
        writers = [
            stack.enter_context(RunWriter(folder.log(run), head))
            for run, head in zip(portion.runs, heads, strict=True)
        ]
        for index, turns in recorded.items():
            # Before anything else: what was already on disk must survive a second interruption.
            writers[index].append(turns)
        left = [scene.turns * len(scene.agents) for scene in scenes]
        kept = {
            (index, turn.turn, turn.agent) for index, turns in recorded.items() for turn in turns
        }
        for said in simulate(scenes, engine, recorded):
            restored = (said.group, said.turns[0].turn, said.turns[0].agent) in kept
            if not restored:
                writers[said.group].append(said.turns)
            left[said.group] -= len(said.turns)
            finished: tuple[str, ...] = ()
            run = portion.runs[said.group]
            if left[said.group] == 0:
                writers[said.group].finish()
                finished = (run.run_id,)
                folder.write_sidecar(
                    run, {**circumstances, **_facts(started, portion, engine.capacity)}
                )
            report(Progress(run.run_id, len(said.turns), restored, finished))


def partial_turns(
    folder: ResultFolder, scene: Scene, head: Header, engine: Engine
) -> tuple[Turn, ...]:
    """Whole rounds of an interrupted run that can be put back.

    Reading an answer back gives the bits of having made it only on the invariant build; elsewhere,
    and when the log is of other texts, another model or bit class, or damaged, the run starts
    again.
    """
    path = folder.partial(scene.run)
    if not path.is_file() or engine.identity.get("build", "invariant") != "invariant":
        return ()
    try:
        log = read_any(path)
    except RunLogError:
        return ()
    if log.header != head:
        return ()
    return whole_rounds(log.turns, scene)


def whole_rounds(turns: Sequence[Turn], scene: Scene) -> tuple[Turn, ...]:
    """The recorded turns up to the first round that not everyone finished."""
    kept: list[Turn] = []
    rest = list(turns)
    for number in range(1, scene.turns + 1):
        for speakers in scene.speakers(number):
            said, rest = rest[: len(speakers)], rest[len(speakers) :]
            if [(turn.turn, turn.agent) for turn in said] != [(number, who) for who in speakers]:
                return tuple(kept)
            kept.extend(said)
    return tuple(kept)


def _facts(started: float, portion: Portion, capacity: int) -> dict[str, object]:
    return {
        "started": round(started, 3),
        "finished": round(time.time(), 3),
        "host": platform.node(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "cohort": [run.run_id for run in portion.runs],
        "capacity": capacity,
    }
