"""Random weights in the block formats of GGUF files.

A block of a quantised tensor is a few scales and many small integers. Random bytes are valid
blocks; only the 16-bit scales are set, so that the weights keep the size of trained ones. The
formats are described in llama.cpp's ggml-common.h.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from kit.spec.seeds import Part, key

Bytes = NDArray[np.uint8]


class _Half(NamedTuple):
    """A 16-bit scale of a block."""

    at: int
    """Byte where it stands."""
    value: float
    """Its size, for weights of a standard deviation of about 1."""


class _Format(NamedTuple):
    """A block format."""

    values: int
    size: int
    """Bytes of a block."""
    halves: tuple[_Half, ...]


# The standard deviation follows from independent uniform integers: in Q4_K a 6-bit scale times a
# 4-bit number less a 6-bit minimum, in Q6_K an 8-bit scale times a 6-bit number, and so on.
_FORMATS = {
    Kind.Q4_K: _Format(256, 144, (_Half(0, 1 / 260), _Half(2, 7.5 / 260))),
    Kind.Q6_K: _Format(256, 210, (_Half(208, 1 / 1370),)),
    Kind.Q5_0: _Format(32, 22, (_Half(0, 1 / 9.2),)),
    Kind.Q4_0: _Format(32, 18, (_Half(0, 1 / 4.6),)),
    Kind.Q4_1: _Format(32, 20, (_Half(0, 1 / 4.6), _Half(2, -7.5 / 4.6))),
    Kind.Q8_0: _Format(32, 34, (_Half(0, 1 / 74),)),
}
_MXFP4_SIZE = 17
_MXFP4_EXPONENTS = (121, 122)
"""Of the shared power of two: weights of about 1/16 and 1/8."""


def fits(kind: Kind, columns: int) -> bool:
    """Whether rows of so many weights can be cut into blocks."""
    if kind is Kind.F32:
        return True
    return columns % (32 if kind is Kind.MXFP4 else _FORMATS[kind].values) == 0


def uniform(shape: tuple[int, ...], low: float, high: float, *path: Part) -> NDArray[np.float32]:
    """32-bit weights between ``low`` and ``high``."""
    bits = _random(4 * int(np.prod(shape)), path).view("<u4").astype(np.float64)
    return (low + (high - low) * bits / 2**32).astype(np.float32).reshape(shape)


def blocks(kind: Kind, shape: tuple[int, ...], deviation: float, *path: Part) -> Bytes:
    """Quantised weights of about this standard deviation; the last axis is bytes of a row."""
    *rows, columns = shape
    if kind is Kind.MXFP4:
        count = int(np.prod(rows)) * columns // 32
        data = _random(count * _MXFP4_SIZE, path).reshape(count, _MXFP4_SIZE)
        low, high = _MXFP4_EXPONENTS
        data[:, 0] = np.where(data[:, 0] < 128, low, high)
        return data.reshape(*rows, -1)
    form = _FORMATS[kind]
    count = int(np.prod(rows)) * columns // form.values
    data = _random(count * form.size, path).reshape(count, form.size)
    for half in form.halves:
        scale = np.array([half.value * deviation], dtype="<f2").view(np.uint8)
        data[:, half.at : half.at + 2] = scale
    return data.reshape(*rows, -1)


def _random(count: int, path: tuple[Part, ...]) -> Bytes:
    """Bytes keyed by ``path``; the raw stream of a bit generator is the same in every NumPy."""
    raw = np.random.Philox(key=key("zoo", *path)).random_raw(-(-count // 8))
    return np.asarray(raw, dtype="<u8").view(np.uint8)[:count].copy()
