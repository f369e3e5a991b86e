"""The wheels of a bundle: what the kit needs, in the locked versions, and the kit itself."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from kit.errors import ModelError
from kit.models.bundle.island import Platform
from kit.models.receipts import sha256_of

KIT = "alignment-backfire-kit"
LLAMA = "llama-cpp-python"

_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)\b")
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_")
_LIBRARIES = ("libgomp.so.1", "libstdc++.so.6")
"""What the compiled llama.cpp may need of the system beside the C library."""

_EPOCH = "1580601600"
"""The time of every file in the kit's wheel, so that it has the same bytes whenever it is built."""


class Locked(NamedTuple):
    """One package of ``requirements.lock``."""

    name: str
    version: str
    sha256: frozenset[str]
    """Of all files of this version."""


def read_lock(path: Path) -> dict[str, Locked]:
    """Every package of a lock file, by its name.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=path) from error
    locked: dict[str, Locked] = {}
    for block in re.split(r"\n(?=\S)", text):
        if match := _PINNED.match(block):
            name = canonicalize_name(match[1])
            locked[name] = Locked(name, match[2], frozenset(_HASH.findall(block)))
    return locked


def closure(project: Path, lock: Mapping[str, Locked]) -> tuple[Locked, ...]:
    """What the project needs to run on this Python and platform, directly and indirectly.

    Args:
        project: its ``pyproject.toml``. What it needs in turn is read from installed packages.
        lock: the versions.

    Raises:
        ModelError: a package is not installed, or not locked.
    """
    needed = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    waiting = [Requirement(line) for line in needed]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in lock:
            raise ModelError(f"'{name}' is not in requirements.lock", hint="scripts/lock")
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError as error:
            raise ModelError(
                f"'{name}' is not installed, so what it needs is unknown", hint="scripts/setup"
            ) from error
        for line in requires:
            inner = Requirement(line)
            if inner.marker is None or any(
                inner.marker.evaluate({"extra": extra}) for extra in extras or {""}
            ):
                waiting.append(inner)
    return tuple(lock[name] for name in sorted({name for name, _ in seen}))


def download(wanted: Iterable[Locked], folder: Path) -> tuple[Path, ...]:
    """Bring the wheels of ``wanted`` into ``folder``, except those that are there.

    Returns:
        The wheels, one for each.

    Raises:
        ModelError: pip reaches no index, or there is no wheel with a locked hash.
    """
    present = {(one.name, one.version): path for one, path in _locked_wheels(wanted, folder)}
    missing = [one for one in wanted if (one.name, one.version) not in present]
    if missing:
        scratch = folder / ".download"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        listing = scratch / "requirements.txt"
        listing.write_text("".join(map(_requirement, missing)), encoding="ascii")
        _pip_download(["--require-hashes", "--requirement", str(listing)], scratch)
        for one, path in _locked_wheels(missing, scratch):
            present[one.name, one.version] = path.replace(folder / path.name)
        shutil.rmtree(scratch)
    return tuple(present[one.name, one.version] for one in wanted)


def download_pip(folder: Path) -> Path:
    """Bring the wheel of pip into ``folder``, in the version that runs here.

    Raises:
        ModelError: this Python has no pip, or pip reaches no index.
    """
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError("this Python has no pip", hint="scripts/setup") from error
    path = folder / f"pip-{version}-py3-none-any.whl"
    if not (path.is_file() and zipfile.is_zipfile(path)):
        scratch = folder / ".download"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        _pip_download([f"pip=={version}"], scratch)
        (scratch / path.name).replace(path)
        shutil.rmtree(scratch)
    return path


def build_kit(root: Path, folder: Path) -> Path:
    """Build the kit's own wheel from the checkout ``root`` into ``folder``.

    Raises:
        ModelError: hatchling is missing or fails.
    """
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    done = subprocess.run(
        [*command, str(folder)],
        cwd=root,
        env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    wheels = [*folder.glob("alignment_backfire_kit-*.whl")]
    if done.returncode != 0 or len(wheels) != 1:
        said = done.stderr.strip().splitlines()
        raise ModelError(
            f"the kit's wheel could not be built: {said[-1] if said else 'no reason given'}",
            where=root,
            hint="scripts/setup",
        )
    return wheels[0]


def metadata_of(wheel: Path) -> Message:
    """What a wheel says of itself.

    Raises:
        ModelError: it is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            [name] = [name for name in archive.namelist() if _is_metadata(name)]
            return message_from_bytes(archive.read(name))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"is no wheel: {error}", where=wheel) from error


def unpacked_bytes(wheels: Iterable[Path]) -> int:
    """Bytes of all files in ``wheels``."""
    total = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            total += sum(info.file_size for info in archive.infolist())
    return total


def platform_of(wheels: Iterable[Path]) -> Platform:
    """What ``wheels``, gathered on this machine, need to run.

    The oldest C library is read from the names of the wheels and, in one that was compiled here,
    from the versions of the symbols that its libraries use.
    """
    here = Platform.here()
    glibc, libraries = (2, 17), set[str]()
    for wheel in wheels:
        _, _, _, tags = parse_wheel_filename(wheel.name)
        named = [
            (int(match[1]), int(match[2]))
            for tag in tags
            if (match := _MANYLINUX.match(tag.platform))
        ]
        if named:
            glibc = max(glibc, min(named))
        elif any(tag.platform.startswith("linux_") for tag in tags):
            for library in _shared_libraries(wheel):
                found = [(int(major), int(minor)) for major, minor in _GLIBC.findall(library)]
                glibc = max([glibc, *found])
                libraries |= {name for name in _LIBRARIES if name.encode() in library}
    version = f"{glibc[0]}.{glibc[1]}" if here.glibc is not None else None
    return here._replace(glibc=version, libraries=tuple(sorted(libraries)))


def _shared_libraries(wheel: Path) -> Iterable[bytes]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.search(r"\.so(\.[\d.]+)?$", name):
                yield archive.read(name)


def _is_metadata(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(".dist-info/METADATA")


def _requirement(one: Locked) -> str:
    hashes = " ".join(f"--hash=sha256:{sha256}" for sha256 in sorted(one.sha256))
    return f"{one.name}=={one.version} {hashes}\n"


def _locked_wheels(wanted: Iterable[Locked], folder: Path) -> list[tuple[Locked, Path]]:
    """Wheels in ``folder`` that have a locked hash and run here."""
    by_name = {(one.name, Version(one.version)): one for one in wanted}
    usable = frozenset(sys_tags())
    found: list[tuple[Locked, Path]] = []
    for path in sorted(folder.glob("*.whl")):
        try:
            name, version, _, tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        one = by_name.get((name, version))
        if one is not None and tags & usable and sha256_of(path) in one.sha256:
            found.append((one, path))
    return found


def _pip_download(what: list[str], folder: Path) -> None:
    """``pip download`` under the user's own pip settings, so that a mirror works."""
    command = [sys.executable, "-m", "pip", "download", *what, "--dest", str(folder), "--no-deps"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "--no-input", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        said = lines[-1].removeprefix("ERROR: ") if lines else f"exit {done.returncode}"
        raise ModelError(
            f"pip could not fetch the wheels for Python {platform.python_version()}: {said}",
            hint="check the network and pip's settings; the same command continues",
        )
