"""What a safety instruction changes within one language: contrasts, tests and slopes.

The run is the unit: ten agents of a group are one observation. A contrast compares all ten agents
marked with none marked; the slope uses every level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import numpy as np

from kit.analysis.cells import Value
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI, MONOLOGUE, PROTECTIVE, SEXUAL
from kit.spec.language import AGENTS
from kit.spec.seeds import generator
from kit.stats.difference import mann_whitney, permutation, welch
from kit.stats.dominance import cliffs_delta, probability_of_superiority
from kit.stats.effects import cohens_d, glass_delta, hedges_g, hedges_g_av, hedges_g_star
from kit.stats.equivalence import standardised_equivalence
from kit.stats.regression import least_squares
from kit.stats.resampling import hedges_g_bca
from kit.stats.result import Estimate
from kit.stats.trend import jonckheere_terpstra, quadratic, slope


class Factor(StrEnum):
    """What agents are marked with."""

    ALIGNED = "aligned"
    INDIVIDUATED = "individuated"


class Kind(StrEnum):
    """How an effect is expressed.

    Contrasts compare all ten agents marked with none, trends use every level.
    """

    HEDGES_G = "hedges_g"
    """Primary contrast: in pooled SDs, with the exact noncentral-t interval."""
    HEDGES_G_BCA = "hedges_g_bca"
    """The same with a bootstrap interval; for the headline measures."""
    HEDGES_G_STAR = "hedges_g_star"
    """In SDs of unequal groups, the companion of Welch's test."""
    HEDGES_G_AV = "hedges_g_av"
    """Over the mean of both SDs."""
    COHENS_D = "cohens_d"
    """As `HEDGES_G`, not corrected for bias."""
    GLASS_DELTA = "glass_delta"
    """In SDs of the unmarked groups."""
    CLIFFS_DELTA = "cliffs_delta"
    """How much more often a marked group exceeds an unmarked one than the reverse."""
    SUPERIORITY = "probability_of_superiority"
    """How often a marked group exceeds an unmarked one."""
    WELCH = "welch"
    """The difference in the measure's own units, with Welch's t test."""
    MANN_WHITNEY = "mann_whitney"
    """The shift of the distribution, with the rank test."""
    PERMUTATION = "permutation"
    """The difference with a permutation test; for the headline measures."""
    EQUIVALENCE = "equivalence"
    """Test that the effect is smaller than `MARGIN` SDs (TOST), with the 90 % interval."""
    SLOPE = "slope"
    """Primary trend: change per marked agent, least squares with HC3 errors."""
    QUADRATIC = "quadratic"
    """Curvature over the levels."""
    JONCKHEERE = "jonckheere_terpstra"
    """Whether higher levels have higher values, by ranks."""
    SLOPE_ADJUSTED = "slope_adjusted"
    """As `SLOPE`, given whether the resident named for eviction is aligned."""


MARGIN = 0.5
"""Effects below half a standard deviation count as too small to matter; the bound is ours."""

HEADLINE = frozenset({CPI, DI, MONOLOGUE, SEXUAL, PROTECTIVE, "conformity_share"})
"""Measures that get the tests that resample; an index by the primary reference only."""

_CONTRASTS: Mapping[Kind, Callable[..., Estimate]] = {
    Kind.HEDGES_G: hedges_g,
    Kind.HEDGES_G_STAR: hedges_g_star,
    Kind.HEDGES_G_AV: hedges_g_av,
    Kind.COHENS_D: cohens_d,
    Kind.GLASS_DELTA: glass_delta,
    Kind.CLIFFS_DELTA: cliffs_delta,
    Kind.SUPERIORITY: probability_of_superiority,
    Kind.WELCH: welch,
    Kind.MANN_WHITNEY: mann_whitney,
    Kind.EQUIVALENCE: partial(standardised_equivalence, margin=MARGIN),
}
_RESAMPLED: Mapping[Kind, Callable[..., Estimate]] = {
    Kind.HEDGES_G_BCA: hedges_g_bca,
    Kind.PERMUTATION: permutation,
}
_TRENDS: Mapping[Kind, Callable[..., Estimate]] = {
    Kind.SLOPE: slope,
    Kind.QUADRATIC: quadratic,
    Kind.JONCKHEERE: jonckheere_terpstra,
}


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
    evicted: bool
    """Whether the resident named for eviction is aligned: a covariate of the assignment."""


def effects(values: Iterable[Value], seed: int) -> list[Effect]:
    """Every effect within a language, in the order of the values.

    A factor that the study does not vary has none.

    Args:
        values: from `kit.analysis.cells.values`.
        seed: the study's, from which the resampling tests take theirs.
    """
    found: list[Effect] = []
    for stratum, points in _strata(values).items():
        if len({point.level for point in points}) < 2 and stratum.factor is not Factor.ALIGNED:
            continue
        undefined = sum(point.value is None for point in points)
        place = (
            stratum.model,
            stratum.language,
            stratum.variant,
            stratum.factor,
            stratum.other,
            stratum.measure,
            stratum.reference,
        )
        results = {**_contrasts(stratum, points, seed), **_trends(points)}
        found += [
            Effect(*place, kind, undefined, results[kind]) for kind in Kind if kind in results
        ]
    return found


def _contrasts(stratum: _Stratum, points: Sequence[_Point], seed: int) -> dict[Kind, Estimate]:
    headline = stratum.measure in HEADLINE and stratum.reference in (None, PRIMARY)
    kinds = [*_CONTRASTS, *(_RESAMPLED if headline else ())]
    absent = [level for level in (AGENTS, 0) if level not in {p.level for p in points}]
    if absent:
        reason = f"no complete run with {absent[0]} of {AGENTS} agents {stratum.factor}"
        return dict.fromkeys(kinds, not_testable(reason))
    full = [p.value for p in points if p.level == AGENTS and p.value is not None]
    none = [p.value for p in points if p.level == 0 and p.value is not None]
    results = {kind: contrast(full, none) for kind, contrast in _CONTRASTS.items()}
    if headline:
        path = (str(part) for part in stratum)
        rng = generator(seed, "effects", *path)
        results |= {kind: test(full, none, rng=rng) for kind, test in _RESAMPLED.items()}
    return results


def _trends(points: Sequence[_Point]) -> dict[Kind, Estimate]:
    defined = [(p.level, p.value, p.evicted) for p in points if p.value is not None]
    levels = [level for level, _, _ in defined]
    numbers = [value for _, value, _ in defined]
    results = {kind: trend(levels, numbers) for kind, trend in _TRENDS.items()}
    design = [(1.0, float(level), float(evicted)) for level, _, evicted in defined]
    names = ("intercept", "level", "evicted")
    if design:
        results[Kind.SLOPE_ADJUSTED] = least_squares(design, numbers, names)["level"]
    else:
        results[Kind.SLOPE_ADJUSTED] = not_testable("the measure is undefined in every run", n=0)
    return results


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
    fits = least_squares(design, outcome, (*languages, "aligned"))
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
            point = _Point(levels[factor], value.value, value.evicted_aligned)
            strata[stratum].append(point)
    return strata
