"""CPI and DI by number of aligned agents, one panel per language, model and variant.

Where no run has an index, because a word list counted nothing anywhere, the monologue share stands
in, which both indices are made of.
"""

from __future__ import annotations

import matplotlib.figure
import polars as pl

from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI, MONOLOGUE
from kit.analysis.results import Analysis
from kit.report.figures.figure import Absent, Figure, labelled
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import (
    COLOURS,
    DASHES,
    MARKERS,
    NAMES,
    columns,
    index_key,
    interval,
    panel_title,
    reach,
    small_multiples,
    zero,
)
from kit.report.numbers import number

NAME = "dose_response"
SHIFT = 0.15
"""Agents by which the two series are moved apart, so that intervals do not cover one another."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """Means of every cell with Student's interval."""
    cells = analysis.tables["cells"].filter(pl.col("estimate").is_not_null())
    drawn = cells.filter(pl.col("measure").is_in([CPI, DI]), pl.col("reference") == PRIMARY)
    if drawn.is_empty():
        drawn = cells.filter(pl.col("measure") == MONOLOGUE)
    if drawn.is_empty():
        return [Absent(NAME, "no complete run has an index or a monologue share")]
    table = labelled(analysis, drawn).select(
        "panel",
        "language",
        "name",
        "endonym",
        "runs",
        "model",
        "variant",
        "individuated",
        "aligned",
        "measure",
        "estimate",
        "conf_low",
        "conf_high",
        "n",
        "undefined",
    )
    said = [
        f"{panel}: "
        + "; ".join(
            f"{NAMES[str(measure)]} "
            + ", ".join(
                f"{number(row['estimate'])} at {row['aligned']}"
                for row in series.sort("aligned").iter_rows(named=True)
            )
            for (measure,), series in rows.group_by("measure", maintain_order=True)
        )
        for (panel,), rows in table.group_by("panel", maintain_order=True)
    ]
    title = "Mean by number of aligned agents, with 95 % t intervals"
    return [Figure(NAME, title, f"{title}. {'. '.join(said)}.", table, draw)]


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """Small multiples on common axes."""
    groups = [rows for _, rows in table.group_by("panel", maintain_order=True)]
    figure, panels = small_multiples(len(groups), columns(table), 44.0)
    measures = list(dict.fromkeys(table["measure"]))
    rows = table.to_dicts()
    # Two runs give intervals of any width: means must stay readable, so long whiskers run out.
    widest = 1.0 + 2.5 * max(abs(row["estimate"]) for row in rows)
    for axes, group in zip(panels, groups, strict=True):
        zero(axes, upright=False)
        for measure in measures:
            series = group.filter(pl.col("measure") == measure).sort("aligned").to_dicts()
            shift = SHIFT * (measures.index(measure) - (len(measures) - 1) / 2) * 2
            style = {"color": COLOURS[measure], "marker": MARKERS[measure]}
            places = [row["aligned"] + shift for row in series]
            axes.plot(
                places,
                [row["estimate"] for row in series],
                color=COLOURS[measure],
                linestyle=DASHES[measure],
            )
            for place, row in zip(places, series, strict=True):
                interval(axes, place, row, upright=True, **style)
        first = group.row(0, named=True)
        panel_title(axes, first, fonts)
    panels[0].set_ylim(*reach(rows, widest))
    panels[0].set_xticks(sorted(set(table["aligned"])))
    figure.supxlabel("aligned agents of ten", size=9.0)
    figure.supylabel(
        "mean index" if measures != [MONOLOGUE] else "mean share of monologue", size=9.0
    )
    index_key(figure, measures, lines=True)
    return figure
