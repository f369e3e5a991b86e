"""Coverage of the intervals that the analysis reports, over simulated runs of known truth.

Every row names its estimand: what the interval is meant to hold. A headline interval whose coverage
lies outside the binomial 99 % band around 95 % makes the script end with status 1; the others are
there to be known. What was measured stands in docs/statistics.md between two marks.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from kit.analysis.culture import Coefficient
from kit.analysis.effects import Kind
from kit.analysis.power import HETEROGENEITY
from kit.spec.seeds import generator
from kit.stats import correlation, difference
from kit.stats.adjustment import disattenuated
from kit.stats.clustered import clustered_least_squares
from kit.stats.correlation import pearson, spearman
from kit.stats.difference import welch
from kit.stats.dominance import probability_of_superiority
from kit.stats.effects import glass_delta, hedges_g, hedges_g_av, hedges_g_star
from kit.stats.mixed import RandomEffects, mixed_slope
from kit.stats.noncentral import Limits
from kit.stats.prediction import prediction_interval
from kit.stats.regression import least_squares
from kit.stats.resampling import hedges_g_bca
from kit.stats.result import Estimate
from kit.stats.sample import FloatArray
from kit.stats.synthesis import meta_regression, random_effects
from kit.stats.trend import slope

PAGE = Path("docs/statistics.md")
BEGIN, END = "<!-- measured by scripts/coverage -->", "<!-- end of what was measured -->"
SEED = 2603049040
PER_CELL = 15
LEVELS = np.array([0.0, 2.0, 5.0, 8.0, 10.0])
LANGUAGES = 16
NULL_SETS = 1_000
"""Data sets for the p values of tests that resample."""


class Held(NamedTuple):
    """How often one interval held its estimand."""

    data: str
    interval: str
    estimand: str
    truth: float
    sets: int
    hits: int
    undefined: int
    headline: bool

    @property
    def coverage(self) -> float:
        """Share of the data sets; an undefined interval holds nothing."""
        return self.hits / self.sets

    @property
    def in_band(self) -> bool:
        """Whether the coverage cannot be told from 95 %."""
        low, high = band(self.sets)
        return low <= self.coverage <= high


def band(sets: int) -> tuple[float, float]:
    """The exact binomial 99 % band of the coverage of a 95 % interval."""
    low, high = stats.binom.interval(0.99, sets, 0.95)
    return float(low) / sets, float(high) / sets


class Aim(NamedTuple):
    """An interval and what it is meant to hold."""

    interval: str
    estimand: str
    truth: float
    headline: bool
    compute: Callable[..., Estimate]


def held(
    data: str, draw: Callable[[], Sequence[object]], aims: Sequence[Aim], sets: int
) -> list[Held]:
    """Draw data sets and count the intervals that hold their estimand."""
    hits = [0] * len(aims)
    undefined = [0] * len(aims)
    for _ in range(sets):
        drawn = draw()
        for place, aim in enumerate(aims):
            found = aim.compute(*drawn)
            if found.conf_low is None or found.conf_high is None:
                undefined[place] += 1
            else:
                hits[place] += found.conf_low <= aim.truth <= found.conf_high
    return [
        Held(data, aim.interval, aim.estimand, aim.truth, sets, hits[i], undefined[i], aim.headline)
        for i, aim in enumerate(aims)
    ]


def two_cells(sets: int) -> Iterator[Held]:
    """Ten aligned against none, fifteen runs a cell."""
    for effect in (0.0, 0.771, -1.844):
        rng = generator(SEED, "coverage", "normal", str(effect))

        def draw(
            rng: np.random.Generator = rng, effect: float = effect
        ) -> tuple[FloatArray, FloatArray]:
            return rng.normal(effect, 1.0, PER_CELL), rng.normal(0.0, 1.0, PER_CELL)

        superiority = float(stats.norm.cdf(effect / math.sqrt(2.0)))
        aims = [
            Aim("Hedges' g, noncentral t", "delta", effect, True, hedges_g),
            Aim("Hedges' g*s, noncentral t", "delta", effect, True, hedges_g_star),
            Aim("Hedges' g_av, noncentral t", "delta", effect, False, hedges_g_av),
            Aim("Glass's delta, noncentral t", "delta", effect, False, glass_delta),
            Aim("mean difference, Welch", "difference", effect, True, welch),
            Aim(
                "probability of superiority, Newcombe",
                "P(T > C)",
                superiority,
                True,
                probability_of_superiority,
            ),
            Aim(
                "Hedges' g, BCa bootstrap",
                "delta",
                effect,
                False,
                partial(hedges_g_bca, rng=rng, resamples=1_999),
            ),
        ]
        yield from held(f"normal, equal SDs, effect {effect:g}", draw, aims, sets)

    rng = generator(SEED, "coverage", "unequal")
    mean, spread = 1.2, 2.0
    average = math.sqrt((1.0 + spread**2) / 2.0)
    aims = [
        Aim("Hedges' g, noncentral t", "mean / pooled SD", mean / average, False, hedges_g),
        Aim("Hedges' g*s, noncentral t", "mean / average SD", mean / average, True, hedges_g_star),
        Aim("mean difference, Welch", "difference", mean, True, welch),
        Aim(
            "probability of superiority, Newcombe",
            "P(T > C)",
            float(stats.norm.cdf(mean / math.hypot(1.0, spread))),
            False,
            probability_of_superiority,
        ),
    ]
    yield from held(
        "normal, SD 2 against 1",
        lambda: (rng.normal(mean, spread, PER_CELL), rng.normal(0.0, 1.0, PER_CELL)),
        aims,
        sets,
    )


def measured_runs(rng: np.random.Generator, per_cell: int) -> tuple[FloatArray, FloatArray]:
    """Levels and CPI of one language's runs, from a share and two counts as a log gives them."""
    level = np.repeat(LEVELS, per_cell)
    share = rng.beta(8.0 + 0.2 * level, 24.0)
    sexual = rng.negative_binomial(6.0, 6.0 / (6.0 + 12.0 - 0.3 * level))
    protective = rng.negative_binomial(8.0, 8.0 / (8.0 + 40.0 + 1.0 * level))
    parts = [(each - each.mean()) / each.std(ddof=1) for each in (share, sexual, protective)]
    return level, parts[0] + parts[1] - parts[2]


def as_measured(sets: int) -> Iterator[Held]:
    """CPI with z taken within the language at hand: five cells of fifteen runs."""
    level, cpi = measured_runs(generator(SEED, "coverage", "truth"), 400_000)
    full, none = cpi[level == LEVELS[-1]], cpi[level == 0.0]
    pooled = math.sqrt((full.var(ddof=1) + none.var(ddof=1)) / 2.0)
    g = float(full.mean() - none.mean()) / pooled
    centred = level - level.mean()
    rise = float(centred @ cpi / (centred @ centred))
    rng = generator(SEED, "coverage", "measured")

    def cells(compute: Callable[..., Estimate]) -> Callable[..., Estimate]:
        return lambda level, cpi: compute(cpi[level == LEVELS[-1]], cpi[level == 0.0])

    what = "of 2,000,000 runs"
    aims = [
        Aim("Hedges' g, noncentral t", f"g {what}", g, True, cells(hedges_g)),
        Aim("slope per aligned agent, HC3", f"slope {what}", rise, True, slope),
        Aim("mean difference, Welch", f"difference {what}", g * pooled, True, cells(welch)),
    ]
    yield from held(
        "CPI of a share and two counts", lambda: measured_runs(rng, PER_CELL), aims, sets
    )


class Programme(NamedTuple):
    """Simulated runs of sixteen languages; slopes in SDs per aligned agent."""

    score: FloatArray
    """Culture score of each language."""
    next_true: float
    """True slope of one more language."""
    language: FloatArray
    level: FloatArray
    outcome: FloatArray

    @property
    def design(self) -> FloatArray:
        """One column: z within language leaves no intercept."""
        return np.asarray((self.level - LEVELS.mean())[:, None])


class Slopes(NamedTuple):
    """A programme, and the slope of every language with its standard error."""

    made: Programme
    estimates: list[float]
    errors: list[float]


MEAN_SLOPE = 0.05
SPREAD = HETEROGENEITY / 10.0
RHO = 0.474
"""Correlation of the true slopes with the score: the published value."""


def programme(rng: np.random.Generator) -> Programme:
    """One study 2: 16 languages, five levels, fifteen runs a cell, outcomes of SD 1."""
    score = rng.normal(0.0, 1.0, LANGUAGES)
    rest = rng.normal(0.0, 1.0, LANGUAGES)
    true = MEAN_SLOPE + SPREAD * (RHO * score + math.sqrt(1.0 - RHO**2) * rest)
    level = np.tile(np.repeat(LEVELS, PER_CELL), LANGUAGES)
    language = np.repeat(np.arange(LANGUAGES), LEVELS.size * PER_CELL)
    noise = rng.normal(0.0, 1.0, level.size)
    outcome = true[language] * (level - LEVELS.mean()) + noise
    # As by z within language: every language's mean is 0.
    means = np.bincount(language, outcome) / (LEVELS.size * PER_CELL)
    outcome = outcome - means[language]
    return Programme(score, float(rng.normal(MEAN_SLOPE, SPREAD)), language, level, outcome)


def attenuated() -> float:
    """Correlation of the score with a slope as it is measured."""
    centred = np.repeat(LEVELS, PER_CELL) - LEVELS.mean()
    error = 1.0 / float(centred @ centred)
    return RHO * math.sqrt(SPREAD**2 / (SPREAD**2 + error))


def over_languages(sets: int, mixed_sets: int) -> Iterator[Held]:
    """What sixteen languages say of languages like them."""
    rng = generator(SEED, "coverage", "programme")
    names = ("level",)

    def draw() -> tuple[Slopes]:
        made = programme(rng)
        fits = [
            slope(made.level[made.language == one], made.outcome[made.language == one])
            for one in range(LANGUAGES)
        ]
        estimates = [fit.estimate or 0.0 for fit in fits]
        return (Slopes(made, estimates, [fit.std_error or 1.0 for fit in fits]),)

    def shifted(d: Slopes, limits: Limits | None) -> Estimate:
        if limits is None:
            return Estimate(method="none")
        # Shifted by this data set's own truth, so that 0 is what has to be held.
        low, high = limits.low - d.made.next_true, limits.high - d.made.next_true
        return Estimate(conf_low=low, conf_high=high, method="shifted")

    true_rank = 6.0 / math.pi * math.asin(attenuated() / 2.0)
    score_slope = RHO * SPREAD
    aims = [
        Aim(
            "pooled slope, clustered by language (CR2)",
            "mean slope of such languages",
            MEAN_SLOPE,
            True,
            lambda d: clustered_least_squares(
                d.made.design, d.made.outcome, d.made.language, names
            )["level"],
        ),
        Aim(
            "pooled slope, HC3 over runs",
            "mean slope of such languages",
            MEAN_SLOPE,
            False,
            lambda d: least_squares(d.made.design, d.made.outcome, names)["level"],
        ),
        Aim(
            "mean slope, random effects, Knapp-Hartung",
            "mean slope of such languages",
            MEAN_SLOPE,
            True,
            lambda d: random_effects(d.estimates, d.errors).pooled,
        ),
        Aim(
            "variance of slopes, Q-profile",
            "variance over languages",
            SPREAD**2,
            True,
            lambda d: random_effects(d.estimates, d.errors).tau2,
        ),
        Aim(
            "prediction interval, Nagashima",
            "slope of one more language",
            0.0,
            False,
            lambda d: shifted(d, prediction_interval(d.estimates, d.errors)),
        ),
        Aim(
            "prediction interval, variance taken as known",
            "slope of one more language",
            0.0,
            False,
            lambda d: shifted(d, random_effects(d.estimates, d.errors).prediction),
        ),
        Aim(
            "Pearson r, Fisher",
            "correlation with slopes as measured",
            attenuated(),
            True,
            lambda d: pearson(d.made.score, d.estimates),
        ),
        Aim(
            "Pearson r, Fisher",
            "correlation with true slopes",
            RHO,
            False,
            lambda d: pearson(d.made.score, d.estimates),
        ),
        Aim(
            "Pearson r, corrected for error in the slopes",
            "correlation with true slopes",
            RHO,
            False,
            lambda d: disattenuated(d.made.score, d.estimates, d.errors),
        ),
        Aim(
            "Spearman, Bonett-Wright",
            "rank correlation with slopes as measured",
            true_rank,
            False,
            lambda d: spearman(d.made.score, d.estimates),
        ),
        Aim(
            "meta-regression on the score, Knapp-Hartung",
            "slope per SD of the score",
            score_slope,
            True,
            lambda d: meta_regression(
                d.estimates,
                d.errors,
                np.column_stack((np.ones(LANGUAGES), d.made.score)),
                ("intercept", "score"),
            ).coefficients["score"],
        ),
    ]
    where = f"{LANGUAGES} languages, slopes {MEAN_SLOPE:g} with SD {SPREAD:g}"
    yield from held(where, draw, aims, sets)
    mixed = [
        Aim(
            "mean slope, mixed model, t with 15 df",
            "mean slope of such languages",
            MEAN_SLOPE,
            True,
            lambda made: (
                mixed_slope(
                    made.level, made.outcome, made.language, random=RandomEffects.SLOPE
                ).slope
            ),
        )
    ]
    yield from held(where, lambda: (programme(rng),), mixed, mixed_sets)


class Uniform(NamedTuple):
    """The p values of one test where its null hypothesis holds."""

    test: str
    sets: int
    below: int
    """p values below .05."""
    ks: float
    """p of the Kolmogorov-Smirnov test that they are uniform."""

    @property
    def ok(self) -> bool:
        """Whether neither the share below .05 nor the whole distribution speaks against it."""
        low, high = stats.binom.interval(0.99, self.sets, 0.05)
        return bool(low <= self.below <= high and self.ks > 0.001)


def null_p_values(sets: int) -> Iterator[Uniform]:
    """Permutation p values, with twice as many pairings as needed to make steps invisible."""
    rng = generator(SEED, "coverage", "null")
    resamples = 999

    def two_groups() -> float | None:
        drawn = rng.exponential(1.0, 2 * PER_CELL)
        test = difference.permutation(
            drawn[:PER_CELL], drawn[PER_CELL:], rng=rng, resamples=resamples
        )
        return test.p_value

    def related() -> float | None:
        x, y = rng.normal(size=LANGUAGES), rng.exponential(size=LANGUAGES)
        return correlation.permutation(x, y, rng=rng, resamples=resamples).p_value

    for name, draw in (
        (f"{Kind.PERMUTATION} of two cells, skewed outcomes", two_groups),
        (f"{Coefficient.PERMUTATION} over languages, skewed slopes", related),
    ):
        p_values = np.array([draw() for _ in range(sets)], dtype=np.float64)
        below = int(np.sum(p_values <= 0.05))
        # Multiples of 1 / 1000 are made continuous by their own step.
        smooth = p_values - rng.uniform(0.0, 1.0 / (resamples + 1), sets)
        yield Uniform(name, sets, below, float(stats.kstest(smooth, "uniform").pvalue))


def tables(rows: Sequence[Held], uniform: Sequence[Uniform]) -> list[str]:
    """What was measured, as Markdown."""
    low, high = band(max(row.sets for row in rows))
    lines = [
        f"A coverage between {low:.1%} and {high:.1%} cannot be told from 95 % "
        f"({max(row.sets for row in rows):,} data sets, binomial 99 % band; wider for fewer sets).",
        "",
        "| data | interval | estimand | truth | sets | coverage | in the band | headline |",
        "| :-- | :-- | :-- | --: | --: | --: | :-- | :-- |",
    ]
    lines += [
        f"| {row.data} | {row.interval} | {row.estimand} | {row.truth:.3f} | {row.sets:,} | "
        f"{row.coverage:.1%} | {'yes' if row.in_band else 'no'} | "
        f"{'yes' if row.headline else ''} |"
        for row in rows
    ]
    lines += [
        "",
        "| test where nothing is there | sets | p up to .05 | uniform (KS p) |",
        "| :-- | --: | --: | --: |",
    ]
    lines += [
        f"| {each.test} | {each.sets:,} | {each.below / each.sets:.1%} | {each.ks:.3f} |"
        for each in uniform
    ]
    return [*lines, ""]


def write(lines: Sequence[str]) -> None:
    """Put the measurement between the marks of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + "\n".join([BEGIN, "", *lines]) + END + after, encoding="utf-8")


def main() -> int:
    """Simulate, print, write the page; 1 if a headline interval does not hold its level."""
    parser = argparse.ArgumentParser(prog="scripts/coverage", description=__doc__)
    parser.add_argument("--sets", type=int, default=2_000, help="data sets a row [2000]")
    parser.add_argument("--mixed-sets", type=int, default=1_000, help="for the mixed model [1000]")
    asked = parser.parse_args()
    started = time.monotonic()
    rows: list[Held] = []
    for part in (two_cells, as_measured):
        rows += part(asked.sets)
        print(f"{part.__name__}: {time.monotonic() - started:.0f} s", flush=True)
    rows += over_languages(asked.sets, asked.mixed_sets)
    print(f"over_languages: {time.monotonic() - started:.0f} s", flush=True)
    uniform = list(null_p_values(min(asked.sets, NULL_SETS)))
    lines = tables(rows, uniform)
    print("\n".join(lines))
    write(lines)
    wrong = [row for row in rows if row.headline and not row.in_band]
    for row in wrong:
        print(f"outside of its band: {row.data}: {row.interval} ({row.coverage:.1%})")
    for each in uniform:
        if not each.ok:
            print(f"not uniform: {each.test}")
    return int(bool(wrong) or not all(each.ok for each in uniform))


if __name__ == "__main__":
    sys.exit(main())
