"""The Hugging Face hub: addresses, facts and login through its own client, bytes by plain HTTP."""

from __future__ import annotations

import os
import string
from collections.abc import Iterator
from contextlib import contextmanager

from kit.errors import ModelError
from kit.models.part import Part
from kit.models.progress import Progress, Report, Step
from kit.models.store import mismatch
from kit.models.transfer import (
    RETRIED,
    Interrupted,
    OtherLength,
    Patience,
    TransferError,
    demanded,
    persist,
    receive,
)
from kit.spec.pins import SHA256_DIGITS, HubOrigin, ModelPin, PinnedFile


class HubSource:
    """A pinned commit of a hub repository. An interrupted download continues where it stopped.

    Bytes travel by plain HTTP, since the hub's own Xet protocol knows neither mirrors nor resuming.
    """

    def __init__(
        self,
        pin: ModelPin,
        source: HubOrigin,
        patience: Patience = Patience(),  # noqa: B008 - immutable
    ) -> None:
        self._pin = pin
        self._source = source
        self._patience = patience

    @property
    def origin(self) -> str:
        """The repository and the first digits of the commit."""
        return f"the hub: {self._source.repo} at {self._source.revision[:12]}"

    def scratch(self, file: PinnedFile) -> int:
        """Nothing: the download grows in place."""
        return 0

    def fetch(self, file: PinnedFile, part: Part, report: Report) -> None:
        """Download what ``part`` lacks of ``file``.

        Raises:
            ModelError: the hub cannot be reached, or refuses.
            ModelCorrupt: the hub announces another hash or length than the pinned one.
        """
        # Read by the library when it is imported.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        def told(reason: str, seconds: float) -> None:
            detail = f"the hub {reason}; again in {seconds:.0f} s"
            report(Progress(Step.RETRYING, self._pin.id, file.name, part.size, file.bytes, detail))

        url = hf_hub_url(self._source.repo, file.name, revision=self._source.revision)
        with self._explained(file):
            sha256, size = persist(
                lambda: _announced(url), patience=self._patience, told=told, done=lambda: 0
            )
            if sha256 not in (None, file.sha256) or size not in (None, file.bytes):
                raise mismatch(self._pin, file, self.origin, size, sha256)
            if part.size > file.bytes:
                part.restart()
            # The file's own address, not the one it redirects to: a signed one expires, and the
            # HTTP client drops the token by itself when the redirect leads to another host.
            receive(
                url,
                part,
                file.bytes,
                headers=build_hf_headers(),
                told=told,
                patience=self._patience,
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
            raise self._refused(file, error.response.status_code) from error
        except errors.OfflineModeIsEnabled as error:
            raise ModelError(
                "HF_HUB_OFFLINE forbids every download", hint=f"unset it, or {carry}"
            ) from error
        except OtherLength as error:
            raise mismatch(self._pin, file, self.origin, error.length, None) from error
        except TransferError as error:
            if error.status is not None:
                raise self._refused(file, error.status) from error
            raise self._unreached(error.reason) from error
        # The base class of whichever HTTP client this release of the library uses.
        except errors.HTTPError as error:  # type: ignore[attr-defined]
            raise self._unreached(f"cannot be reached: {error}") from error

    def _refused(self, file: PinnedFile, status: int) -> ModelError:
        model = self._pin.id
        carry = f"kit models pull {model} --from FOLDER"
        if status == 404:
            reason = f"holds no '{file.name}'"
            hint = "check repo, revision and name in models.yaml, or " + carry
        elif status in (401, 403):
            reason = f"refuses '{file.name}' (HTTP {status})"
            hint = "the repository is gone, or wants a login: 'hf auth login', or " + carry
        else:
            reason = f"answers HTTP {status} for '{file.name}'"
            hint = f"try again later, kit models pull {model} continues; or {carry}"
        return ModelError(reason, where=self.origin, hint=hint)

    def _unreached(self, reason: str) -> ModelError:
        model = self._pin.id
        return ModelError(
            reason,
            where=self.origin,
            hint=f"check the network, proxies and HF_ENDPOINT; kit models pull {model} continues; "
            f"or kit models pull {model} --from FOLDER",
        )


def _announced(url: str) -> tuple[str | None, int | None]:
    """SHA-256 and length that the hub announces, None where it does not."""
    from huggingface_hub import errors, get_hf_file_metadata
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

    try:
        found = get_hf_file_metadata(url)
    except errors.HfHubHTTPError as error:
        answer = error.response
        if answer.status_code not in RETRIED:
            raise
        wait = demanded(answer.headers)
        limit = parse_ratelimit_headers(answer.headers)
        if wait is None and limit is not None and limit.remaining == 0:
            wait = float(limit.reset_in_seconds)
        reason = f"answers HTTP {answer.status_code}"
        raise Interrupted(reason, status=answer.status_code, wait=wait) from error
    return _sha256_in(found.etag), found.size


def _sha256_in(etag: str | None) -> str | None:
    """The hub tags a large file with its SHA-256, and small ones with a git hash."""
    if etag is None or len(etag) != SHA256_DIGITS or set(etag) - set(string.hexdigits):
        return None
    return etag.lower()
