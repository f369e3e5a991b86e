"""Bytes of a file in their order, each counted, none taken before it is known to be there."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NoReturn

from kit.errors import ModelError

_CHUNK = 1 << 18
_LENGTH = struct.Struct("<Q")
_NUMBER = struct.Struct("<I")


class Stream:
    """Reads a binary stream from its present place to wherever the header ends.

    It reads ahead by up to 256 KiB, and never seeks, so an answer over HTTP will do.

    Args:
        stream: what is read; only ``read(n)`` is used, and it may return less than it was asked.
        size: the file's length in bytes, None where it is not known.
        where: names the file in errors.
        limit: bytes a header may take at most.
    """

    def __init__(self, stream: BinaryIO, *, size: int | None, where: str | Path, limit: int):
        self.size = size
        self._stream = stream
        self._where = where
        self._limit = limit
        self._buffer = b""
        self._at = 0
        self._start = 0

    @property
    def place(self) -> int:
        """How many bytes were taken so far."""
        return self._start + self._at

    def refuse(self, message: str, *, place: int | None = None) -> NoReturn:
        """Raise the error for what stands at ``place``, or here.

        Raises:
            ModelError: always.
        """
        at = self.place if place is None else place
        raise ModelError(
            f"is no sound GGUF model file: byte {at:,}: {message}",
            where=self._where,
            hint="kit models verify --full",
        )

    def expect(self, count: int, what: str) -> None:
        """Refuse if the file is too short for ``count`` more bytes, or a header too long for them.

        Raises:
            ModelError: it is.
        """
        if self.size is not None and count > self.size - self.place:
            self.refuse(f"{what} takes {count:,} bytes, and {self.size - self.place:,} are left")
        if self.place + count > self._limit:
            self.refuse(f"{what} takes {count:,} bytes; a header has {self._limit:,} at most")

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes.

        Raises:
            ModelError: the file ends before them.
        """
        self.expect(count, what)
        self._fill(count, what)
        found = self._buffer[self._at : self._at + count]
        self._at += count
        return found

    def skip(self, count: int, what: str) -> None:
        """Pass over ``count`` bytes, holding few of them at a time.

        Raises:
            ModelError: the file ends before them.
        """
        self.expect(count, what)
        while count:
            step = min(count, _CHUNK)
            self._fill(step, what)
            self._at += step
            count -= step

    def skip_strings(self, count: int, what: str, *, longest: int) -> None:
        """Pass over ``count`` strings, each of at most ``longest`` bytes.

        A vocabulary has hundreds of thousands, so none of them becomes an object.

        Raises:
            ModelError: the file ends before them, or one is longer.
        """
        self.expect(count * _LENGTH.size, what)
        buffer, at, end = self._buffer, self._at, len(self._buffer)
        for _ in range(count):
            if at + _LENGTH.size <= end:
                (length,) = _LENGTH.unpack_from(buffer, at)
                if length <= longest and at + _LENGTH.size + length <= end:
                    at += _LENGTH.size + length
                    continue
            self._at = at
            length = self.length(f"the length of a string of {what}", most=longest)
            self.skip(length, what)
            buffer, at, end = self._buffer, self._at, len(self._buffer)
        self._at = at

    def number(self, what: str) -> int:
        """The next unsigned 32-bit integer."""
        return int(_NUMBER.unpack(self.take(_NUMBER.size, what))[0])

    def length(self, what: str, *, most: int) -> int:
        """The next unsigned 64-bit integer, which is at most ``most``.

        Raises:
            ModelError: it is larger.
        """
        place = self.place
        (found,) = _LENGTH.unpack(self.take(_LENGTH.size, what))
        if found > most:
            self.refuse(f"{what} is {found:,}; at most {most:,} are possible", place=place)
        return int(found)

    def text(self, what: str, *, most: int) -> str:
        """The next string: its length, then UTF-8.

        Raises:
            ModelError: it is longer than ``most`` bytes, or not UTF-8.
        """
        length = self.length(f"the length of {what}", most=most)
        place = self.place
        try:
            return self.take(length, what).decode()
        except UnicodeDecodeError as error:
            self.refuse(f"{what} is not UTF-8", place=place + error.start)

    def _fill(self, count: int, what: str) -> None:
        """Make sure that ``count`` bytes are in the buffer."""
        missing = count - (len(self._buffer) - self._at)
        if missing <= 0:
            return
        parts = [self._buffer[self._at :]]
        self._start += self._at
        self._at = 0
        while missing > 0:
            try:
                found = self._stream.read(max(missing, _CHUNK))
            except OSError as error:
                raise ModelError(
                    f"cannot be read: {error.strerror or error}",
                    where=self._where,
                    hint="kit models verify",
                ) from error
            if not found:
                self._buffer = b"".join(parts)
                self.refuse(f"the file ends inside {what}", place=self._start + len(self._buffer))
            parts.append(found)
            missing -= len(found)
        self._buffer = b"".join(parts)
