"""What a safety instruction changes within one language: contrasts, tests and slopes.

The run is the unit: ten agents of a group are one observation. A contrast compares all ten agents
marked with none marked; the slope uses every level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from kit.analysis.cells import CONFIDENCE, Value
from kit.analysis.indices import PRIMARY
from kit.spec.language import AGENTS
from kit.stats.difference import welch
from kit.stats.effects import hedges_g
from kit.stats.regression import least_squares
from kit.stats.result import Estimate
from kit.stats.trend import slope


class Factor(StrEnum):
    """What agents are marked with."""

    ALIGNED = "aligned"
    INDIVIDUATED = "individuated"


class Kind(StrEnum):
    """How an effect is expressed."""

    HEDGES_G = "hedges_g"
    """All ten marked against none, in pooled SDs, with the exact noncentral-t interval."""
    WELCH = "welch"
    """The same difference in the measure's own units, with Welch's t test."""
    SLOPE = "slope"
    """Change per marked agent, least squares with HC3 errors."""


class Effect(NamedTuple):
    """One factor's effect on one measure."""

    model: str
    language: str | None
    """None: pooled over languages, with an intercept for each."""
    variant: str | None
    factor: Factor
    other: int
    """Level of the other factor: contrasts are never taken across it."""
    measure: str
    reference: str | None
    kind: Kind
    undefined: int
    """Runs left out because the measure is undefined in them."""
    result: Estimate


class _Stratum(NamedTuple):
    model: str
    language: str
    variant: str | None
    factor: Factor
    other: int
    measure: str
    reference: str | None


class _Point(NamedTuple):
    level: int
    value: float | None


def effects(values: Iterable[Value]) -> list[Effect]:
    """Every effect within a language, in the order of the values.

    A factor that the study does not vary has none.
    """
    strata = _strata(values)
    found: list[Effect] = []
    for stratum, points in strata.items():
        if len({point.level for point in points}) < 2 and stratum.factor is not Factor.ALIGNED:
            continue
        defined = [(p.level, p.value) for p in points if p.value is not None]
        levels = [level for level, _ in defined]
        numbers = [value for _, value in defined]
        full = [value for level, value in defined if level == AGENTS]
        none = [value for level, value in defined if level == 0]
        absent = [level for level in (AGENTS, 0) if level not in {p.level for p in points}]
        if absent:
            reason = f"no complete run with {absent[0]} of {AGENTS} agents {stratum.factor}"
            g = difference = not_testable(reason)
        else:
            g = hedges_g(full, none, confidence=CONFIDENCE)
            difference = welch(full, none, confidence=CONFIDENCE)
        undefined = len(points) - len(defined)
        for kind, result in (
            (Kind.HEDGES_G, g),
            (Kind.WELCH, difference),
            (Kind.SLOPE, slope(levels, numbers, confidence=CONFIDENCE)),
        ):
            found.append(
                Effect(
                    stratum.model,
                    stratum.language,
                    stratum.variant,
                    stratum.factor,
                    stratum.other,
                    stratum.measure,
                    stratum.reference,
                    kind,
                    undefined,
                    result,
                )
            )
    return found


def pooled_slopes(values: Iterable[Value]) -> list[Effect]:
    """Slope per aligned agent over all languages, with one intercept per language.

    Only for studies of two languages or more, and for indices by the primary reference: raw hits
    of different word lists have no common unit.
    """
    groups: dict[_Stratum, list[tuple[str, _Point]]] = defaultdict(list)
    for stratum, points in _strata(values).items():
        if stratum.factor is Factor.ALIGNED and stratum.reference == PRIMARY:
            pooled = stratum._replace(language="")
            groups[pooled] += [(stratum.language, point) for point in points]
    return [
        Effect(
            stratum.model,
            None,
            stratum.variant,
            stratum.factor,
            stratum.other,
            stratum.measure,
            stratum.reference,
            Kind.SLOPE,
            sum(point.value is None for _, point in points),
            _common_slope(points),
        )
        for stratum, points in groups.items()
        if len({language for language, _ in points}) > 1
    ]


def not_testable(reason: str, n: int | None = None) -> Estimate:
    """A result that the design at hand cannot give."""
    return Estimate(n=n, method=f"not testable: {reason}")


def _common_slope(points: Sequence[tuple[str, _Point]]) -> Estimate:
    defined = [(language, p.level, p.value) for language, p in points if p.value is not None]
    languages = list(dict.fromkeys(language for language, _, _ in defined))
    if not defined:
        return not_testable("the measure is undefined in every run", n=0)
    levels = np.array([float(level) for _, level, _ in defined])
    dummies = [[float(language == name) for name in languages] for language, _, _ in defined]
    design = np.column_stack((dummies, levels))
    outcome = [value for _, _, value in defined]
    fits = least_squares(design, outcome, (*languages, "aligned"), confidence=CONFIDENCE)
    return fits["aligned"]


def _strata(values: Iterable[Value]) -> dict[_Stratum, list[_Point]]:
    strata: dict[_Stratum, list[_Point]] = defaultdict(list)
    for value in values:
        where = value.condition
        levels = {Factor.ALIGNED: where.aligned, Factor.INDIVIDUATED: where.individuated}
        for factor, other in (
            (Factor.ALIGNED, where.individuated),
            (Factor.INDIVIDUATED, where.aligned),
        ):
            stratum = _Stratum(
                where.model,
                where.language,
                where.variant,
                factor,
                other,
                value.measure,
                value.reference,
            )
            strata[stratum].append(_Point(levels[factor], value.value))
    return strata
