"""What the Hugging Face hub says of a repository, and the first bytes of its files."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import httpx2

from kit.errors import ModelError
from kit.models.transfer import RETRIED, Interrupted, Patience, TransferError, demanded, persist
from kit.spec.pins import COMMIT_DIGITS

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from huggingface_hub import ModelInfo

PATIENCE = Patience(tries=3)
"""Somebody waits at the terminal, and there is nothing to lose."""
BLOCK = 1 << 22
"""Bytes that are asked for at once."""


class ListedFile(NamedTuple):
    """A file as the hub lists it."""

    bytes: int | None
    """Its length."""
    sha256: str | None
    """Its hash, or None for a file kept in git itself, of which the hub knows no SHA-256."""


class Snapshot(NamedTuple):
    """A repository at one commit."""

    repo: str
    commit: str
    files: Mapping[str, ListedFile]
    licenses: tuple[str, ...]
    """As the repository's card declares them; the name of its own for one that has no SPDX name."""

    @property
    def place(self) -> str:
        """The repository and the first digits of the commit."""
        return place(self.repo, self.commit)


class Refusal(NamedTuple):
    """The hub answers, but not with the repository."""

    reason: str
    gone: bool
    """Whether it says that there is no such thing, which is also how it hides what is private."""
    hint: str


def place(repo: str, revision: str) -> str:
    """The words for a repository at a revision; of a commit the first digits."""
    return f"the hub: {repo} at {revision[:12]}"


def snapshot(repo: str, revision: str) -> Snapshot | Refusal:
    """What the hub lists in ``repo`` at ``revision``, a commit, branch or tag. Reads no file.

    Raises:
        ModelError: the hub cannot be reached, or fails.
    """
    if repo.count("/") != 1:
        raise _misnamed(repo)
    # Read by the library when it is imported.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from huggingface_hub import errors

    def attempt() -> Snapshot | Refusal:
        try:
            return _asked(repo, revision)
        except errors.HfHubHTTPError as error:
            status, head = error.response.status_code, error.response.headers
            if status in RETRIED:
                raise Interrupted(
                    f"answers HTTP {status}", status=status, wait=demanded(head)
                ) from error
            return _refusal(repo, error)
        except httpx2.ConnectError as error:
            raise TransferError(f"cannot be reached: {error}") from error
        except httpx2.TimeoutException as error:
            raise Interrupted(f"sent nothing for {PATIENCE.silence:g} s") from error
        except httpx2.TransportError as error:
            raise Interrupted(f"cannot be reached: {error}") from error

    try:
        return persist(attempt, patience=PATIENCE, told=_untold, done=lambda: 0)
    except errors.OfflineModeIsEnabled as error:
        raise ModelError("HF_HUB_OFFLINE forbids every connection", hint="unset it") from error
    except TransferError as error:
        raise _unreached(repo, revision, error.reason) from error
    except httpx2.HTTPError as error:
        raise _unreached(repo, revision, f"cannot be reached: {error}") from error
    except errors.HFValidationError as error:
        raise _misnamed(repo) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreached(repo, revision, "answers, but not as the hub does") from error


def beginning(listed: Snapshot, name: str, size: int) -> BinaryIO:
    """The file ``name`` of ``size`` bytes as a stream that fetches what is read of it, in blocks.

    Reading raises ModelError where the hub cannot be reached, refuses, or holds another length.
    """
    return io.BufferedReader(_Beginning(listed, name, size), BLOCK)


def _asked(repo: str, revision: str) -> Snapshot:
    from huggingface_hub import HfApi

    info = HfApi().model_info(
        repo, revision=revision, files_metadata=True, timeout=PATIENCE.silence
    )
    files = {
        sibling.rfilename: ListedFile(
            sibling.lfs.size if sibling.lfs else sibling.size,
            sibling.lfs.sha256 if sibling.lfs else None,
        )
        for sibling in info.siblings or ()
    }
    if info.sha is None or (len(revision) == COMMIT_DIGITS and info.sha != revision):
        raise ValueError("no commit, or another one")
    return Snapshot(repo, info.sha, files, _licenses(info))


def _licenses(info: ModelInfo) -> tuple[str, ...]:
    card = info.card_data
    if card is None:
        return ()
    declared = card.get("license")
    if declared == "other":
        declared = card.get("license_name")
    if isinstance(declared, str):
        return (declared,)
    return tuple(map(str, declared)) if isinstance(declared, list) else ()


def _refusal(repo: str, error: httpx2.HTTPError) -> Refusal:
    from huggingface_hub import errors

    page = f"see the page of {repo}"
    match error:
        case errors.GatedRepoError():
            return Refusal(
                "wants its licence accepted", gone=False, hint=f"{page}, then 'hf auth login'"
            )
        case errors.RevisionNotFoundError():
            return Refusal("no such commit or branch", gone=True, hint=page)
        case errors.RepositoryNotFoundError():
            return Refusal(
                "no such repository, or private", gone=True, hint=f"{page}, or 'hf auth login'"
            )
        case errors.HfHubHTTPError(response=answer):
            return Refusal(f"refused, HTTP {answer.status_code}", gone=False, hint=page)
    raise error


def _misnamed(repo: str) -> ModelError:
    return ModelError(
        f"'{repo}' is no repository's name",
        hint="write it as OWNER/NAME, as its page has it at the top",
    )


def _unreached(repo: str, revision: str, reason: str) -> ModelError:
    return ModelError(
        reason,
        where=place(repo, revision),
        hint="check the network, proxies and HF_ENDPOINT, and try again",
    )


def _untold(_reason: str, _seconds: float) -> None:
    """Waiting a second or two is not worth a line."""


class _Beginning(io.RawIOBase):
    """A file of the hub, read from its first byte on by range requests."""

    def __init__(self, listed: Snapshot, name: str, size: int) -> None:
        super().__init__()
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        self._listed = listed
        self._name = name
        self._size = size
        self._at = 0
        # The file's own address, not the one it redirects to: the HTTP client drops the token by
        # itself when the redirect leads to another host.
        self._url = hf_hub_url(listed.repo, name, revision=listed.commit)
        self._client = httpx2.Client(
            follow_redirects=True,
            timeout=PATIENCE.silence,
            headers={**build_hf_headers(), "Accept-Encoding": "identity"},
        )

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._client.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._size - self._at)
        if wanted == 0:
            return 0
        view[:wanted] = self._received(self._at, wanted)
        self._at += wanted
        return wanted

    def _received(self, first: int, count: int) -> bytes:
        try:
            return persist(
                lambda: self._attempt(first, count),
                patience=PATIENCE,
                told=_untold,
                done=lambda: 0,
            )
        except TransferError as error:
            raise ModelError(
                f"{error.reason} for '{self._name}'",
                where=self._listed.place,
                hint=f"see the page of {self._listed.repo}; it may want a login: 'hf auth login'",
            ) from error

    def _attempt(self, first: int, count: int) -> bytes:
        asked = {"Range": f"bytes={first}-{first + count - 1}"}
        try:
            with self._client.stream("GET", self._url, headers=asked) as answer:
                status = answer.status_code
                if status in RETRIED:
                    wait = demanded(answer.headers)
                    raise Interrupted(f"answers HTTP {status}", status=status, wait=wait)
                if status == 200:
                    raise TransferError("gives whole files only, and no part,")
                if status != 206:
                    raise TransferError(f"answers HTTP {status}", status)
                given = f"bytes {first}-{first + count - 1}/{self._size}"
                if answer.headers.get("Content-Range") != given:
                    raise TransferError("gives another range than the one asked for")
                data = bytearray()
                for chunk in answer.iter_raw():
                    data += chunk
                    if len(data) > count:
                        raise TransferError("gives another range than the one asked for")
        except httpx2.ConnectError as error:
            raise TransferError(f"cannot be reached: {error}") from error
        except httpx2.TransportError as error:
            raise Interrupted("dropped the connection, or sends nothing") from error
        except httpx2.HTTPError as error:
            raise TransferError(f"cannot be reached: {error}") from error
        if len(data) < count:
            raise Interrupted("ended early")
        return bytes(data)
