"""Errors a user can meet, and the exit code each ends with.

::

    KitError                       1  expected: bad input, missing file, full disk
    ├── SpecError                  1  a YAML file asks for something that cannot be
    ├── PlanError                  1  a valid study that cannot run as asked
    ├── ModelError                 1  a pin, a source or a stored file
    │   └── ModelCorrupt           2  bytes that are not the pinned bytes
    ├── EngineError                1  the inference library, a model file, a grammar
    │   ├── BuildError             1  the library is missing, or built with other flags
    │   ├── ContextFull            1  a prompt does not fit the context
    │   └── GrammarError           1  an answer form that cannot be compiled
    ├── RunLogError                1  a run log that is torn, edited or incomplete
    ├── OutputError                1  the result folder: read-only, full, in use
    └── Mismatch                   2  replay, verify or checksum found a difference

Anything else that escapes is a bug (exit 3); an interrupt is 130.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What the process tells its caller."""

    OK = 0
    ERROR = 1
    MISMATCH = 2
    BUG = 3
    INTERRUPTED = 130


class KitError(Exception):
    """Something the user can mend.

    Args:
        message: what is wrong, and why.
        where: the place, as ``file``, ``file:line`` or ``file:line: key``.
        hint: what to run or change next.
    """

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, message: str, *, where: str | Path | None = None, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.where = str(where) if where is not None else None
        self.hint = hint

    def __str__(self) -> str:
        """Place, message and hint on at most two lines."""
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  next: {self.hint}" if self.hint else head


class SpecError(KitError):
    """A YAML file asks for something that cannot be."""


class PlanError(KitError):
    """A valid study that cannot run as asked."""


class ModelError(KitError):
    """A pin, a source or a stored model file is unusable."""


class ModelCorrupt(ModelError):
    """Bytes that are not the pinned bytes."""

    exit_code = ExitCode.MISMATCH


class EngineError(KitError):
    """The inference library or the model file refuses."""


class BuildError(EngineError):
    """The inference library is missing, or built with flags that break the bit contract."""


class ContextFull(EngineError):
    """A prompt does not fit the context that was planned for it."""


class GrammarError(EngineError):
    """An answer form that cannot be compiled."""


class RunLogError(KitError):
    """A run log that is torn, edited or incomplete."""


class OutputError(KitError):
    """The result folder is read-only, full or in use."""


class Mismatch(KitError):
    """A replay, a verification or a checksum found a difference."""

    exit_code = ExitCode.MISMATCH
