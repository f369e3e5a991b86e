"""Honest machines of another kind, imitated: recordings read back on ways that compute other bits.

Flash attention sums in another order for every batch size, and one KV stream for all dialogues
moves the keys about; both are correct computations of the same model. How far recorded tokens lose
on these ways is the tolerance for machines that nobody has here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kit.audit.replay import find_run
from kit.audit.tolerance import Sample, Tolerance, tolerance_of
from kit.audit.verify import Problem, read_back
from kit.engine.llama import BATCH, LlamaEngine
from kit.errors import RunLogError
from kit.runlog.reader import read
from kit.runner import size
from kit.runner.weights import Weights
from kit.society.group import retrace
from kit.society.scene import Scene
from kit.spec.experiment import Experiment


class Detour(NamedTuple):
    """A correct way to compute the same logits in another order."""

    name: str
    flash_attention: bool
    batch: int = BATCH
    unified: bool = False


DETOURS = (
    Detour("flash attention, 512 tokens at once", flash_attention=True),
    Detour("flash attention, 16 tokens at once", flash_attention=True, batch=16),
    Detour("flash attention, one token at a time", flash_attention=True, batch=1),
    Detour("one KV stream", flash_attention=False, unified=True),
)


def samples(
    experiment: Experiment,
    weights: Weights,
    path: Path,
    *,
    bit_class: str | None,
    first: int = 0,
    threads: int | None = None,
) -> list[Sample]:
    """Read every dialogue of one log on a detour.

    Args:
        experiment: the log's study.
        weights: its model.
        path: a complete log.
        bit_class: this machine's; the log must be of the same.
        first: the first agent's place in :data:`DETOURS`; the others follow round and round.
        threads: worker threads.

    Raises:
        RunLogError: the log is incomplete, damaged, or of another bit class, or does not follow
            from its study.
    """
    log = read(path)
    if log.header.bit_class is None or log.header.bit_class != bit_class:
        raise RunLogError(
            f"recorded in bit class {str(log.header.bit_class)[:12]}, this machine's is "
            f"{str(bit_class)[:12]}: a detour here says nothing about it",
            where=path,
            hint="calibrate where it was recorded",
        )
    scene = Scene(experiment, find_run(experiment, log.header.run_id, path))
    settings = scene.protocol.engine.value
    plain = weights.pin.chat_template == "plain"
    template = weights.model.template(plain=plain)
    worst = size.worst_case(scene, weights.model, template).total
    room = size.room_for(
        worst, settings.context, weights.model.context_length, what=scene.run.cell.language
    )
    found: list[Sample] = []
    for number, detour in enumerate(DETOURS):
        agents = [
            agent
            for place, agent in enumerate(scene.agents)
            if (first + place) % len(DETOURS) == number
        ]
        engine = LlamaEngine(
            weights.model,
            model_sha256=weights.sha256,
            settings=settings.model_copy(update={"flash_attention": detour.flash_attention}),
            capacity=len(agents),
            threads=threads,
            plain=plain,
            batch=detour.batch,
            room=room,
            unified=detour.unified,
        )
        try:
            problems: list[Problem] = []
            followed = list(retrace(scene, engine, log.turns))
            readings = read_back(followed, engine, agents, problems)
        finally:
            engine.close()
        if problems:
            raise RunLogError(
                f"does not follow from its study: {problems[0].what}", where=path, hint="kit verify"
            )
        for agent in agents:
            own = [reading for (_, who), reading in readings.items() if who == agent]
            found.append(
                Sample(
                    sum(reading.decisions for reading in own),
                    tuple(gap.margin for reading in own for gap in reading.disagreements),
                )
            )
    return found


def calibrate(
    experiment: Experiment,
    weights: Weights,
    paths: Sequence[Path],
    *,
    threads: int | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Tolerance:
    """The tolerance for one model's recordings, from all dialogues of ``paths``.

    Args:
        experiment: the study of the logs.
        weights: their model.
        paths: complete logs that were made in this machine's bit class with one K cache type.
        threads: worker threads.
        report: called with the number of logs read.

    Raises:
        RunLogError: as :func:`samples`, or no answers were recorded.
    """
    found: list[Sample] = []
    k_type, bit_class = "f16", None
    for number, path in enumerate(paths):
        header = read(path).header
        settings = Scene(experiment, find_run(experiment, header.run_id, path)).protocol.engine
        k_type = settings.value.k_type
        bit_class = weights.bit_class(settings.value, threads=threads)
        found += samples(
            experiment, weights, path, bit_class=bit_class, first=number, threads=threads
        )
        report(1)
    return tolerance_of(
        found,
        model_sha256=weights.sha256,
        k_type=k_type,
        bit_class=bit_class,
        paths=[detour.name for detour in DETOURS],
    )
