"""Dose-response panels as inline SVG: CPI and DI by number of aligned agents.

Where no run has an index, because a word list counted nothing anywhere, the monologue share stands
in, which both indices are made of.

The SVG is written here and not by a plotting library, so that its bytes depend on the numbers
alone, its colours follow the reader's light or dark scheme, and its words stay text. The two
indices differ by colour, marker and dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from kit.analysis.cells import Cell
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI, MONOLOGUE
from kit.analysis.results import Analysis
from kit.report.effects import Stratum
from kit.report.numbers import number
from kit.spec.language import AGENTS

WIDTH, HEIGHT = 320, 230
LEFT, RIGHT, TOP, BOTTOM = 40, 308, 12, 190
INDICES: tuple[str, ...] = (CPI, DI)
SHARE: tuple[str, ...] = (MONOLOGUE,)
NAMES = {CPI: "CPI", DI: "DI", MONOLOGUE: "monologue share"}
SHIFT = 4
"""Pixels by which the two series are moved apart, so that intervals do not cover one another."""


class Panel(NamedTuple):
    """One panel."""

    title: str
    description: str
    """What the panel shows, in words."""
    svg: Markup
    measures: tuple[str, ...]
    """What is drawn: the two indices, or the monologue share."""


class _Point(NamedTuple):
    level: int
    mean: float
    low: float | None
    high: float | None


def panels(analysis: Analysis) -> list[Panel]:
    """The study's panels on one common scale; none where nothing is defined anywhere."""
    measures, drawn = INDICES, _defined(analysis, INDICES, PRIMARY)
    if not drawn:
        measures, drawn = SHARE, _defined(analysis, SHARE, None)
    if not drawn:
        return []
    groups: dict[tuple[Stratum, int], list[Cell]] = {}
    for cell in drawn:
        key = (Stratum.of(cell.condition), cell.condition.individuated)
        groups.setdefault(key, []).append(cell)
    codes = analysis.collection.experiment.study.languages.value
    scale = Scale.over([_point(cell) for cell in drawn], share=measures == SHARE)
    return [
        _panel(_title(analysis, stratum, individuated), found, scale, measures)
        for (stratum, individuated), found in sorted(
            groups.items(), key=lambda item: codes.index(item[0][0].language)
        )
    ]


def _defined(analysis: Analysis, measures: tuple[str, ...], reference: str | None) -> list[Cell]:
    """The cells of these measures that have a mean."""
    return [
        cell
        for cell in analysis.cells
        if cell.measure in measures
        and cell.reference == reference
        and cell.mean.estimate is not None
    ]


def _title(analysis: Analysis, stratum: Stratum, individuated: int) -> str:
    parts = [analysis.collection.experiment.languages[stratum.language].name]
    if extra := stratum.title(analysis):
        parts.append(extra)
    if analysis.collection.experiment.study.individuated.value != (0,):
        parts.append(f"{individuated} individuated")
    return ", ".join(parts)


class Scale(NamedTuple):
    """The vertical axis of panels."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, points: Sequence[_Point], *, share: bool) -> Scale:
        """The axis that holds every mean, and intervals as far as they leave means readable."""
        low = min(0.0, *(p.mean if p.low is None else p.low for p in points))
        high = max(0.0, *(p.mean if p.high is None else p.high for p in points))
        # Two runs give intervals of any width: means must stay readable, so long whiskers are cut.
        widest = 1.0 + 2.5 * max(abs(p.mean) for p in points)
        low, high = max(low, -widest), min(high, widest)
        if share:
            low, high = 0.0, min(high, 1.0)
        return cls.between(low, high)

    @classmethod
    def between(cls, low: float, high: float) -> Scale:
        """Round ticks from ``low`` or below to ``high`` or above."""
        rough = (high - low or 1.0) / 5
        magnitude = 10 ** math.floor(math.log10(rough))
        step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= rough)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step, step)

    def y(self, value: float) -> float:
        """Where a value stands; what lies beyond the axis stands at its end."""
        inside = min(max(value, self.low), self.high)
        return BOTTOM - (inside - self.low) / (self.high - self.low or 1) * (BOTTOM - TOP)

    def ticks(self) -> list[float]:
        """Values with a rule."""
        count = round((self.high - self.low) / self.step)
        return [self.low + index * self.step for index in range(count + 1)]


def _point(cell: Cell) -> _Point:
    assert cell.mean.estimate is not None  # filtered by the caller
    return _Point(
        cell.condition.aligned, cell.mean.estimate, cell.mean.conf_low, cell.mean.conf_high
    )


def _x(level: int) -> float:
    return LEFT + 14 + level / AGENTS * (RIGHT - LEFT - 28)


def _panel(title: str, found: Sequence[Cell], scale: Scale, measures: tuple[str, ...]) -> Panel:
    series = {
        name: sorted(_point(cell) for cell in found if cell.measure == name) for name in measures
    }
    words = "; ".join(
        f"{NAMES[name]} " + ", ".join(f"{number(point.mean)} at {point.level}" for point in points)
        for name, points in series.items()
        if points
    )
    description = f"{title}: mean by number of aligned agents. {words}."
    levels = sorted({cell.condition.aligned for cell in found})
    body = [_axes(scale, levels)]
    body += [_series(name, points, scale) for name, points in series.items() if points]
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description)}">'
        f"{''.join(body)}</svg>"
    )
    return Panel(title, description, Markup(svg), measures)  # noqa: S704 - words are escaped above


def _axes(scale: Scale, levels: Sequence[int]) -> str:
    parts = [rules(scale)]
    for level in levels:
        parts.append(
            f'<text x="{_x(level):.1f}" y="{BOTTOM + 16}" text-anchor="middle">{level}</text>'
        )
    middle = (LEFT + RIGHT) / 2
    parts.append(
        f'<text x="{middle:g}" y="{BOTTOM + 34}" text-anchor="middle">aligned agents of ten</text>'
    )
    return "".join(parts)


def rules(scale: Scale) -> str:
    """Lines across a panel, with their values at the left."""
    parts = []
    for tick in scale.ticks():
        y = scale.y(tick)
        kind = "zero" if abs(tick) < scale.step / 2 else "rule"
        parts.append(f'<path class="{kind}" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
        label = f"{tick:.6g}".replace("-", "\u2212") if kind == "rule" else "0"
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    return "".join(parts)


def _series(name: str, points: Sequence[_Point], scale: Scale) -> str:
    shift = {CPI: -SHIFT, DI: SHIFT}.get(name, 0)
    places = [(_x(point.level) + shift, scale.y(point.mean), point) for point in points]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places)
    parts = [f'<path class="line" d="M{line}"/>']
    for x, y, point in places:
        if point.low is not None and point.high is not None:
            parts.append(_whisker(x, point.low, point.high, scale))
        if name != DI:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
        else:
            top = y - 5.5
            parts.append(f'<path class="mark" d="M{x:.1f} {top:.1f}l5.5 5.5-5.5 5.5-5.5-5.5z"/>')
    return f'<g class="{DI if name == DI else CPI}">{"".join(parts)}</g>'


def _whisker(x: float, low: float, high: float, scale: Scale) -> str:
    """The interval; an end that is cut off has no cap."""
    top, bottom = scale.y(high), scale.y(low)
    ends = ((top, high <= scale.high), (bottom, low >= scale.low))
    caps = [f"M{x - 3:.1f} {y:.1f}h6" for y, inside in ends if inside]
    return f'<path class="bar" d="M{x:.1f} {top:.1f}V{bottom:.1f}{"".join(caps)}"/>'
