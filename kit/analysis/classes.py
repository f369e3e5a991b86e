"""Every language as safety, null, backfire or inconclusive, and how often that would be wrong.

A language is put into a class by its interval, never by the sign of a number alone. With few runs
most languages are inconclusive, and `chances` says how many: for a true effect and a number of runs
it gives the exact chance of each class.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from scipy import optimize, stats

from kit.analysis.effects import MARGIN, Effect, Factor, Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import INDICES
from kit.spec.experiment import Experiment
from kit.spec.language import AGENTS
from kit.stats.noncentral import cdf
from kit.stats.result import Estimate

ALPHA = 0.05
TRUE_EFFECTS = (-1.844, -0.8, -0.5, -0.2, 0.0, 0.2, 0.5, 0.771, 1.2)
"""For which chances are given, in SDs: Cohen's conventions, and the two published effects."""


class LanguageClass(StrEnum):
    """What aligning all ten agents does to an index in one language."""

    SAFETY = "safety"
    """The 95 % interval of g lies below 0: less of what the index counts."""
    NULL = "null"
    """Shown to be smaller than the margin (TOST at 5 %), whichever side of 0 it is on."""
    BACKFIRE = "backfire"
    """The 95 % interval of g lies above 0."""
    INCONCLUSIVE = "inconclusive"
    """The data allow more than one of the others, or there is no effect to speak of."""


class Classified(NamedTuple):
    """One language in one class."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    language: str
    language_class: LanguageClass
    margin: float
    """Standard deviations."""
    equivalence_p: float | None
    """p of the test that the effect is smaller than the margin."""
    result: Estimate
    """Hedges' g with its 95 % interval."""


class Chance(NamedTuple):
    """How often a language with a known effect falls into each class."""

    per_cell: int
    """Runs in each of the two cells compared."""
    true_effect: float
    """Standard deviations."""
    truth: LanguageClass
    """The class of the true effect: null within the margin, else its side."""
    safety: float
    null: float
    backfire: float
    inconclusive: float
    wrong: float
    """Chance of a class that is neither the true one nor inconclusive."""


def classify(g: Estimate, equivalence: Estimate) -> LanguageClass:
    """The class of one language.

    Args:
        g: Hedges' g with its 95 % interval.
        equivalence: the test against the margin.
    """
    if equivalence.p_value is not None and equivalence.p_value < ALPHA:
        return LanguageClass.NULL
    if g.conf_high is not None and g.conf_high < 0.0:
        return LanguageClass.SAFETY
    if g.conf_low is not None and g.conf_low > 0.0:
        return LanguageClass.BACKFIRE
    return LanguageClass.INCONCLUSIVE


def classes(effects: Iterable[Effect]) -> list[Classified]:
    """The class of every language, for both indices by the primary reference."""
    names = {index.name for index in INDICES}
    found: dict[tuple[str, str | None, int, str, str], dict[Kind, Estimate]] = {}
    for effect in effects:
        if (
            effect.factor is Factor.ALIGNED
            and effect.kind in (Kind.HEDGES_G, Kind.EQUIVALENCE)
            and effect.measure in names
            and effect.reference == PRIMARY
            and effect.language is not None
        ):
            place = (effect.model, effect.variant, effect.other, effect.measure, effect.language)
            found.setdefault(place, {})[effect.kind] = effect.result
    return [
        Classified(
            *place,
            classify(results[Kind.HEDGES_G], results[Kind.EQUIVALENCE]),
            MARGIN,
            results[Kind.EQUIVALENCE].p_value,
            results[Kind.HEDGES_G],
        )
        for place, results in found.items()
    ]


def planned_chances(experiment: Experiment) -> list[Chance]:
    """The chances at the number of runs that a study plans for each cell.

    Empty where it does not compare all ten agents aligned with none.
    """
    if not {0, AGENTS} <= set(experiment.study.aligned.value):
        return []
    n = experiment.study.replicates.value
    return [chances(effect, n) for effect in TRUE_EFFECTS] if n > 1 else []


def chances(true_effect: float, per_cell: int, margin: float = MARGIN) -> Chance:
    """Exact chance of each class, for normal outcomes of equal variance.

    Student's t is noncentral with noncentrality true_effect / sqrt(2 / n). Safety and backfire are
    its two tails beyond the critical value; null is |t| below the 5 % quantile of t at an effect of
    `margin`, if that is positive (see `kit.stats.equivalence.standardised_equivalence`).

    Raises:
        ValueError: `per_cell` is below 2.
    """
    if per_cell < 2:
        raise ValueError(f"a cell needs two runs, not {per_cell}")
    df = 2.0 * per_cell - 2.0
    root = math.sqrt(2.0 / per_cell)
    inner = _null_bound(df, margin / root)
    outer = max(inner, float(stats.t.isf(ALPHA / 2.0, df)))
    shift = true_effect / root
    safety = cdf(-outer, df, shift)
    backfire = cdf(-outer, df, -shift)
    null = cdf(inner, df, shift) - cdf(-inner, df, shift) if inner > 0.0 else 0.0
    truth = LanguageClass.NULL
    if abs(true_effect) >= margin:
        truth = LanguageClass.BACKFIRE if true_effect > 0.0 else LanguageClass.SAFETY
    parts = {
        LanguageClass.SAFETY: safety,
        LanguageClass.NULL: null,
        LanguageClass.BACKFIRE: backfire,
    }
    wrong = sum(chance for name, chance in parts.items() if name is not truth)
    undecided = max(0.0, 1.0 - safety - null - backfire)
    return Chance(per_cell, true_effect, truth, safety, null, backfire, undecided, wrong)


def _null_bound(df: float, noncentrality: float) -> float:
    """The largest |t| that the equivalence test calls null; 0 where no t is small enough."""
    if cdf(0.0, df, noncentrality) >= ALPHA:
        return 0.0
    return optimize.brentq(
        lambda t: cdf(t, df, noncentrality) - ALPHA, 0.0, noncentrality + 10.0, xtol=1e-12
    )
