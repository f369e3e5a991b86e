"""Slopes of languages against the culture scores of the countries that stand for them.

Scores: Hofstede's six dimensions, the file of 16 August 2015 (``studies/hofstede.csv``).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.analysis.effects import Effect, Factor, Kind, not_testable
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import is_compared
from kit.errors import SpecError
from kit.spec.language import Language
from kit.spec.seeds import generator
from kit.stats.adjustment import disattenuated, partial
from kit.stats.correlation import kendall, leave_one_out, pearson, permutation, spearman
from kit.stats.intervals import bootstrap
from kit.stats.mean_response import mean_response
from kit.stats.multiplicity import benjamini_hochberg, holm
from kit.stats.resampling import product_moments
from kit.stats.result import Estimate
from kit.stats.sample import FloatArray
from kit.stats.synthesis import meta_regression

FEWEST_LANGUAGES = 4
"""Fisher's interval needs n > 3."""
LINE_PLACES = 13
"""Scores at which the line through a scatter is given."""


class Dimension(StrEnum):
    """A column of the score file."""

    POWER_DISTANCE = "pdi"
    INDIVIDUALISM = "idv"
    MASCULINITY = "mas"
    UNCERTAINTY_AVOIDANCE = "uai"
    LONG_TERM_ORIENTATION = "ltowvs"
    INDULGENCE = "ivr"


class Coefficient(StrEnum):
    """How slopes and scores are held against each other."""

    PEARSON = "pearson"
    """As published. What it estimates is the correlation of the scores with slopes as they are
    measured, sampling error included: the attenuated correlation."""
    SPEARMAN = "spearman"
    KENDALL = "kendall"
    PERMUTATION = "pearson_permutation"
    """Pearson with the p of a permutation test."""
    BOOTSTRAP = "pearson_bootstrap"
    """Pearson with the BCa interval over languages."""
    CORRECTED = "pearson_corrected"
    """Pearson corrected for the sampling error of the slopes: an estimate of the correlation with
    the true slopes."""
    PARTIAL = "partial"
    """Pearson given the other five dimensions: few degrees of freedom, never a headline."""
    META_REGRESSION = "meta_regression"
    """Not a correlation: change of the slope per point of the score, slopes weighted by their
    precision (random effects)."""


Scores = dict[str, dict[Dimension, int | None]]
"""By country code; None where the file holds no score."""


class Correlation(NamedTuple):
    """Slopes of languages against one dimension."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    dimension: Dimension
    coefficient: Coefficient
    languages: str
    """Codes of the languages with a slope and a score, joined by blanks."""
    p_holm: float | None
    """Corrected over the six dimensions (family-wise error rate)."""
    p_benjamini_hochberg: float | None
    """Corrected over the six dimensions (false discovery rate)."""
    result: Estimate


class LeftOut(NamedTuple):
    """Pearson's r of one dimension without one language."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    dimension: Dimension
    left_out: str
    r: float | None


class CulturePoint(NamedTuple):
    """One language in the scatter of one dimension."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    dimension: Dimension
    language: str
    country: str
    score: int
    slope: float
    """Of the index, per aligned agent."""
    std_error: float | None


class CultureLine(NamedTuple):
    """The height of the line through a scatter, at one score."""

    model: str
    variant: str | None
    individuated: int
    measure: str
    dimension: Dimension
    score: float
    result: Estimate


class _Point(NamedTuple):
    language: str
    slope: float
    error: float | None
    """Standard error of the slope."""
    scores: Mapping[Dimension, int | None]


_Where = tuple[str, str | None, int, str]


def load_scores(path: Path) -> Scores:
    """Read the culture scores.

    Raises:
        SpecError: unreadable, a column is missing, a country stands twice, or a score is not a
            number.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("the culture scores cannot be read", where=path) from error
    reader = csv.DictReader(text.splitlines())
    wanted = {"ctr", *(dimension.value for dimension in Dimension)}
    missing = wanted - set(reader.fieldnames or ())
    if missing:
        raise SpecError(f"columns {sorted(missing)} are missing", where=path)
    scores: Scores = {}
    for line, row in enumerate(reader, start=2):
        if row["ctr"] in scores:
            raise SpecError(f"country '{row['ctr']}' stands twice", where=f"{path}:{line}")
        try:
            scores[row["ctr"]] = {
                dimension: int(row[dimension]) if row[dimension] else None
                for dimension in Dimension
            }
        except (ValueError, TypeError) as error:
            raise SpecError("a score is not a whole number", where=f"{path}:{line}") from error
    return scores


def countries(
    languages: Mapping[str, Language], chosen: Mapping[str, str], scores: Scores
) -> dict[str, str]:
    """The country that stands for each language: its own, or the one that was chosen.

    Raises:
        SpecError: a choice for a language that is not there, or of a country without a row.
    """
    for code, country in chosen.items():
        if code not in languages:
            raise SpecError(
                f"a country is chosen for the language '{code}', which is not in this study",
                hint=f"choose for one of {', '.join(languages)}",
            )
        if country not in scores:
            raise SpecError(
                f"the country '{country}', chosen for '{code}', has no row in the culture scores",
                hint="take a code of the first column of studies/hofstede.csv",
            )
    return {code: chosen.get(code, language.country.code) for code, language in languages.items()}


def correlations(
    effects: Iterable[Effect], countries: Mapping[str, str], scores: Scores, seed: int
) -> list[Correlation]:
    """Index slopes against every dimension, by every `Coefficient`.

    With fewer than four languages each result says that it is not testable, and how many there are.

    Args:
        effects: from `kit.analysis.effects.effects`.
        countries: the country that stands for each language.
        scores: culture scores by country.
        seed: the study's, from which the resampling tests take theirs.
    """
    rows: list[Correlation] = []
    for where, points in _groups(effects, countries, scores).items():
        for coefficient in Coefficient:
            results = {}
            for dimension in Dimension:
                known = _with_score(points, dimension)
                path = (*map(str, where), dimension.value, coefficient.value)
                rng = generator(seed, "culture", *path)
                results[dimension] = _known(known, dimension, coefficient, rng)
            p_values = [result.p_value for result in results.values()]
            for (dimension, result), family, discovery in zip(
                results.items(), holm(p_values), benjamini_hochberg(p_values), strict=True
            ):
                found = " ".join(point.language for point in _with_score(points, dimension))
                rows.append(
                    Correlation(*where, dimension, coefficient, found, family, discovery, result)
                )
    return rows


def left_out(
    effects: Iterable[Effect], countries: Mapping[str, str], scores: Scores
) -> list[LeftOut]:
    """Pearson's r of every dimension without each language in turn."""
    rows = []
    for where, points in _groups(effects, countries, scores).items():
        for dimension in Dimension:
            known = _with_score(points, dimension)
            if len(known) <= FEWEST_LANGUAGES:
                continue
            x = [float(point.scores[dimension] or 0) for point in known]
            found = leave_one_out(x, [point.slope for point in known])
            rows += [
                LeftOut(*where, dimension, point.language, r)
                for point, r in zip(known, found.coefficients, strict=True)
            ]
    return rows


def points(
    effects: Iterable[Effect], countries: Mapping[str, str], scores: Scores
) -> list[CulturePoint]:
    """Slopes and scores of all languages that have both."""
    return [
        CulturePoint(
            *where,
            dimension,
            point.language,
            countries[point.language],
            point.scores[dimension] or 0,
            point.slope,
            point.error,
        )
        for where, group in _groups(effects, countries, scores).items()
        for dimension in Dimension
        for point in _with_score(group, dimension)
    ]


def lines(found: Iterable[CulturePoint]) -> list[CultureLine]:
    """The least-squares line through every scatter of enough languages, at `LINE_PLACES` scores."""
    scatters: dict[tuple[str, str | None, int, str, Dimension], list[CulturePoint]] = {}
    for point in found:
        scatters.setdefault(point[:5], []).append(point)
    rows = []
    for where, group in scatters.items():
        if len(group) < FEWEST_LANGUAGES:
            continue
        x = [float(point.score) for point in group]
        places = np.linspace(min(x), max(x), LINE_PLACES)
        heights = mean_response(x, [point.slope for point in group], places)
        rows += [
            CultureLine(*where, float(place), height)
            for place, height in zip(places, heights, strict=True)
        ]
    return rows


def _groups(
    effects: Iterable[Effect], countries: Mapping[str, str], scores: Scores
) -> dict[_Where, list[_Point]]:
    """The slopes of every model, variant, level of individuation and index."""
    groups: dict[_Where, list[_Point]] = defaultdict(list)
    for effect in effects:
        if (
            effect.kind is Kind.SLOPE
            and effect.factor is Factor.ALIGNED
            and is_compared(effect.measure, effect.reference, PRIMARY)
            and effect.language is not None
        ):
            group = groups[effect.model, effect.variant, effect.other, effect.measure]
            slope = effect.result
            if slope.estimate is not None:
                own = scores.get(countries[effect.language], {})
                group.append(_Point(effect.language, slope.estimate, slope.std_error, own))
    return groups


def _with_score(points: Sequence[_Point], dimension: Dimension) -> list[_Point]:
    return [point for point in points if _scored(point, dimension)]


def _scored(point: _Point, dimension: Dimension) -> bool:
    return point.scores.get(dimension) is not None


def _known(
    points: Sequence[_Point],
    dimension: Dimension,
    coefficient: Coefficient,
    rng: np.random.Generator,
) -> Estimate:
    n = len(points)
    if n < FEWEST_LANGUAGES:
        plural = "language" if n == 1 else "languages"
        return not_testable(f"{n} {plural} with slope and score, needs {FEWEST_LANGUAGES}", n)
    x = np.array([float(point.scores[dimension] or 0) for point in points])
    y = np.array([point.slope for point in points])
    match coefficient:
        case Coefficient.PEARSON:
            return pearson(x, y)
        case Coefficient.SPEARMAN:
            return spearman(x, y)
        case Coefficient.KENDALL:
            return kendall(x, y)
        case Coefficient.PERMUTATION:
            return permutation(x, y, rng=rng)
        case Coefficient.BOOTSTRAP:
            return bootstrap([x, y], product_moments, rng=rng, name="Pearson r", paired=True)
        case Coefficient.PARTIAL:
            return _partial(points, dimension)
        case Coefficient.CORRECTED | Coefficient.META_REGRESSION:
            return _with_errors(x, y, [point.error for point in points], coefficient)


def _partial(points: Sequence[_Point], dimension: Dimension) -> Estimate:
    others = [other for other in Dimension if other is not dimension]
    whole = [point for point in points if all(_scored(point, other) for other in others)]
    given = [[float(point.scores[other] or 0) for other in others] for point in whole]
    x = [float(point.scores[dimension] or 0) for point in whole]
    return partial(x, [point.slope for point in whole], np.reshape(given, (len(whole), -1)))


def _with_errors(
    x: FloatArray, y: FloatArray, errors: Sequence[float | None], coefficient: Coefficient
) -> Estimate:
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return not_testable(f"{len(errors) - len(known)} slopes have no standard error", x.size)
    if coefficient is Coefficient.CORRECTED:
        return disattenuated(x, y, known)
    design = np.column_stack((np.ones_like(x), x - x.mean()))
    return meta_regression(y, known, design, ("intercept", "score")).coefficients["score"]
