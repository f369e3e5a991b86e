"""What the planned number of runs can show, before any of them is made.

The contrast of two cells has an exact power. That of a trend over all levels, of the pooled slope
and of a correlation over languages is simulated, with normal outcomes of equal variance, a straight
dose-response and, over languages, effects that vary with an SD of `HETEROGENEITY`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from kit.analysis.effects import MARGIN
from kit.spec.experiment import Experiment
from kit.spec.language import AGENTS
from kit.spec.seeds import generator
from kit.stats.power import minimum_detectable_effect, power, rejection_rate, units_needed
from kit.stats.result import Estimate
from kit.stats.sample import FloatArray

EFFECTS = (0.2, 0.5, 0.771, 0.8, 1.2, 1.844)
"""True effects of ten aligned agents against none, in SDs: Cohen's conventions and the paper's."""
CORRELATIONS = (0.3, 0.474, 0.7)
"""True correlations of effects with a culture score; the middle one is published."""
HETEROGENEITY = 0.5
"""SD of the effects over languages in the simulations: ours."""
REPETITIONS = 2_000
WANTED = 0.8


class Power(NamedTuple):
    """Chance that one planned test finds a true effect at the 5 % level."""

    test: str
    unit: str
    """What `true_value` is: a standardised difference, or a correlation."""
    true_value: float
    result: Estimate
    """The power; exact where it has no interval."""


class Detectable(NamedTuple):
    """What a contrast of two cells can and cannot show."""

    per_cell: int
    """Planned runs in each of the two cells."""
    minimum_effect: float
    """Smallest effect found with 80 % power, in SDs."""
    half_width: float
    """About how far the 95 % interval of g reaches to either side, at an effect of 0."""
    null_possible: bool
    """Whether any result could show that the effect lies within the margin."""
    needed_for_margin: int | None
    """Runs a cell that find an effect of the size of the margin with 80 % power."""
    needed_for_published: int | None
    """Runs a cell that find the published Japanese effect (0.771) with 80 % power."""


def detectable(experiment: Experiment) -> list[Detectable]:
    """The limits of the planned contrast; empty where the study has none."""
    n = _per_cell(experiment)
    if n is None:
        return []
    df = 2.0 * n - 2.0
    error = math.sqrt(2.0 / n)
    narrow = float(stats.t.isf(0.05, df)) * error
    return [
        Detectable(
            n,
            minimum_detectable_effect(n, n, wanted=WANTED),
            float(stats.t.isf(0.025, df)) * error,
            narrow < MARGIN,
            units_needed(MARGIN, wanted=WANTED),
            units_needed(0.771, wanted=WANTED),
        )
    ]


def powers(experiment: Experiment) -> list[Power]:
    """The power of every planned kind of test; empty where the study has no contrast."""
    n = _per_cell(experiment)
    if n is None:
        return []
    study = experiment.study
    levels = np.repeat(np.array(study.aligned.value, dtype=np.float64), n)
    languages = len(study.languages.value) - len(experiment.missing_languages)
    found = []
    for effect in EFFECTS:
        exact = Estimate(estimate=power(effect, n, n), n=2 * n, method="exact, noncentral t")
        found.append(Power("contrast of two cells, t test", "difference", effect, exact))
        if len(study.aligned.value) > 2:
            result = rejection_rate(
                partial(_slope_p, levels, effect),
                rng=generator(study.seed, "power", "slope", str(effect)),
                repetitions=REPETITIONS,
            )
            found.append(Power("slope over all levels, t test", "difference", effect, result))
        if languages > 2:
            result = rejection_rate(
                partial(_mean_p, levels, languages, effect),
                rng=generator(study.seed, "power", "pooled", str(effect)),
                repetitions=REPETITIONS,
            )
            found.append(Power("mean slope over languages, t test", "difference", effect, result))
    if languages > 3:
        for rho in CORRELATIONS:
            result = rejection_rate(
                partial(_correlation_p, levels, languages, rho),
                rng=generator(study.seed, "power", "culture", str(rho)),
                repetitions=REPETITIONS,
            )
            found.append(Power("culture score, Pearson", "correlation", rho, result))
    return found


def _per_cell(experiment: Experiment) -> int | None:
    study = experiment.study
    n = study.replicates.value
    return n if {0, AGENTS} <= set(study.aligned.value) and n > 1 else None


def _slope_p(levels: FloatArray, effect: float, rng: np.random.Generator, count: int) -> FloatArray:
    """Two-sided p of the least-squares slope, over simulated languages."""
    centred = levels - levels.mean()
    outcome = rng.normal(0.0, 1.0, (count, levels.size)) + effect * levels / AGENTS
    spread = float(centred @ centred)
    slopes = outcome @ centred / spread
    middle = outcome - outcome.mean(axis=1, keepdims=True)
    rest = (middle**2).sum(axis=1) - slopes**2 * spread
    df = levels.size - 2
    t = slopes / np.sqrt(rest / df / spread)
    return np.asarray(2.0 * stats.t.sf(np.abs(t), df))


def _slopes(levels: FloatArray, true: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Estimated slopes, in SDs over all ten agents, of languages with the slopes `true`."""
    centred = levels - levels.mean()
    error = AGENTS / math.sqrt(float(centred @ centred))
    return np.asarray(true + rng.normal(0.0, error, true.shape))


def _mean_p(
    levels: FloatArray, languages: int, effect: float, rng: np.random.Generator, count: int
) -> FloatArray:
    true = rng.normal(effect, HETEROGENEITY, (count, languages))
    slopes = _slopes(levels, true, rng)
    return np.asarray(stats.ttest_1samp(slopes, 0.0, axis=1).pvalue)


def _correlation_p(
    levels: FloatArray, languages: int, rho: float, rng: np.random.Generator, count: int
) -> FloatArray:
    score = rng.normal(0.0, 1.0, (count, languages))
    rest = rng.normal(0.0, 1.0, (count, languages))
    true = HETEROGENEITY * (rho * score + math.sqrt(1.0 - rho * rho) * rest)
    slopes = _slopes(levels, true, rng)
    x = score - score.mean(axis=1, keepdims=True)
    y = slopes - slopes.mean(axis=1, keepdims=True)
    r = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    df = languages - 2
    t = r * np.sqrt(df / (1.0 - r * r))
    return np.asarray(2.0 * special.stdtr(df, -np.abs(t)))
