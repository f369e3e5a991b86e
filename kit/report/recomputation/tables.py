"""The tables of a result folder as plain rows, from each of the forms in which they are written.

`kit export` writes CSV and Parquet with a dictionary of the columns, `kit analyze` writes CSV and
``results.json``. Nothing here imports the code that made them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from kit.errors import OutputError

Scalar: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Any]
Tables: TypeAlias = dict[str, list[Row]]

DICTIONARY = "columns.csv"

_READ: dict[str, Callable[[str], Scalar]] = {
    "Boolean": lambda text: text == "true",
    "Int64": int,
    "Float64": float,
    "String": str,
}


def exported(folder: Path) -> Tables:
    """The tables of a folder that ``kit export`` wrote.

    Raises:
        OutputError: the folder holds no dictionary of columns, or a table does not fit it.
    """
    types = column_types(folder)
    found: Tables = {}
    for name, columns in types.items():
        path = folder / f"{name}.csv"
        if path.is_file():
            found[name] = read_csv(path, columns)
        else:
            found[name] = read_parquet(folder / f"{name}.parquet")
    return found


def column_types(folder: Path) -> dict[str, dict[str, str]]:
    """By table and column, the type that the dictionary of an export gives.

    Raises:
        OutputError: there is no dictionary, or it cannot be read.
    """
    path = folder / DICTIONARY
    types: dict[str, dict[str, str]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                types.setdefault(row["table"], {})[row["column"]] = row["type"]
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise OutputError(
            "the dictionary of the exported tables cannot be read",
            where=path,
            hint="write the tables again: kit export DIR",
        ) from error
    return types


def read_csv(path: Path, columns: Mapping[str, str]) -> list[Row]:
    """The rows of one CSV file.

    Args:
        path: the file.
        columns: the type of every column.

    Raises:
        OutputError: it cannot be read, has other columns, or a field is not of its type.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            head = next(reader, [])
            if head != list(columns):
                raise _damaged(path, "has other columns than its dictionary names")
            return [
                {
                    name: None if text == "" else _READ[columns[name]](text)
                    for name, text in zip(head, fields, strict=True)
                }
                for fields in reader
            ]
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, "cannot be read as a table") from error


def read_parquet(path: Path) -> list[Row]:
    """The rows of one Parquet file.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        return list(pl.read_parquet(path).to_dicts())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, "cannot be read as a table") from error


def results(path: Path) -> Tables:
    """The tables in ``results.json``.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        found = json.loads(path.read_bytes())["tables"]
        return {str(name): list(rows) for name, rows in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            "cannot be read as results", where=path, hint="write it again: kit analyze DIR"
        ) from error


def _damaged(path: Path, what: str) -> OutputError:
    return OutputError(what, where=path, hint="write the tables again: kit analyze or kit export")
