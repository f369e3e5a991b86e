"""Run logs onto disk: append, make durable once per round, rename when complete."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from kit.errors import OutputError
from kit.runlog.reader import COMPLETE, PARTIAL
from kit.runlog.records import Footer, Header, Turn

Entry = TypeVar("Entry", bound=BaseModel)

_TOKENS = ("prompt", "tokens")
"""Fields of a turn that hold thousands of whole numbers."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(record: BaseModel) -> bytes:
    """One line of JSON that depends on the record's values alone."""
    if not isinstance(record, Turn):
        return _ENCODER.encode(record.model_dump(mode="json")).encode() + b"\n"
    # Whole numbers have one spelling, so that pydantic may write them, in a tenth of the time.
    plain = record.model_dump(mode="json", exclude=set(_TOKENS))
    fields = {name: _ENCODER.encode(value).encode() for name, value in plain.items()}
    fields |= {name: to_json(getattr(record, name)) for name in _TOKENS}
    return b"{%b}\n" % b",".join(
        b'"%b":%b' % (name.encode(), fields[name]) for name in sorted(fields)
    )


def output_error(error: OSError, path: Path) -> OutputError:
    """What an operating system error on the result folder means to the user."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            "the disk is full; finished runs are safe",
            where=path,
            hint="free some space and run the same command again",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            "the result folder cannot be written", where=path, hint="choose another with --out"
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return OutputError(
            "something else has this name",
            where=error.filename or path,
            hint="choose another folder with --out",
        )
    return OutputError(
        f"cannot be written: {error.strerror}", where=path, hint="choose another folder with --out"
    )


class LogWriter(Generic[Entry]):
    """Writes one log as ``NAME.partial.jsonl`` and renames it to ``NAME.jsonl`` after the footer.

    Args:
        path: the final path, ending in ``.jsonl``.
        header: the first line.
        footer: makes the last line from the number of records and the digest of all lines.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """

    def __init__(self, path: Path, header: BaseModel, footer: Callable[[int, str], BaseModel]):
        self.path = path
        self._footer = footer
        self.partial = path.with_name(path.name.removesuffix(COMPLETE) + PARTIAL)
        self._digest = hashlib.sha256()
        self._entries = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.partial.open("wb")
        except OSError as error:
            raise output_error(error, path.parent) from error
        self._write([canonical(header)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, entries: Sequence[Entry]) -> None:
        """Write some records, such as one round of turns, and wait until they are on disk."""
        self._entries += len(entries)
        self._write([canonical(entry) for entry in entries])

    def finish(self) -> Path:
        """Write the footer and give the log its final name.

        Returns:
            The complete log.
        """
        self._write([canonical(self._footer(self._entries, self._digest.hexdigest()))])
        try:
            self._file.close()
            self.partial.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise output_error(error, self.path) from error
        return self.path

    def _write(self, lines: Sequence[bytes]) -> None:
        try:
            for line in lines:
                self._file.write(line)
                self._digest.update(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # closing tries to write the rest once more
                self._file.close()
            raise output_error(error, self.partial) from error


class RunWriter(LogWriter[Turn]):
    """Writes the log of one run.

    Args:
        path: the final path, ending in ``.jsonl``.
        header: the run's header.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """

    def __init__(self, path: Path, header: Header):
        super().__init__(path, header, lambda turns, digest: Footer(turns=turns, digest=digest))


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file so that a reader sees the old bytes or the new, never a part.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink()
        raise output_error(error, path) from error
