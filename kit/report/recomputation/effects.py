"""Means, effects, gaps and arms, from the measures of runs."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np

from kit.report.recomputation import trends
from kit.report.recomputation.contrasts import FloatArray, Result, contrasts, mean, result
from kit.report.recomputation.culture import holm
from kit.report.recomputation.indices import WITHIN, Scoring, measures, scores
from kit.report.recomputation.logs import CONDITION
from kit.report.recomputation.resampling import two_groups
from kit.report.recomputation.sources import AGENTS, Key, Rows, Sources
from kit.report.recomputation.tables import Row, Scalar

HEADLINE = frozenset({"cpi", "di", "monologue_share", "sexual", "protective", "conformity_share"})
"""Measures that get the tests that resample; an index by the primary reference only."""
ARMS = frozenset({"cpi", "di", "conformity_share", "harmony_share"})
GAPS = ("cpi", "di", "conformity_share")
FACTORS = ("aligned", "individuated")
RESAMPLED = ("hedges_g_bca", "permutation")

Stratum: TypeAlias = tuple[str, str, str | None, str, int, str, str | None]
"""Model, language, variant, factor, level of the other factor, measure, reference."""


class Point(NamedTuple):
    """One run in a stratum."""

    level: int
    value: float | None
    evicted: bool


class Effects:
    """All effects within a language and over languages, computed once.

    Args:
        sources: the exported counts.
    """

    def __init__(self, sources: Sources):
        self._sources = sources

    @cached_property
    def measures(self) -> dict[tuple[str, str | None], list[float | None]]:
        """Every measure by name and reference, run by run."""
        return measures(self._sources.runs)

    @cached_property
    def strata(self) -> dict[Stratum, list[Point]]:
        """Runs that are compared with one another."""
        found: dict[Stratum, list[Point]] = defaultdict(list)
        for (measure, reference), values in self.measures.items():
            for row, value in zip(self._sources.runs, values, strict=True):
                place = (row["model"], row["language"], row["variant"])
                for factor, other in zip(FACTORS, reversed(FACTORS), strict=True):
                    stratum = (*place, factor, row[other], measure, reference)
                    found[stratum].append(Point(row[factor], value, row["evicted_aligned"]))
        return found

    @cached_property
    def within(self) -> dict[Key, Result]:
        """Effects within a language by stratum and kind."""
        found: dict[Key, Result] = {}
        for stratum, points in self.strata.items():
            if stratum[3] != "aligned" and len({point.level for point in points}) < 2:
                continue
            for kind, effect in {**self._contrasts(stratum, points), **_trends(points)}.items():
                found[*stratum, kind] = effect
        return found

    def _contrasts(self, stratum: Stratum, points: Sequence[Point]) -> dict[str, Result]:
        full, none = (
            [p.value for p in points if p.level == level and p.value is not None]
            for level in (AGENTS, 0)
        )
        headline = stratum[5] in HEADLINE and stratum[6] in (None, WITHIN)
        if not {0, AGENTS} <= {point.level for point in points}:
            kinds = (*contrasts([], []), *(RESAMPLED if headline else ()))
            return {kind: result() for kind in kinds}
        found = contrasts(full, none)
        if headline:
            path = [str(part) for part in stratum]
            found |= two_groups(full, none, self._sources.seed, path)
        return found

    @cached_property
    def pooled(self) -> dict[Key, Result]:
        """Slopes over all languages with an intercept for each, errors of runs."""
        found: dict[Key, Result] = {}
        for place, runs in self.over_languages("aligned").items():
            if place[4] == WITHIN and len({language for language, _ in runs}) > 1:
                model, variant, other, measure, reference = place
                key = (model, None, variant, "aligned", other, measure, reference, "slope")
                found[key] = trends.least_squares(*design(runs)) if _any(runs) else result(n=0)
        return found

    def over_languages(self, factor: str) -> dict[Key, list[tuple[str, Point]]]:
        """Runs of all languages by model, variant, other level, measure and reference."""
        found: dict[Key, list[tuple[str, Point]]] = defaultdict(list)
        for stratum, points in self.strata.items():
            model, language, variant, name, other, measure, reference = stratum
            if name == factor and reference is not None:
                place = (model, variant, other, measure, reference)
                found[place] += [(language, point) for point in points]
        return found

    def undefined(self, key: Key) -> int:
        """Runs without a value in one stratum, or over the languages of a pooled one."""
        model, language, variant, factor, other, measure, reference, _ = key
        return sum(
            point.value is None
            for stratum, points in self.strata.items()
            if stratum[0] == model
            and language in (None, stratum[1])
            and stratum[2:] == (variant, factor, other, measure, reference)
            for point in points
        )


def design(runs: Sequence[tuple[str, Point]]) -> tuple[FloatArray, FloatArray]:
    """One indicator per language and the level; and the outcomes."""
    known = [(language, p.level, p.value) for language, p in runs if p.value is not None]
    names = list(dict.fromkeys(language for language, _, _ in known))
    columns = [
        [*(float(language == name) for name in names), float(level)] for language, level, _ in known
    ]
    return np.array(columns), np.array([value for _, _, value in known])


def _any(runs: Sequence[tuple[str, Point]]) -> bool:
    return any(point.value is not None for _, point in runs)


def _trends(points: Sequence[Point]) -> dict[str, Result]:
    known = [(p.level, p.value, p.evicted) for p in points if p.value is not None]
    levels = [level for level, _, _ in known]
    values = [value for _, value, _ in known]
    return {
        "slope": trends.slope(levels, values),
        "quadratic": trends.quadratic(levels, values),
        "jonckheere_terpstra": trends.ordered(levels, values),
        "slope_adjusted": trends.adjusted_slope(levels, values, [e for _, _, e in known])
        if known
        else result(n=0),
    }


def cells(sources: Sources, effects: Effects) -> Rows:
    """Mean, SD and interval of every measure in every cell."""
    found: Rows = {}
    for (measure, reference), values in effects.measures.items():
        groups: dict[Key, list[float | None]] = defaultdict(list)
        for row, value in zip(sources.runs, values, strict=True):
            groups[tuple(row[name] for name in CONDITION)].append(value)
        for where, numbers in groups.items():
            known = [number for number in numbers if number is not None]
            found[*where, measure, reference] = {
                **mean(known),
                "undefined": len(numbers) - len(known),
                "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
            }
    return found


def effect_rows(effects: Effects) -> Rows:
    """Every effect, with the runs it leaves out."""
    return {
        key: {**found, "undefined": effects.undefined(key)}
        for key, found in {**effects.within, **effects.pooled}.items()
    }


def arms(sources: Sources, effects: Effects) -> Rows:
    """Every pair of cells of a language where both factors vary."""
    found: Rows = {}
    groups: dict[Key, dict[tuple[int, int], list[float]]] = defaultdict(dict)
    for (measure, reference), values in effects.measures.items():
        if measure in ARMS and reference in (None, WITHIN):
            for row, value in zip(sources.runs, values, strict=True):
                place = (row["model"], row["language"], row["variant"], measure)
                arm = groups[place].setdefault((row["individuated"], row["aligned"]), [])
                if value is not None:
                    arm.append(value)
    for where, members in groups.items():
        if len({individuated for individuated, _ in members}) < 2:
            continue
        pairs = [(two, one) for one, two in itertools.combinations(members, 2)]
        made = [contrasts(members[two], members[one]) for two, one in pairs]
        p_values = [each["welch"]["p_value"] for each in made]
        for (two, one), each, p, corrected in zip(
            pairs, made, p_values, holm(p_values), strict=True
        ):
            numbers: dict[str, Scalar] = {**each["hedges_g"]}
            numbers |= {"welch_p": p, "welch_p_holm": corrected}
            found[*where, *two, *one] = numbers
    return found


def agent_gaps(sources: Sources) -> Rows:
    """Marked agents less the others of their group: by cell, by language, over languages."""
    rows = sources.tables["agents"]
    scored = scores(rows, Scoring())
    groups: dict[str, list[tuple[Row, dict[str, float | None]]]] = defaultdict(list)
    for row, score in zip(rows, scored, strict=True):
        numbers = {"cpi": score.cpi, "di": score.di, "conformity_share": row["conformity_share"]}
        groups[row["run_id"]].append((row, numbers))
    gaps: dict[Key, list[tuple[float, float] | None]] = defaultdict(list)
    for members in groups.values():
        first = members[0][0]
        for factor in FACTORS:
            marks = [bool(row[f"agent_{factor}"]) for row, _ in members]
            if all(marks) or not any(marks):
                continue
            for measure in GAPS:
                sides = _sides([numbers[measure] for _, numbers in members], marks)
                for language, aligned, individuated in (
                    (first["language"], first["aligned"], first["individuated"]),
                    (first["language"], None, None),
                    (None, None, None),
                ):
                    place = (first["model"], language, first["variant"], factor)
                    gaps[*place, aligned, individuated, measure].append(sides)
    return {key: _gap(found) for key, found in gaps.items()}


def _sides(values: Sequence[float | None], marks: Sequence[bool]) -> tuple[float, float] | None:
    marked, others = (
        [v for v, mark in zip(values, marks, strict=True) if mark is side and v is not None]
        for side in (True, False)
    )
    return (float(np.mean(marked)), float(np.mean(others))) if marked and others else None


def _gap(found: Sequence[tuple[float, float] | None]) -> dict[str, Scalar]:
    known = [sides for sides in found if sides is not None]
    return {
        **mean([marked - others for marked, others in known]),
        "undefined": len(found) - len(known),
        "marked": float(np.mean([marked for marked, _ in known])) if known else None,
        "others": float(np.mean([others for _, others in known])) if known else None,
    }
