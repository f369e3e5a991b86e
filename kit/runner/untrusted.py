"""A result folder's entries, looked at without believing them.

A folder may come from a stranger: a log may be a link to a file elsewhere, a pipe that never ends,
or larger than memory. Links are not followed here, and only plain files of a bounded size are read.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kit.errors import OutputError
from kit.society.scene import Scene
from kit.spec.experiment import FILE_NAME, Experiment, load_experiment

LOCK = ".lock"

MAX_BYTES = 64_000_000
"""Of one file. Ten dialogues of 131,072 tokens make a log of 11 MB."""
_HINT = "look at it before you use this folder; 'kit fsck' checks the rest"


class Entry(NamedTuple):
    """One name in a folder; a link stands for itself."""

    path: Path
    is_file: bool
    is_folder: bool
    is_link: bool
    size: int
    """Bytes."""


def entries(folder: Path) -> dict[str, Entry]:
    """What a folder holds, by name in their order; nothing if it is a link or no folder.

    Raises:
        OutputError: it cannot be read.
    """
    if not is_real_folder(folder):
        return {}
    found: dict[str, Entry] = {}
    try:
        with os.scandir(folder) as inside:
            for item in inside:
                facts = item.stat(follow_symlinks=False)
                found[item.name] = Entry(
                    folder / item.name,
                    stat.S_ISREG(facts.st_mode),
                    stat.S_ISDIR(facts.st_mode),
                    stat.S_ISLNK(facts.st_mode),
                    facts.st_size,
                )
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}", where=folder) from error
    return dict(sorted(found.items()))


def is_real_folder(path: Path) -> bool:
    """Whether ``path`` is a folder and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def open_plain(path: Path, *, limit: int | None = MAX_BYTES) -> BinaryIO:
    """Open a plain file for reading.

    Args:
        path: the file.
        limit: bytes that it may have; None where only its beginning is read.

    Raises:
        OutputError: it is too large, something else than a plain file, or cannot be read.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for someone to write into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        why = "is a link" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise OutputError(why, where=path, hint=_HINT) from error
    file = os.fdopen(descriptor, "rb")
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        file.close()
        raise OutputError("is no plain file", where=path, hint=_HINT)
    if limit is not None and facts.st_size > limit:
        file.close()
        raise OutputError(f"{facts.st_size:,} bytes is too large", where=path, hint=_HINT)
    return file


def read_plain(path: Path) -> bytes:
    """The bytes of a plain file.

    Raises:
        OutputError: as :func:`open_plain`.
    """
    with open_plain(path) as file:
        return file.read(MAX_BYTES)


def frozen_experiment(folder: Path) -> Experiment:
    """The experiment of a result folder that may be anybody's.

    Raises:
        OutputError: as :func:`kit.spec.experiment.load_experiment`, or it is no plain file.
    """
    if os.path.lexists(folder / FILE_NAME):
        open_plain(folder / FILE_NAME).close()
    experiment = load_experiment(folder)
    try:
        for run in experiment.runs():
            if run.replicate == 1:
                Scene(experiment, run)
                experiment.models[run.cell.model]
    except KeyError as error:
        raise OutputError(
            f"was edited: it refers to {error}, which it does not hold",
            where=folder / FILE_NAME,
            hint="run the study again",
        ) from error
    return experiment


def holder(folder: Path) -> str | None:
    """The process that is writing into a folder, as it names itself; None if nobody is.

    Raises:
        OutputError: the lock is a link or no plain file.
    """
    if not os.path.lexists(folder / LOCK):
        return None
    with open_plain(folder / LOCK) as lock:
        try:
            # Shared, and let go at once: two that only look are not in each other's way.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return lock.read(32).decode(errors="replace").strip() or "unknown"
    return None
