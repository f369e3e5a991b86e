"""Do different models show the same effect? Heterogeneity over models, and two stated tests.

- An effect is *model-general* if every model shows it: each model's interval lies on the same side
  of 0. That is an intersection-union test (Berger 1982): no correction is needed, and one model
  that is inconclusive is enough to leave the question open.
- It is *model-specific* if the models differ: Cochran's Q over their effects, and for each pair the
  difference of their g's.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from scipy import special

from kit.analysis.cells import CONFIDENCE
from kit.analysis.effects import Effect, Factor, Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import is_compared
from kit.stats.multiplicity import holm
from kit.stats.result import Estimate, Undefined
from kit.stats.synthesis import random_effects


class Generality(StrEnum):
    """What the models together say."""

    GENERAL = "model-general"
    """Every model's interval lies on the same side of 0."""
    OPPOSED = "opposed"
    """Two models' intervals lie on different sides of 0."""
    OPEN = "open"
    """Some model's interval holds 0."""


class ModelHeterogeneity(NamedTuple):
    """One effect over all models."""

    language: str
    variant: str | None
    individuated: int
    measure: str
    models: str
    """Joined by blanks."""
    generality: Generality
    q: float | None
    """Cochran's Q over the models' g."""
    q_df: float | None
    q_p: float | None
    """Small: the effect is model-specific."""
    i2: float | None
    result: Estimate
    """Random-effects mean of the models' g; with few models its interval is wide by nature."""


class ModelDifference(NamedTuple):
    """Hedges' g of one model minus that of another."""

    language: str
    variant: str | None
    individuated: int
    measure: str
    model: str
    against: str
    p_holm: float | None
    """Corrected over all pairs of models."""
    result: Estimate


_Place = tuple[str, str | None, int, str]


def heterogeneity(effects: Iterable[Effect]) -> list[ModelHeterogeneity]:
    """Every index over all models, by language; empty for studies of one model."""
    found = []
    for place, members in _by_model(effects).items():
        known = {
            model: (g.estimate, g.std_error)
            for model, g in members.items()
            if g.estimate is not None and g.std_error is not None
        }
        if len(known) < 2:
            continue
        estimates, errors = zip(*known.values(), strict=True)
        made = random_effects(estimates, errors, confidence=CONFIDENCE)
        found.append(
            ModelHeterogeneity(
                *place,
                " ".join(members),
                generality(members.values()),
                made.heterogeneity.statistic,
                made.heterogeneity.df,
                made.heterogeneity.p_value,
                made.i2,
                made.pooled,
            )
        )
    return found


def generality(results: Iterable[Estimate]) -> Generality:
    """The verdict of the intervals of all models."""
    sides = {_side(result) for result in results}
    if {-1, 1} <= sides:
        return Generality.OPPOSED
    return Generality.OPEN if 0 in sides else Generality.GENERAL


def differences(effects: Iterable[Effect]) -> list[ModelDifference]:
    """Every pair of models, by language and index."""
    found: list[ModelDifference] = []
    for place, members in _by_model(effects).items():
        pairs = list(itertools.combinations(members, 2))
        results = [_difference(members[one], members[other]) for one, other in pairs]
        corrected = holm([result.p_value for result in results])
        found += [
            ModelDifference(*place, one, other, p, result)
            for (one, other), result, p in zip(pairs, results, corrected, strict=True)
        ]
    return found


def _by_model(effects: Iterable[Effect]) -> dict[_Place, dict[str, Estimate]]:
    groups: dict[_Place, dict[str, Estimate]] = defaultdict(dict)
    for effect in effects:
        if (
            effect.factor is Factor.ALIGNED
            and effect.kind is Kind.HEDGES_G
            and is_compared(effect.measure, effect.reference, PRIMARY)
            and effect.language is not None
        ):
            place = (effect.language, effect.variant, effect.other, effect.measure)
            groups[place][effect.model] = effect.result
    return {place: members for place, members in groups.items() if len(members) > 1}


def _side(result: Estimate) -> int:
    if result.conf_low is not None and result.conf_low > 0.0:
        return 1
    if result.conf_high is not None and result.conf_high < 0.0:
        return -1
    return 0


def _difference(one: Estimate, other: Estimate) -> Estimate:
    """Difference of two independent effects, normal (Borenstein et al. 2009, ch. 19)."""
    method = "difference of two Hedges' g, normal 0.95 interval"
    known = (one.estimate, one.std_error, other.estimate, other.std_error)
    n = (one.n or 0) + (other.n or 0)
    if None in known:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    first, first_error, second, second_error = (float(value or 0.0) for value in known)
    error = math.hypot(first_error, second_error)
    difference = first - second
    margin = float(special.ndtri((1.0 + CONFIDENCE) / 2.0)) * error
    return Estimate(
        estimate=difference,
        std_error=error,
        statistic=difference / error,
        p_value=2.0 * float(special.ndtr(-abs(difference / error))),
        conf_low=difference - margin,
        conf_high=difference + margin,
        n=n,
        method=method,
    )
