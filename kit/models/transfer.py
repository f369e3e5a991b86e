"""Bytes over HTTP that continue where they stopped.

A transfer survives dropped and silent connections, busy servers and a file that changes on the
server meanwhile. It asks for what is missing only, and under the entity tag of what is there
(RFC 9110, sections 13.1.5 and 14), so bytes of two versions are never joined.
"""

from __future__ import annotations

import email.utils
import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import httpx2

from kit.models.part import Part

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP answers that may be another one later."""
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_LONGEST_DEMAND = 600.0

Told = Callable[[str, float], None]
"""Called with what went wrong and the seconds until the next try."""
T = TypeVar("T")


class Patience(NamedTuple):
    """When to give up."""

    tries: int = 8
    """Failures in a row that brought no byte."""
    first_wait: float = 1.0
    """Seconds before the second try; doubled after each."""
    longest_wait: float = 60.0
    silence: float = 30.0
    """Seconds without a byte after which a connection counts as dead."""
    slowest: float = 1024.0
    """Bytes per second below which a connection is given up."""
    window: float = 60.0
    """Seconds over which that is measured."""


class TransferError(Exception):
    """A transfer ended without the file.

    Args:
        reason: what happened, as the end of a sentence that begins with the server's name.
        status: the HTTP answer, where there was one.
    """

    def __init__(self, reason: str, status: int | None = None):
        super().__init__(reason)
        self.reason = reason
        self.status = status


class OtherLength(TransferError):
    """The server's file has another length than the pinned one."""

    def __init__(self, length: int):
        super().__init__(f"holds {length:,} bytes")
        self.length = length


class Interrupted(Exception):
    """One try failed, and another may not.

    Args:
        reason: as in `TransferError`.
        status: the HTTP answer, where there was one.
        wait: seconds the server asked for.
        gained: whether the try counts as progress if it brought bytes.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        wait: float | None = None,
        gained: bool = True,
    ):
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.wait = wait
        self.gained = gained


def persist(
    attempt: Callable[[], T], *, patience: Patience, told: Told, done: Callable[[], int]
) -> T:
    """Call ``attempt`` until it ends, or until it fails too often without progress.

    Args:
        attempt: raises `Interrupted` where another try may help.
        done: how far things are; a failure after progress is the first one again.

    Raises:
        TransferError: it was tried often enough.
    """
    failures = 0
    while True:
        before = done()
        try:
            return attempt()
        except Interrupted as error:
            failures = 1 if error.gained and done() > before else failures + 1
            if failures >= patience.tries:
                raise TransferError(error.reason, error.status) from error
            wait = min(patience.first_wait * 2 ** (failures - 1), patience.longest_wait)
            if error.wait is not None:
                wait = min(error.wait, _LONGEST_DEMAND)
            told(error.reason, wait)
            time.sleep(wait)


def receive(
    url: str,
    part: Part,
    length: int,
    *,
    headers: Mapping[str, str],
    told: Told,
    patience: Patience = Patience(),  # noqa: B008 - immutable
) -> None:
    """Let ``part`` grow to ``length`` bytes of the file at ``url``.

    Proxies and certificates are those of the environment; ``headers`` reach the address's own host
    only: a redirect to another one loses its authorization.

    Raises:
        TransferError: the server cannot be reached, refuses, or fails too often.
        OtherLength: its file is longer or shorter.
    """
    waits = httpx2.Timeout(patience.silence)
    with httpx2.Client(follow_redirects=True, timeout=waits, headers=headers) as client:
        transfer = _Transfer(client, url, part, length, patience)
        persist(transfer.attempt, patience=patience, told=told, done=lambda: part.size)


class _Transfer:
    """One file's way over one or more connections."""

    def __init__(
        self, client: httpx2.Client, url: str, part: Part, length: int, patience: Patience
    ) -> None:
        self._client = client
        self._url = url
        self._part = part
        self._length = length
        self._patience = patience
        self._begun = part.size

    def attempt(self) -> None:
        """Receive until the file is whole.

        Raises:
            Interrupted: it is not, and another attempt may help.
            TransferError: no other attempt would.
        """
        part = self._part
        if part.size == self._length:
            return
        try:
            with self._client.stream("GET", self._url, headers=self._wanted()) as answer:
                self._accept(answer)
                pace = _Pace(self._patience)
                for chunk in answer.iter_raw():
                    if part.size + len(chunk) > self._length:
                        raise OtherLength(part.size + len(chunk))
                    part.write(chunk)
                    pace.count(len(chunk))
        except httpx2.TimeoutException as error:
            raise Interrupted(f"sent nothing for {self._patience.silence:g} s") from error
        except httpx2.ConnectError as error:
            if _is_about_certificates(error):
                raise TransferError(f"cannot be trusted: {error}") from error
            if part.size == self._begun:  # it was never there; later it may only be away
                raise TransferError(f"cannot be reached: {error}") from error
            raise Interrupted("is gone") from error
        except (httpx2.ProxyError, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise TransferError(f"cannot be reached: {error}") from error
        except httpx2.TransportError as error:
            raise Interrupted("dropped the connection") from error
        except httpx2.TooManyRedirects as error:
            raise TransferError("redirects in a circle") from error
        if part.size < self._length:
            raise Interrupted("ended early")

    def _wanted(self) -> dict[str, str]:
        """Headers that ask for what is missing, and for no other version's bytes."""
        asked = {"Accept-Encoding": "identity"}
        if self._part.size:
            asked["Range"] = f"bytes={self._part.size}-"
            if tag := self._part.tag:
                asked["If-Range"] = tag
        return asked

    def _accept(self, answer: httpx2.Response) -> None:
        """Hold the answer's head against what was asked for, before a byte of it is written."""
        part, status, head = self._part, answer.status_code, answer.headers
        if status in RETRIED:
            raise Interrupted(f"answers HTTP {status}", status=status, wait=demanded(head))
        found = _RANGE.fullmatch(head.get("Content-Range", ""))
        total = found[2] if found else head.get("Content-Length") if status == 200 else None
        if total is not None and total.isdecimal() and int(total) != self._length:
            raise OtherLength(int(total))
        coding = head.get("Content-Encoding", "identity")
        if coding != "identity":
            raise TransferError(f"sends the file as {coding}, which was not asked for")
        match status:
            case 200:
                if part.size:  # another file by now, or a server that knows no ranges
                    part.restart()
            case 206 if found is not None and found[1] == str(part.size):
                pass
            case 206:
                raise TransferError("answers with another range than the one asked for")
            case 416:
                part.restart()
                raise Interrupted("has no such range; starting over", status=status)
            case _:
                raise TransferError(f"answers HTTP {status}", status)
        tag = head.get("ETag")
        strong = tag is not None and tag.startswith('"') and tag.isascii()
        part.remember_tag(tag if strong else None)


class _Pace:
    """Notices a connection that drips."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since = time.monotonic()
        self._bytes = 0

    def count(self, size: int) -> None:
        self._bytes += size
        passed = time.monotonic() - self._since
        if passed < self._patience.window:
            return
        if self._bytes < self._patience.slowest * passed:
            rate = self._bytes / passed
            raise Interrupted(f"sends {rate:,.0f} bytes per second", gained=False)
        self._since, self._bytes = time.monotonic(), 0


def demanded(head: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, by its Retry-After: a number or a date."""
    said = head.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        date = email.utils.parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    return max(0.0, date.timestamp() - time.time())


def _is_about_certificates(error: BaseException) -> bool:
    """Whether TLS failed: waiting makes no certificate valid."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
