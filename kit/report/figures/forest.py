"""The forest plot: what aligning all ten agents does, language by language, CPI beside DI.

Languages stand in the order of their effect on CPI. Their class is a shape and a word.
"""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import polars as pl
from matplotlib.axes import Axes

from kit.analysis.classes import LanguageClass
from kit.analysis.effects import Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI
from kit.analysis.results import Analysis
from kit.report.figures.figure import (
    Absent,
    Figure,
    Place,
    as_estimate,
    labelled,
    name_of,
    titled,
)
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import (
    COLOURS,
    NAMES,
    SMALL,
    SOFT,
    interval,
    key,
    note,
    reach,
    sheet,
    zero,
)
from kit.report.numbers import estimate

NAME = "forest"
SHAPES = {
    LanguageClass.SAFETY: "v",
    LanguageClass.NULL: "s",
    LanguageClass.BACKFIRE: "^",
    LanguageClass.INCONCLUSIVE: "o",
}
WIDEST = 4.0
"""Intervals of two runs can have any width: the axis ends at this many SDs, unless a mean is
further out."""
TOGETHER = "mean of languages"
OWN_NAME = -62.0
"""Points from the axis to the end of a language's own name: the longest English one fits."""
EXPECTED: dict[str, Any] = {"color": SOFT, "linewidth": 0.8, "linestyle": (0, (1, 1.5))}
ROW = 6.5
"""Millimetres."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """A picture for every model, variant and level of individuation with two languages or more."""
    classes = labelled(analysis, analysis.tables["classes"])
    groups = {
        Place._make(key): rows
        for key, rows in classes.group_by(Place._fields, maintain_order=True)
        if rows["language"].n_unique() > 1
    }
    if not groups:
        return [Absent(NAME, "an order of languages needs two languages or more")]
    defined = {
        place: rows for place, rows in groups.items() if rows["estimate"].drop_nulls().len() > 0
    }
    if not defined:
        return [Absent(NAME, "no language has an effect of ten aligned agents against none")]
    return [_figure(analysis, place, rows) for place, rows in defined.items()]


def _figure(analysis: Analysis, place: Place, rows: pl.DataFrame) -> Figure:
    effect = rows.filter(pl.col("measure") == CPI).select("language", order="estimate")
    languages = (
        rows.join(effect, on="language", how="left", maintain_order="left")
        .sort("order", nulls_last=True, maintain_order=True)
        .select(
            pl.lit("language").alias("part"),
            "language",
            "name",
            "endonym",
            "measure",
            "language_class",
            "estimate",
            "conf_low",
            "conf_high",
            pl.lit(None, pl.Float64).alias("prediction_low"),
            pl.lit(None, pl.Float64).alias("prediction_high"),
            "n",
            "method",
        )
    )
    text = pl.lit(None, pl.String)
    pooled = (
        analysis.tables["synthesis"]
        .filter(
            *(pl.col(name).eq_missing(value) for name, value in place._asdict().items()),
            pl.col("kind") == Kind.HEDGES_G,
            pl.col("reference") == PRIMARY,
            pl.col("estimate").is_not_null(),
        )
        .select(
            pl.lit("mean").alias("part"),
            text.alias("language"),
            pl.lit(TOGETHER).alias("name"),
            text.alias("endonym"),
            "measure",
            text.alias("language_class"),
            "estimate",
            "conf_low",
            "conf_high",
            "prediction_low",
            "prediction_high",
            "n",
            "method",
        )
    )
    table = pl.concat([languages, pooled])
    several = place.title(analysis)
    title = titled("Hedges' g of ten aligned agents against none, by language", several)
    said = " ".join(_said(rows) for _, rows in table.group_by("name", maintain_order=True))
    return Figure(name_of(NAME, several), title, f"{title}. {said}", table, draw)


def _said(rows: pl.DataFrame) -> str:
    parts = []
    for row in rows.iter_rows(named=True):
        words = f"{NAMES[row['measure']]} {estimate(as_estimate(row))}"
        if row["language_class"] is not None:
            words += f", {row['language_class']}"
        if row["prediction_low"] is not None:
            low, high = row["prediction_low"], row["prediction_high"]
            words += f", another language expected from {low:.2f} to {high:.2f}"
        parts.append(words)
    return f"{rows['name'][0]}: {'; '.join(parts)}."


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """Two panels that share their rows."""
    names = list(dict.fromkeys(table["name"]))
    figure = sheet(ROW * len(names) + 28.0)
    panels = figure.subplots(1, 2, sharey=True, sharex=True)
    rows = table.to_dicts()
    for axes, measure in zip(panels, (CPI, DI), strict=True):
        zero(axes, upright=True)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{NAMES[measure]}: less \u2190 0 \u2192 more", loc="left")
        for row in rows:
            if row["measure"] == measure:
                _row(axes, names.index(row["name"]), row, COLOURS[measure])
    left = panels[0]
    left.set_ylim(len(names) - 0.4, -0.6)
    ends = (reach(rows, WIDEST), reach(rows, WIDEST, low="prediction_low", high="prediction_high"))
    left.set_xlim(min(low for low, _ in ends), max(high for _, high in ends))
    left.set_yticks(range(len(names)), [""] * len(names))
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    _names(left, table, fonts)
    figure.supxlabel("Hedges\u2019 g [95 % interval]", size=9.0)
    _legend(figure, table)
    return figure


def _row(axes: Axes, at: int, row: dict[str, Any], colour: str) -> None:
    words = row["language_class"] or ""
    if row["part"] == "mean":
        if row["prediction_low"] is not None:
            ends = (row["prediction_low"], row["prediction_high"])
            axes.plot(ends, (at, at), **EXPECTED)
        interval(axes, at, row, upright=False, color=colour, marker="d", markersize=7.0)
        axes.axhline(at - 0.5, color=SOFT, linewidth=0.6)
    elif row["estimate"] is None:
        words = "undefined"
    else:
        hollow = row["language_class"] == LanguageClass.INCONCLUSIVE
        fill = {"markerfacecolor": "white"} if hollow else {}
        marker = SHAPES[LanguageClass(row["language_class"])]
        interval(axes, at, row, upright=False, color=colour, marker=marker, markersize=5.0, **fill)
    note(
        axes,
        words,
        (1.0, at),
        (3.0, 0.0),
        xycoords=("axes fraction", "data"),
        va="center",
        size=SMALL,
    )


def _names(axes: Axes, table: pl.DataFrame, fonts: Fonts) -> None:
    """English names flush right at the axis, and the languages' own names left of them."""
    rows = table.unique("name", keep="first", maintain_order=True).to_dicts()
    for at, row in enumerate(rows):
        label = fonts.label(row["name"], row["language"] or "")
        own = fonts.own_name(row) if row["endonym"] is not None else None
        place: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "ha": "right",
            "va": "center",
        }
        note(axes, label.text, (0.0, at), (-6.0, 0.0), font=label.font, size=8.5, **place)
        if own is not None:
            style = {"size": SMALL, "color": SOFT, **place}
            note(axes, own.text, (0.0, at), (OWN_NAME, 0.0), font=own.font, **style)


def _legend(figure: matplotlib.figure.Figure, table: pl.DataFrame) -> None:
    found = set(table["language_class"])
    entries: dict[str, dict[str, Any]] = {
        name.value: {
            "linestyle": "none",
            "marker": shape,
            "markersize": 5.0,
            "color": SOFT,
            "markerfacecolor": "white" if name is LanguageClass.INCONCLUSIVE else SOFT,
        }
        for name, shape in SHAPES.items()
        if name in found
    }
    if not table.filter(pl.col("part") == "mean").is_empty():
        entries["mean (random effects)"] = {"color": SOFT, "marker": "d", "markersize": 7.0}
    if table["prediction_low"].drop_nulls().len() > 0:
        entries["where one more language is expected"] = EXPECTED
    key(figure, entries, middle=True)
