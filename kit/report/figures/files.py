"""All figures of an analysis, written to a folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import polars as pl

from kit.analysis.results import Analysis
from kit.report.figures import (
    carriers,
    culture,
    dose_response,
    forest,
    judges,
    legality,
    models,
    multiverse,
)
from kit.report.figures.figure import Absent, Draw, Figure
from kit.report.figures.fonts import Fonts, Uncovered
from kit.report.figures.style import settings
from kit.runlog.writer import write_atomically

FOLDER = "figures"
INDEX = "figures.csv"
"""Name, title and description of every figure that was written."""
DPI = 300
KINDS: tuple[Callable[[Analysis], Sequence[Figure | Absent]], ...] = (
    dose_response.figures,
    forest.figures,
    culture.figures,
    carriers.figures,
    models.figures,
    multiverse.figures,
    judges.figures,
    legality.figures,
)


class Format(StrEnum):
    """How a figure is drawn to a file."""

    SVG = "svg"
    PNG = "png"


class Written(NamedTuple):
    """What was written, and what was not."""

    folder: Path
    figures: tuple[Figure, ...]
    absent: tuple[Absent, ...]
    uncovered: tuple[Uncovered, ...]
    """Languages' own names that no installed font can draw."""


def write(analysis: Analysis, folder: Path, fonts: Fonts) -> Written:
    """Write every figure as SVG, PNG and CSV, and an index of them with their descriptions.

    Files of an earlier index that are not written again are removed: they would show other results
    than those beside them.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """
    found = [each for kind in KINDS for each in kind(analysis)]
    figures = [each for each in found if isinstance(each, Figure)]
    for old in _indexed(folder / INDEX) - {figure.name for figure in figures}:
        for suffix in (*Format, "csv"):
            (folder / f"{old}.{suffix}").unlink(missing_ok=True)
    for figure in figures:
        write_atomically(folder / f"{figure.name}.csv", figure.table.write_csv().encode())
        drawn = render(figure.draw, figure.table, fonts, figure.title, figure.description)
        for kind, data in drawn.items():
            write_atomically(folder / f"{figure.name}.{kind}", data)
    index = pl.DataFrame(
        [(figure.name, figure.title, figure.description) for figure in figures],
        schema={"figure": pl.String, "title": pl.String, "description": pl.String},
        orient="row",
    )
    write_atomically(folder / INDEX, index.write_csv().encode())
    return Written(
        folder,
        tuple(figures),
        tuple(each for each in found if isinstance(each, Absent)),
        tuple(dict.fromkeys(_uncovered(figures, fonts))),
    )


def render(
    draw: Draw, table: pl.DataFrame, fonts: Fonts, title: str = "", description: str = ""
) -> dict[Format, bytes]:
    """A table as a picture, in every format: the same bytes for the same table and fonts.

    Args:
        draw: of the module that made the table.
        table: as made, or read from its CSV file.
        fonts: to draw the names of languages with.
        title: written into the files, not drawn.
        description: as ``title``.
    """
    with settings():
        figure = draw(table, fonts)
        files = {}
        for kind in Format:
            file = io.BytesIO()
            figure.savefig(file, format=kind, dpi=DPI, metadata=_about(kind, title, description))
            files[kind] = file.getvalue()
    return files


def _about(kind: Format, title: str, description: str) -> dict[str, str | None]:
    """Words for the file, and neither a time nor a program's version."""
    empty = (
        {"Date": None, "Creator": None, "Format": None, "Type": None}
        if kind is Format.SVG
        else {"Software": None}
    )
    words = {"Title": title, "Description": description}
    return empty | {name: text for name, text in words.items() if text}


def _uncovered(figures: Sequence[Figure], fonts: Fonts) -> Iterator[Uncovered]:
    for figure in figures:
        if "endonym" not in figure.table.columns:
            continue
        names = figure.table.select("language", "endonym").drop_nulls().unique(maintain_order=True)
        for language, text in names.iter_rows():
            if fonts.covering(text, language) is None:
                yield Uncovered(language, text)


def _indexed(index: Path) -> set[str]:
    """The figures that an earlier index names, by plain file names only."""
    try:
        with index.open(encoding="utf-8", newline="") as file:
            names = {row.get("figure", "") for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()
    return {name for name in names if name and name == Path(name).name}
