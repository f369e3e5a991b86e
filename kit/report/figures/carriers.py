"""Who carries an effect: marked agents beside the other agents of their groups."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import polars as pl
from matplotlib.axes import Axes

from kit.analysis.effects import Factor
from kit.analysis.measures import CPI, DI
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.figures.figure import Absent, Figure, as_estimate, labelled, name_of, titled
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import (
    COLOURS,
    MARKERS,
    NAMES,
    SOFT,
    interval,
    key,
    reach,
    row_name,
    sheet,
    zero,
)
from kit.report.numbers import estimate, number

NAME = "carriers"
MOST_ROWS = 30
"""Beyond these the conditions of a language are drawn as one."""
WIDEST = 4.0
ROW = 7.0
"""Millimetres."""
CONFORMITY = "conformity_share"
MEASURES = (CPI, DI, CONFORMITY)
COLOUR = {**COLOURS, CONFORMITY: "#00795a"}
MARKER = {**MARKERS, CONFORMITY: "s"}
WORDS = {**NAMES, CONFORMITY: "conformity share"}


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """A picture for every model, variant and factor with groups in which some are marked."""
    gaps = analysis.tables["agent_gaps"].filter(
        pl.col("measure").is_in(MEASURES), pl.col("language").is_not_null()
    )
    if gaps.is_empty():
        return [Absent(NAME, "no group has both marked and other agents")]
    gaps = gaps.filter(pl.col("estimate").is_not_null())
    if gaps.is_empty():
        return [Absent(NAME, "no group has an index for its marked and for its other agents")]
    return [
        _figure(analysis, str(model), None if variant is None else str(variant), str(factor), rows)
        for (model, variant, factor), rows in gaps.group_by(
            "model", "variant", "factor", maintain_order=True
        )
    ]


def _figure(
    analysis: Analysis, model: str, variant: str | None, factor: str, rows: pl.DataFrame
) -> Figure:
    cells = rows.filter(pl.col("aligned").is_not_null())
    together = rows.filter(pl.col("aligned").is_null())
    few = cells.select("language", "aligned", "individuated").n_unique() <= MOST_ROWS
    drawn = cells if few else together
    varied = [
        other
        for other in (Factor.ALIGNED, Factor.INDIVIDUATED)
        if few and cells[other.value].n_unique() > 1
    ]
    table = (
        labelled(analysis, drawn.with_columns(pl.col("individuated").fill_null(0)))
        .with_columns(
            individuated=pl.when(pl.lit(few)).then(pl.col("individuated")),
            condition=pl.concat_str(
                [pl.format(f"{{}} {other}", pl.col(other.value)) for other in varied]
                or [pl.lit("")],
                separator=", ",
            ),
        )
        .select(
            "factor",
            "language",
            "name",
            "endonym",
            "condition",
            "aligned",
            "individuated",
            "measure",
            "marked",
            "others",
            "estimate",
            "conf_low",
            "conf_high",
            "n",
            "method",
        )
    )
    several = scope(analysis, None, model, variant).removeprefix("all languages").lstrip(", ")
    title = titled(f"{factor.capitalize()} agents and the other agents of their groups", several)
    said = " ".join(map(_said, table.iter_rows(named=True)))
    return Figure(name_of(NAME, factor, several), title, f"{title}. {said}", table, draw)


def _said(row: dict[str, Any]) -> str:
    where = ", ".join(part for part in (row["name"], row["condition"]) if part)
    return (
        f"{where}: {WORDS[row['measure']]} {number(row['marked'])} for marked agents and "
        f"{number(row['others'])} for the others, gap {estimate(as_estimate(row))}."
    )


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """Means of both kinds of agents, measure by measure, and the gaps of the indices."""
    rows = table.with_columns(pl.col("condition").fill_null("")).to_dicts()
    places = list(dict.fromkeys((row["language"], row["condition"]) for row in rows))
    measures = [name for name in MEASURES if name in set(table["measure"])]
    indices = [name for name in measures if name != CONFORMITY]
    figure = sheet(ROW * len(places) + 30.0)
    panels = list(
        figure.subplots(1, len(measures) + bool(indices), sharey=True, squeeze=False).flat
    )
    for axes, measure in zip(panels, measures, strict=False):
        axes.set_title(WORDS[measure], loc="left")
        for row in rows:
            if row["measure"] == measure:
                _pair(axes, places.index((row["language"], row["condition"])), row)
    if indices:
        _gaps(panels[-1], rows, places, indices)
    for axes in panels:
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.12)
    panels[0].set_ylim(len(places) - 0.4, -0.6)
    panels[0].set_yticks(range(len(places)), [""] * len(places))
    for at, (language, condition) in enumerate(places):
        row = next(row for row in rows if row["language"] == language)
        words = ", ".join(part for part in (row["name"], condition) if part)
        row_name(panels[0], at, words, row, fonts)
    figure.supxlabel("mean of the agents; gap: marked agents less the others", size=8.5)
    marks = {"linestyle": "none", "marker": "o", "color": SOFT}
    factor = table["factor"][0]
    entries = {
        f"{factor} agents": marks,
        "the other agents of the same groups": {**marks, "markerfacecolor": "white"},
    }
    key(figure, entries, middle=True)
    return figure


def _pair(axes: Axes, at: int, row: dict[str, Any]) -> None:
    """Both means on one line: filled for marked agents, hollow for the others."""
    colour, marker = COLOUR[row["measure"]], MARKER[row["measure"]]
    axes.plot((row["marked"], row["others"]), (at, at), color=colour, linewidth=1.0)
    hollow: dict[str, Any] = {"marker": marker, "color": colour, "markerfacecolor": "white"}
    axes.plot([row["others"]], [at], markersize=5.0, **hollow)
    axes.plot([row["marked"]], [at], markersize=5.0, marker=marker, color=colour)


def _gaps(
    axes: Axes,
    rows: list[dict[str, Any]],
    places: list[tuple[str, str]],
    indices: list[str],
) -> None:
    zero(axes, upright=True)
    drawn = [row for row in rows if row["measure"] in indices]
    for row in drawn:
        shift = 0.13 * (1 if row["measure"] == DI else -1)
        at = places.index((row["language"], row["condition"])) + shift
        style = {"color": COLOUR[row["measure"]], "marker": MARKER[row["measure"]]}
        interval(axes, at, row, upright=False, **style)
    axes.set_xlim(*reach(drawn, WIDEST))
    axes.set_title("gap, 95 % interval", loc="left")
