"""Which lines are so clearly in their own language that none has to be asked about by itself.

`py3langid` reads a line byte by byte and scores it: the sum, over the features it meets, of
ln(1 + count) times the feature's log probability in each language (Lui and Baldwin 2012). Here the
same is done for many lines at once. Sums are rounded otherwise than its own, so only a lead that no
rounding can turn counts as clear; every other line is left to the identifier itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLEAR = 0.1
"""Least lead over the next language, in units of log probability. The scores of the longest line
that fits a budget are some thousands, which single precision holds to better than 0.01."""


class Home:
    """Tells which lines are clearly in one of several languages.

    Args:
        identifier: a `py3langid` identifier, restricted to the languages that are compared.
    """

    def __init__(self, identifier: Any):
        self._next = np.frombuffer(identifier.tk_nextmove, dtype=np.uint32)
        self._row = np.array(identifier.tk_row, dtype=np.int64) << 8
        self._feature = np.array(identifier.tk_output, dtype=np.int64)
        self._codes = list(identifier.nb_classes)
        self._table = np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32)
        self._prior = np.asarray(identifier.nb_pc, dtype=np.float64)

    def clear(self, texts: Sequence[str], code: str) -> list[bool]:
        """For each of ``texts``, whether it is clearly in the language ``code``."""
        if not texts:
            return []
        line, feature = self._visits([_encoded(text) for text in texts])
        place, count = np.unique(line * len(self._table) + feature, return_counts=True)
        line, feature = np.divmod(place, len(self._table))
        weighed = np.log1p(count)[:, None] * self._table[feature]
        sums = [np.bincount(line, one, minlength=len(texts)) for one in weighed.T]
        scores = np.column_stack(sums) + self._prior
        own = self._codes.index(code)
        leads = scores[:, own] - np.max(np.delete(scores, own, axis=1), axis=1)
        return [bool(lead > CLEAR) for lead in leads]

    def _visits(self, lines: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every feature met in every line: the line's number, and the feature."""
        order = sorted(range(len(lines)), key=lambda index: -len(lines[index]))
        lengths = np.array([len(lines[index]) for index in order])
        letters = np.zeros((int(lengths[0]), len(lines)), dtype=np.int64)
        for column, index in enumerate(order):
            letters[: lengths[column], column] = np.frombuffer(lines[index], dtype=np.uint8)
        met = np.full(letters.shape, -1, dtype=np.int64)
        state = np.zeros(len(lines), dtype=np.int64)
        left = len(lines) - np.searchsorted(lengths[::-1], np.arange(len(letters)), side="right")
        for at, many in enumerate(left.tolist()):
            state = self._next[self._row[state[:many]] + letters[at, :many]]
            met[at, :many] = self._feature[state]
        rows, columns = np.nonzero(met >= 0)
        return np.array(order, dtype=np.int64)[columns], met[rows, columns]


def _encoded(text: str) -> bytes:
    """The bytes that the identifier reads."""
    lower = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", lower).encode(errors="surrogatepass")
