"""The model store: files kept under their SHA-256, shown under their names.

::

    $KIT_HOME/
    ├── objects/<sha256>         the bytes, never changed in place
    ├── receipts/<sha256>.json   size and time at the last full check
    ├── models/<id>/<name>       links to objects, since split models are found by name
    └── locks/<sha256>.lock      one writer per file
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from kit.errors import ModelCorrupt, ModelError
from kit.models.lock import exclusive
from kit.models.part import Part
from kit.models.progress import Progress, Report, Step, unheard
from kit.models.receipts import Receipt, drop_receipt, read_receipt, sha256_of, write_receipt
from kit.spec.pins import ModelPin, PinnedFile

README = """\
Models kept by kit, each file under its SHA-256. The folder may be deleted as a whole;
'kit models pull' brings its models back. KIT_HOME names another place.
"""


def home() -> Path:
    """``$KIT_HOME``, else ``$XDG_CACHE_HOME/kit``, else ``~/.cache/kit``.

    Raises:
        ModelError: neither variable is set, and the user has no home folder.
    """
    if own := os.environ.get("KIT_HOME"):
        return Path(own).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if cache.is_absolute():  # the XDG specification tells programs to ignore a relative one
        return cache / "kit"
    try:
        return Path.home() / ".cache" / "kit"
    except RuntimeError as error:
        raise ModelError(
            "there is no home folder to keep models in", hint="set KIT_HOME to a folder"
        ) from error


class State(StrEnum):
    """What the store holds of a model, told without hashing."""

    PRESENT = "present"
    """All files, each with a receipt that still fits."""
    PARTIAL = "partial"
    """Some of the files."""
    ABSENT = "absent"
    """None of the files."""
    CORRUPT = "corrupt"
    """A file of another length than the pinned one."""
    UNKNOWN = "unknown"
    """All files, but one has not been checked since it last changed."""


class Checked(NamedTuple):
    """A stored file whose bytes are the pinned ones."""

    file: PinnedFile
    path: Path
    hashed: bool
    """True if the bytes were read now, False if a receipt answered."""


class Store:
    """Model files under ``root``, by default :func:`home`.

    A read-only store can be used and verified.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else home()

    def object_path(self, file: PinnedFile) -> Path:
        """Where the bytes of ``file`` are or will be."""
        return self.root / "objects" / file.sha256

    def part_path(self, file: PinnedFile) -> Path:
        """Where ``file`` grows before it has been checked."""
        return self.root / "objects" / f"{file.sha256}.part"

    def bad_path(self, file: PinnedFile) -> Path:
        """Where bytes that were to be ``file``, and are not, are kept for inspection."""
        return self.root / "objects" / f"{file.sha256}.bad"

    def _receipt_path(self, file: PinnedFile) -> Path:
        return self.root / "receipts" / f"{file.sha256}.json"

    def _has_receipt(self, file: PinnedFile) -> bool:
        now = Receipt.now(self.object_path(file), file.sha256)
        return now.size == file.bytes and now == read_receipt(self._receipt_path(file))

    def state(self, pin: ModelPin) -> State:
        """What the store holds of ``pin``, without reading any model file."""
        held = [file for file in pin.files if self.object_path(file).is_file()]
        if not held:
            return State.ABSENT
        if any(self.object_path(file).stat().st_size != file.bytes for file in held):
            return State.CORRUPT
        if len(held) < len(pin.files):
            return State.PARTIAL
        return State.PRESENT if all(self._has_receipt(file) for file in held) else State.UNKNOWN

    def verify(
        self, pin: ModelPin, *, full: bool = False, report: Report = unheard
    ) -> tuple[Checked, ...]:
        """Check that the stored files of ``pin`` are the pinned bytes.

        A file is read again if it has no receipt, if its size or time changed, or if ``full``.

        Raises:
            ModelCorrupt: a file holds other bytes.
            ModelError: a file is missing or cannot be read.
        """
        return tuple(self.check(pin, file, full=full, report=report) for file in pin.files)

    def check(
        self, pin: ModelPin, file: PinnedFile, *, full: bool = False, report: Report = unheard
    ) -> Checked:
        """:meth:`verify` for one file of ``pin``."""
        path = self.object_path(file)
        pull = f"kit models pull {pin.id}"
        try:
            if not full and self._has_receipt(file):
                return Checked(file, path, hashed=False)
            before = Receipt.now(path, file.sha256)
            found = sha256_of(
                path, lambda n: report(Progress(Step.HASHING, pin.id, file.name, n, file.bytes))
            )
        except FileNotFoundError as error:
            message = f"'{file.name}' of model '{pin.id}' is not in the store at {self.root}"
            raise ModelError(message, hint=pull) from error
        except OSError as error:
            raise ModelError(
                f"'{file.name}' of model '{pin.id}' cannot be read: {error.strerror}",
                where=path,
                hint="check the folder's permissions, or set KIT_HOME to another",
            ) from error
        if found != file.sha256 or before.size != file.bytes:
            drop_receipt(self._receipt_path(file))
            raise mismatch(pin, file, path, before.size, found, hint=pull)
        # The receipt is of the file as it stood before reading: an edit meanwhile voids it.
        write_receipt(self._receipt_path(file), before)
        return Checked(file, path, hashed=True)

    def path(self, pin: ModelPin) -> Path:
        """The first file of ``pin`` under its own name, with all other parts beside it.

        The files are not checked; :meth:`verify` does that.

        Raises:
            ModelError: a file is missing, or a split model cannot be shown in a read-only store.
        """
        for file in pin.files:
            if not self.object_path(file).is_file():
                raise ModelError(
                    f"'{file.name}' of model '{pin.id}' is not in the store at {self.root}",
                    hint=f"kit models pull {pin.id}",
                )
        try:
            first, *_ = [self._show(pin, file) for file in pin.files]
        except OSError as error:
            if len(pin.files) == 1:  # a single file may be opened under any name
                return self.object_path(pin.files[0])
            raise ModelError(
                f"the parts of '{pin.id}' cannot be linked under their names: {error.strerror}",
                where=self.root,
                hint=f"run 'kit models path {pin.id}' once as a user who may write there",
            ) from error
        return first

    def _show(self, pin: ModelPin, file: PinnedFile) -> Path:
        target = self.object_path(file)
        shown = self.root / "models" / pin.id / file.name
        if shown.exists() and shown.samefile(target):
            return shown
        shown.parent.mkdir(parents=True, exist_ok=True)
        fresh = shown.with_name(f".{shown.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        try:
            fresh.hardlink_to(target)
        except OSError:
            fresh.symlink_to(os.path.relpath(target, shown.parent))
        try:
            fresh.replace(shown)
        finally:
            # Renaming a hard link onto another of the same file leaves both: another process won.
            fresh.unlink(missing_ok=True)
        return shown

    def prepare(self) -> None:
        """Make the store's folders.

        Raises:
            ModelError: the store cannot be written.
        """
        try:
            for name in ("objects", "receipts", "models", "locks"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            readme = self.root / "README.txt"
            if not readme.exists():
                readme.write_text(README, encoding="utf-8")
            if not os.access(self.root / "objects", os.W_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise ModelError(
                f"the model store cannot be written: {error.strerror}",
                where=self.root,
                hint="set KIT_HOME to a folder you may write",
            ) from error

    @contextlib.contextmanager
    def writing(self, pin: ModelPin, file: PinnedFile, report: Report) -> Iterator[None]:
        """Keep other processes from bringing in ``file`` at the same time."""
        lock = self.root / "locks" / f"{file.sha256}.lock"

        def waiting(holder: str) -> None:
            report(Progress(Step.WAITING, pin.id, file.name, 0, file.bytes, holder))

        with exclusive(lock, waiting):
            yield

    def admit(self, pin: ModelPin, file: PinnedFile, part: Part, *, origin: str) -> Path:
        """Check the bytes of ``part`` and move them into the store in one step.

        Args:
            origin: where the bytes came from, for the message.

        Raises:
            ModelCorrupt: they are not the pinned bytes; they are kept at :meth:`bad_path`.
        """
        found = part.finish()
        part.remember_tag(None)
        bad = self.bad_path(file)
        if found != file.sha256 or part.size != file.bytes:
            part.path.replace(bad)
            hint = f"the bytes are kept as {bad}; {SOURCE_DIFFERS}"
            raise mismatch(pin, file, origin, part.size, found, hint=hint)
        part.path.chmod(0o444)
        target = self.object_path(file)
        part.path.replace(target)
        _flush(target.parent)
        write_receipt(self._receipt_path(file), Receipt.now(target, file.sha256))
        bad.unlink(missing_ok=True)
        return target


SOURCE_DIFFERS = (
    "pull again; if it ends the same way, the source holds another file than the one pinned in "
    "models.yaml"
)


def mismatch(
    pin: ModelPin,
    file: PinnedFile,
    where: str | Path,
    size: int | None,
    sha256: str | None,
    *,
    hint: str = SOURCE_DIFFERS,
) -> ModelCorrupt:
    """The error for bytes that are not those of ``file``, with what is known of them."""
    found = [f"{size:,} bytes"] if size is not None else []
    if sha256 is not None:
        found.append(f"sha256 {sha256}")
    return ModelCorrupt(
        f"'{file.name}' of model '{pin.id}' is not the pinned file: expected {file.bytes:,} bytes, "
        f"sha256 {file.sha256}; found {', '.join(found)}. {_diagnosis(file, size, sha256)}",
        where=where,
        hint=hint,
    )


def _diagnosis(file: PinnedFile, size: int | None, sha256: str | None) -> str:
    """What the bytes are instead."""
    if sha256 is not None and (known := file.known(sha256)) is not None:
        return f"It is another known version: {known}."
    if sha256 is None and (same := [old.note for old in file.superseded if old.bytes == size]):
        return f"By its length it is another known version: {same[0]}."
    if size is not None and size < file.bytes:
        return "It is cut short."
    if size is not None and size > file.bytes:
        return "It is longer, so it is another file."
    return "It is corrupted, or another file of the same length."


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
