"""Metadata: keys with typed values, as a GGUF file has them before its table of tensors."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from kit.gguf.stream import Stream

LONGEST_KEY = 65_535
"""Bytes; the format's own bound."""
LONGEST_STRING = 1 << 24
"""Bytes."""
MOST_KEYS = 1 << 14
KEPT = 512
"""Elements up to which an array is kept: one for each layer of any model that llama.cpp reads."""


class ValueType(IntEnum):
    """The type of a value, by its number in a file."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


FLOATS = frozenset({ValueType.FLOAT32, ValueType.FLOAT64})
TEXTS = frozenset({ValueType.STRING})
_OTHERS = TEXTS | {ValueType.BOOL, ValueType.ARRAY}
INTEGERS = frozenset(ValueType) - FLOATS - _OTHERS
_FORMATS = {
    ValueType.UINT8: "B",
    ValueType.INT8: "b",
    ValueType.UINT16: "H",
    ValueType.INT16: "h",
    ValueType.UINT32: "I",
    ValueType.INT32: "i",
    ValueType.FLOAT32: "f",
    ValueType.BOOL: "B",
    ValueType.UINT64: "Q",
    ValueType.INT64: "q",
    ValueType.FLOAT64: "d",
}
"""In the spelling of :mod:`struct`."""


class Series(NamedTuple):
    """A long array, of which only type and length are kept."""

    type: ValueType
    length: int


Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...] | Series


class Field(NamedTuple):
    """A key's value, and where it stands."""

    type: ValueType
    element: ValueType | None
    """The type of an array's elements."""
    length: int
    """Elements of an array; 1 for any other value."""
    value: Value
    place: int
    """The byte where the value begins."""

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """The value, or all values of a short array; nothing of a long one."""
        if isinstance(self.value, Series):
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def holds(self, types: frozenset[ValueType]) -> bool:
        """Whether the value, or each element of the array, is of one of ``types``."""
        return (self.type if self.element is None else self.element) in types


def read_fields(stream: Stream, count: int) -> dict[str, Field]:
    """The next ``count`` keys and values.

    Raises:
        ModelError: one is cut short, of no known type, too large, or there twice.
    """
    fields: dict[str, Field] = {}
    for number in range(1, count + 1):
        place = stream.place
        key = stream.text(f"the name of key {number:,}", most=LONGEST_KEY)
        if not key or not key.isprintable():
            stream.refuse(f"the name of key {number:,} is {key!r:.80}", place=place)
        if key in fields:
            stream.refuse(f"key {key!r:.80} is there twice", place=place)
        fields[key] = _read_field(stream, f"key {key!r:.80}")
    return fields


def _read_field(stream: Stream, what: str) -> Field:
    kind = _read_type(stream, f"the type of {what}")
    place = stream.place
    if kind is not ValueType.ARRAY:
        [value] = _read_scalars(stream, kind, 1, what)
        return Field(kind, None, 1, value, place)
    element = _read_type(stream, f"the type of elements of {what}")
    if element is ValueType.ARRAY:
        stream.refuse(f"{what} is an array of arrays, which llama.cpp does not read", place=place)
    length = stream.length(f"the length of {what}", most=1 << 60)
    if length <= KEPT:
        return Field(kind, element, length, _read_scalars(stream, element, length, what), place)
    if element is ValueType.STRING:
        stream.skip_strings(length, what, longest=LONGEST_STRING)
    else:
        stream.skip(length * struct.calcsize(_FORMATS[element]), what)
    return Field(kind, element, length, Series(element, length), place)


def _read_type(stream: Stream, what: str) -> ValueType:
    place = stream.place
    number = stream.number(what)
    if number not in ValueType.__members__.values():
        stream.refuse(f"{what} is {number:,}, which stands for no type", place=place)
    return ValueType(number)


def _read_scalars(stream: Stream, kind: ValueType, count: int, what: str) -> tuple[Scalar, ...]:
    if kind is ValueType.STRING:
        return tuple(stream.text(what, most=LONGEST_STRING) for _ in range(count))
    form = struct.Struct(f"<{count}{_FORMATS[kind]}")
    place = stream.place
    values = form.unpack(stream.take(form.size, what))
    if kind is not ValueType.BOOL:
        return values
    for index, value in enumerate(values):
        if value > 1:
            stream.refuse(f"{what} is {value}, and true or false is 1 or 0", place=place + index)
    return tuple(map(bool, values))
