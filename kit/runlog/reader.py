"""Run logs from disk, checked line by line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from kit.errors import RunLogError
from kit.runlog.records import LOG_VERSION, Footer, Header, Record, Turn

PARTIAL = ".partial.jsonl"
COMPLETE = ".jsonl"
MAX_LINE_BYTES = 16_000_000


class _Typed(Protocol):
    """A record that says what it is."""

    @property
    def type(self) -> str: ...


Entry = TypeVar("Entry", bound=_Typed)

_RECORD: TypeAdapter[Header | Turn | Footer] = TypeAdapter(Record)


class RunLog(NamedTuple):
    """One run as it stands on disk."""

    header: Header
    turns: tuple[Turn, ...]
    footer: Footer | None
    """None: the run is incomplete."""


def read(path: Path) -> RunLog:
    """Read a complete run.

    Raises:
        RunLogError: no such file, no footer, a line that is not a record, or a digest that does not
            match the lines before it.
    """
    log = read_any(path)
    if log.footer is None:
        raise RunLogError(
            "the run is incomplete: its log has no footer",
            where=path,
            hint="run the study again: 'kit run' with the same --out continues where it stopped",
        )
    return log


def read_any(path: Path) -> RunLog:
    """Read a run that may be incomplete; a torn last line of an incomplete run is left out.

    Raises:
        RunLogError: as :func:`read`, except for the missing footer.
    """
    header: Header | None = None
    turns: list[Turn] = []
    footer: Footer | None = None
    for number, record in records(path, _RECORD, partial=path_while_written(path)):
        where = f"{path}:{number}"
        if footer is not None:
            raise RunLogError("a line after the footer", where=where)
        match record:
            case Header():
                if header is not None:
                    raise RunLogError("a second header", where=where)
                header = record
            case Turn():
                if header is None:
                    raise RunLogError("the first line is not a header", where=where)
                turns.append(record)
            case Footer():
                footer = record
    if header is None:
        raise RunLogError("holds no header", where=path)
    if footer is not None and footer.turns != len(turns):
        raise RunLogError(
            f"the footer counts {footer.turns} turns, the log holds {len(turns)}", where=path
        )
    return RunLog(header, tuple(turns), footer)


def path_while_written(path: Path) -> Path:
    """What the log at ``path`` is called until it is complete."""
    return path.with_name(path.name.removesuffix(COMPLETE) + PARTIAL)


def records(
    path: Path, record: TypeAdapter[Entry], *, partial: Path
) -> Iterator[tuple[int, Entry]]:
    """The records of a log with their line numbers, each checked.

    Args:
        path: the log.
        record: what a line may hold. A record whose ``type`` ends in ``footer`` has a ``digest``,
            which must be that of all lines before it.
        partial: what the log is called while it is incomplete, for the message.

    Raises:
        RunLogError: no such file, a line that is no record, a cut last line of a complete log, or
            a footer that is not of these lines.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        if partial.exists():
            raise RunLogError(
                "the run is incomplete",
                where=partial,
                hint="'kit run' with the same --out continues where it stopped",
            ) from error
        raise RunLogError(
            "no such run log", where=path, hint="ls results/*/runs shows what there is"
        ) from error
    except OSError as error:
        raise RunLogError(f"cannot be read: {error.strerror}", where=path) from error
    lines = data.split(b"\n")
    torn = lines.pop()
    if torn and not path.name.endswith(PARTIAL):
        raise RunLogError("the last line is cut off", where=f"{path}:{len(lines) + 1}")
    before = 0
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        if len(line) > MAX_LINE_BYTES:
            raise RunLogError("a line too long for a run log", where=where)
        try:
            found = record.validate_json(line)
        except (ValidationError, ValueError, RecursionError) as error:
            raise RunLogError(_why(line), where=where) from error
        if found.type.endswith("footer"):
            digest = hashlib.sha256(memoryview(data)[:before]).hexdigest()
            if getattr(found, "digest", None) != digest:
                raise RunLogError(
                    "the lines before the footer are not those that were written", where=where
                )
        before += len(line) + 1
        yield number, found


def _why(line: bytes) -> str:
    try:
        version = json.loads(line).get("log_version", LOG_VERSION)
    except (ValueError, AttributeError, RecursionError):
        return "not a run log record"
    if version != LOG_VERSION:
        return f"log version {version}; this release reads version {LOG_VERSION}"
    return "not a run log record"
