"""Slopes of the languages against Hofstede's six dimensions, one picture per index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.figure
import polars as pl
from matplotlib.axes import Axes

from kit.analysis.culture import FEWEST_LANGUAGES, Coefficient, Dimension
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
from kit.report.figures.style import COLOURS, DASHES, MARKERS, NAMES, SMALL, SOFT, note, sheet, zero
from kit.report.numbers import equals, interval, number

NAME = "culture"
COLUMNS = 3
KEY_COLUMNS = 4
KEY_ROW = 4.5
"""Millimetres."""
NEAR = 7.5
"""Points from a mark to the middle of its label; further away a line joins them."""
PLACES = tuple(
    (radius * math.cos(angle), radius * math.sin(angle))
    for radius in (NEAR, 13.0, 18.0, 23.0)
    for angle in (math.radians(45 * step) for step in (1, 3, 7, 5, 0, 4, 2, 6))
)
"""Where a label may stand, the best first."""
LABEL, MARK = (10.0, 7.5), (7.5, 6.0)
"""Points that the middle of a label keeps from that of another and from a mark, across and up."""


def figures(analysis: Analysis) -> list[Figure | Absent]:
    """A picture for each index, model, variant and level of individuation."""
    tables = analysis.tables
    lines = tables["culture_lines"].filter(pl.col("measure").is_in([CPI, DI]))
    if lines.is_empty():
        reason = f"no index has slopes in {FEWEST_LANGUAGES} languages with culture scores"
        return [Absent(NAME, reason)]
    found: list[Figure | Absent] = []
    for key, _ in lines.group_by((*Place._fields, "measure"), maintain_order=True):
        *where, measure = key
        of_place = [
            pl.col(name).eq_missing(value)
            for name, value in zip((*Place._fields, "measure"), key, strict=True)
        ]
        table = _table(
            labelled(analysis, tables["culture_points"].filter(*of_place)),
            lines.filter(*of_place),
            tables["culture"].filter(*of_place, pl.col("coefficient") == Coefficient.PEARSON),
            tables["culture_left_out"].filter(*of_place),
        )
        several = Place._make(where).title(analysis)
        index = NAMES[str(measure)]
        title = titled(f"Slope of {index} per aligned agent against culture scores", several)
        said = " ".join(
            _said(str(dimension), rows)
            for (dimension,), rows in table.group_by("dimension", maintain_order=True)
        )
        name = name_of(NAME, str(measure), several)
        found.append(Figure(name, title, f"{title}. {said}", table, draw))
    return found


def _table(
    points: pl.DataFrame, lines: pl.DataFrame, r: pl.DataFrame, without: pl.DataFrame
) -> pl.DataFrame:
    """Points, lines, correlations and correlations without one language, told by ``part``."""
    parts = [
        points.select(
            pl.lit("point").alias("part"),
            "dimension",
            "measure",
            "language",
            "name",
            "endonym",
            "country",
            pl.col("score").cast(pl.Float64),
            pl.col("slope").alias("estimate"),
            "std_error",
        ),
        lines.select(
            pl.lit("line").alias("part"),
            "dimension",
            "measure",
            "score",
            "estimate",
            "conf_low",
            "conf_high",
        ),
        r.select(
            pl.lit("r").alias("part"),
            "dimension",
            "measure",
            "estimate",
            "conf_low",
            "conf_high",
            "p_value",
            "n",
        ),
        without.select(
            pl.lit("r without").alias("part"),
            "dimension",
            "measure",
            pl.col("left_out").alias("language"),
            pl.col("r").alias("estimate"),
        ),
    ]
    order = [dimension.value for dimension in Dimension]
    return pl.concat(parts, how="diagonal").sort(
        pl.col("dimension").cast(pl.Enum(order)), maintain_order=True
    )


def _title(dimension: str) -> str:
    return Dimension(dimension).name.replace("_", " ").capitalize()


def _correlation(rows: pl.DataFrame) -> list[str]:
    """Pearson's r with its interval and p, and how far one language moves it."""
    row = rows.filter(pl.col("part") == "r").row(0, named=True)
    if row["estimate"] is None:
        return ["r undefined"]
    result = as_estimate(row)
    lines = [f"r {number(result.estimate)} {interval(result)}, p {equals(row['p_value'])}"]
    without = rows.filter(pl.col("part") == "r without")["estimate"].drop_nulls().to_list()
    if without:
        lines.append(f"without one: {number(min(without))} to {number(max(without))}")
    return [line.replace("-", "\u2212") for line in lines]


def _said(dimension: str, rows: pl.DataFrame) -> str:
    points = ", ".join(
        f"{row['name']} {row['score']:g} and {number(row['estimate'], 3)}"
        for row in rows.filter(pl.col("part") == "point").iter_rows(named=True)
    )
    return f"{_title(dimension)}: {'; '.join(_correlation(rows))}; {points}."


def draw(table: pl.DataFrame, fonts: Fonts) -> matplotlib.figure.Figure:
    """One panel per dimension, with a key of the languages below."""
    groups = [
        (str(dimension), rows)
        for (dimension,), rows in table.group_by("dimension", maintain_order=True)
    ]
    rows_of_panels = -(-len(groups) // COLUMNS)
    languages = table.filter(pl.col("part") == "point").unique(
        "language", keep="first", maintain_order=True
    )
    key = KEY_ROW * (-(-languages.height // KEY_COLUMNS)) + 4.0
    height = 62.0 * rows_of_panels + key
    figure = sheet(height)
    # Labels are placed by the points between them: the layout has to be known before.
    figure.set_layout_engine("none")
    grid = figure.subplots(
        rows_of_panels,
        COLUMNS,
        sharey=True,
        squeeze=False,
        gridspec_kw={
            "left": 0.085,
            "right": 0.985,
            "top": 1.0 - 11.0 / height,
            "bottom": (key + 13.0) / height,
            "wspace": 0.12,
            "hspace": 0.62,
        },
    )
    measure = table["measure"][0]
    for axes, (dimension, rows) in zip(grid.flat, groups, strict=False):
        _panel(axes, rows, measure)
        axes.set_xlabel(f"{_title(dimension)}, score", size=8.5)
        axes.set_title("\n".join(_correlation(rows)), loc="left", size=SMALL)
    for unused in list(grid.flat)[len(groups) :]:
        unused.remove()
    for row in grid:
        row[0].set_ylabel(f"slope of {NAMES[measure]}", size=8.5)
    figure.draw_without_rendering()
    for axes, (_, rows) in zip(grid.flat, groups, strict=False):
        _codes(axes, rows)
    _key(figure, languages, fonts, key / height)
    return figure


def _panel(axes: Axes, rows: pl.DataFrame, measure: str) -> None:
    zero(axes, upright=False)
    line = rows.filter(pl.col("part") == "line").sort("score")
    if line["conf_low"].drop_nulls().len() == line.height:
        axes.fill_between(
            line["score"].to_list(),
            line["conf_low"].cast(pl.Float64).to_list(),
            line["conf_high"].cast(pl.Float64).to_list(),
            color=COLOURS[measure],
            alpha=0.15,
            linewidth=0.0,
        )
    style = {"color": COLOURS[measure], "linestyle": DASHES[measure]}
    axes.plot(line["score"].to_list(), line["estimate"].to_list(), **style)
    points = rows.filter(pl.col("part") == "point")
    axes.plot(
        points["score"].to_list(),
        points["estimate"].to_list(),
        linestyle="none",
        marker=MARKERS[measure],
        color=COLOURS[measure],
    )
    axes.margins(x=0.1, y=0.12)


def _codes(axes: Axes, rows: pl.DataFrame) -> None:
    """The codes, each at the first side of its mark where nothing else stands."""
    points = rows.filter(pl.col("part") == "point").sort("score", "estimate", "language").to_dicts()
    marks = [tuple(axes.transData.transform((row["score"], row["estimate"]))) for row in points]
    labels: list[tuple[float, float]] = []
    for (x, y), row in zip(marks, points, strict=True):
        shift = next(
            (
                (right, up)
                for right, up in PLACES
                if _clear((x + right, y + up), labels, LABEL)
                and _clear((x + right, y + up), marks, MARK, but=(x, y))
            ),
            PLACES[0],
        )
        labels.append((x + shift[0], y + shift[1]))
        far = math.hypot(*shift) > NEAR + 1.0
        line = {"arrowstyle": "-", "color": SOFT, "linewidth": 0.4, "shrinkA": 4, "shrinkB": 2}
        place = (row["score"], row["estimate"])
        style: dict[str, Any] = {"arrowprops": line} if far else {}
        note(axes, row["language"], place, shift, ha="center", va="center", size=7.0, **style)


def _clear(
    at: tuple[float, float],
    taken: Sequence[tuple[float, ...]],
    apart: tuple[float, float],
    but: tuple[float, float] | None = None,
) -> bool:
    return all(
        abs(at[0] - x) >= apart[0] or abs(at[1] - y) >= apart[1] for x, y in taken if (x, y) != but
    )


def _key(
    figure: matplotlib.figure.Figure, languages: pl.DataFrame, fonts: Fonts, height: float
) -> None:
    """Codes with the English and the own names of their languages."""
    rows = languages.sort("language").to_dicts()
    deep = -(-len(rows) // KEY_COLUMNS)
    for at, row in enumerate(rows):
        column, line = divmod(at, deep)
        x = 0.04 + column * 0.95 / KEY_COLUMNS
        y = height * (1.0 - (line + 1.0) / (deep + 1.0))
        label = fonts.label(row["name"], "")
        english = figure.text(
            x, y, f"{row['language']}  {label.text}", fontproperties=label.font, size=SMALL
        )
        own = fonts.own_name(row)
        if own is not None:
            figure.draw_without_rendering()
            right = english.get_window_extent().x1 / figure.bbox.width
            figure.text(right + 0.008, y, own.text, fontproperties=own.font, size=SMALL, color=SOFT)
