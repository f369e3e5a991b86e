"""A model's vocabulary as bytes, and which tokens may continue a line of text.

A byte-pair token may end inside a character. What is legal next then depends on the bytes still
owed, which this module reduces to a handful of UTF-8 states (Unicode 15, table 3-7: no overlong
forms, no surrogates), each with one cached row of facts about every token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Utf8(NamedTuple):
    """Bytes still owed to an unfinished character: how many, and the range of the next one."""

    owed: int
    low: int
    high: int


BOUNDARY = Utf8(0, 0, 0)
_FORBIDDEN = frozenset(range(0x20)) | {0x7F}
_LINE_BREAKS = (0x85, 0x2028, 0x2029)
"""Characters beside the newline that some readers break a line at."""


class Step(NamedTuple):
    """What a token does to a line of text."""

    chars: int
    """Characters it begins."""
    state: Utf8
    """UTF-8 state after it."""
    newline: bool
    """It ends the line."""


def advance(state: Utf8, piece: bytes) -> Step | None:
    """Read ``piece`` from ``state``; None when no line of text continues so.

    A newline may only be the last byte, so that a token never reaches into the next line.
    """
    chars = 0
    owed, low, high = state
    code = 0
    exact = owed == 0
    for index, byte in enumerate(piece):
        if owed:
            if not low <= byte <= high:
                return None
            code = (code << 6) | (byte & 0x3F)
            owed, low, high = owed - 1, 0x80, 0xBF
            if owed == 0 and exact and code in _LINE_BREAKS:
                return None
            continue
        exact = True
        if byte == 0x0A:
            return Step(chars, BOUNDARY, True) if index == len(piece) - 1 else None
        if byte < 0x80:
            if byte in _FORBIDDEN:
                return None
        elif 0xC2 <= byte <= 0xDF:
            owed, low, high, code = 1, 0x80, 0xBF, byte & 0x1F
        elif 0xE0 <= byte <= 0xEF:
            low = 0xA0 if byte == 0xE0 else 0x80
            high = 0x9F if byte == 0xED else 0xBF
            owed, code = 2, byte & 0x0F
        elif 0xF0 <= byte <= 0xF4:
            low = 0x90 if byte == 0xF0 else 0x80
            high = 0x8F if byte == 0xF4 else 0xBF
            owed, code = 3, byte & 0x07
        else:
            return None
        chars += 1
    return Step(chars, Utf8(owed, low, high) if owed else BOUNDARY, False)


class TextRow(NamedTuple):
    """For every token, read from one UTF-8 state: is it text, of what length, the end of a line."""

    legal: Flags
    chars: NDArray[np.int32]
    newline: Flags


class Vocabulary:
    """Tokens as bytes.

    Args:
        pieces: the bytes of every token; empty for tokens that stand for no text (control tokens).
        ends: ids of the tokens that end a turn.
    """

    def __init__(self, pieces: Sequence[bytes], ends: Iterable[int]):
        self.pieces = tuple(pieces)
        self.ends = tuple(sorted(ends))
        self._rows: dict[Utf8, TextRow] = {}

    def __len__(self) -> int:
        return len(self.pieces)

    @cached_property
    def ids(self) -> dict[bytes, tuple[int, ...]]:
        """Ids by their bytes; several tokens may spell the same."""
        table: dict[bytes, list[int]] = {}
        for index, piece in enumerate(self.pieces):
            if piece:
                table.setdefault(piece, []).append(index)
        return {piece: tuple(found) for piece, found in table.items()}

    @cached_property
    def _by_first_byte(self) -> dict[int, list[int]]:
        table: dict[int, list[int]] = {}
        for index, piece in enumerate(self.pieces):
            if piece:
                table.setdefault(piece[0], []).append(index)
        return table

    def row(self, state: Utf8) -> TextRow:
        """The facts of every token read from ``state``; computed once per state."""
        if state not in self._rows:
            size = len(self.pieces)
            legal = np.zeros(size, dtype=np.bool_)
            chars = np.zeros(size, dtype=np.int32)
            newline = np.zeros(size, dtype=np.bool_)
            first = range(state.low, state.high + 1) if state.owed else range(256)
            for byte in first:
                for index in self._by_first_byte.get(byte, ()):
                    step = advance(state, self.pieces[index])
                    if step is not None:
                        legal[index] = True
                        chars[index] = step.chars
                        newline[index] = step.newline
            self._rows[state] = TextRow(legal, chars, newline)
        return self._rows[state]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of ``tokens``; the bytes of an unfinished last character are left out."""
        return b"".join(map(self.pieces.__getitem__, tokens)).decode(errors="ignore")
