"""Slopes of the languages against Hofstede's dimensions, one small picture per dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kit.analysis import Estimate
from kit.analysis.culture import (
    Coefficient,
    CultureLine,
    CulturePoint,
    Dimension,
    LeftOut,
)
from kit.analysis.measures import CPI, DI, title
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.numbers import equals, interval, number
from kit.report.plot import Axis, Plot, mark, svg, upright, words

WIDTH, HEIGHT = 320, 264
LEFT, RIGHT, TOP, BOTTOM = 52, 308, 12, 200
_CLOSE = 11.0
"""Pixels between two labels below which one of them moves."""


class Scatters(NamedTuple):
    """The pictures of one index."""

    title: str
    plots: list[Plot]


def scatters(analysis: Analysis) -> list[Scatters]:
    """Both indices against every dimension, where at least four languages have both numbers."""
    groups: dict[tuple[str, str | None, int, str], dict[Dimension, list[CulturePoint]]] = {}
    for point in analysis.culture_points:
        if point.measure in (CPI, DI):
            by_dimension = groups.setdefault(point[:4], {})
            by_dimension.setdefault(point.dimension, []).append(point)
    found = []
    for place, dimensions in groups.items():
        plots = [
            plot
            for dimension, points in dimensions.items()
            if (plot := _scatter(analysis, dimension, points)) is not None
        ]
        if plots:
            found.append(Scatters(_title(analysis, place), plots))
    return found


def _title(analysis: Analysis, place: tuple[str, str | None, int, str]) -> str:
    model, variant, individuated, measure = place
    where = scope(analysis, None, model, variant).removeprefix("all languages")
    extra = f", {individuated} individuated" if individuated else ""
    return f"{title(measure)}{where}{extra}"


def _scatter(
    analysis: Analysis, dimension: Dimension, points: Sequence[CulturePoint]
) -> Plot | None:
    place = points[0][:5]
    line = [row for row in analysis.culture_lines if row[:5] == place]
    r = next(
        row.result
        for row in analysis.correlations
        if row[:5] == place and row.coefficient is Coefficient.PEARSON
    )
    if not line or r.estimate is None:
        return None
    name = dimension.name.replace("_", " ").capitalize()
    heights = [
        end
        for row in line
        for end in (row.result.estimate, row.result.conf_low, row.result.conf_high)
        if end is not None
    ]
    across = Axis.over([point.score for point in points], LEFT + 8, RIGHT - 8)
    up = Axis.over([0.0, *heights, *(point.slope for point in points)], BOTTOM, TOP)
    measure = points[0].measure
    parts = [*upright(across, TOP, BOTTOM, zero=False), *_level(up)]
    parts.append(f'<g class="{measure}">{"".join(_line(line, across, up))}')
    places = [(across.at(point.score), up.at(point.slope), point.language) for point in points]
    parts += [mark(measure, x, y, 3.5) for x, y, _ in places]
    parts.append("</g>")
    parts += _labels(places)
    parts.append(words((LEFT + RIGHT) / 2, BOTTOM + 33, f"{name}, score", anchor="middle"))
    said = _said(r, [row for row in analysis.left_out if row[:5] == place])
    for line_number, text in enumerate(said):
        y = BOTTOM + 47 + 13 * line_number
        parts.append(words((LEFT + RIGHT) / 2, y, text, anchor="middle"))
    values = ", ".join(
        f"{point.language} {point.score} and {number(point.slope, 3)}" for point in points
    )
    description = (
        f"{name} and the slope of {title(measure)} per aligned agent: {'; '.join(said)}. {values}."
    )
    return Plot(name, description, svg(WIDTH, HEIGHT, description, parts))


def _level(up: Axis) -> list[str]:
    """Rules across, with their values at the left."""
    parts = []
    for value, label in up.ticks():
        kind = "zero" if label == "0" else "rule"
        parts.append(f'<path class="{kind}" d="M{LEFT} {up.at(value):.1f}H{RIGHT}"/>')
        parts.append(words(LEFT - 6, up.at(value) + 4, label, anchor="end"))
    return parts


def _line(line: Sequence[CultureLine], across: Axis, up: Axis) -> list[str]:
    """The line and, where it is known, its band."""
    middle = "L".join(
        f"{across.at(row.score):.1f} {up.at(row.result.estimate):.1f}"
        for row in line
        if row.result.estimate is not None
    )
    upper = [
        f"{across.at(row.score):.1f} {up.at(row.result.conf_high):.1f}"
        for row in line
        if row.result.conf_high is not None
    ]
    lower = [
        f"{across.at(row.score):.1f} {up.at(row.result.conf_low):.1f}"
        for row in reversed(line)
        if row.result.conf_low is not None
    ]
    band = [f'<path class="band" d="M{"L".join([*upper, *lower])}z"/>'] if upper else []
    return [*band, f'<path class="line" d="M{middle}"/>']


def _labels(places: Sequence[tuple[float, float, str]]) -> list[str]:
    """The codes, each at the first of four sides of its mark where no other label stands."""
    taken: list[tuple[float, float]] = []
    parts = []
    for x, y, code in places:
        sides = ((x + 12, y - 6), (x - 12, y - 6), (x + 12, y + 12), (x - 12, y + 12))
        free = (
            side
            for side in sides
            if all(abs(side[0] - u) > 1.5 * _CLOSE or abs(side[1] - v) > _CLOSE for u, v in taken)
        )
        u, v = next(free, sides[0])
        taken.append((u, v))
        parts.append(words(u, v, code, anchor="middle", kind="name"))
    return parts


def _said(r: Estimate, without: Sequence[LeftOut]) -> list[str]:
    """The correlation with its interval, and how far one language moves it."""
    known = [row.r for row in without if row.r is not None]
    said = [f"r {number(r.estimate)} {interval(r)}, p {equals(r.p_value)}"]
    if known:
        said.append(f"without one language r {number(min(known))} to {number(max(known))}")
    return [text.replace("-", "\u2212") for text in said]
