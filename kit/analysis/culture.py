"""Slopes of languages against the culture scores of the countries that stand for them.

Scores: Hofstede's six dimensions, the file of 16 August 2015 (``studies/hofstede.csv``).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from kit.analysis.cells import CONFIDENCE
from kit.analysis.effects import Effect, Factor, Kind, not_testable
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import INDICES
from kit.errors import SpecError
from kit.spec.language import Language
from kit.stats.correlation import pearson, spearman
from kit.stats.result import Estimate

FEWEST_LANGUAGES = 4
"""Fisher's interval needs n > 3."""


class Dimension(StrEnum):
    """A column of the score file."""

    POWER_DISTANCE = "pdi"
    INDIVIDUALISM = "idv"
    MASCULINITY = "mas"
    UNCERTAINTY_AVOIDANCE = "uai"
    LONG_TERM_ORIENTATION = "ltowvs"
    INDULGENCE = "ivr"


class Coefficient(StrEnum):
    """Kind of correlation."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"


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
    result: Estimate


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


def correlations(
    effects: Iterable[Effect], languages: Mapping[str, Language], scores: Scores
) -> list[Correlation]:
    """Pearson (Fisher interval) and Spearman correlations of index slopes with every dimension.

    With fewer than four languages each result says that it is not testable, and how many there are.
    """
    names = {index.name for index in INDICES}
    groups: dict[tuple[str, str | None, int, str], list[tuple[str, float]]] = defaultdict(list)
    for effect in effects:
        if (
            effect.kind is Kind.SLOPE
            and effect.factor is Factor.ALIGNED
            and effect.measure in names
            and effect.reference == PRIMARY
            and effect.language is not None
        ):
            group = groups[effect.model, effect.variant, effect.other, effect.measure]
            if effect.result.estimate is not None:
                group.append((effect.language, effect.result.estimate))
    return [
        row
        for where, slopes in groups.items()
        for dimension in Dimension
        for row in _rows(where, dimension, slopes, languages, scores)
    ]


def _rows(
    where: tuple[str, str | None, int, str],
    dimension: Dimension,
    slopes: list[tuple[str, float]],
    languages: Mapping[str, Language],
    scores: Scores,
) -> list[Correlation]:
    points = []
    for code, slope in slopes:
        score = scores.get(languages[code].country.code, {}).get(dimension)
        if score is not None:
            points.append((code, float(score), slope))
    found = " ".join(code for code, _, _ in points)
    x = [score for _, score, _ in points]
    y = [slope for _, _, slope in points]
    n = len(points)
    if n < FEWEST_LANGUAGES:
        plural = "language" if n == 1 else "languages"
        result = not_testable(f"{n} {plural} with slope and score, needs {FEWEST_LANGUAGES}", n)
        return [Correlation(*where, dimension, kind, found, result) for kind in Coefficient]
    return [
        Correlation(*where, dimension, kind, found, correlate(x, y, confidence=CONFIDENCE))
        for kind, correlate in ((Coefficient.PEARSON, pearson), (Coefficient.SPEARMAN, spearman))
    ]
