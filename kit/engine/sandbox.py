"""The process that renders a chat template: a program out of a file that anyone may have made.

Jinja's sandbox keeps a template from Python's insides, but not from going on for ever or filling
the memory. So it runs apart from the kit, under limits that the kernel keeps, and says what it
writes in lines of JSON. `kit.engine.rendering` starts the process and asks.

Equal requests get equal answers, in every process: there is no clock and no random number, and no
address of an object gets out. The order of a set is the parent's care, through ``PYTHONHASHSEED``.
"""

from __future__ import annotations

import encodings.unicode_escape
import html
import json
import math
import pprint
import re
import resource
import sys
import textwrap
import time
import unicodedata
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn

import jinja2.debug
import jinja2.ext
import jinja2.sandbox

_LATE = (encodings.unicode_escape, html, jinja2.debug, pprint, textwrap, unicodedata)
"""What Python and Jinja import when it is first used, and then could not open any more."""
_FROZEN_NOW = {"%d %b %Y": "01 Jan 2026", "%Y-%m-%d": "2026-01-01", "%B %d, %Y": "January 01, 2026"}
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_REASON = 1000
"""Characters of an error's message that are passed on."""


class Sandbox:
    """A template under limits, which hold for the whole process.

    Args:
        source: Jinja source.
        seconds: of processor time, for each request.
        memory: bytes of address space.
        characters: of a rendering.
    """

    def __init__(self, source: str, *, seconds: int, memory: int, characters: int):
        self._source = source
        self._seconds = seconds
        self._characters = characters
        self._environment = _environment()
        _limit(memory)

    def answer(self, request: bytes) -> bytes:
        """What a request gives, as JSON: a ``text``, the ``limit`` it met, or an ``error``.

        Args:
            request: the names that the template may look up, as JSON; null to compile it only.
        """
        _limit_time(self._seconds)
        try:
            names: dict[str, Any] | None = json.loads(request)
            template = self._template
            text = "" if names is None else self._rendered(template, names)
            return json.dumps({"text": text}, ensure_ascii=False).encode()
        except MemoryError:
            return b'{"limit": "memory"}'
        except _TooLong:
            return b'{"limit": "characters"}'
        except RecursionError:
            return b'{"error": "it is nested too deeply"}'
        except Exception as error:  # noqa: BLE001 - a template can fail in any way
            reason = str(error) or type(error).__name__
            return json.dumps({"error": reason[:_REASON]}).encode()

    @cached_property
    def _template(self) -> jinja2.Template:
        return self._environment.from_string(self._source)

    def _rendered(self, template: jinja2.Template, names: dict[str, Any]) -> str:
        parts: list[str] = []
        room = self._characters
        for part in template.generate(names):
            room -= len(part)
            if room < 0:
                raise _TooLong
            parts.append(part)
        text = "".join(parts)
        if _ADDRESS.search(text):
            raise jinja2.TemplateError("it writes an object's address, which is never the same")
        return text


class _TooLong(Exception):
    """A template writes more than it may."""


def _environment() -> jinja2.Environment:
    """What templates are written for, without what gives another text each time."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.LoopControlExtension]
    )
    del environment.filters["random"], environment.globals["lipsum"]
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _frozen_now
    return environment


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _frozen_now(form: str) -> str:
    """A template's question for the date gets the same answer for ever."""
    return _FROZEN_NOW.get(form, "2026-01-01")


def _limit(memory: int) -> None:
    """``memory`` bytes of address space at most, and no file, process or core dump from here on."""
    for kind, amount in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS does not limit address space
            resource.setrlimit(kind, (amount, amount))


def _limit_time(seconds: int) -> None:
    """``seconds`` of processor time from here on; then the kernel sends SIGXCPU."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))


def main() -> None:
    """Answer every line of standard input after the first, which brings template and limits."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sandbox = Sandbox(**json.loads(requests.readline()))
    for request in requests:
        answers.write(sandbox.answer(request) + b"\n")
        answers.flush()
