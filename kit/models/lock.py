"""One writer at a time, across processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import ModelError


@contextmanager
def exclusive(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock ``path``; a dead holder's lock is free.

    Args:
        path: the lock file, made if need be and left in place: removing it would let two in.
        waiting: called once, with the holder, before waiting for another process.

    Raises:
        ModelError: the file system cannot lock.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
                waiting(f"process {holder}" if holder else "another process")
                fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise ModelError(
                f"cannot be locked: {error.strerror}",
                where=path,
                hint="set KIT_HOME to a folder on a local disk",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode("ascii"), 0)
        yield
    finally:
        os.close(handle)
