"""The tables of an analysis in a folder of their own, for other programs.

The same logs give the same bytes. A folder of exports says in ``columns.csv`` which tables it
holds; only files that it names are ever written over.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import polars as pl

from kit.analysis.dictionary import Column, columns, measures
from kit.analysis.results import Analysis
from kit.errors import OutputError
from kit.runlog.writer import write_atomically

DICTIONARY = "columns.csv"
_TABLE_NAME = re.compile(r"\w+")


class Format(StrEnum):
    """Kind of file; the value is how its name ends."""

    PARQUET = "parquet"
    CSV = "csv"


def export(analysis: Analysis, folder: Path, formats: Sequence[Format]) -> list[Path]:
    """Write every table in each of the formats, and what their columns mean.

    What an earlier export left in the folder and this one does not write is removed, so that no
    folder holds tables of two analyses.

    Returns:
        The files, the dictionary first.

    Raises:
        OutputError: the folder is a file, holds files of the same names that no export wrote, or
            cannot be written.
    """
    tables = {"measures": measures(), **analysis.tables}
    _check_place(folder)
    contents = {DICTIONARY: columns(tables).write_csv().encode()}
    for name, rows in tables.items():
        for kind in formats:
            contents[f"{name}.{kind}"] = _bytes(rows, kind)
    own = _own(folder)
    foreign = [name for name in contents if name not in own and (folder / name).exists()]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise OutputError(
            f"holds '{foreign[0]}'{more}, which no 'kit export' wrote",
            where=folder,
            hint="choose another folder with --to",
        )
    try:
        for name in sorted(own - contents.keys()):
            (folder / name).unlink(missing_ok=True)
        for name, data in contents.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror}",
            where=folder,
            hint="choose another folder with --to",
        ) from error
    except OutputError as error:
        hint = (error.hint or "").replace("--out", "--to") or None
        raise OutputError(error.message, where=error.where, hint=hint) from error
    return [folder / name for name in contents]


def _bytes(rows: pl.DataFrame, kind: Format) -> bytes:
    match kind:
        case Format.CSV:
            return rows.write_csv().encode()
        case Format.PARQUET:
            buffer = io.BytesIO()
            rows.write_parquet(buffer)
            return buffer.getvalue()


def _check_place(folder: Path) -> None:
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    if there is not None and not there.is_dir():
        raise OutputError(
            "is a file, not a folder", where=there, hint="choose another folder with --to"
        )


def _own(folder: Path) -> set[str]:
    """Names of the files in ``folder`` that an earlier export wrote."""
    try:
        text = (folder / DICTIONARY).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return set()
    head, *rows = csv.reader(text.splitlines()) if text else [[]]
    if head != list(Column._fields):
        return set()
    names = {row[0] for row in rows if row and _TABLE_NAME.fullmatch(row[0])}
    return {DICTIONARY, *(f"{name}.{kind}" for name in names for kind in Format)}
