"""A file on its way into the store: it grows at its end and is hashed as it grows."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from kit.models.progress import Count, uncounted
from kit.models.receipts import CHUNK

_BLOCK = 1 << 20
"""Bytes that are hashed and written at once."""


class Part:
    """The growing file ``path``, as a context; what an earlier process left is continued.

    Nothing that was written is lost when the context ends, whatever ends it; an empty file is not
    left behind.

    Args:
        path: the file; its entity tag is kept beside it in ``path.tag``.
        count: called with the bytes that are there so far.
        hashed: called with the bytes read while hashing what was there before.
    """

    def __init__(self, path: Path, *, count: Count = uncounted, hashed: Count = uncounted) -> None:
        self.path = path
        self._tag_path = path.with_name(f"{path.name}.tag")
        self._count = count
        self._tell_hashed = hashed
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._written = os.lseek(self._handle, 0, os.SEEK_END)
        self._hasher = ThreadPoolExecutor(1, thread_name_prefix="sha256")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not isinstance(error, OSError):  # a full disk would only fail again
                self._flush()
        finally:
            self._hasher.shutdown()
            os.close(self._handle)
            if not self._written:
                self.path.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._written + len(self._buffer)

    @property
    def tag(self) -> str | None:
        """The strong entity tag under which a server gave the bytes, if one is known."""
        try:
            return self._tag_path.read_text(encoding="ascii") or None
        except (OSError, ValueError):
            return None

    def remember_tag(self, tag: str | None) -> None:
        """Keep ``tag`` for whoever continues."""
        if tag is None:
            self._tag_path.unlink(missing_ok=True)
        else:
            self._tag_path.write_text(tag, encoding="ascii")

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        self._buffer += data
        if len(self._buffer) >= _BLOCK:
            self._flush()

    def restart(self) -> None:
        """Throw away what is there."""
        self._settle()
        self._buffer.clear()
        self._digest, self._hashed, self._written = hashlib.sha256(), 0, 0
        os.ftruncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        self.remember_tag(None)

    def finish(self) -> str:
        """Bring everything to the disk; the SHA-256 of all bytes, in hexadecimal digits."""
        self._flush()
        self._catch_up()
        os.fsync(self._handle)
        return self._digest.hexdigest()

    def _flush(self) -> None:
        if not self._buffer:
            return
        block, self._buffer = bytes(self._buffer), bytearray()
        self._catch_up()
        # Hashing lets other threads run: it costs no time beside writing and receiving.
        self._pending = self._hasher.submit(self._digest.update, block)
        view = memoryview(block)
        while view:
            written = os.write(self._handle, view)
            self._written += written
            view = view[written:]
        self._hashed += len(block)
        self._count(self._written)

    def _catch_up(self) -> None:
        """Wait for the last block's hash, and read what an earlier process left."""
        self._settle()
        while self._hashed < self._written:
            wanted = min(CHUNK, self._written - self._hashed)
            chunk = os.pread(self._handle, wanted, self._hashed)
            self._digest.update(chunk)
            self._hashed += len(chunk)
            self._tell_hashed(self._hashed)

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None
