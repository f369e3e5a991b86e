"""What plots drawn as inline SVG share: a horizontal axis, marks of the two indices, escaping.

The SVG is written here and not by a plotting library, so that its bytes depend on the numbers
alone, its colours follow the reader's light or dark scheme, and its words stay text. The two
indices differ by colour, marker and dash.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from kit.analysis.measures import CPI, DI

INDICES: tuple[str, ...] = (CPI, DI)
NAMES = {CPI: "CPI", DI: "DI"}


class Plot(NamedTuple):
    """One picture."""

    title: str
    description: str
    """What it shows, in words and with its numbers."""
    svg: Markup


class Axis(NamedTuple):
    """A straight axis between two pixels; what lies beyond it stands at its end."""

    low: float
    high: float
    step: float
    start: float
    """Pixel of ``low``."""
    end: float
    """Pixel of ``high``; below ``start`` for an axis that goes up."""

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float) -> Axis:
        """An axis with round ends and about five steps that holds all ``values``."""
        known = list(values)
        low, high = min(known), max(known)
        rough = (high - low or abs(high) or 1.0) / 5
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= rough)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step, step, start, end)

    def at(self, value: float) -> float:
        """The pixel of ``value``."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low or 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Values with a rule, and their words."""
        count = round((self.high - self.low) / self.step)
        values = (self.low + index * self.step for index in range(count + 1))
        return [(value, _tick(value, self.step)) for value in values]

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies on the axis and not beyond it."""
        return self.low <= value <= self.high


def _tick(value: float, step: float) -> str:
    return "0" if abs(value) < step / 2 else f"{value:.6g}".replace("-", "\u2212")


def svg(width: int, height: int, description: str, parts: Sequence[str]) -> Markup:
    """A picture with its description as its name; ``parts`` must be escaped already."""
    return Markup(  # noqa: S704 - the parts' words are escaped where they are made
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(description)}">'
        f"{''.join(parts)}</svg>"
    )


def words(x: float, y: float, said: str, *, anchor: str = "start", kind: str = "") -> str:
    """A line of text."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(said)}</text>'


def upright(axis: Axis, top: float, bottom: float, *, zero: bool = True) -> list[str]:
    """Rules of a horizontal axis, with their values below; ``zero`` makes that of 0 stand out."""
    parts = []
    for value, label in axis.ticks():
        x = axis.at(value)
        kind = "zero" if zero and label == "0" else "rule"
        parts.append(f'<path class="{kind}" d="M{x:.1f} {top:g}V{bottom:g}"/>')
        parts.append(words(x, bottom + 15, label, anchor="middle"))
    return parts


def mark(name: str, x: float, y: float, size: float = 4.5, *, hollow: bool = False) -> str:
    """The marker of an index: a disc for CPI, a diamond for DI."""
    style = " hollow" if hollow else ""
    if name == DI:
        side = size + 1
        path = f"M{x:.1f} {y - side:.1f}l{side:g} {side:g}-{side:g} {side:g}-{side:g}-{side:g}z"
        return f'<path class="mark{style}" d="{path}"/>'
    return f'<circle class="disc{style}" cx="{x:.1f}" cy="{y:.1f}" r="{size:g}"/>'
