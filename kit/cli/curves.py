"""The specification curves of an analysis, as rows that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kit.analysis.measures import CPI, DI
from kit.analysis.multiverse import HEDGES_G, LEFT_OUT, PEARSON, SUMMARY
from kit.analysis.results import Analysis
from kit.report.numbers import number

SHORT = {CPI: "CPI", DI: "DI"}
TITLES = "lang|index|>specs|>primary|>same sign|>p<.05|>range|moved most by"
QUANTITIES = {
    HEDGES_G: "g of ten aligned agents against none",
    PEARSON: "r of the languages' slopes with Power Distance",
}
NOTE = (
    "specs: combinations of the choices that the paper leaves open. same sign, p<.05: share of "
    "them with the sign of the primary one, and with p below .05 as well. moved most by: the "
    "choice whose options' medians lie farthest apart."
)


class Block(NamedTuple):
    """One table."""

    heading: str
    rows: list[tuple[str, ...]]


def blocks(analysis: Analysis) -> Iterator[Block]:
    """A table for each model, variant and quantity; none without a multiverse."""
    if SUMMARY not in analysis.tables:
        return
    models = len(analysis.collection.experiment.study.models.value)
    groups: dict[tuple[str, str | None, str], list[tuple[str, ...]]] = {}
    for row in analysis.tables[SUMMARY].iter_rows(named=True):
        key = row["model"], row["variant"], row["quantity"]
        groups.setdefault(key, []).append(_cells(row))
    for (model, variant, quantity), rows in groups.items():
        named = [name for name in (model if models > 1 else None, variant) if name is not None]
        heading = QUANTITIES[quantity] + (f",\n{', '.join(named)}" if named else "")
        yield Block(heading, rows)


def left_out(analysis: Analysis) -> str:
    """How many combinations are left out, and why."""
    reasons: dict[str, int] = {}
    for row in analysis.tables[LEFT_OUT].iter_rows(named=True):
        reasons[row["reason"]] = max(reasons.get(row["reason"], 0), row["specifications"])
    words = "; ".join(f"{reason} ({count:,} at most)" for reason, count in reasons.items())
    return f"Left out of a curve: {words}."


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["language"] or "all",
        SHORT[row["measure"]],
        str(row["defined"]),
        _shown(row["primary"]),
        _percent(row["same_sign"]),
        _percent(row["significant"]),
        f"{_shown(row['minimum'])} to {_shown(row['maximum'])}",
        row["largest_choice"] or "nothing",
    )


def _shown(value: float | None) -> str:
    return "undef." if value is None else number(value)


def _percent(share: float | None) -> str:
    return "undef." if share is None else f"{100 * share:.0f} %"
