"""Runs that could not be simulated: one line each in ``failures.jsonl`` of the result folder.

The file is a history. Whether a run is missing is decided by its log alone, so a run that fails
today and succeeds tomorrow is complete, and its line stays.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel

from kit.runlog.writer import output_error

FILE_NAME = "failures.jsonl"


class Failure(BaseModel, frozen=True):
    """A run that was given up."""

    run_id: str
    attempt: int
    """Which try was the last, from 1."""
    reason: str
    at: AwareDatetime
    """When it was given up, in UTC."""

    @classmethod
    def now(cls, run_id: str, attempt: int, reason: str) -> Self:
        """A failure of this moment."""
        return cls(
            run_id=run_id,
            attempt=attempt,
            reason=reason,
            at=datetime.now(UTC).replace(microsecond=0),
        )


def append_failure(folder: Path, failure: Failure) -> None:
    """Add a line to the history and wait until it is on disk.

    Args:
        folder: the result folder.
        failure: what to add.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """
    path = folder / FILE_NAME
    line = failure.model_dump_json().encode() + b"\n"
    try:
        with path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":  # a line that an interruption cut off
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise output_error(error, path) from error
