"""How all figures look: 180 mm wide, white, colours that colour-blind readers tell apart.

Whatever differs by colour also differs by marker, by dash or in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from kit.analysis.measures import CPI, DI, MONOLOGUE
from kit.report.figures.fonts import DEFAULT, Fonts

INCH = 25.4
"""Millimetres."""
WIDTH = 180.0
"""Millimetres: two columns of a journal."""
SIZE, SMALL = 9.0, 7.5
"""Points."""
INK, SOFT, RULE = "#1b1b1b", "#5a5a5a", "#d9d9d4"
COLOURS = {CPI: "#0072b2", DI: "#b54a00", MONOLOGUE: "#0072b2"}
"""As on the page: blue and (darkened for text) vermilion of Okabe & Ito."""
SERIES = ("#0072b2", "#b54a00", "#00795a", "#8a4a78", "#1b1b1b", "#7a6a00")
"""For more than two things; each also has its own marker."""
MARKERS = {CPI: "o", DI: "D", MONOLOGUE: "o"}
SERIES_MARKERS = ("o", "D", "s", "^", "v", "P")
DASHES: dict[str, Any] = {CPI: "-", DI: (0, (4, 2.5)), MONOLOGUE: "-"}
NAMES = {CPI: "CPI", DI: "DI", MONOLOGUE: "monologue share"}

_SETTINGS: Any = {
    "font.family": [DEFAULT],
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.0,
    "legend.frameon": False,
    "figure.dpi": 72.0,
    "savefig.facecolor": "white",
    # Outlines and not characters: a reader's machine may lack the fonts that this one has.
    "svg.fonttype": "path",
    "svg.hashsalt": "kit",
}


@contextmanager
def settings() -> Iterator[None]:
    """Matplotlib's own defaults and the kit's on top, whatever the user's settings file says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def sheet(height: float) -> Figure:
    """An empty figure of the common width; ``height`` in millimetres."""
    return Figure(figsize=(WIDTH / INCH, height / INCH), layout="constrained")


def columns(table: pl.DataFrame) -> int:
    """How many panels of a table stand beside one another: three where their titles are long."""
    return 3 if table["panel"].n_unique() <= 6 or any(table["runs"].drop_nulls()) else 4


def small_multiples(
    count: int, across: int, height: float, *, extra: float = 14.0
) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` panels on common scales, row by row.

    Args:
        count: of panels.
        across: at most so many beside one another.
        height: of a row of panels, in millimetres.
        extra: room for a legend and the labels of the axes, in millimetres.
    """
    across = min(across, count)
    rows = -(-count // across)
    figure = sheet(rows * height + extra)
    grid = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for unused in panels[count:]:
        unused.remove()
    for above in panels[max(0, count - across) : count]:
        above.tick_params(labelbottom=True)
    return figure, panels[:count]


def panel_title(axes: Axes, row: dict[str, str], fonts: Fonts) -> None:
    """English and own name of the panel's language; below them what tells its runs from others.

    Args:
        axes: of the panel.
        row: with ``language``, ``name``, ``endonym`` and ``runs``.
        fonts: to draw names with.
    """
    runs = row["runs"] or ""
    pad = 12.0 if runs else 4.0
    english = fonts.label(row["name"], row["language"])
    axes.set_title(english.text, loc="left", fontproperties=english.font, size=SIZE, pad=pad)
    own = fonts.own_name(row)
    if own is not None:
        axes.set_title(
            own.text, loc="right", fontproperties=own.font, size=SMALL, pad=pad, color=SOFT
        )
    if runs:
        note(axes, runs, (0.0, 1.0), (0.0, 3.0), xycoords="axes fraction", size=7.0, color=SOFT)


def row_name(axes: Axes, at: int, words: str, row: dict[str, str], fonts: Fonts) -> None:
    """What a row is about at the left of its axis, and below it the language's own name.

    Args:
        axes: of the leftmost panel.
        at: height of the row.
        words: beginning with the English name.
        row: as `panel_title` takes it.
        fonts: to draw names with.
    """
    own = fonts.own_name(row)
    english = fonts.label(words, words.replace(row["name"], row["language"]))
    style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center"}
    up = 3.5 if own else 0.0
    note(axes, english.text, (0, at), (-6, up), font=english.font, size=8.0, **style)
    if own is not None:
        note(axes, own.text, (0, at), (-6, -5), font=own.font, size=7.0, color=SOFT, **style)


def note(
    axes: Axes, words: str, at: tuple[float, float], shift: tuple[float, float], **style: Any
) -> None:
    """Words at a place, moved by some points."""
    font = style.pop("font", None)
    if font is not None:
        style["fontproperties"] = font
    axes.annotate(words, at, xytext=shift, textcoords="offset points", **style)


def key(figure: Figure, entries: dict[str, dict[str, Any]], *, middle: bool = False) -> None:
    """What the marks mean, above the panels.

    Args:
        figure: to stand in.
        entries: the style of the mark by its meaning.
        middle: whether it stands in the middle and not at the right.
    """
    place: dict[str, Any] = {"loc": f"outside upper {'center' if middle else 'right'}"}
    handles = [Line2D([], [], **style) for style in entries.values()]
    figure.legend(handles, list(entries), ncols=len(entries), handletextpad=0.4, **place)


def index_key(figure: Figure, measures: Sequence[str], *, lines: bool, words: str = "") -> None:
    """The key of the indices, with ``words`` after their names."""
    key(
        figure,
        {
            NAMES[name] + words: {
                "color": COLOURS[name],
                "marker": MARKERS[name],
                "linestyle": DASHES[name] if lines else "none",
            }
            for name in measures
        },
    )


def level_styles(levels: Sequence[int], **style: Any) -> dict[int, dict[str, Any]]:
    """A mark for every number of aligned agents."""
    return {
        level: {
            "color": SERIES[at % len(SERIES)],
            "marker": SERIES_MARKERS[at % len(SERIES_MARKERS)],
            "linestyle": "none",
            **style,
        }
        for at, level in enumerate(levels)
    }


def interval(axes: Axes, at: float, row: dict[str, Any], *, upright: bool, **style: Any) -> None:
    """A mark with its interval, where there is one.

    Args:
        axes: to draw on.
        at: place on the other axis.
        row: with ``estimate``, ``conf_low`` and ``conf_high``.
        upright: whether the interval is vertical.
        style: of the mark.
    """
    value, low, high = row["estimate"], row["conf_low"], row["conf_high"]
    if value is None:
        return
    reach = None if low is None or high is None else [[value - low], [high - value]]
    x, y = ([at], [value]) if upright else ([value], [at])
    style["yerr" if upright else "xerr"] = reach
    axes.errorbar(x, y, linestyle="none", capsize=2.0, elinewidth=1.0, **style)


def zero(axes: Axes, *, upright: bool) -> None:
    """The line of no effect."""
    draw = axes.axvline if upright else axes.axhline
    draw(0.0, color=SOFT, linewidth=0.9, zorder=0.9)


def reach(
    rows: Sequence[dict[str, Any]], widest: float, *, low: str = "conf_low", high: str = "conf_high"
) -> tuple[float, float]:
    """Ends of an axis that holds 0, every estimate, and intervals up to ``widest`` from 0."""
    means = [row["estimate"] for row in rows if row["estimate"] is not None]
    most = max([widest, *map(abs, means)])
    ends = [row[end] for row in rows for end in (low, high) if row[end] is not None]
    known = [0.0, *means, *(min(max(end, -most), most) for end in ends)]
    margin = 0.05 * (max(known) - min(known) or 1.0)
    return min(known) - margin, max(known) + margin
