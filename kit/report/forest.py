"""The forest plot: what aligning all ten agents does, language by language.

Languages stand in the order of their effect on the collective pathology index; the dissociation
index stands beside it. The class of a language is written out, never left to a colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kit.analysis import Estimate
from kit.analysis.across import Combined
from kit.analysis.classes import Classified
from kit.analysis.effects import Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.numbers import estimate
from kit.report.plot import INDICES, NAMES, Axis, Plot, mark, svg, upright, words

WIDTH = 680
LEFT, RIGHT = 150, 500
"""Between these the intervals are drawn; names stand to the left, classes to the right."""
TOP, ROW = 24, 30
APART = 6
"""Pixels from the middle of a row to the mark of either index."""
WIDEST = 4.0
"""Intervals of two runs can have any width: the axis ends at this many SDs, unless a mean is
further out."""

Rows = list[tuple[str, dict[str, Classified]]]


def forests(analysis: Analysis) -> list[Plot]:
    """A plot for every model, variant and level of individuation with two languages or more."""
    groups: dict[tuple[str, str | None, int], dict[str, dict[str, Classified]]] = {}
    for row in analysis.classes:
        place = (row.model, row.variant, row.individuated)
        groups.setdefault(place, {}).setdefault(row.language, {})[row.measure] = row
    return [
        _forest(analysis, place, _ordered(languages))
        for place, languages in groups.items()
        if len(languages) > 1 and any(_defined(found) for found in languages.values())
    ]


def _defined(found: dict[str, Classified]) -> bool:
    return any(row.result.is_defined for row in found.values())


def _ordered(languages: dict[str, dict[str, Classified]]) -> Rows:
    """By the effect on CPI; languages without one come last."""

    def effect(item: tuple[str, dict[str, Classified]]) -> tuple[float, str]:
        code, found = item
        value = found[CPI].result.estimate if CPI in found else None
        return (math.inf if value is None else value, code)

    return sorted(languages.items(), key=effect)


def _forest(analysis: Analysis, place: tuple[str, str | None, int], rows: Rows) -> Plot:
    model, variant, individuated = place
    where = scope(analysis, None, model, variant).removeprefix("all languages").lstrip(", ")
    extra = f"{individuated} individuated" if individuated else ""
    title = ", ".join(part for part in (where, extra) if part) or "All languages"
    pooled = {
        row.measure: row
        for row in analysis.syntheses
        if (row.model, row.variant, row.individuated) == place
        and row.kind is Kind.HEDGES_G
        and row.reference == PRIMARY
        and row.result.is_defined
    }
    results = [found[name].result for _, found in rows for name in INDICES if name in found]
    axis = _axis([*results, *(row.result for row in pooled.values())])
    bottom = TOP + ROW * (len(rows) + bool(pooled))
    parts = upright(axis, TOP - 6, bottom)
    parts += [
        words(LEFT - 10, 12, "language", anchor="end"),
        words(RIGHT + 12, 12, "class by CPI / by DI"),
        words(
            (LEFT + RIGHT) / 2,
            bottom + 34,
            "Hedges\u2019 g of ten aligned agents against none: less \u2190 0 \u2192 more",
            anchor="middle",
        ),
    ]
    for number, (code, found) in enumerate(rows):
        parts += _row(analysis, code, found, axis, TOP + ROW * number + ROW / 2)
    if pooled:
        parts += _pooled(pooled, axis, TOP + ROW * len(rows) + ROW / 2)
    description = f"{title}: Hedges' g by language. {_in_words(analysis, rows)}"
    return Plot(title, description, svg(WIDTH, bottom + 44, description, parts))


def _axis(results: Sequence[Estimate]) -> Axis:
    means = [result.estimate for result in results if result.estimate is not None]
    widest = max(WIDEST, *(abs(mean) for mean in means))
    ends = [
        min(max(end, -widest), widest)
        for result in results
        for end in (result.conf_low, result.conf_high)
        if end is not None
    ]
    return Axis.over([0.0, *means, *ends], LEFT, RIGHT)


def _row(
    analysis: Analysis, code: str, found: dict[str, Classified], axis: Axis, y: float
) -> list[str]:
    name = analysis.collection.experiment.languages[code].name
    parts = [words(LEFT - 10, y + 4, f"{name} ({code})", anchor="end", kind="name")]
    for index, at in ((CPI, y - APART), (DI, y + APART)):
        if index in found and found[index].result.is_defined:
            parts.append(_interval(index, found[index].result, axis, at))
        else:
            parts.append(words(axis.at(0.0) + 6, at + 4, f"{NAMES[index]} undefined"))
    classes = " / ".join(
        found[index].language_class.value if index in found else "none" for index in INDICES
    )
    return [*parts, words(RIGHT + 12, y + 4, classes)]


def _pooled(pooled: dict[str, Combined], axis: Axis, y: float) -> list[str]:
    parts = [words(LEFT - 10, y + 4, "languages together", anchor="end", kind="name")]
    for index, at in ((CPI, y - APART), (DI, y + APART)):
        if index not in pooled:
            continue
        row = pooled[index]
        if row.prediction_low is not None and row.prediction_high is not None:
            low, high = axis.at(row.prediction_low), axis.at(row.prediction_high)
            parts.append(f'<path class="prediction" d="M{low:.1f} {at:.1f}H{high:.1f}"/>')
        parts.append(_interval(index, row.result, axis, at))
    return [*parts, words(RIGHT + 12, y + 4, "mean; thin: the next language")]


def _interval(index: str, result: Estimate, axis: Axis, y: float) -> str:
    """Mark and interval; an end that lies beyond the axis has no cap."""
    assert result.estimate is not None  # the caller asked
    parts = []
    if result.conf_low is not None and result.conf_high is not None:
        low, high = axis.at(result.conf_low), axis.at(result.conf_high)
        caps = [
            f"M{x:.1f} {y - 3:.1f}v6"
            for x, value in ((low, result.conf_low), (high, result.conf_high))
            if axis.holds(value)
        ]
        parts.append(f'<path class="bar" d="M{low:.1f} {y:.1f}H{high:.1f}{"".join(caps)}"/>')
    parts.append(mark(index, axis.at(result.estimate), y))
    return f'<g class="{index}">{"".join(parts)}</g>'


def _in_words(analysis: Analysis, rows: Rows) -> str:
    languages = analysis.collection.experiment.languages
    return " ".join(
        f"{languages[code].name}: "
        + ", ".join(
            f"{NAMES[name]} {estimate(found[name].result)}, {found[name].language_class.value}"
            for name in INDICES
            if name in found
        )
        + "."
        for code, found in rows
    )
