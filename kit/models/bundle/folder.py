"""The folder of a bundle while it is being made: whole files only, and each with its hash."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from kit.errors import ModelError
from kit.models.bundle.island import CHUNK, MINISIGN_SIGNATURE, SSH_SIGNATURE, SUMS, is_dropping
from kit.models.bundle.portable import check_names
from kit.models.receipts import sha256_of

TOP_FILES = ("README.txt", "install.py", "bundle.json", "requirements.txt", "sbom.cdx.json")
SUBFOLDERS = ("licenses", "models", "wheels", "workspace")
PART = ".part"
"""The end of the name of a file that is not complete."""


def _ignored(_: bytes) -> None:
    """For bytes that nobody else wants to see."""


class BundleFolder:
    """Files below ``root``. What is there already and right is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sha256: dict[str, str] = {}
        """Of every file that belongs to the bundle, by its name."""

    def begin(self) -> None:
        """Make the folder; from now on until :meth:`finish`, it is visibly unfinished.

        Raises:
            ModelError: it holds something else, or cannot be written.
        """
        known = {*TOP_FILES, *SUBFOLDERS, SUMS, SSH_SIGNATURE, MINISIGN_SIGNATURE}
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            names = [path.name for path in self.root.iterdir() if not is_dropping(path.name)]
            if foreign := [name for name in names if name.removesuffix(PART) not in known]:
                raise ModelError(
                    f"holds '{min(foreign)}', which is no part of a bundle",
                    where=self.root,
                    hint="name an empty or new folder",
                )
            for name in (SUMS, SSH_SIGNATURE, MINISIGN_SIGNATURE):
                (self.root / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, name: str, data: bytes) -> None:
        """Put ``data`` under ``name``."""
        self._lay(name, io.BytesIO(data), len(data))

    def copy(self, name: str, source: Path) -> str:
        """Put the bytes of ``source`` under ``name``.

        Returns:
            Their SHA-256.
        """
        return self.split((name,), (_length(source),), source)

    def split(self, names: Sequence[str], lengths: Sequence[int], source: Path) -> str:
        """Put the bytes of ``source`` under ``names``, so many under each.

        Returns:
            SHA-256 of them all.

        Raises:
            ModelError: they cannot be read or written.
        """
        whole = hashlib.sha256()
        with _opened(source) as file:
            for name, length in zip(names, lengths, strict=True):
                self._lay(name, file, length, whole.update)
        return whole.hexdigest()

    def add(self, name: str) -> None:
        """Take a file into the bundle that is in place already."""
        self.sha256[name] = sha256_of(self.root / name)

    def length(self, name: str) -> int:
        """Bytes of a file that is in place."""
        return (self.root / name).stat().st_size

    def finish(self) -> None:
        """Take away what an earlier bundle left, then write ``SHA256SUMS``.

        Raises:
            ModelError: a name does not fit every file system, or the folder cannot be written.
        """
        check_names([*self.sha256, SUMS])
        try:
            for folder in SUBFOLDERS:
                for path in sorted((self.root / folder).rglob("*"), reverse=True):
                    name = path.relative_to(self.root).as_posix()
                    if path.is_dir() and not path.is_symlink():
                        with contextlib.suppress(OSError):  # it is needed
                            path.rmdir()
                    elif name not in self.sha256:
                        path.unlink()
            for path in self.root.glob(f"*{PART}"):
                path.unlink()
        except OSError as error:
            raise self._unwritable(error) from error
        lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(self.sha256.items())]
        self.write(SUMS, "".join(lines).encode("ascii"))
        del self.sha256[SUMS]

    def _lay(
        self, name: str, source: IO[bytes], length: int, heard: Callable[[bytes], None] = _ignored
    ) -> None:
        """Put the next ``length`` bytes of ``source`` under ``name``; ``heard`` gets them too.

        What is there is compared as the source is read, and written anew from the first difference.
        """
        path = self.root / name
        part_path = path.with_name(path.name + PART)
        digest = hashlib.sha256()
        done = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as stack:
                old = part = None
                if path.is_file() and path.stat().st_size == length:
                    old = stack.enter_context(path.open("rb"))
                else:
                    part = stack.enter_context(part_path.open("wb"))
                for chunk in _chunks(source, length):
                    digest.update(chunk)
                    heard(chunk)
                    if old is not None and part is None and old.read(len(chunk)) != chunk:
                        part = stack.enter_context(part_path.open("wb"))
                        old.seek(0)
                        for same in _chunks(old, done):
                            part.write(same)
                    if part is not None:
                        part.write(chunk)
                    done += len(chunk)
                if part is not None:
                    part.flush()
                    os.fsync(part.fileno())
            if part is not None:
                part_path.replace(path)
        except OSError as error:
            raise self._unwritable(error) from error
        self.sha256[name] = digest.hexdigest()

    def _unwritable(self, error: OSError) -> ModelError:
        return ModelError(
            f"cannot be written: {error.strerror}",
            where=error.filename or self.root,
            hint="make room there, or name another folder; the same command continues",
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=path) from error
    with file:
        yield file


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=path) from error


def _chunks(source: IO[bytes], length: int) -> Iterator[bytes]:
    """The next ``length`` bytes; a failure to read is told apart from one to write."""
    while length:
        try:
            chunk = source.read(min(CHUNK, length))
        except OSError as error:
            raise ModelError(f"cannot be read: {error.strerror}", where=source.name) from error
        if not chunk:
            raise ModelError("became shorter while it was read", where=source.name)
        length -= len(chunk)
        yield chunk
