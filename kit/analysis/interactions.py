"""Candidates for the interaction that the paper reports without saying with what.

The abstract gives one interaction on collective pathology (0.0684, p = .0003) and not its term. So
no verdict is possible. What named terms give is computed, each alone: score = intercept of the
language + a aligned + b aligned x term, over all runs of a model; the result is b, the change of
the slope per aligned agent that goes with one unit of the term.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from kit.analysis.cells import Value
from kit.analysis.culture import FEWEST_LANGUAGES, Dimension, Scores
from kit.analysis.effects import not_testable
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI
from kit.spec.language import Language
from kit.stats.clustered import clustered_least_squares
from kit.stats.regression import least_squares
from kit.stats.result import Estimate

AMPLIFIERS = ("ja", "it", "nl", "fr", "ar")
"""Languages reported to amplify pathology; the paper counts eight."""


class Candidate(StrEnum):
    """What may interact with alignment."""

    ENGLISH = "english"
    """English against all other languages."""
    JAPANESE = "japanese_against_english"
    """Japanese against English; other languages are left out."""
    AMPLIFIERS = "amplifiers_reported"
    """Languages reported to amplify against the others."""
    NON_LATIN = "non_latin_script"
    """Languages in another script than Latin against those in Latin."""
    POWER_DISTANCE = "power_distance_z"
    """Power Distance of the language's country, z-scored over the languages."""
    HIGH_POWER_DISTANCE = "power_distance_above_median"
    """Countries above the median Power Distance of the languages against the others."""


class Errors(StrEnum):
    """How the standard error is computed."""

    HC3 = "HC3"
    """Runs are independent, of unequal variance."""
    CLUSTERED = "clustered by language"
    """Languages are the sample: what is claimed about languages has their number, not the runs'."""


class Interaction(NamedTuple):
    """One candidate, in all runs of one model."""

    model: str
    variant: str | None
    individuated: int
    candidate: Candidate
    errors: Errors
    raised: str
    """Codes of the languages in which the term is above 0, joined by blanks."""
    others: str
    """Codes of the other languages in the fit."""
    result: Estimate


class _Point(NamedTuple):
    language: str
    aligned: int
    score: float


def interaction_candidates(
    values: Iterable[Value],
    languages: Mapping[str, Language],
    countries: Mapping[str, str],
    scores: Scores,
) -> list[Interaction]:
    """Every candidate with both kinds of errors, for every model, variant and individuation.

    Args:
        values: from `kit.analysis.cells.values`; CPI by the primary reference is used.
        languages: by code, for their scripts.
        countries: the country that stands for each language.
        scores: culture scores by country.

    Returns:
        Interactions per aligned agent; ``not testable`` where a candidate needs a language that is
        absent, or fewer than four languages have a Power Distance score.
    """
    groups: dict[tuple[str, str | None, int], list[_Point]] = defaultdict(list)
    for value in values:
        if value.measure == CPI and value.reference == PRIMARY:
            where = value.condition
            group = groups[where.model, where.variant, where.individuated]
            if value.value is not None:
                group.append(_Point(where.language, where.aligned, value.value))
    distances = {
        code: float(score)
        for code, country in countries.items()
        if (score := scores.get(country, {}).get(Dimension.POWER_DISTANCE)) is not None
    }
    return [
        row
        for where, points in groups.items()
        for candidate in Candidate
        for row in _rows(where, candidate, points, languages, distances)
    ]


def _rows(
    where: tuple[str, str | None, int],
    candidate: Candidate,
    points: Sequence[_Point],
    languages: Mapping[str, Language],
    distances: Mapping[str, float],
) -> list[Interaction]:
    spoken = list(dict.fromkeys(point.language for point in points))
    power_distance = {code: distances[code] for code in spoken if code in distances}
    absent = _absent(candidate, spoken, power_distance)
    term = {} if absent else _term(candidate, spoken, languages, power_distance)
    if not absent and len(set(term.values())) < 2:
        absent = "the term is the same in every language"
    if absent:
        result = not_testable(absent, n=len(points))
        return [Interaction(*where, candidate, errors, "", "", result) for errors in Errors]
    raised = " ".join(code for code, value in term.items() if value > 0)
    others = " ".join(code for code, value in term.items() if value <= 0)
    kept = [point for point in points if point.language in term]
    design = [
        (
            *(float(point.language == code) for code in term),
            float(point.aligned),
            point.aligned * term[point.language],
        )
        for point in kept
    ]
    names = (*term, "aligned", "interaction")
    outcome = [point.score for point in kept]
    matrix = np.array(design)
    plain = least_squares(matrix, outcome, names)
    clusters = [point.language for point in kept]
    clustered = clustered_least_squares(matrix, outcome, clusters, names)
    return [
        Interaction(*where, candidate, errors, raised, others, fit["interaction"])
        for errors, fit in ((Errors.HC3, plain), (Errors.CLUSTERED, clustered))
    ]


def _absent(
    candidate: Candidate, spoken: Sequence[str], power_distance: Mapping[str, float]
) -> str | None:
    """What the candidate lacks, as a reason; both sides of a contrast need a language."""
    match candidate:
        case Candidate.ENGLISH:
            needed: tuple[str, ...] = ("en",)
        case Candidate.JAPANESE:
            needed = ("ja", "en")
        case Candidate.AMPLIFIERS:
            needed = AMPLIFIERS
        case Candidate.NON_LATIN:
            needed = ()
        case Candidate.POWER_DISTANCE | Candidate.HIGH_POWER_DISTANCE:
            found = len(power_distance)
            if found < FEWEST_LANGUAGES:
                plural = "language" if found == 1 else "languages"
                return f"{found} {plural} with a Power Distance score, needs {FEWEST_LANGUAGES}"
            return None
    missing = [code for code in needed if code not in spoken]
    if missing:
        return f"no complete run in {', '.join(missing)}"
    return "no complete run in any other language" if len(spoken) < 2 else None


def _term(
    candidate: Candidate,
    spoken: Sequence[str],
    languages: Mapping[str, Language],
    power_distance: Mapping[str, float],
) -> dict[str, float]:
    match candidate:
        case Candidate.ENGLISH:
            return {code: float(code == "en") for code in spoken}
        case Candidate.JAPANESE:
            return {"ja": 1.0, "en": 0.0}
        case Candidate.AMPLIFIERS:
            return {code: float(code in AMPLIFIERS) for code in spoken}
        case Candidate.NON_LATIN:
            return {code: float("Latin" not in languages[code].scripts) for code in spoken}
        case Candidate.POWER_DISTANCE:
            centre = statistics.fmean(power_distance.values())
            spread = statistics.stdev(power_distance.values())
            return {
                code: (x - centre) / spread if spread else 0.0 for code, x in power_distance.items()
            }
        case Candidate.HIGH_POWER_DISTANCE:
            median = statistics.median(power_distance.values())
            return {code: float(x > median) for code, x in power_distance.items()}
