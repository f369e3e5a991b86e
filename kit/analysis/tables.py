"""Rows of one type as a polars frame.

The type's annotations are the schema, also when there is no row. Nested rows (a condition, an
estimate) become their own columns, so that every table is tidy.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import polars as pl

from kit.stats.result import SCHEMA, Estimate

_TYPES: dict[type, type[pl.DataType]] = {
    bool: pl.Boolean,
    int: pl.Int64,
    float: pl.Float64,
    str: pl.String,
}


def table(kind: type[Any], rows: Iterable[Any]) -> pl.DataFrame:
    """Rows of the NamedTuple ``kind`` as a frame.

    Raises:
        TypeError: an annotation has no column type.
    """
    return pl.DataFrame(
        [tuple(_cells(kind, row)) for row in rows], schema=dict(_columns(kind)), orient="row"
    )


def _columns(kind: type[Any]) -> Iterator[tuple[str, type[pl.DataType]]]:
    for name, hint in _hints(kind):
        if hint is Estimate:
            yield from SCHEMA.items()
        elif hasattr(hint, "_fields"):
            yield from _columns(hint)
        elif issubclass(hint, Enum):
            yield name, pl.String
        elif hint in _TYPES:
            yield name, _TYPES[hint]
        else:
            raise TypeError(f"{kind.__name__}.{name}: no column type for {hint}")


def _cells(kind: type[Any], row: Any) -> Iterator[object]:
    for name, hint in _hints(kind):
        value = getattr(row, name)
        if hint is Estimate:
            yield from (getattr(value, column) for column in SCHEMA)
        elif hasattr(hint, "_fields"):
            yield from _cells(hint, value)
        else:
            yield value.value if isinstance(value, Enum) else value


_KNOWN: dict[type[Any], tuple[tuple[str, Any], ...]] = {}
"""Fields of the types met so far: reading annotations takes longer than writing a row."""


def _hints(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Every field with its type, less None."""
    if kind not in _KNOWN:
        found = []
        for name, hint in typing.get_type_hints(kind).items():
            parts = hint.__args__ if isinstance(hint, types.UnionType) else (hint,)
            found.append((name, next(part for part in parts if part is not types.NoneType)))
        _KNOWN[kind] = tuple(found)
    return _KNOWN[kind]
