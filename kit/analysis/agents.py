"""Marked agents against the other agents of the same group.

Study 3 says who in a group the pathology comes from, which means of groups cannot show. An
agent's index is built like a group's, with z over all agents of the same model and language. The
unit stays the run: one gap per run, however many agents a group has.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kit.analysis.cells import Condition, condition, mean
from kit.analysis.effects import Factor
from kit.analysis.indices import PRIMARY, indices
from kit.analysis.measures import INDICES
from kit.stats.result import Estimate

SHARES = ("conformity_share",)
"""Plain measures of an agent that are compared like the indices."""


class Gap(NamedTuple):
    """Mean over runs of (mean of marked agents - mean of the others)."""

    model: str
    language: str | None
    """None: over all languages."""
    variant: str | None
    factor: Factor
    aligned: int | None
    """Level of the cell; None: over all cells in which the factor is mixed."""
    individuated: int | None
    measure: str
    undefined: int
    """Runs without a gap, because the index is undefined for all marked or all other agents."""
    marked: float | None
    """Mean of the marked agents over the runs with a gap."""
    others: float | None
    """Mean of the other agents over the same runs."""
    result: Estimate


class _Sides(NamedTuple):
    """One measure in one group."""

    marked: float
    others: float

    @property
    def gap(self) -> float:
        return self.marked - self.others


class _Key(NamedTuple):
    model: str
    language: str | None
    variant: str | None
    factor: Factor
    aligned: int | None
    individuated: int | None
    measure: str


def gaps(
    rows: Sequence[Mapping[str, Any]],
    judged: Mapping[tuple[str, str], Mapping[str, float | None]] | None = None,
) -> list[Gap]:
    """Every gap: by cell, then over the cells of a language, then over languages.

    Args:
        rows: rows of an agents frame.
        judged: by run and agent, what judges of single residents gave.

    Returns:
        Gaps of cells where some but not all agents are marked; elsewhere there is nothing to
        compare.
    """
    scored = indices(rows, PRIMARY)
    extra = tuple(dict.fromkeys(name for each in (judged or {}).values() for name in each))
    runs: dict[str, list[tuple[Mapping[str, Any], Mapping[str, float | None]]]] = defaultdict(list)
    for row, score in zip(rows, scored, strict=True):
        numbers = {index.name: getattr(score, index.name) for index in INDICES}
        numbers |= {name: row[name] for name in SHARES}
        if judged:
            given = judged.get((row["run_id"], row["agent"]), {})
            numbers |= {name: given.get(name) for name in extra}
        runs[row["run_id"]].append((row, numbers))
    groups: dict[_Key, list[_Sides | None]] = defaultdict(list)
    for members in runs.values():
        where = condition(members[0][0])
        for factor in Factor:
            marked = [scores for row, scores in members if row[f"agent_{factor}"]]
            others = [scores for row, scores in members if not row[f"agent_{factor}"]]
            if not marked or not others:
                continue
            for measure in (*(index.name for index in INDICES), *SHARES, *extra):
                sides = _sides(marked, others, measure)
                for key in _keys(where, factor, measure):
                    groups[key].append(sides)
    return [_summary(key, numbers) for key, numbers in groups.items()]


def _keys(where: Condition, factor: Factor, measure: str) -> tuple[_Key, _Key, _Key]:
    cell = _Key(
        where.model,
        where.language,
        where.variant,
        factor,
        where.aligned,
        where.individuated,
        measure,
    )
    language = cell._replace(aligned=None, individuated=None)
    return cell, language, language._replace(language=None)


def _sides(
    marked: Sequence[Mapping[str, float | None]],
    others: Sequence[Mapping[str, float | None]],
    name: str,
) -> _Sides | None:
    inside = [scores[name] for scores in marked]
    outside = [scores[name] for scores in others]
    left = [number for number in inside if number is not None]
    right = [number for number in outside if number is not None]
    return _Sides(statistics.fmean(left), statistics.fmean(right)) if left and right else None


def _summary(key: _Key, found: Sequence[_Sides | None]) -> Gap:
    defined = [sides for sides in found if sides is not None]
    return Gap(
        *key,
        len(found) - len(defined),
        statistics.fmean(sides.marked for sides in defined) if defined else None,
        statistics.fmean(sides.others for sides in defined) if defined else None,
        mean([sides.gap for sides in defined]),
    )
