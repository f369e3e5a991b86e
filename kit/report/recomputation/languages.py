"""Over languages and models: pooled slopes, synthesis, classes, culture, interactions."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from kit.report.recomputation import culture, synthesis, trends
from kit.report.recomputation.contrasts import MARGIN, FloatArray, Result, result
from kit.report.recomputation.effects import Effects, Point, design
from kit.report.recomputation.indices import WITHIN
from kit.report.recomputation.mixed import random_slope
from kit.report.recomputation.resampling import bootstrap_r, permuted_r
from kit.report.recomputation.sources import DIMENSIONS, Key, Rows, Sources

COMBINED = ("hedges_g", "hedges_g_star", "slope")
INDICES = ("cpi", "di")
AMPLIFIERS = ("ja", "it", "nl", "fr", "ar")
COEFFICIENTS = (
    "pearson",
    "spearman",
    "kendall",
    "pearson_permutation",
    "pearson_bootstrap",
    "pearson_corrected",
    "partial",
    "meta_regression",
)


def across(effects: Effects) -> Rows:
    """Slopes over all languages: clustered errors, and the mixed model of varying slopes."""
    found: Rows = {}
    for place, runs in effects.over_languages("aligned").items():
        if len({language for language, _ in runs}) < 2:
            continue
        known = [(language, p) for language, p in runs if p.value is not None]
        undefined = {"undefined": len(runs) - len(known)}
        if not known:
            found[*place, "clustered"] = {**result(n=0), **undefined}
            continue
        spoken = [language for language, _ in known]
        found[*place, "clustered"] = {
            **trends.clustered(*design(known), spoken),
            **undefined,
        }
        if place[4] == WITHIN:
            fit = random_slope(
                [p.level for _, p in known], [p.value or 0.0 for _, p in known], spoken
            )
            spreads = {"sd_slope": fit.sd_slope, "sd_residual": fit.sd_residual}
            found[*place, "mixed"] = {**fit.slope, **spreads, **undefined}
        else:
            found[*place, "mixed"] = {"n": len(known), **undefined}
    return found


def families(effects: Effects) -> dict[Key, dict[str, Result]]:
    """Effects of alignment on the indices by place and kind, then language."""
    found: dict[Key, dict[str, Result]] = defaultdict(dict)
    for key, effect in effects.within.items():
        model, language, variant, factor, other, measure, reference, kind = key
        if factor == "aligned" and kind in COMBINED and measure in INDICES:
            found[model, variant, other, measure, reference, kind][str(language)] = effect
    return {key: members for key, members in found.items() if len(members) > 1}


def syntheses(effects: Effects) -> Rows:
    """The random-effects mean of every family."""
    found: Rows = {}
    for key, members in families(effects).items():
        known = _known(members)
        estimates, errors = [e for _, e, _ in known], [s for _, _, s in known]
        pooled, spread = synthesis.random_effects(estimates, errors)
        low, high = synthesis.prediction(estimates, errors) if len(known) > 1 else (None, None)
        found[key] = {**pooled, **spread, "prediction_low": low, "prediction_high": high}
    return found


def signs(effects: Effects) -> Rows:
    """In how many languages every effect points up."""
    found: Rows = {}
    for key, members in families(effects).items():
        estimates = [
            effect["estimate"] for effect in members.values() if effect["estimate"] is not None
        ]
        pooled, counts = synthesis.signs(estimates)
        found[key] = {**pooled, **counts}
    return found


def classes(effects: Effects) -> Rows:
    """Every language as safety, null, backfire or inconclusive."""
    found: Rows = {}
    for key, g in effects.within.items():
        model, language, variant, factor, other, measure, reference, kind = key
        if (factor, kind, reference) != ("aligned", "hedges_g", WITHIN) or measure not in INDICES:
            continue
        p = effects.within[*key[:-1], "equivalence"]["p_value"]
        low, high = g["conf_low"], g["conf_high"]
        name = "inconclusive"
        if p is not None and p < 0.05:
            name = "null"
        elif high is not None and high < 0.0:
            name = "safety"
        elif low is not None and low > 0.0:
            name = "backfire"
        found[model, variant, other, measure, language] = {
            **g,
            "language_class": name,
            "margin": MARGIN,
            "equivalence_p": p,
        }
    return found


def models(effects: Effects) -> tuple[Rows, Rows]:
    """Every index over models, and every pair of models."""
    groups: dict[Key, dict[str, Result]] = defaultdict(dict)
    for key, g in effects.within.items():
        model, language, variant, factor, other, measure, reference, kind = key
        if (factor, kind, reference) == ("aligned", "hedges_g", WITHIN) and measure in INDICES:
            groups[language, variant, other, measure][str(model)] = g
    over: Rows = {}
    pairs: Rows = {}
    for place, members in groups.items():
        if len(members) < 2:
            continue
        known = _known(members)
        if len(known) > 1:
            pooled, spread = synthesis.random_effects(
                [e for _, e, _ in known], [s for _, _, s in known]
            )
            kept = {name: spread[name] for name in ("q", "q_df", "q_p", "i2")}
            over[place] = {**pooled, **kept, "generality": _generality(members.values())}
        chosen = list(itertools.combinations(members, 2))
        made = [_difference(members[one], members[other]) for one, other in chosen]
        adjusted = culture.holm([each["p_value"] for each in made])
        for pair, each, p in zip(chosen, made, adjusted, strict=True):
            pairs[*place, *pair] = {**each, "p_holm": p}
    return over, pairs


def _known(members: dict[str, Result]) -> list[tuple[str, float, float]]:
    return [
        (name, each["estimate"], each["std_error"])
        for name, each in members.items()
        if each["estimate"] is not None and each["std_error"] is not None
    ]


def _generality(results: Iterable[Result]) -> str:
    sides = set()
    for g in results:
        low, high = g["conf_low"], g["conf_high"]
        sides.add(1 if low is not None and low > 0 else -1 if high is not None and high < 0 else 0)
    if {-1, 1} <= sides:
        return "opposed"
    return "open" if 0 in sides else "model-general"


def _difference(one: Result, other: Result) -> Result:
    n = (one["n"] or 0) + (other["n"] or 0)
    numbers = (one["estimate"], one["std_error"], other["estimate"], other["std_error"])
    if None in numbers:
        return result(n=n)
    first, first_error, second, second_error = (value or 0.0 for value in numbers)
    error = math.sqrt(first_error**2 + second_error**2)
    z = (first - second) / error
    reach = float(stats.norm.ppf(0.975)) * error
    return result(
        estimate=first - second,
        std_error=error,
        statistic=z,
        p_value=2.0 * float(stats.norm.sf(abs(z))),
        conf_low=first - second - reach,
        conf_high=first - second + reach,
        n=n,
    )


_PLAIN = {
    "pearson": culture.pearson,
    "spearman": culture.spearman,
    "kendall": culture.kendall,
}


class Language(NamedTuple):
    """One language of a scatter."""

    code: str
    slope: float
    error: float | None


class Culture:
    """All tables of culture.

    Args:
        sources: for scores and countries.
        effects: for slopes.
    """

    def __init__(self, sources: Sources, effects: Effects):
        self._sources = sources
        self._groups: dict[Key, list[Language]] = defaultdict(list)
        for key, effect in effects.within.items():
            model, language, variant, factor, other, measure, reference, kind = key
            wanted = (factor, kind, reference) == ("aligned", "slope", WITHIN)
            if wanted and measure in INDICES:
                group = self._groups[model, variant, other, measure]
                if effect["estimate"] is not None:
                    found = Language(str(language), effect["estimate"], effect["std_error"])
                    group.append(found)

    def _score(self, code: str, dimension: str) -> int | None:
        return self._sources.scores.get(self._sources.country(code), {}).get(dimension)

    def _with_score(self, group: Sequence[Language], dimension: str) -> list[Language]:
        return [each for each in group if self._score(each.code, dimension) is not None]

    def _xy(self, group: Sequence[Language], dimension: str) -> tuple[FloatArray, FloatArray]:
        x = np.array([float(self._score(each.code, dimension) or 0) for each in group])
        return x, np.array([each.slope for each in group])

    def points(self) -> Rows:
        """Every language in every scatter."""
        return {
            (*where, dimension, each.code): {
                "score": self._score(each.code, dimension),
                "slope": each.slope,
                "std_error": each.error,
            }
            for where, group in self._groups.items()
            for dimension in DIMENSIONS
            for each in self._with_score(group, dimension)
        }

    def lines(self) -> Rows:
        """The line through every scatter."""
        found: Rows = {}
        for where, group in self._groups.items():
            for dimension in DIMENSIONS:
                known = self._with_score(group, dimension)
                if len(known) >= culture.FEWEST:
                    for place, height in culture.line(*self._xy(known, dimension)):
                        found[*where, dimension, place] = {**height}
        return found

    def left_out(self) -> Rows:
        """Pearson's r without each language in turn."""
        found: Rows = {}
        for where, group in self._groups.items():
            for dimension in DIMENSIONS:
                known = self._with_score(group, dimension)
                if len(known) <= culture.FEWEST:
                    continue
                for each in known:
                    rest = [other for other in known if other is not each]
                    r = culture.pearson(*self._xy(rest, dimension))["estimate"]
                    found[*where, dimension, each.code] = {"r": r}
        return found

    def correlations(self) -> Rows:
        """Every coefficient of every dimension, adjusted over the six dimensions."""
        found: Rows = {}
        for where, group in self._groups.items():
            for coefficient in COEFFICIENTS:
                made = [self._one(where, group, name, coefficient) for name in DIMENSIONS]
                p_values = [each["p_value"] for each in made]
                for dimension, each, family, discovery in zip(
                    DIMENSIONS,
                    made,
                    culture.holm(p_values),
                    culture.benjamini_hochberg(p_values),
                    strict=True,
                ):
                    found[*where, dimension, coefficient] = {
                        **each,
                        "p_holm": family,
                        "p_benjamini_hochberg": discovery,
                    }
        return found

    def _one(
        self, where: Key, group: Sequence[Language], dimension: str, coefficient: str
    ) -> Result:
        known = self._with_score(group, dimension)
        x, y = self._xy(known, dimension)
        if x.size < culture.FEWEST:
            return result(n=x.size)
        path = [*(str(part) for part in where), dimension, coefficient]
        errors = [each.error for each in known]
        if coefficient in _PLAIN:
            return _PLAIN[coefficient](x, y)
        match coefficient:
            case "pearson_permutation" if culture.usable(x, y):
                return permuted_r(x, y, self._sources.seed, path)
            case "pearson_bootstrap" if culture.usable(x, y):
                return bootstrap_r(x, y, self._sources.seed, path)
            case "partial":
                return self._partial(known, dimension)
            case "pearson_corrected" if None not in errors:
                return culture.corrected(x, y, np.array(errors, dtype=float))
            case "meta_regression" if None not in errors:
                return synthesis.meta_regression(y.tolist(), [e or 0.0 for e in errors], x.tolist())
            case _:
                return result(n=x.size)

    def _partial(self, group: Sequence[Language], dimension: str) -> Result:
        others = [name for name in DIMENSIONS if name != dimension]
        whole = [
            each
            for each in group
            if all(self._score(each.code, name) is not None for name in others)
        ]
        x, y = self._xy(whole, dimension)
        given = np.array(
            [[float(self._score(each.code, name) or 0) for name in others] for each in whole]
        ).reshape(len(whole), -1)
        return culture.partial(x, y, given)


def interactions(sources: Sources, effects: Effects) -> Rows:
    """Candidates for the interaction whose term was not published."""
    found: Rows = {}
    for place, runs in effects.over_languages("aligned").items():
        model, variant, other, measure, reference = place
        if (measure, reference) != ("cpi", WITHIN):
            continue
        known = [(language, p) for language, p in runs if p.value is not None]
        spoken = list(dict.fromkeys(language for language, _ in known))
        for candidate, term in _terms(sources, spoken).items():
            key = (model, variant, other, candidate)
            if len(set(term.values())) < 2:
                found[*key, "HC3"] = found[*key, "clustered by language"] = {"n": len(known)}
                continue
            kept = [(language, p) for language, p in known if language in term]
            matrix, outcome = _with_term(kept, term)
            clusters = [language for language, _ in kept]
            found[*key, "HC3"] = {**trends.least_squares(matrix, outcome)}
            found[*key, "clustered by language"] = {**trends.clustered(matrix, outcome, clusters)}
    return found


def _with_term(
    kept: Sequence[tuple[str, Point]], term: dict[str, float]
) -> tuple[FloatArray, FloatArray]:
    rows = [
        [
            *(float(language == code) for code in term),
            float(p.level),
            p.level * term[language],
        ]
        for language, p in kept
    ]
    return np.array(rows), np.array([p.value for _, p in kept])


def _terms(sources: Sources, spoken: Sequence[str]) -> dict[str, dict[str, float]]:
    """The value of every candidate in every language; empty where it lacks a language."""
    several = len(spoken) > 1
    distances: dict[str, float] = {}
    for code in spoken:
        score = sources.scores.get(sources.country(code), {}).get("pdi")
        if score is not None:
            distances[code] = float(score)
    found: dict[str, dict[str, float]] = {
        "english": {code: float(code == "en") for code in spoken} if "en" in spoken else {},
        "japanese_against_english": {"ja": 1.0, "en": 0.0} if {"ja", "en"} <= {*spoken} else {},
        "amplifiers_reported": {code: float(code in AMPLIFIERS) for code in spoken}
        if {*AMPLIFIERS} <= {*spoken}
        else {},
        "non_latin_script": {
            code: float("Latin" not in sources.spec["languages"][code]["scripts"])
            for code in spoken
        },
        "power_distance_z": {},
        "power_distance_above_median": {},
    }
    if len(distances) >= culture.FEWEST:
        centre, spread = (f(distances.values()) for f in (statistics.mean, statistics.stdev))
        middle = statistics.median(distances.values())
        if spread:
            found["power_distance_z"] = {
                code: (value - centre) / spread for code, value in distances.items()
            }
        found["power_distance_above_median"] = {
            code: float(value > middle) for code, value in distances.items()
        }
    return {name: term if several else {} for name, term in found.items()}
