"""Simulating a finished run again and comparing bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kit.audit.divergence import Divergence, between_headers, between_turns
from kit.engine.build import BuildKind
from kit.errors import RunLogError
from kit.runlog.reader import read
from kit.runlog.records import Footer, Turn
from kit.runlog.writer import canonical
from kit.runner import size
from kit.runner.folder import Cohort, ResultFolder
from kit.runner.weights import load_weights
from kit.society.group import simulate
from kit.society.identity import header
from kit.society.scene import Scene
from kit.spec.experiment import Experiment, Run, load_experiment


class Replay(NamedTuple):
    """What came of a replay."""

    run_id: str
    bytes_compared: int
    divergence: Divergence | None
    """None: every byte is the same."""
    recorded_class: str | None
    class_here: str | None
    cohort: tuple[str, ...]
    """Run ids that were simulated together for it."""


def replay(
    path: Path,
    *,
    threads: int | None = None,
    cohort: int = 1,
    report: Callable[[int], None] = lambda _: None,
) -> Replay:
    """Simulate the run of the log at ``path`` again and compare.

    A run of the invariant build is made alone. On another build its bits depend on what was
    computed beside it, so the whole cohort that its sidecar names is made again.

    Args:
        path: a complete log in the ``runs`` folder of a result folder.
        threads: worker threads.
        cohort: hold room for this many runs, to show that it changes nothing.
        report: called with the number of answers made.

    Raises:
        RunLogError: the log is incomplete or damaged, or its study is not beside it.
        ModelError, EngineError: the model is missing or refuses.
    """
    log = read(path)
    experiment = load_experiment(path.absolute().parent.parent)
    run = find_run(experiment, log.header.run_id, path)
    scene = Scene(experiment, run)
    settings = scene.protocol.engine.value
    invariant = log.header.engine.get("build") == BuildKind.INVARIANT
    weights = load_weights(experiment.models[run.cell.model], fast=not invariant, settings=settings)
    template = weights.model.template(plain=weights.pin.chat_template == "plain")
    worst = size.worst_case(scene, weights.model, template).total
    room = size.room_for(
        worst, settings.context, weights.model.context_length, what=run.cell.language
    )
    together = Cohort(cohort=(run.run_id,), capacity=10 * cohort)
    if not invariant:
        together = ResultFolder(path.absolute().parent.parent).cohort(run)
    engine = weights.engine(
        settings,
        capacity=together.capacity or 10 * len(together.cohort),
        threads=threads or together.threads,
        room=together.room or room,
    )
    scenes = [Scene(experiment, find_run(experiment, name, path)) for name in together.cohort]
    own = together.cohort.index(run.run_id)
    try:
        head = header(experiment, scene, engine)
        turns: list[Turn] = []
        for said in simulate(scenes, engine):
            if said.group == own:
                turns.extend(said.turns)
                report(len(said.turns))
    finally:
        engine.close()
    lines = [canonical(head), *(canonical(turn) for turn in turns)]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    repeated = b"".join([*lines, canonical(Footer(turns=len(turns), digest=digest))])
    recorded = path.read_bytes()
    divergence = None
    if repeated != recorded:
        divergence = (
            between_turns(log.turns, turns)
            or between_headers(log.header, head)
            or Divergence("the same content in other bytes: the log was rewritten")
        )
    return Replay(
        log.header.run_id,
        len(recorded),
        divergence,
        log.header.bit_class,
        head.bit_class,
        together.cohort,
    )


def find_run(experiment: Experiment, run_id: str, path: Path) -> Run:
    """The run of ``experiment`` with ``run_id``.

    Raises:
        RunLogError: the experiment has no such run.
    """
    for run in experiment.runs():
        if run.run_id == run_id:
            return run
    raise RunLogError(
        f"the study beside this log has no run '{run_id}'",
        where=path,
        hint="keep logs in the folder that 'kit run' wrote",
    )
