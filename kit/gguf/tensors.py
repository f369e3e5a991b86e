"""The table of tensors: name, shape, type and place of each, held against the file's length."""

from __future__ import annotations

import math
from typing import NamedTuple

from kit.gguf.blocks import BLOCKS
from kit.gguf.stream import Stream

MOST_TENSORS = 1 << 16
LONGEST_NAME = 63
"""Bytes; ggml keeps names in 64 with a zero behind."""
MOST_DIMENSIONS = 4
_MOST_WEIGHTS = 1 << 48


class Tensor(NamedTuple):
    """A tensor as the table describes it."""

    name: str
    shape: tuple[int, ...]
    """Columns before rows, as ggml writes it: the first dimension is contiguous."""
    type: int
    """Number of a :class:`~kit.gguf.blocks.Block`."""
    offset: int
    """Bytes from where the data begins."""

    @property
    def size(self) -> int:
        """Bytes."""
        block = BLOCKS[self.type]
        return math.prod(self.shape) // block.values * block.size

    @property
    def end(self) -> int:
        """Bytes from where the data begins to behind the tensor."""
        return self.offset + self.size


class Row(NamedTuple):
    """A tensor, and where the table speaks of it."""

    tensor: Tensor
    place: int
    """The byte where its row begins."""


def read_rows(stream: Stream, count: int) -> list[Row]:
    """The next ``count`` rows of the table.

    Raises:
        ModelError: one is cut short, there twice, or describes what cannot be.
    """
    rows: list[Row] = []
    names: set[str] = set()
    for number in range(1, count + 1):
        place = stream.place
        tensor = _read_tensor(stream, number)
        if tensor.name in names:
            stream.refuse(f"tensor {tensor.name!r} is there twice", place=place)
        names.add(tensor.name)
        rows.append(Row(tensor, place))
    return rows


def check_layout(stream: Stream, rows: list[Row], *, start: int, alignment: int) -> None:
    """Refuse tensors that overlap, stand askew, or reach over the file's end.

    Args:
        stream: knows the file's length, and refuses.
        rows: the whole table.
        start: the byte where the data begins.
        alignment: what every offset is a multiple of.

    Raises:
        ModelError: one does.
    """
    end, before = 0, ""
    for tensor, place in sorted(rows, key=lambda row: row.tensor.offset):
        what = f"tensor {tensor.name!r}"
        if tensor.offset % alignment:
            stream.refuse(
                f"{what} begins at byte {tensor.offset:,} of the data, no multiple of {alignment}",
                place=place,
            )
        if tensor.offset < end:
            stream.refuse(f"{what} overlaps tensor {before!r}", place=place)
        end, before = tensor.end, tensor.name
        if stream.size is not None and start + end > stream.size:
            stream.refuse(
                f"{what} ends at byte {start + end:,}, and the file at {stream.size:,}", place=place
            )


def _read_tensor(stream: Stream, number: int) -> Tensor:
    place = stream.place
    name = stream.text(f"the name of tensor {number:,}", most=LONGEST_NAME)
    if not name or not name.isprintable():
        stream.refuse(f"the name of tensor {number:,} is {name!r}", place=place)
    what = f"tensor {name!r}"
    place = stream.place
    dimensions = stream.number(f"the number of dimensions of {what}")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        stream.refuse(f"{what} has {dimensions:,} dimensions, and 1 to 4 are possible", place=place)
    place = stream.place
    shape = tuple(
        stream.length(f"a dimension of {what}", most=_MOST_WEIGHTS) for _ in range(dimensions)
    )
    if not 0 < math.prod(shape) <= _MOST_WEIGHTS:
        written = " x ".join(f"{length:,}" for length in shape)
        stream.refuse(f"{what} cannot have {written} weights", place=place)
    place = stream.place
    kind = stream.number(f"the type of {what}")
    if kind not in BLOCKS:
        stream.refuse(f"{what} is of type {kind:,}, which stands for no type", place=place)
    block = BLOCKS[kind]
    if shape[0] % block.values:
        stream.refuse(
            f"{what} has rows of {shape[0]:,} weights, and a block of {block.name} holds "
            f"{block.values}",
            place=place,
        )
    offset = stream.length(f"the offset of {what}", most=(1 << 63) - 1)
    return Tensor(name, shape, kind, offset)
