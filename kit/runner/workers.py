"""Worker processes that share a plan: one at a time each takes a portion, and may be lost.

The parent hands out portions and collects what the workers say; it computes nothing. A worker that
is killed, ends or is silent for too long costs its portion one try, and what is on disk of it is
taken up by the next. A worker never outlives its parent.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from kit.errors import EngineError, KitError, OutputError
from kit.runner.failures import Failure
from kit.runner.folder import ResultFolder
from kit.runner.plan import Portion
from kit.runner.study import OnFailure, Report, Tally, unfinished
from kit.runner.worker import Message, Setup
from kit.spec.experiment import Run

MOST_TRIES = 3
"""Times that a run is given to a worker."""
START_SECONDS = 900.0
"""A worker that loads its model may be silent for this long."""
_TICK = 1.0
_GOODBYE = 5.0
_LAST_WORDS = 4000

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())


class _Task(NamedTuple):
    portion: Portion
    attempt: int


class _Worker:
    """One process and the portion it has."""

    def __init__(self, number: int, setup: Setup):
        self.number = number
        self.ready = False
        self.task: _Task | None = None
        self.tally: Tally | None = None
        self.heard = time.monotonic()
        self._noise = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kit.runner.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            start_new_session=True,  # the terminal's Ctrl-C is the parent's alone
        )
        self._send(setup.model_dump_json().encode())
        log.info("worker started", extra={"worker": number, "worker_pid": self._process.pid})

    @property
    def output(self) -> IO[bytes]:
        """Where its messages come from."""
        assert self._process.stdout is not None  # it was asked for
        return self._process.stdout

    def give(self, task: _Task, report: Report) -> None:
        """Hand it a portion."""
        self.task, self.tally = task, Tally(report)
        self.heard = time.monotonic()
        self._send(json.dumps([run.run_id for run in task.portion.runs]).encode())

    def messages(self) -> list[Message] | None:
        """What it has said since the last call; None if it ended."""
        data = os.read(self.output.fileno(), 1 << 16)
        if not data:
            return None
        self.heard = time.monotonic()
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [Message.model_validate_json(line) for line in lines]

    def end(self, *, gone: bool = False) -> str:
        """Make sure that it and all it started have ended, and say how it did.

        Args:
            gone: it has closed its output, so that it is about to end by itself.
        """
        if gone:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GOODBYE)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # a pipe that nobody reads any more
                    stream.close()
        words = self._last_words()
        self._noise.close()
        log.info("worker ended", extra={"worker": self.number, "code": code})
        if code == -signal.SIGKILL:
            return "the worker was ended by SIGKILL, as the system does when memory runs out"
        if code < 0:
            return f"the worker was ended by {signal.Signals(-code).name}: {words}"
        return f"the worker ended with {code}: {words}"

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None  # it was asked for
        with suppress(BrokenPipeError):  # its end is seen where its messages are read
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def _last_words(self) -> str:
        size = self._noise.seek(0, os.SEEK_END)
        self._noise.seek(max(0, size - _LAST_WORDS))
        lines = self._noise.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "no last words")


class Workforce:
    """Simulates portions with one worker per setup.

    Args:
        setups: what each worker is told; their bits must not depend on company, because a portion
            that was lost is tried again run by run.
        folder: where the workers write; the caller holds it.
        report: called after every round of any worker.
        on_failure: called with each run that is given up. What it raises ends everything.
        patience: seconds that a worker may be silent while it simulates.
        start_seconds: the same while it loads its model.
    """

    def __init__(
        self,
        setups: Sequence[Setup],
        folder: ResultFolder,
        report: Report,
        on_failure: OnFailure,
        *,
        patience: float,
        start_seconds: float = START_SECONDS,
    ):
        self._setups = setups
        self._folder = folder
        self._report = report
        self._on_failure = on_failure
        self._patience = patience
        self._start_seconds = max(start_seconds, patience)
        self._waiting: deque[_Task] = deque()
        self._workers: dict[int, _Worker] = {}
        self._selector = selectors.DefaultSelector()
        self._starts_lost = 0

    def run(self, portions: Iterable[Portion]) -> None:
        """Simulate ``portions``; returns when every run is complete or given up.

        Raises:
            OutputError: a worker cannot write the folder.
            KitError: a worker cannot load the model, or none lives long enough to begin.
        """
        self._waiting.extend(_Task(portion, 1) for portion in portions)
        try:
            while self._waiting or self._workers:
                self._hire()
                self._listen()
                self._watch()
        finally:
            for worker in list(self._workers.values()):
                self._dismiss(worker)
            self._selector.close()

    def _hire(self) -> None:
        for number, setup in enumerate(self._setups):
            if self._waiting and number not in self._workers:
                worker = _Worker(number, setup)
                self._workers[number] = worker
                self._selector.register(worker.output, selectors.EVENT_READ, number)
                worker.give(self._waiting.popleft(), self._report)

    def _listen(self) -> None:
        for key, _ in self._selector.select(timeout=min(_TICK, self._patience / 4)):
            worker = self._workers[key.data]
            messages = worker.messages()
            if messages is None:
                self._lost(worker, self._dismiss(worker, gone=True))
                continue
            for message in messages:
                self._hear(worker, message)

    def _hear(self, worker: _Worker, message: Message) -> None:
        if message.kind == "ready":
            worker.ready, self._starts_lost = True, 0
        elif message.kind == "progress":
            assert worker.tally is not None  # a worker speaks of the portion it has
            assert message.progress is not None  # what the kind says
            worker.tally(message.progress)
        elif message.kind == "error":
            assert message.complaint is not None  # what the kind says
            self._refused(worker, message.complaint.error())
        else:
            self._next(worker)

    def _next(self, worker: _Worker) -> None:
        if self._waiting:
            worker.give(self._waiting.popleft(), self._report)
        else:
            self._dismiss(worker)

    def _refused(self, worker: _Worker, error: KitError) -> None:
        """An error of the run itself would come again, so that it is not tried again."""
        if isinstance(error, OutputError) or not worker.ready:
            raise error
        assert worker.task is not None  # a worker speaks of the portion it has
        portion, attempt = worker.task
        left = self._taken_back(worker, portion)
        if len(portion.runs) > 1:
            self._waiting.extendleft(_Task(Portion((run,)), attempt) for run in reversed(left))
        else:
            for run in left:
                self._on_failure(Failure.now(run.run_id, attempt, error.message))
        self._next(worker)

    def _watch(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers.values()):
            allowed = self._patience if worker.ready else self._start_seconds
            if now - worker.heard > allowed:
                self._dismiss(worker)
                self._lost(worker, f"the worker made no progress for {allowed:,.0f} s")

    def _lost(self, worker: _Worker, reason: str) -> None:
        """What a worker had goes back; after its last try it is given up."""
        log.warning("worker lost", extra={"worker": worker.number, "reason": reason})
        assert worker.task is not None  # a worker without a portion was dismissed
        portion, attempt = worker.task
        left = self._taken_back(worker, portion)
        if not worker.ready:
            self._starts_lost += 1
            if self._starts_lost >= MOST_TRIES:
                raise EngineError(
                    f"no worker lives long enough to begin: {reason}",
                    hint="lower --jobs or --cohort",
                )
            self._waiting.appendleft(worker.task)
            return
        if attempt < MOST_TRIES:
            self._waiting.extendleft(_Task(Portion((run,)), attempt + 1) for run in reversed(left))
            return
        for run in left:
            self._on_failure(Failure.now(run.run_id, attempt, reason))

    def _taken_back(self, worker: _Worker, portion: Portion) -> tuple[Run, ...]:
        left = unfinished(portion, self._folder)
        assert worker.tally is not None  # it came with the portion
        worker.tally.take_back(left)
        return left

    def _dismiss(self, worker: _Worker, *, gone: bool = False) -> str:
        self._selector.unregister(worker.output)
        del self._workers[worker.number]
        return worker.end(gone=gone)
