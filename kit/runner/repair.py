"""Moving what cannot be believed out of a result folder's way; nothing is deleted.

What a repair moved lies under its own name in ``quarantine/`` of the same folder, and ``kit run``
makes it again. Only the torn last line of an unfinished log is cut off, which continuing the run
would leave out anyway.
"""

from __future__ import annotations

import os
from pathlib import Path

from kit.errors import OutputError
from kit.runlog.writer import output_error, sync_folder
from kit.runner.folder import ResultFolder
from kit.runner.inspection import QUARANTINE, Inspection, Remedy, inspect
from kit.runner.untrusted import holder, is_real_folder
from kit.spec.experiment import FILE_NAME


def repair(folder: Path) -> Inspection:
    """Inspect a folder while holding it, and mend what is found.

    Returns:
        What was found, and is mended now.

    Raises:
        OutputError: not a result folder, another process is writing here, or the folder cannot be
            written; what was moved until then lies in quarantine.
    """
    if not os.path.lexists(folder / FILE_NAME):
        inspect(folder)  # says what is missing, before a lock is made in a folder of somebody else
    holder(folder)  # refuses a lock that is a link
    with ResultFolder(folder).writing():
        found = inspect(folder, held=True)
        for finding in found.findings:
            try:
                if finding.remedy is Remedy.CUT:
                    _cut(folder / finding.path)
                else:
                    _move(folder, finding.path)
            except OSError as error:
                raise output_error(error, folder / finding.path) from error
    return found


def _move(folder: Path, path: Path) -> None:
    """Rename an entry, itself and not what it may point to, to a name that is free."""
    place = folder
    for part in (QUARANTINE, *path.parent.parts):
        place /= part
        place.mkdir(exist_ok=True)
        if not is_real_folder(place):
            raise OutputError(
                "is a link or no folder, so nothing is moved into it",
                where=place,
                hint="remove it, then run the same command again",
            )
    target = place / path.name
    number = 2
    while os.path.lexists(target):
        target = place / f"{path.name}.{number}"
        number += 1
    (folder / path).rename(target)
    sync_folder(place)
    sync_folder((folder / path).parent)


def _cut(log: Path) -> None:
    """Shorten an unfinished log to its last whole line."""
    descriptor = os.open(log, os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "r+b") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.flush()
        os.fsync(descriptor)
