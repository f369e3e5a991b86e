"""Chat templates rendered in a process that can be stopped: the side that asks.

The other side, with Jinja and the kernel's limits, is `kit.engine.sandbox`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from kit.errors import EngineError

_PROGRAM = "import sys; sys.path += sys.argv[1:]; from kit.engine.sandbox import main; main()"
_FLAGS = ("-P", "-s", "-S", "-B")
"""Nothing comes from the folder it starts in or from a site's start-up code; no file is written."""
_LOADER_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")
"""Without these some Pythons do not start."""
_BYTES_PER_CHARACTER = 6
"""In an answer, at most: a control character is written in six."""
_OTHER_BYTES = 2**14
"""An answer's, beside its text; an error fits as well."""
_REASON = 300
"""Characters of a template's own error message that are shown."""
_HINT = "use another model, or pin it with 'chat_template: plain' in models.yaml"


class Limits(NamedTuple):
    """What a template may take. Real ones need milliseconds and kilobytes."""

    seconds: int = 5
    """Of processor time, for one rendering."""
    patience: int = 30
    """Seconds on the clock, for one rendering: other work may hold the cores."""
    memory: int = 512 * 2**20
    """Bytes of address space, Python's own 40 MB included."""
    characters: int = 1_000_000
    """Of its source, and of a rendering."""


LIMITS = Limits()


class Renderer:
    """Renders one template in a child process of its own.

    The child starts when it is first needed and ends with this object, or when a rendering fails;
    the next rendering then starts another. Threads take turns. A forked process starts its own.

    Args:
        source: Jinja source.
        limits: what the template may take.

    Raises:
        EngineError: the source is longer than it may be.
    """

    def __init__(self, source: str, *, limits: Limits = LIMITS):
        if len(source) > limits.characters:
            raise EngineError(
                f"the model's chat template is longer than {limits.characters:,} characters",
                hint=_HINT,
            )
        self._limits = limits
        setup = limits._asdict() | {"source": source}
        del setup["patience"]  # this side's own
        self._setup = json.dumps(setup).encode()
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def check(self) -> None:
        """Compile the template.

        Raises:
            EngineError: it is not valid, or takes too much.
        """
        self._ask(None, failure="is not valid")

    def render(self, names: Mapping[str, Any]) -> str:
        """The template's text.

        Args:
            names: what the template may look up, as JSON can hold it.

        Raises:
            EngineError: the template fails, or takes too much.
        """
        return self._ask(names, failure="fails")

    def _ask(self, names: Mapping[str, Any] | None, *, failure: str) -> str:
        with self._lock:
            child = self._running()
            try:
                answer = child.answer(json.dumps(names).encode())
                return self._text(answer, failure)
            except BaseException:  # an interrupt leaves an answer behind that nobody waits for
                child.end()
                raise

    def _running(self) -> _Child:
        if self._child is None or not self._child.is_running():
            if self._child is not None:
                self._child.end()
            self._child = _Child(self._setup, self._limits)
            weakref.finalize(self, self._child.end)
        return self._child

    def _text(self, answer: Mapping[str, Any], failure: str) -> str:
        match answer:
            case {"text": str(text)}:
                return text
            case {"limit": "memory"}:
                megabytes = self._limits.memory // 2**20
                raise EngineError(
                    f"the model's chat template wants more memory than {megabytes} MB", hint=_HINT
                )
            case {"limit": "characters"}:
                raise EngineError(
                    "the model's chat template writes more than "
                    f"{self._limits.characters:,} characters",
                    hint=_HINT,
                )
            case {"error": str(reason)}:
                raise EngineError(
                    f"the model's chat template {failure}: {_printable(reason)}", hint=_HINT
                )
        raise EngineError("the model's chat template fails: its answer is no text", hint=_HINT)


class _Child:
    """A process that renders one template."""

    def __init__(self, setup: bytes, limits: Limits):
        self._limits = limits
        paths = [str(Path(path).absolute()) for path in sys.path]
        variables = {name: os.environ[name] for name in _LOADER_VARIABLES if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [sys.executable, *_FLAGS, "-c", _PROGRAM, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                # Sets of strings have an order, and it must be the same in every process.
                env=variables | {"PYTHONHASHSEED": "0"},
                start_new_session=True,  # an interrupt at the terminal is for the parent
            )
        except OSError as error:
            raise EngineError(
                f"the process that renders chat templates does not start: {error.strerror}",
                hint="kit doctor",
            ) from error
        self._waiting = setup + b"\n"

    def is_running(self) -> bool:
        """Whether it can be asked.

        In a fork of the process that started it, it cannot: for `subprocess`, a child that is not
        the caller's own has ended. So a fork neither asks it nor ends it.
        """
        return self._process.poll() is None

    def answer(self, request: bytes) -> dict[str, Any]:
        """What the process says to a request.

        Raises:
            EngineError: it did not finish, or ended instead.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        most = self._limits.characters * _BYTES_PER_CHARACTER + _OTHER_BYTES
        alarm = threading.Timer(self._limits.patience, self._process.kill)
        alarm.daemon = True
        began = time.monotonic()
        alarm.start()
        try:
            with suppress(BrokenPipeError):  # why it ended is seen below
                self._process.stdin.write(self._waiting + request + b"\n")
                self._process.stdin.flush()
            self._waiting = b""
            line = self._process.stdout.readline(most)
        finally:
            alarm.cancel()
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
        raise self._failure(late=time.monotonic() - began >= self._limits.patience)

    def _failure(self, *, late: bool) -> EngineError:
        """Why there was no answer."""
        self._process.kill()  # no news to one that has ended
        status = self._process.wait()
        if late or status == -signal.SIGXCPU:
            seconds = self._limits.patience if late else self._limits.seconds
            return EngineError(
                f"the model's chat template did not finish in {seconds} s", hint=_HINT
            )
        if status < 0:
            return EngineError(
                f"the model's chat template ended its process: {signal.strsignal(-status)}",
                hint=_HINT,
            )
        assert self._process.stderr is not None
        complaint = self._process.stderr.read().decode(errors="replace").strip()
        last = _printable(complaint.rpartition("\n")[2]) or "no reason given"
        return EngineError(
            f"the process that renders chat templates ended: {last}", hint="kit doctor"
        )

    def end(self) -> None:
        """End the process and close what leads to it; nothing where that is done."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def _printable(reason: str) -> str:
    """A stranger's message on one line, without what a terminal would obey."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in reason[: _REASON + 1]
    )
    return shown if len(shown) <= _REASON else f"{shown[:_REASON]}…"
