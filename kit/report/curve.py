"""The specification curves: every estimate of a multiverse, sorted, with the primary one marked.

The form is that of Simonsohn, Simmons & Nelson (2020), without the grid of choices below it: what
each choice does stands in the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup, escape

from kit.analysis.choices import CHOICES
from kit.analysis.curve import Curve, curves
from kit.analysis.measures import DI, MEASURES
from kit.analysis.multiverse import HEDGES_G, LEFT_OUT, MULTIVERSE, PEARSON, SUMMARY
from kit.analysis.results import Analysis
from kit.analysis.specification import COUNTRY
from kit.report.effects import scope
from kit.report.figure import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Scale, rules
from kit.report.grid import Grid, grid
from kit.report.numbers import number, percent

POINTS = 120
"""Places at which a curve is drawn; more would not be seen."""
OUTER = 0.02
"""Share of all estimates at either end that may lie beyond the axis."""
SYMBOLS = {HEDGES_G: "g", PEARSON: "r"}


class Panel(NamedTuple):
    """The curves of both indices for the same runs."""

    title: str
    description: str
    svg: Markup


class Multiverse(NamedTuple):
    """What the page shows of a multiverse."""

    panels: list[Panel]
    summary: Grid
    choices: Grid
    left_out: Grid


Row = dict[str, Any]


def multiverse(analysis: Analysis) -> Multiverse | None:
    """The curves and what they amount to; None for an analysis without a multiverse."""
    if MULTIVERSE not in analysis.tables:
        return None
    return Multiverse(_panels(analysis), _summary(analysis), _choices(), _left_out(analysis))


def _summary(analysis: Analysis) -> Grid:
    rows = [
        (
            _runs(analysis, row),
            MEASURES[row["measure"]].title,
            f"{SYMBOLS[row['quantity']]} {number(row['primary'])}",
            _counted(row),
            percent(row["same_sign"]),
            percent(row["significant"]),
            percent(row["significant_opposite"]),
            number(row["median"]),
            _range(row),
            _moved(row),
        )
        for row in analysis.tables[SUMMARY].iter_rows(named=True)
    ]
    return grid(
        "Ten aligned agents against none (g), and slopes with Power Distance (r), under every "
        "specification",
        "Runs|Index|>Primary|>Specifications|>Same sign|>Significant|>Significant, opposite|"
        ">Median|>Range|Moved most by",
        rows,
        tables="multiverse_summary",
        note="Significant: p below 0.05 with the sign of the primary estimate. Specifications "
        "share their runs, so these shares describe and do not test.",
    )


def _choices() -> Grid:
    rows = [
        (choice.title, option.title, option.definition)
        for choice in CHOICES
        for option in choice.options
    ]
    rows += [
        ("country of a language", "own", "The country that the language file gives."),
        (
            "country of a language",
            "alternatives",
            "Each alternative of the language files, one at a time; and all first alternatives.",
        ),
    ]
    return grid(
        "What the paper leaves open, and how it can be decided (the primary option first)",
        "Choice|Option|Definition",
        rows,
    )


def _left_out(analysis: Analysis) -> Grid:
    rows = [
        (_runs(analysis, row), SYMBOLS[row["quantity"]], row["reason"], str(row["specifications"]))
        for row in analysis.tables[LEFT_OUT].iter_rows(named=True)
    ]
    return grid("Combinations left out", "Runs|Quantity|Why|>Combinations", rows)


def _panels(analysis: Analysis) -> list[Panel]:
    found = analysis.tables[MULTIVERSE].drop_nulls("estimate")
    summaries = {
        Curve._make(row[name] for name in Curve._fields): row
        for row in analysis.tables[SUMMARY].iter_rows(named=True)
    }
    scales = {
        str(quantity): _scale(part)
        for (quantity,), part in found.group_by("quantity", maintain_order=True)
    }
    groups: dict[tuple[Any, ...], list[tuple[Row, pl.Series]]] = {}
    for curve, part in curves(found):
        row = summaries[curve]
        place = (row["model"], row["variant"], row["language"], row["quantity"])
        groups.setdefault(place, []).append((row, part["estimate"].sort()))
    return [
        _panel(_title(analysis, drawn[0][0]), drawn, scales[drawn[0][0]["quantity"]])
        for drawn in groups.values()
    ]


def _scale(found: pl.DataFrame) -> Scale:
    """One axis for all curves of a quantity; their outermost ends may lie beyond it."""
    primary = found.filter(changed=0)["estimate"]
    ends = (found["estimate"].quantile(share) for share in (OUTER, 1.0 - OUTER))
    inside = [0.0, *primary, *(end for end in ends if end is not None)]
    return Scale.between(min(inside), max(inside))


def _panel(title: str, drawn: Sequence[tuple[Row, pl.Series]], scale: Scale) -> Panel:
    words = "; ".join(_words(row) for row, _ in drawn)
    description = f"{title}: {words}."
    longest = max(estimates.len() for _, estimates in drawn)
    labels = (
        (_x(0.0), "start", "lowest"),
        ((LEFT + RIGHT) / 2, "middle", f"{longest:,} specifications, sorted"),
        (_x(1.0), "end", "highest"),
    )
    body = [rules(scale)]
    body += [
        f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="{anchor}">{label}</text>'
        for x, anchor, label in labels
    ]
    body += [_curve(row, estimates, scale) for row, estimates in drawn]
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description)}">'
        f"{''.join(body)}</svg>"
    )
    return Panel(title, description, Markup(svg))  # noqa: S704 - words are escaped above


def _curve(row: Row, estimates: pl.Series, scale: Scale) -> str:
    last = estimates.len() - 1
    steps = min(last, POINTS) or 1
    places = sorted({round(step / steps * last) for step in range(steps + 1)})
    line = "L".join(
        f"{_x(place / (last or 1)):.1f} {scale.y(estimates[place]):.1f}" for place in places
    )
    parts = [f'<path class="line" d="M{line}"/>']
    if row["primary"] is not None:
        rank = float((estimates < row["primary"]).sum()) / (last or 1)
        x, y = _x(rank), scale.y(row["primary"])
        parts.append(
            f'<path class="mark" d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5-5.5 5.5-5.5-5.5z"/>'
            if row["measure"] == DI
            else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
        )
    return f'<g class="{row["measure"]}">{"".join(parts)}</g>'


def _x(share: float) -> float:
    return LEFT + 14 + share * (RIGHT - LEFT - 28)


def _title(analysis: Analysis, row: Row) -> str:
    what = "slopes and Power Distance" if row["quantity"] == PEARSON else ""
    languages = analysis.collection.experiment.languages
    name = languages[row["language"]].name if row["language"] is not None else "all languages"
    where = scope(analysis, None, row["model"], row["variant"]).removeprefix("all languages")
    return ", ".join(part for part in (f"{name}{where}", what) if part)


def _words(row: Row) -> str:
    agreement = (
        f"{percent(row['same_sign'])} of {row['defined']} specifications have its sign"
        if row["same_sign"] is not None
        else f"{row['defined']} specifications"
    )
    return (
        f"{MEASURES[row['measure']].title}, primary {SYMBOLS[row['quantity']]} "
        f"{number(row['primary'])}, {agreement}, {_range(row)}"
    )


def _runs(analysis: Analysis, row: Row) -> str:
    return scope(analysis, row["language"], row["model"], row["variant"])


def _counted(row: Row) -> str:
    undefined = row["specifications"] - row["defined"]
    return f"{row['defined']}{f' ({undefined} undefined)' if undefined else ''}"


def _range(row: Row) -> str:
    return f"{number(row['minimum'])} to {number(row['maximum'])}"


def _moved(row: Row) -> str:
    if row["largest_choice"] is None:
        return "nothing"
    titles = {choice.name: choice.title for choice in CHOICES} | {COUNTRY: "country"}
    return f"{titles[row['largest_choice']]} (medians {number(row['largest_spread'])} apart)"
