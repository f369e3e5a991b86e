"""One effect over models, language by language."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import polars as pl

from kit.analysis.effects import Factor, Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI
from kit.analysis.results import Analysis
from kit.report.figures.figure import Absent, Figure, as_estimate, joined, labelled
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import (
    COLOURS,
    MARKERS,
    NAMES,
    SMALL,
    SOFT,
    index_key,
    interval,
    note,
    panel_title,
    reach,
    sheet,
    zero,
)
from kit.report.numbers import estimate

NAME = "models"
WIDEST = 4.0
ROW = 8.0
"""Millimetres."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """Hedges' g of every model and, from the analysis over models, their mean."""
    effects = analysis.tables["effects"].filter(
        pl.col("kind") == Kind.HEDGES_G,
        pl.col("factor") == Factor.ALIGNED,
        pl.col("measure").is_in([CPI, DI]),
        pl.col("reference") == PRIMARY,
        pl.col("language").is_not_null(),
    )
    if effects["model"].n_unique() < 2:
        return [Absent(NAME, "a comparison of models needs two models or more")]
    if effects["estimate"].drop_nulls().is_empty():
        return [Absent(NAME, "no model has an effect of ten aligned agents against none")]
    columns = ("language", "variant", "individuated", "measure")
    numbers = ("estimate", "conf_low", "conf_high", "n", "method")
    own = effects.select(
        pl.lit("model").alias("part"),
        *(
            column if column != "individuated" else pl.col("other").alias(column)
            for column in columns
        ),
        "model",
        pl.lit(None, pl.String).alias("generality"),
        *numbers,
    )
    together = (
        analysis.tables["models"]
        .filter(pl.col("measure").is_in([CPI, DI]))
        .select(
            pl.lit("mean").alias("part"),
            *columns,
            pl.lit("mean of models").alias("model"),
            "generality",
            *numbers,
        )
    )
    # The panel is of one language: the models are its rows, and not in its title.
    named = labelled(analysis, pl.concat([own, together]))
    several = named.select("variant", "individuated").n_unique() > 1
    level = pl.format("{} individuated", "individuated")
    runs = pl.concat_str(["variant", level], separator=", ", ignore_nulls=True)
    table = (
        named.with_columns(runs=runs if several else pl.lit(""))
        .with_columns(panel=joined("name", "runs"))
        .select(
            "panel", "name", "endonym", "runs", "part", *columns, "model", "generality", *numbers
        )
    )
    title = "Hedges' g of ten aligned agents against none, by model"
    said = " ".join(map(_said, table.iter_rows(named=True)))
    return [Figure(NAME, title, f"{title}. {said}", table, draw)]


def _said(row: dict[str, Any]) -> str:
    words = f"{row['panel']}, {row['model']}: {NAMES[row['measure']]} {estimate(as_estimate(row))}"
    return f"{words}, {row['generality']}." if row["generality"] is not None else f"{words}."


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """One panel per language; the models are its rows."""
    groups = [rows for _, rows in table.group_by("panel", maintain_order=True)]
    models = [
        *dict.fromkeys(table.filter(pl.col("part") == "model")["model"]),
        *dict.fromkeys(table.filter(pl.col("part") == "mean")["model"]),
    ]
    columns = min(2, len(groups))
    deep = -(-len(groups) // columns)
    figure = sheet(deep * (ROW * len(models) + 18.0) + 14.0)
    grid = figure.subplots(deep, columns, sharex=True, sharey=True, squeeze=False)
    rows = table.to_dicts()
    for axes, group in zip(grid.flat, groups, strict=False):
        zero(axes, upright=True)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        for row in group.iter_rows(named=True):
            at = models.index(row["model"]) + 0.16 * (1 if row["measure"] == DI else -1)
            style: dict[str, Any] = {
                "color": COLOURS[row["measure"]],
                "marker": MARKERS[row["measure"]],
            }
            if row["part"] == "mean":
                style |= {"markerfacecolor": "white", "markersize": 5.5}
            interval(axes, at, row, upright=False, **style)
            if row["generality"] is not None:
                words = f"{NAMES[row['measure']]} {row['generality']}"
                place = {"xycoords": ("axes fraction", "data"), "va": "center"}
                note(axes, words, (1.0, at), (3.0, 0.0), size=7.0, color=SOFT, **place)
        first = group.row(0, named=True)
        panel_title(axes, first, fonts)
    for unused in list(grid.flat)[len(groups) :]:
        unused.remove()
    top = grid[0][0]
    top.set_ylim(len(models) - 0.4, -0.6)
    top.set_yticks(range(len(models)), models, size=SMALL)
    top.set_xlim(*reach(rows, WIDEST))
    figure.supxlabel("Hedges\u2019 g [95 % interval]", size=9.0)
    index_key(figure, (CPI, DI), lines=False)
    return figure
