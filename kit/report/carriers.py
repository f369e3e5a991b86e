"""Who carries an effect: marked agents beside the other agents of their group."""

from __future__ import annotations

from collections.abc import Sequence

from kit.analysis.agents import Gap
from kit.analysis.measures import CPI, DI
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.numbers import estimate, number
from kit.report.plot import INDICES, NAMES, Axis, Plot, mark, svg, upright, words

WIDTH = 320
LEFT, RIGHT = 92, 308
TOP, ROW = 12, 40
APART = 9


def carriers(analysis: Analysis) -> list[Plot]:
    """A plot for every model, variant and factor with groups in which some agents are marked."""
    codes = [*analysis.collection.experiment.study.languages.value, None]
    groups: dict[tuple[str, str | None, str], dict[str | None, dict[str, Gap]]] = {}
    for gap in analysis.gaps:
        if gap.aligned is None and gap.measure in INDICES and gap.result.is_defined:
            place = (gap.model, gap.variant, gap.factor.value)
            by_language = groups.setdefault(place, {})
            by_language.setdefault(gap.language, {})[gap.measure] = gap
    return [
        _plot(analysis, place, [languages[code] for code in codes if code in languages])
        for place, languages in groups.items()
    ]


def _plot(
    analysis: Analysis, place: tuple[str, str | None, str], rows: Sequence[dict[str, Gap]]
) -> Plot:
    model, variant, factor = place
    where = scope(analysis, None, model, variant).removeprefix("all languages").lstrip(", ")
    title = f"{factor.capitalize()} agents and the others" + (f", {where}" if where else "")
    means = [
        value
        for row in rows
        for gap in row.values()
        for value in (gap.marked, gap.others)
        if value is not None
    ]
    axis = Axis.over([0.0, *means], LEFT, RIGHT)
    bottom = TOP + ROW * len(rows)
    parts = upright(axis, TOP - 4, bottom)
    said = []
    for index, row in enumerate(rows):
        y = TOP + ROW * index + ROW / 2
        gap = next(iter(row.values()))
        name = gap.language or "all"
        parts.append(words(LEFT - 8, y + 4, name, anchor="end", kind="name"))
        for measure, at in ((CPI, y - APART), (DI, y + APART)):
            if measure in row:
                parts.append(_pair(measure, row[measure], axis, at))
                said.append(f"{name}: {_in_words(row[measure])}")
    parts.append(
        words((LEFT + RIGHT) / 2, bottom + 33, "mean index of the agents", anchor="middle")
    )
    description = f"{title}. {' '.join(said)}"
    return Plot(title, description, svg(WIDTH, bottom + 42, description, parts))


def _pair(measure: str, gap: Gap, axis: Axis, y: float) -> str:
    """Both means on one line."""
    assert gap.marked is not None  # a defined gap has both
    assert gap.others is not None
    marked, others = axis.at(gap.marked), axis.at(gap.others)
    hollow = mark(measure, others, y, 4.0, hollow=True)
    bar = f'<path class="bar" d="M{marked:.1f} {y:.1f}H{others:.1f}"/>'
    return f'<g class="{measure}">{bar}{hollow}{mark(measure, marked, y, 4.0)}</g>'


def _in_words(gap: Gap) -> str:
    return (
        f"{NAMES[gap.measure]} {number(gap.marked)} for marked agents and {number(gap.others)} "
        f"for the others, gap {estimate(gap.result)}."
    )
