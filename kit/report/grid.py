"""Tables as rows of text, before anyone decides how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """A column head."""

    title: str
    numeric: bool = False
    """Set flush right."""


class Grid(NamedTuple):
    """One table. The first column names its row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str | None = None
    tables: tuple[str, ...] = ()
    """The tables its numbers are taken from; none for what stands in the study's file."""


def grid(
    caption: str,
    titles: str,
    rows: Sequence[tuple[str, ...]],
    *,
    tables: str = "",
    note: str | None = None,
) -> Grid:
    """A table; ``titles`` are separated by ``|``, and a leading ``>`` makes a column numeric.

    Args:
        caption: what it shows.
        titles: of the columns.
        rows: one cell per title.
        tables: names of the analysis' tables that hold the numbers, separated by blanks.
        note: what a reader has to know of it.

    Raises:
        ValueError: a row has more or fewer cells than there are titles.
    """
    columns = tuple(
        Column(title.strip().removeprefix(">"), title.strip().startswith(">"))
        for title in titles.split("|")
    )
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{caption}: row of {len(row)} cells under {len(columns)} titles")
    return Grid(caption, columns, tuple(rows), note, tuple(tables.split()))
