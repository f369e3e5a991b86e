"""A folder on a web server, such as a mirror inside an institute."""

from __future__ import annotations

import urllib.parse

from kit.errors import ModelError
from kit.models.part import Part
from kit.models.progress import Progress, Report, Step
from kit.models.store import mismatch
from kit.models.transfer import OtherLength, Patience, TransferError, receive
from kit.spec.pins import ModelPin, PinnedFile


class WebSource:
    """Files below ``address``, under their pinned names. No login is sent."""

    def __init__(
        self,
        pin: ModelPin,
        address: str,
        patience: Patience = Patience(),  # noqa: B008 - immutable
    ) -> None:
        self._pin = pin
        self._address = address
        self._patience = patience

    @property
    def origin(self) -> str:
        """The address, without what may be secret in it."""
        parts = urllib.parse.urlsplit(self._address)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"

    def scratch(self, file: PinnedFile) -> int:
        """Nothing: the download grows in place."""
        return 0

    def fetch(self, file: PinnedFile, part: Part, report: Report) -> None:
        """Download what ``part`` lacks of ``file``.

        Raises:
            ModelError: the server cannot be reached, or refuses.
            ModelCorrupt: its file has another length than the pinned one.
        """

        def told(reason: str, seconds: float) -> None:
            detail = f"the server {reason}; again in {seconds:.0f} s"
            report(Progress(Step.RETRYING, self._pin.id, file.name, part.size, file.bytes, detail))

        if part.size > file.bytes:
            part.restart()
        parts = urllib.parse.urlsplit(self._address)
        path = f"{parts.path.rstrip('/')}/{urllib.parse.quote(file.name)}"
        url = urllib.parse.urlunsplit(parts._replace(path=path, fragment=""))
        try:
            receive(url, part, file.bytes, headers={}, told=told, patience=self._patience)
        except OtherLength as error:
            raise mismatch(self._pin, file, self.origin, error.length, None) from error
        except TransferError as error:
            raise ModelError(
                f"{error.reason} for '{file.name}'",
                where=self.origin,
                hint=f"check the address and the network; kit models pull {self._pin.id} "
                "with the same --from continues",
            ) from error
