"""What judges gave each run against the keyword indices of the same run."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
import polars as pl

from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI, JUDGED, Unit
from kit.analysis.results import Analysis
from kit.report.figures.figure import Absent, Figure, name_of
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import NAMES, key, level_styles, sheet, zero

NAME = "judge"
ROW = 40.0
"""Millimetres."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """A picture for every judge."""
    if not analysis.judged.values:
        return [Absent(NAME, "nothing was judged (kit judge run DIR)")]
    indices = analysis.tables["indices"].filter(
        pl.col("reference") == PRIMARY,
        pl.col("unit") == Unit.HITS,
        ~pl.col("without_echo"),
    )
    known = {row["run_id"]: row for row in indices.iter_rows(named=True)}
    return [_figure(analysis, judge, known) for judge in analysis.judged.models]


def _figure(analysis: Analysis, judge: str, known: dict[str, dict[str, Any]]) -> Figure | Absent:
    rows = [
        (
            value.run_id,
            value.condition.language,
            value.condition.aligned,
            value.measure.removeprefix(f"{JUDGED}{judge}_").replace("_", " "),
            value.value,
            index,
            known[value.run_id][index],
        )
        for value in analysis.judged.values
        if value.measure.startswith(f"{JUDGED}{judge}_")
        and value.value is not None
        and value.run_id in known
        for index in (CPI, DI)
        if known[value.run_id][index] is not None
    ]
    if not rows:
        return Absent(name_of(NAME, judge), "no judged run has both a score and an index")
    table = pl.DataFrame(
        rows,
        schema={
            "run_id": pl.String,
            "language": pl.String,
            "aligned": pl.Int64,
            "scale": pl.String,
            "judged": pl.Float64,
            "measure": pl.String,
            "value": pl.Float64,
        },
        orient="row",
    )
    title = f"Judge '{judge}' against the keyword indices, run by run"
    said = " ".join(
        f"{scale}: {part['run_id'].n_unique()} runs, scores from {min(part['judged']):.3g} to "
        f"{max(part['judged']):.3g}."
        for (scale,), part in table.group_by("scale", maintain_order=True)
    )
    note = "How far they agree: kit judge agree."
    return Figure(name_of(NAME, judge), title, f"{title}. {said} {note}", table, draw)


def draw(table: pl.DataFrame, _: Fonts) -> matplotlib.figure.Figure:
    """One row of panels per scale, CPI at the left and DI at the right."""
    scales = list(dict.fromkeys(table["scale"]))
    levels = sorted(set(table["aligned"]))
    figure = sheet(ROW * len(scales) + 16.0)
    grid = figure.subplots(len(scales), 2, sharex="col", sharey="row", squeeze=False)
    styles = level_styles(levels, markerfacecolor="none")
    for row, scale in zip(grid, scales, strict=True):
        for axes, measure in zip(row, (CPI, DI), strict=True):
            zero(axes, upright=True)
            for level in levels:
                points = table.filter(
                    pl.col("scale") == scale,
                    pl.col("measure") == measure,
                    pl.col("aligned") == level,
                )
                axes.plot(points["value"].to_list(), points["judged"].to_list(), **styles[level])
            axes.margins(x=0.06, y=0.12)
        row[0].set_ylabel(scale, size=8.5)
    for axes, measure in zip(grid[-1], (CPI, DI), strict=True):
        axes.set_xlabel(f"{NAMES[measure]} of the run", size=8.5)
    key(figure, {f"{level} aligned": style for level, style in styles.items()})
    return figure
