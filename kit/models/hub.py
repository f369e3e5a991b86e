"""The Hugging Face hub, through its own client, which sees to endpoint, token and proxy."""

from __future__ import annotations

import io
import os
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import ModelError
from kit.models.progress import Count
from kit.models.store import mismatch
from kit.spec.pins import SHA256_DIGITS, HubOrigin, ModelPin, PinnedFile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class HubSource:
    """A pinned commit of a hub repository. An interrupted download continues where it stopped."""

    def __init__(self, pin: ModelPin, source: HubOrigin) -> None:
        self._pin = pin
        self._source = source

    @property
    def origin(self) -> str:
        """The repository and the first digits of the commit."""
        return f"the hub: {self._source.repo} at {self._source.revision[:12]}"

    def scratch(self, file: PinnedFile) -> int:
        """Nothing: the download grows in place."""
        return 0

    def fetch(self, file: PinnedFile, part: Path, count: Count) -> None:
        """Download ``file`` to ``part``, from the end of what is there.

        Raises:
            ModelError: the hub cannot be reached, or refuses.
            ModelCorrupt: the hub announces another hash or length than the pinned one.
        """
        # Read by the library when it is imported.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        url = hf_hub_url(self._source.repo, file.name, revision=self._source.revision)
        with self._explained(file):
            announced = get_hf_file_metadata(url)
            sha256, size = _sha256_in(announced.etag), announced.size
            if sha256 not in (None, file.sha256) or size not in (None, file.bytes):
                raise mismatch(self._pin, file, self.origin, size, sha256)
            if part.exists() and part.stat().st_size > file.bytes:
                part.unlink()
            # By plain HTTP, since the hub's own Xet protocol knows neither mirrors nor resuming.
            with _Counted(part, count) as growing:
                # The file's own address, not the one it redirects to: then the HTTP client drops
                # the token by itself when the redirect leads to another host.
                http_get(
                    url,
                    growing,
                    resume_size=growing.tell(),
                    headers=build_hf_headers(),
                    expected_size=file.bytes,
                    displayed_filename=file.name,
                )

    @contextmanager
    def _explained(self, file: PinnedFile) -> Iterator[None]:
        from huggingface_hub import errors

        source, model = self._source, self._pin.id
        carry = f"kit models pull {model} --from FOLDER"
        try:
            yield
        except errors.GatedRepoError as error:
            raise ModelError(
                "the hub asks for a licence to be accepted before it gives this model out",
                where=self.origin,
                hint=f"accept it on the page of {source.repo}, then 'hf auth login'",
            ) from error
        except errors.HfHubHTTPError as error:
            status = error.response.status_code
            if status == 404:
                reason = f"holds no '{file.name}'"
                hint = "check repo, revision and name in models.yaml, or " + carry
            elif status in (401, 403):
                reason = f"refuses '{file.name}' (HTTP {status})"
                hint = "the repository is gone, or wants a login: 'hf auth login', or " + carry
            else:
                reason = f"answers HTTP {status} for '{file.name}'"
                hint = f"try again later, kit models pull {model} continues; or {carry}"
            raise ModelError(reason, where=self.origin, hint=hint) from error
        except errors.OfflineModeIsEnabled as error:
            raise ModelError(
                "HF_HUB_OFFLINE forbids every download", hint=f"unset it, or {carry}"
            ) from error
        # The base class of whichever HTTP client this release of the library uses.
        except errors.HTTPError as error:  # type: ignore[attr-defined]
            raise ModelError(
                f"cannot be reached: {error}",
                where=self.origin,
                hint=f"check the network and HF_ENDPOINT, or {carry}",
            ) from error
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's, not the hub's
            raise ModelError(
                f"'{file.name}' did not arrive whole: {str(error).splitlines()[0]}",
                where=self.origin,
                hint=f"kit models pull {model}",
            ) from error


def _sha256_in(etag: str | None) -> str | None:
    """The hub tags a large file with its SHA-256, and small ones with a git hash."""
    if etag is None or len(etag) != SHA256_DIGITS or set(etag) - set(string.hexdigits):
        return None
    return etag.lower()


class _Counted(io.BufferedWriter):
    """A file that grows at its end and says how long it is."""

    def __init__(self, path: Path, count: Count) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._count = count

    def write(self, data: ReadableBuffer, /) -> int:
        written = super().write(data)
        self._count(self.tell())
        return written
