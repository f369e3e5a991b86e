"""The numbers that a report prints, cell by cell, against the tables they are said to come from.

Every table of the page names its tables of numbers. What a cell prints together (an estimate with
its interval, a test with its p) has to stand together in one row of them, rounded as printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, NamedTuple

from kit.report.recomputation.logs import CONDITION
from kit.report.recomputation.tables import Row, Scalar, Tables

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w]|\.\d)")
_REASONS = ("not testable", "undefined", "withheld", "no value")
"""How a cell begins that says why it holds no number."""
_LEVELS = re.compile(r"95 %|90 %|80 %")
_CONTEXT = ("model", "language", "variant", "dimension", "claim")


_SCATTER = ("model", "variant", "individuated", "measure", "dimension")


class Cell(NamedTuple):
    """One cell of a table of the page."""

    tables: tuple[str, ...]
    """The tables its numbers are said to come from."""
    caption: str
    row: str
    """The first cell of its row."""
    column: str
    text: str
    numeric: bool
    """Whether it is set as a number; other cells hold words."""


class Misprint(NamedTuple):
    """A cell whose numbers stand together in no row of its tables."""

    cell: Cell
    numbers: tuple[str, ...]


class Read(NamedTuple):
    """What the page's tables hold."""

    numbers: int
    """Numbers that were looked up."""
    misprints: tuple[Misprint, ...]
    without_source: int
    """Numbers in tables of the page that name no table of numbers."""


def read(html: str) -> list[Cell]:
    """Every cell of every table of a page, row headers included."""
    page = _Page()
    page.feed(html)
    page.close()
    return page.cells


def hold(cells: Sequence[Cell], tables: Tables) -> Read:
    """Look up the numbers of every numeric cell.

    Args:
        cells: from `read`.
        tables: the tables of numbers.
    """
    known = {name: [_entry(row) for row in rows] for name, rows in _with_sums(tables).items()}
    numbers = without = 0
    wrong = []
    for group in _rows(cells):
        printed = {
            cell: found
            for cell in group
            if cell.column and cell.numeric and (found := _printed(cell.text))
        }
        count = sum(len(found) for found in printed.values())
        entries = [entry for name in group[0].tables for entry in known.get(name, ())]
        if entries:
            numbers += count
            wrong += _misprints(printed, entries)
        else:
            without += count
    return Read(numbers, tuple(wrong), without)


class _Entry(NamedTuple):
    """One row of a table of numbers."""

    context: tuple[Scalar, ...]
    measure: Scalar
    values: tuple[float, ...]


def _entry(row: Row) -> _Entry:
    values = tuple(
        float(value)
        for value in row.values()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    return _Entry(tuple(row.get(name) for name in _CONTEXT), row.get("measure"), values)


def _with_sums(tables: Tables) -> Tables:
    """The tables, with the sums and ranges over rows that the page prints."""
    found = dict(tables)
    if plan := tables.get("plan"):
        names = ("planned", "complete", "incomplete", "missing")
        found["plan"] = [*plan, {name: sum(row[name] for row in plan) for name in names}]
    ranges: dict[tuple[Scalar, ...], list[Row]] = {}
    for row in tables.get("culture_left_out", []):
        ranges.setdefault(tuple(row[name] for name in _SCATTER), []).append(row)
    found["culture_left_out"] = [
        {
            **dict(zip(_SCATTER, where, strict=True)),
            "low": min((row["r"] for row in rows if row["r"] is not None), default=None),
            "high": max((row["r"] for row in rows if row["r"] is not None), default=None),
        }
        for where, rows in ranges.items()
    ]
    cells: dict[tuple[Scalar, ...], dict[str, Any]] = {}
    for row in tables.get("runs", []):
        where = {name: row[name] for name in CONDITION}
        cell = cells.setdefault(tuple(where.values()), {**where, "lines": 0, "away": 0})
        cell["lines"] += row["lines"]
        cell["away"] += row["lines_off_language"]
    for cell in cells.values():
        cell["share"] = cell["away"] / cell["lines"] if cell["lines"] else 0.0
    found["drift"] = [*tables.get("drift", []), *cells.values()]
    return found


def differing(one: Sequence[Cell], other: Sequence[Cell]) -> list[tuple[Cell, str]]:
    """Cells of ``one`` that say something else in ``other``, with what they say there."""
    found = []
    texts: dict[tuple[str, str, str, int], str] = {}
    for key, cell in _numbered(other):
        texts[key] = cell.text
    for key, cell in _numbered(one):
        said = texts.get(key, "no such cell")
        if said != cell.text:
            found.append((cell, said))
    return found


def _numbered(cells: Sequence[Cell]) -> Iterator[tuple[tuple[str, str, str, int], Cell]]:
    """Cells with a key; those of equal words are told apart by their order."""
    seen: dict[tuple[str, str, str], int] = {}
    for cell in cells:
        words = (cell.caption, cell.row, cell.column)
        seen[words] = seen.get(words, 0) + 1
        yield (*words, seen[words]), cell


def _rows(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    group: list[Cell] = []
    for cell in cells:
        if group and not cell.column:
            yield group
            group = []
        group.append(cell)
    if group:
        yield group


def _misprints(printed: Mapping[Cell, list[str]], entries: Sequence[_Entry]) -> list[Misprint]:
    """Cells without a row; single numbers are looked for where their neighbours were found."""
    wrong = []
    contexts: set[tuple[Scalar, ...]] = set()
    measures: list[set[Scalar]] = []
    for cell, numbers in printed.items():
        if len(numbers) > 1:
            places = [entry for entry in entries if _all_stand(numbers, entry, cell.text)]
            contexts |= {entry.context for entry in places}
            if places:
                measures.append({entry.measure for entry in places})
            else:
                wrong.append(Misprint(cell, tuple(numbers)))
    # One cell may be any measure's; where several have one in common, the row is about it.
    common = set.intersection(*measures) if len(measures) > 1 else set()
    near = [
        entry
        for entry in entries
        if (not contexts or entry.context in contexts) and (not common or entry.measure in common)
    ]
    for cell, numbers in printed.items():
        # A count that never occurred has no row.
        alone = len(numbers) == 1 and (contexts or numbers != ["0"])
        if alone and not any(_all_stand(numbers, entry, cell.text) for entry in near):
            wrong.append(Misprint(cell, tuple(numbers)))
    return wrong


def _all_stand(numbers: Sequence[str], entry: _Entry, text: str) -> bool:
    return all(_stands(number, entry.values, text) for number in numbers)


def _printed(text: str) -> list[str]:
    if text.startswith(_REASONS):
        return []
    return _NUMBER.findall(_LEVELS.sub("", text))


def _stands(number: str, values: Sequence[float], text: str) -> bool:
    """Whether one of ``values`` is printed as ``number``."""
    plain = number.replace(",", "")
    if "e" in plain:
        return any(f"{value:.1e}" == plain for value in values)
    digits = len(plain.partition(".")[2])
    if plain == "0.0001" and "<" in text and any(value < 0.0001 for value in values):
        return True
    scales = (1.0, 100.0) if "%" in text else (1.0,)
    return any(_rounded(value * scale, digits) == plain for value in values for scale in scales)


def _rounded(value: float, digits: int) -> str:
    shown = f"{value:.{digits}f}"
    return shown.removeprefix("-") if float(shown) == 0.0 else shown


class _Page(HTMLParser):
    """Collects the cells of all tables."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[Cell] = []
        self._tables: tuple[str, ...] = ()
        self._caption = ""
        self._columns: list[str] = []
        self._row: list[str] = []
        self._text: list[str] | None = None
        self._column_head = False
        self._numeric = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "div" and "aria-label" in known:
            self._tables = tuple((known.get("data-tables") or "").split())
        elif tag == "table":
            self._caption, self._columns = "", []
        elif tag == "tr":
            self._row = []
        elif tag in ("caption", "th", "td"):
            self._text = []
            self._column_head = tag == "th" and known.get("scope") == "col"
            self._numeric = known.get("class") == "num"

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("caption", "th", "td") or self._text is None:
            return
        text = _plain("".join(self._text))
        self._text = None
        if tag == "caption":
            self._caption = text
        elif self._column_head:
            self._columns.append(text)
        else:
            column = self._columns[len(self._row)] if self._row and self._columns else ""
            self._row.append(text)
            numeric = self._numeric or "95 %" in column
            cell = Cell(self._tables, self._caption, self._row[0], column, text, numeric)
            self.cells.append(cell)


def _plain(text: str) -> str:
    """Text with a true minus sign and blanks that keep together put back."""
    return " ".join(text.replace("\u2212", "-").replace("\u00a0", " ").split())
