"""What alignment does over all languages: pooled slopes, synthesis of effects, direction counts.

What the slope is over the runs of the languages at hand says `kit.analysis.effects.pooled_slopes`.
Here the languages are a sample. What is the slope in languages like these? (`pooled`: clustered by
language, and a linear mixed model; `syntheses`: a random-effects meta-analysis, with the interval
in which another language's effect is expected.) In how many languages does it rise? (`signs`.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from kit.analysis.cells import CONFIDENCE, Value
from kit.analysis.effects import Effect, Factor, Kind, not_testable
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import INDICES, JUDGED
from kit.stats.clustered import clustered_least_squares
from kit.stats.mixed import MixedFit, RandomEffects, mixed_slope
from kit.stats.prediction import prediction_interval
from kit.stats.result import Estimate
from kit.stats.synthesis import random_effects, sign_test


class Estimator(StrEnum):
    """How the slope over all languages is estimated."""

    CLUSTERED = "clustered"
    """Least squares, one intercept per language, languages as clusters (CR2, Satterthwaite)."""
    MIXED = "mixed"
    """A slope that varies over languages (REML). Where scores are z-scored within language every
    language's mean is 0, so there is no intercept to vary; by another reference it varies too."""


class Pooled(NamedTuple):
    """One slope per aligned agent over all languages."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    reference: str | None
    estimator: Estimator
    undefined: int
    """Runs left out because the measure is undefined in them."""
    sd_slope: float | None
    """Mixed model: SD of the slopes over languages."""
    sd_intercept: float | None
    """Mixed model: SD of the intercepts, where they vary."""
    sd_residual: float | None
    """Mixed model: SD of runs about their language's line."""
    result: Estimate


class Combined(NamedTuple):
    """A random-effects meta-analysis of the languages' effects."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    reference: str | None
    kind: Kind
    languages: str
    """Codes of the languages with an effect and a standard error, joined by blanks."""
    prediction_low: float | None
    """Where the true effect of another such language is expected, 95 % (Nagashima)."""
    prediction_high: float | None
    tau2: float | None
    """Variance of the true effects over languages (REML)."""
    tau2_low: float | None
    """Q-profile interval of it."""
    tau2_high: float | None
    i2: float | None
    """Share of the effects' variance that is not sampling error, from 0 to 1."""
    q: float | None
    """Cochran's Q."""
    q_df: float | None
    q_p: float | None
    result: Estimate
    """Mean of the true effects (Knapp-Hartung)."""


class Signs(NamedTuple):
    """In how many languages an effect is above 0, held against half of them."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    reference: str | None
    kind: Kind
    above: int
    below: int
    zero: int
    result: Estimate
    """Share above 0 of those not 0, with the exact sign test."""


class _Place(NamedTuple):
    model: str
    variant: str | None
    individuated: int
    measure: str
    reference: str | None


class _Point(NamedTuple):
    language: str
    level: int
    value: float | None


def pooled(values: Iterable[Value]) -> list[Pooled]:
    """Slopes per aligned agent over all languages, for indices by every z reference.

    Only where there are two languages or more. Raw hits of different word lists have no common
    unit, so plain measures have none.
    """
    groups: dict[_Place, list[_Point]] = defaultdict(list)
    for value in values:
        where = value.condition
        if value.reference is not None:
            place = _Place(
                where.model, where.variant, where.individuated, value.measure, value.reference
            )
            groups[place].append(_Point(where.language, where.aligned, value.value))
    return [
        row
        for place, points in groups.items()
        if len({point.language for point in points}) > 1
        for row in _slopes(place, points)
    ]


def _slopes(place: _Place, points: Sequence[_Point]) -> list[Pooled]:
    defined = [(p.language, float(p.level), p.value) for p in points if p.value is not None]
    undefined = len(points) - len(defined)
    if not defined:
        nothing = not_testable("the measure is undefined in every run", n=0)
        return [
            Pooled(*place, estimator, undefined, None, None, None, nothing)
            for estimator in Estimator
        ]
    spoken = [language for language, _, _ in defined]
    languages = list(dict.fromkeys(spoken))
    levels = [level for _, level, _ in defined]
    outcome = [value for _, _, value in defined]
    dummies = [[float(language == name) for name in languages] for language in spoken]
    design = np.column_stack((dummies, levels))
    names = (*languages, "aligned")
    clusters = [languages.index(language) for language in spoken]
    clustered = clustered_least_squares(design, outcome, clusters, names, confidence=CONFIDENCE)
    within = place.reference == PRIMARY
    random = RandomEffects.SLOPE if within else RandomEffects.INTERCEPT_AND_SLOPE
    fit = mixed_slope(levels, outcome, clusters, random=random, confidence=CONFIDENCE)
    return [
        Pooled(*place, Estimator.CLUSTERED, undefined, None, None, None, clustered["aligned"]),
        Pooled(*place, Estimator.MIXED, undefined, *_spreads(fit), fit.slope),
    ]


def _spreads(fit: MixedFit) -> tuple[float | None, float | None, float | None]:
    return fit.slope_sd, fit.intercept_sd, fit.residual_sd


def syntheses(effects: Iterable[Effect]) -> list[Combined]:
    """Random-effects meta-analyses of Hedges' g, of g*s and of the slopes, for both indices."""
    found = []
    for place, kind, members in _families(effects):
        known = [
            (effect.language, effect.result.estimate, effect.result.std_error)
            for effect in members
            if effect.result.estimate is not None and effect.result.std_error is not None
        ]
        languages = " ".join(language for language, _, _ in known if language is not None)
        if len(known) < 2:
            n = len(known)
            plural = "language" if n == 1 else "languages"
            nothing = not_testable(f"{n} {plural} with an effect, needs 2", n)
            found.append(
                Combined(
                    *place,
                    kind,
                    languages,
                    prediction_low=None,
                    prediction_high=None,
                    tau2=None,
                    tau2_low=None,
                    tau2_high=None,
                    i2=None,
                    q=None,
                    q_df=None,
                    q_p=None,
                    result=nothing,
                )
            )
            continue
        made = random_effects(
            [estimate for _, estimate, _ in known],
            [error for _, _, error in known],
            confidence=CONFIDENCE,
        )
        heterogeneity = made.heterogeneity
        expected = prediction_interval(
            [estimate for _, estimate, _ in known],
            [error for _, _, error in known],
            confidence=CONFIDENCE,
        )
        found.append(
            Combined(
                *place,
                kind,
                languages,
                expected.low if expected else None,
                expected.high if expected else None,
                made.tau2.estimate,
                made.tau2.conf_low,
                made.tau2.conf_high,
                made.i2,
                heterogeneity.statistic,
                heterogeneity.df,
                heterogeneity.p_value,
                made.pooled,
            )
        )
    return found


def signs(effects: Iterable[Effect]) -> list[Signs]:
    """How many languages' effects point up and down, with the sign test against half of them."""
    found = []
    for place, kind, members in _families(effects):
        known = [effect.result.estimate for effect in members]
        estimates = [estimate for estimate in known if estimate is not None]
        above = sum(estimate > ROUNDING for estimate in estimates)
        below = sum(estimate < -ROUNDING for estimate in estimates)
        zero = len(estimates) - above - below
        rounded = [0.0 if abs(estimate) <= ROUNDING else estimate for estimate in estimates]
        found.append(Signs(*place, kind, above, below, zero, sign_test(rounded)))
    return found


ROUNDING = 1e-9
"""Slopes and effects below this are rounding: a flat language neither rises nor falls."""
_KINDS = (Kind.HEDGES_G, Kind.HEDGES_G_STAR, Kind.SLOPE)


def _families(effects: Iterable[Effect]) -> list[tuple[_Place, Kind, list[Effect]]]:
    """Effects of alignment on the indices, language by language, for more than one language."""
    names = {index.name for index in INDICES}
    groups: dict[tuple[_Place, Kind], list[Effect]] = defaultdict(list)
    for effect in effects:
        if (
            effect.factor is Factor.ALIGNED
            and effect.kind in _KINDS
            and (effect.measure in names or effect.measure.startswith(JUDGED))
            and effect.language is not None
        ):
            place = _Place(
                effect.model, effect.variant, effect.other, effect.measure, effect.reference
            )
            groups[place, effect.kind].append(effect)
    return [(*key, members) for key, members in groups.items() if len(members) > 1]
