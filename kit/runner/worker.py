"""A worker process: it loads a model, takes portions one at a time and writes their logs.

It reads lines of JSON from standard input, first its :class:`Setup` and then portions as lists of
run ids, and answers with lines of :class:`Message`. When its input ends, it ends at once, whatever
it is doing: what is on disk by then is a run that the next try takes up.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import BaseModel

from kit import errors
from kit.engine.protocol import Engine
from kit.errors import EngineError, KitError
from kit.runner.folder import ResultFolder
from kit.runner.plan import Portion
from kit.runner.study import Progress, run_portions
from kit.runner.weights import load_weights
from kit.spec.experiment import Experiment, load_experiment
from kit.spec.study import EngineSettings

_PR_SET_PDEATHSIG = 1


class Setup(BaseModel, frozen=True):
    """What a worker needs to know before its first portion."""

    folder: Path
    """The result folder, whose study is frozen."""
    factory: str = f"{__name__}:llama_engine"
    """``module:function`` that makes the engine from the experiment and the options."""
    options: dict[str, Any] = {}
    circumstances: dict[str, Any] = {}
    """Kept beside each log."""
    cpus: tuple[int, ...] = ()
    """Cores it stays on; empty: any."""


class Complaint(BaseModel, frozen=True):
    """A :class:`KitError` on its way to another process."""

    kind: str
    message: str
    where: str | None
    hint: str | None

    @classmethod
    def of(cls, error: KitError) -> Complaint:
        """What ``error`` says."""
        return cls(
            kind=type(error).__name__, message=error.message, where=error.where, hint=error.hint
        )

    def error(self) -> KitError:
        """The error again; of a kind this process does not know, an :class:`EngineError`."""
        kind = getattr(errors, self.kind, EngineError)
        made: KitError = kind(self.message, where=self.where, hint=self.hint)
        return made


class Message(BaseModel, frozen=True):
    """What a worker says."""

    kind: Literal["ready", "progress", "done", "error"]
    progress: Progress | None = None
    complaint: Complaint | None = None


def llama_engine(experiment: Experiment, options: dict[str, Any]) -> Engine:
    """A context for a pinned model.

    Args:
        experiment: holds the pin.
        options: ``model``, ``settings``, ``capacity``, ``threads``, ``room``, ``fast``, and the
            ``bit_class`` that the parent measured.

    Raises:
        ModelError, EngineError: as :func:`kit.runner.weights.load_weights`.
    """
    settings = EngineSettings.model_validate(options["settings"])
    weights = load_weights(
        experiment.models[options["model"]], fast=options["fast"], settings=settings
    )
    engine = weights.engine(
        settings,
        capacity=options["capacity"],
        threads=options["threads"],
        room=options["room"],
        with_bit_class=False,
    )
    engine.bit_class = options["bit_class"]
    return engine


def main() -> None:
    """Work until standard input ends."""
    output = _private_output()
    orders = _orders()
    setup = Setup.model_validate_json(next(orders))
    _stay_with_parent()
    if setup.cpus:
        with suppress(AttributeError, OSError):  # elsewhere the system places threads itself
            os.sched_setaffinity(0, setup.cpus)

    def say(message: Message) -> None:
        output.write(message.model_dump_json().encode() + b"\n")
        output.flush()

    try:
        experiment = load_experiment(setup.folder)
        engine = _factory(setup.factory)(experiment, setup.options)
    except KitError as error:
        say(Message(kind="error", complaint=Complaint.of(error)))
        return
    say(Message(kind="ready"))
    runs = {run.run_id: run for run in experiment.runs()}
    for order in orders:
        portion = Portion(tuple(runs[run_id] for run_id in json.loads(order)))
        try:
            run_portions(
                experiment,
                [portion],
                engine,
                ResultFolder(setup.folder),
                lambda step: say(Message(kind="progress", progress=step)),
                circumstances=setup.circumstances,
            )
        except KitError as error:
            say(Message(kind="error", complaint=Complaint.of(error)))
        else:
            say(Message(kind="done"))


def _factory(name: str) -> Callable[[Experiment, dict[str, Any]], Engine]:
    module, _, function = name.partition(":")
    made: Callable[[Experiment, dict[str, Any]], Engine] = getattr(
        importlib.import_module(module), function
    )
    return made


def _private_output() -> IO[bytes]:
    """Standard output for messages alone: what a library prints goes to standard error."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


def _orders() -> Iterator[bytes]:
    """Lines of standard input, read by a thread that ends the process when there are no more."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # Without a buffer: Python aborts if it ends while a thread waits in a buffered reader.
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)

    def listen() -> None:
        for line in source:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield lines.get()


def _stay_with_parent() -> None:
    """On Linux the kernel ends this process with its parent, also while it is stopped."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
