"""How freely the channel tags were chosen: mean ``legal_mass`` of every cell."""

from __future__ import annotations

import matplotlib.figure
import polars as pl

from kit.analysis.results import Analysis
from kit.measure.speech import LEGAL_MASS_FLOOR
from kit.report.figures.figure import Absent, Figure, labelled
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import SOFT, key, level_styles, row_name, sheet
from kit.report.numbers import percent

NAME = "legal_mass"
ROW = 6.5
"""Millimetres."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """One row per language, model, variant and level of individuation."""
    cells = analysis.tables["legality"].filter(pl.col("mean").is_not_null())
    if cells.is_empty():
        return [Absent(NAME, "no log holds a legal_mass: no model was asked for its probabilities")]
    table = labelled(analysis, cells).select(
        "panel",
        "language",
        "name",
        "endonym",
        "aligned",
        "mean",
        "minimum",
        "below_half",
        "decisions",
        pl.lit(LEGAL_MASS_FLOOR).alias("floor"),
    )
    title = "Mean legal_mass by cell"
    said = ". ".join(
        f"{panel}: "
        + ", ".join(
            f"{percent(row['mean'])} at {row['aligned']} aligned"
            for row in rows.iter_rows(named=True)
        )
        for (panel,), rows in table.group_by("panel", maintain_order=True)
    )
    low = table.filter(pl.col("mean") < pl.col("floor")).height
    words = f"{title}. {said}. {low} of {table.height} cells lie below {LEGAL_MASS_FLOOR}."
    return [Figure(NAME, title, words, table, draw)]


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """Rows of marks on a scale from 0 to 1, with the floor."""
    panels = list(dict.fromkeys(table["panel"]))
    levels = sorted(set(table["aligned"]))
    figure = sheet(ROW * len(panels) + 26.0)
    axes = figure.subplots()
    axes.axvline(table["floor"][0], color=SOFT, linewidth=1.0, linestyle=(0, (4, 2.5)))
    styles = level_styles(levels, markersize=5.0)
    for row in table.iter_rows(named=True):
        at = panels.index(row["panel"]) + 0.12 * (
            levels.index(row["aligned"]) - (len(levels) - 1) / 2
        )
        axes.plot([row["mean"]], [at], clip_on=False, **styles[row["aligned"]])
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(len(panels) - 0.4, -0.6)
    axes.set_yticks(range(len(panels)), [""] * len(panels))
    axes.tick_params(axis="y", length=0)
    for at, row in enumerate(
        table.unique("panel", keep="first", maintain_order=True).iter_rows(named=True)
    ):
        row_name(axes, at, row["panel"], row, fonts)
    figure.supxlabel(
        "mean legal_mass; dashed: below it the form chose more than the model", size=8.5
    )
    key(figure, {f"{level} aligned": style for level, style in styles.items()})
    return figure
