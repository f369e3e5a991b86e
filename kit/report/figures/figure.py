"""What a figure is, before it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import matplotlib.figure
import polars as pl

from kit.analysis import Estimate
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.figures.fonts import Fonts

Draw: TypeAlias = Callable[[pl.DataFrame, Fonts], matplotlib.figure.Figure]
"""Draws a table; called under `kit.report.figures.style.settings`."""
Row: TypeAlias = Mapping[str, Any]


class Figure(NamedTuple):
    """One picture, and everything that is in it."""

    name: str
    """Of its files, without a suffix."""
    title: str
    description: str
    """What it shows, in words and with its numbers: for readers who do not see it."""
    table: pl.DataFrame
    """One row per mark; nothing else is drawn."""
    draw: Draw


class Absent(NamedTuple):
    """A figure that these results cannot give."""

    name: str
    reason: str


class Place(NamedTuple):
    """Runs that one picture is about, over languages."""

    model: str
    variant: str | None
    individuated: int

    @classmethod
    def of(cls, row: Row) -> Place:
        """The place of a table's row."""
        return cls(*(row[name] for name in cls._fields))

    def title(self, analysis: Analysis) -> str:
        """What tells these runs from the others of the study; empty if nothing does."""
        words = scope(analysis, None, self.model, self.variant)
        parts = [words.removeprefix("all languages").lstrip(", ")]
        if analysis.collection.experiment.study.individuated.value != (0,):
            parts.append(f"{self.individuated} individuated")
        return ", ".join(part for part in parts if part)


def name_of(*parts: str) -> str:
    """A file name out of words: lower case, joined by ``_``."""
    return "_".join(
        word for part in parts for word in re.findall(r"[a-z0-9.]+", part.lower().replace("-", "_"))
    )


def titled(title: str, extra: str) -> str:
    """A title and, where there is something to add, what it is about."""
    return f"{title}: {extra}" if extra else title


def labelled(analysis: Analysis, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with names for their languages, in the order of the study's languages.

    Adds ``name`` and ``endonym`` of the language, ``runs``, which tells models, variants and levels
    of individuation apart (empty where the study has one of each), and ``panel``, both in one.
    """
    study = analysis.collection.experiment.study
    languages = analysis.collection.experiment.languages
    order = {code: place for place, code in enumerate(study.languages.value)}

    found = rows.to_dicts()
    own = [languages[row["language"]] for row in found]
    return (
        rows.with_columns(
            pl.Series("name", [language.name for language in own], pl.String),
            pl.Series("endonym", [language.endonym for language in own], pl.String),
            pl.Series("runs", [Place.of(row).title(analysis) for row in found], pl.String),
            pl.Series("_order", [order[row["language"]] for row in found], pl.Int64),
        )
        .with_columns(panel=joined("name", "runs"))
        .sort("_order", maintain_order=True)
        .drop("_order")
    )


def joined(*columns: str) -> pl.Expr:
    """The words of several columns, less the empty ones."""
    return pl.concat_str(
        [pl.when(pl.col(name) != "").then(pl.col(name)) for name in columns],
        separator=", ",
        ignore_nulls=True,
    )


def as_estimate(row: Row) -> Estimate:
    """The estimate and interval of a row."""
    return Estimate(
        estimate=row["estimate"],
        conf_low=row["conf_low"],
        conf_high=row["conf_high"],
        method=row.get("method") or "",
    )
