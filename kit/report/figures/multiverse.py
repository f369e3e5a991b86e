"""Specification curves: every estimate of a multiverse, sorted, with the primary one marked."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import polars as pl

from kit.analysis.curve import CHOICE_NAMES, Curve, curves
from kit.analysis.measures import CPI, DI
from kit.analysis.multiverse import HEDGES_G, MULTIVERSE, SUMMARY
from kit.analysis.results import Analysis
from kit.report.figures.figure import Absent, Figure, Place, name_of
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import (
    COLOURS,
    DASHES,
    MARKERS,
    NAMES,
    columns,
    index_key,
    panel_title,
    small_multiples,
    zero,
)
from kit.report.numbers import number, percent

NAME = "multiverse"
QUANTITIES = {
    HEDGES_G: ("Hedges' g of ten aligned agents against none", "Hedges\u2019 g"),
    "pearson": ("r of the languages' slopes with Power Distance", "r with Power Distance"),
}
OUTER = 0.02
"""Share of all estimates at either end that may lie beyond the axis."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """A picture of every quantity."""
    if MULTIVERSE not in analysis.tables:
        return [Absent(NAME, "no multiverse was computed (kit report DIR --figures --multiverse)")]
    rows = analysis.tables[MULTIVERSE].drop_nulls("estimate")
    if rows.is_empty():
        return [Absent(NAME, "no specification has an estimate")]
    return [
        _figure(analysis, str(quantity), part)
        for (quantity,), part in rows.group_by("quantity", maintain_order=True)
    ]


def _figure(analysis: Analysis, quantity: str, rows: pl.DataFrame) -> Figure:
    languages = analysis.collection.experiment.languages
    parts = []
    for curve, part in curves(rows):
        language = languages[curve.language] if curve.language is not None else None
        name = language.name if language else "All languages"
        runs = Place(curve.model, curve.variant, 0).title(analysis)
        found = part.sort("estimate", maintain_order=True)
        parts.append(
            found.select(
                pl.lit(", ".join(part for part in (name, runs) if part)).alias("panel"),
                "language",
                pl.lit(name).alias("name"),
                pl.lit(language.endonym if language else name).alias("endonym"),
                pl.lit(runs).alias("runs"),
                "measure",
                pl.int_range(1, found.height + 1).alias("rank"),
                "estimate",
                "p_value",
                "changed",
                *CHOICE_NAMES,
            )
        )
    summaries = {
        Curve._make(row[name] for name in Curve._fields): row
        for row in analysis.tables[SUMMARY].iter_rows(named=True)
    }
    said = ". ".join(
        f"{part['panel'][0]}, {_said(summaries[curve])}"
        for (curve, _), part in zip(curves(rows), parts, strict=True)
    )
    title = f"{QUANTITIES[quantity][0]}, under every specification"
    table = pl.concat(parts).with_columns(pl.lit(quantity).alias("quantity"))
    return Figure(name_of(NAME, quantity), title, f"{title}. {said}.", table, draw)


def _said(row: dict[str, Any]) -> str:
    agreement = f", {percent(row['same_sign'])} with its sign" if row["same_sign"] else ""
    return (
        f"{NAMES[row['measure']]}: primary {number(row['primary'])}, {row['defined']} "
        f"specifications from {number(row['minimum'])} to {number(row['maximum'])}{agreement}"
    )


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """Small multiples on one scale: curves of both indices, primary specifications as marks."""
    groups = [rows for _, rows in table.group_by("panel", maintain_order=True)]
    figure, panels = small_multiples(len(groups), columns(table), 42.0)
    for axes, group in zip(panels, groups, strict=True):
        zero(axes, upright=False)
        for (measure,), rows in group.group_by("measure", maintain_order=True):
            name = str(measure)
            axes.plot(
                rows["rank"].to_list(),
                rows["estimate"].to_list(),
                color=COLOURS[name],
                linestyle=DASHES[name],
            )
            primary = rows.filter(pl.col("changed") == 0)
            axes.plot(
                primary["rank"].to_list(),
                primary["estimate"].to_list(),
                color=COLOURS[name],
                marker=MARKERS[name],
                markersize=6.0,
                linestyle="none",
            )
        first = group.row(0, named=True)
        panel_title(axes, first, fonts)
    ends = [table["estimate"].quantile(share) or 0.0 for share in (OUTER, 1.0 - OUTER)]
    inside = [0.0, *ends, *table.filter(pl.col("changed") == 0)["estimate"]]
    margin = 0.08 * (max(inside) - min(inside) or 1.0)
    panels[0].set_ylim(min(inside) - margin, max(inside) + margin)
    figure.supxlabel("specifications, sorted by their estimate", size=9.0)
    figure.supylabel(QUANTITIES[table["quantity"][0]][1], size=9.0)
    index_key(figure, (CPI, DI), lines=True, words=" (mark: primary specification)")
    return figure
