"""What a GGUF file says of itself before its weights begin.

::

    "GGUF"  version  number of tensors  number of keys
    keys and values                          metadata
    names, shapes, types, offsets            the table of tensors
    (to a multiple of the alignment)
    weights                                  from Header.data_start on

Numbers are little-endian. Nothing is believed: a length is held against what is left of the file
before so much is read, and a header that passes takes a few megabytes of memory at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from kit.gguf.checks import (
    ALL_TENSORS,
    ARCHITECTURE,
    PART,
    PARTS,
    TEMPLATE,
    alignment_of,
    check_fields,
)
from kit.gguf.stream import Stream
from kit.gguf.tensors import MOST_TENSORS, Tensor, check_layout, read_rows
from kit.gguf.values import MOST_KEYS, Value, read_fields

LONGEST_HEADER = 1 << 26
"""Bytes. A vocabulary of 262,144 tokens takes 7 million, or 16 million with its merges."""
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)


class Header(NamedTuple):
    """Everything but the weights."""

    version: int
    metadata: Mapping[str, Value]
    """Of arrays with more than 512 elements only type and length."""
    tensors: tuple[Tensor, ...]
    """In the order of the table."""
    data_start: int
    """The byte where offsets of tensors begin to count."""
    alignment: int
    """Bytes that every offset is a multiple of."""

    @property
    def architecture(self) -> str | None:
        """As llama.cpp names it; None in the later parts of a split model."""
        return self._text(ARCHITECTURE)

    @property
    def name(self) -> str | None:
        """What its makers call the model."""
        return self._text("general.name")

    @property
    def license(self) -> str | None:
        """As the file declares it."""
        return self._text("general.license")

    @property
    def context_length(self) -> int | None:
        """Tokens the model was trained to read."""
        return self._integer(f"{self.architecture}.context_length")

    @property
    def block_count(self) -> int | None:
        """Layers."""
        return self._integer(f"{self.architecture}.block_count")

    @property
    def chat_template(self) -> str | None:
        """Jinja source."""
        return self._text(TEMPLATE)

    @property
    def template_sha256(self) -> str | None:
        """Hash of the chat template's UTF-8."""
        source = self.chat_template
        return None if source is None else hashlib.sha256(source.encode()).hexdigest()

    @property
    def part(self) -> int:
        """Which part of a split model this is, from 0 on."""
        return self._integer(PART) or 0

    @property
    def parts(self) -> int:
        """How many parts the model has; 1 where it is not split."""
        return max(1, self._integer(PARTS) or 1)

    @property
    def all_tensors(self) -> int | None:
        """Tensors of all parts; None where the model is not split."""
        return self._integer(ALL_TENSORS)

    @property
    def data_size(self) -> int:
        """Bytes from :attr:`data_start` to behind the last tensor."""
        return max((tensor.end for tensor in self.tensors), default=0)

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def _integer(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if isinstance(value, int) else None


def read_header(stream: BinaryIO, *, size: int | None, where: str | Path) -> Header:
    """Read and check a header from where ``stream`` stands.

    Args:
        stream: the file from its first byte on; only ``read(n)`` is used, without seeking, so an
            answer over HTTP will do. Up to 256 KiB behind the header may be read.
        size: the file's length in bytes, None where it is not known; then it is not checked that
            the tensors end inside it.
        where: names the file in errors.

    Raises:
        ModelError: the header is cut short, of an unknown version or type, out of all bounds, or
            contradicts itself or the file's length. Says at which byte.
    """
    source = Stream(stream, size=size, where=where, limit=LONGEST_HEADER)
    version = _read_version(source)
    count = source.length("the number of tensors", most=MOST_TENSORS)
    keys = source.length("the number of keys", most=MOST_KEYS)
    fields = read_fields(source, keys)
    alignment = alignment_of(source, fields)
    rows = read_rows(source, count)
    data_start = -(-source.place // alignment) * alignment
    check_fields(source, fields, rows)
    check_layout(source, rows, start=data_start, alignment=alignment)
    return Header(
        version,
        MappingProxyType({key: field.value for key, field in fields.items()}),
        tuple(row.tensor for row in rows),
        data_start,
        alignment,
    )


def _read_version(source: Stream) -> int:
    magic = source.take(len(_MAGIC), "the first word")
    if magic != _MAGIC:
        source.refuse(f"it begins with {magic!r}, not with {_MAGIC!r}", place=0)
    place = source.place
    version = source.number("the version")
    if int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS:
        source.refuse("its numbers are big-endian, and must be little-endian", place=place)
    if version not in _VERSIONS:
        source.refuse(f"its version is {version:,}, and 2 or 3 can be read", place=place)
    return version
