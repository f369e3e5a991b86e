"""Every combination of the choices that the paper leaves open.

A specification is one way to compute CPI and DI from the same logs. All combinations are run
(Steegen et al. 2016, "Increasing transparency through a multiverse analysis"), less those that do
not exist or repeat another one: a specification curve holds every reasonable and no redundant one
(Simonsohn, Simmons & Nelson 2020, "Specification curve analysis", Nature Human Behaviour 4,
1208-1214). What is left out is counted by rule, and never by result.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from kit.analysis.choices import CHOICES, Echo, Exclusion, Lists, Scanned, Sexual, Share
from kit.analysis.culture import Dimension, Scores
from kit.analysis.indices import Reference
from kit.analysis.measures import Unit
from kit.errors import SpecError
from kit.measure.drift import ENGLISH
from kit.spec.experiment import FILE_NAME
from kit.spec.language import Country, Language

COUNTRY = "country"
"""Name of the choice that only correlations with culture scores have."""


class Counting(NamedTuple):
    """How the hits of one word list are counted."""

    unit: Unit
    channels: Scanned
    echo: Echo
    lexicons: Lists


class Specification(NamedTuple):
    """One option of each choice."""

    reference: Reference
    share: Share
    unit: Unit
    sexual: Sexual
    channels: Scanned
    echo: Echo
    lexicons: Lists
    exclusion: Exclusion

    @property
    def counting(self) -> Counting:
        """What its hits depend on."""
        return Counting(self.unit, self.channels, self.echo, self.lexicons)

    @property
    def changed(self) -> int:
        """How many choices are not decided as in the primary specification."""
        return sum(mine != other for mine, other in zip(self, PRIMARY_SPECIFICATION, strict=True))


PRIMARY_SPECIFICATION = Specification._make(choice.options[0].value for choice in CHOICES)


class Absence(StrEnum):
    """Why a combination of options is left out."""

    LINES_OF_BOTH = "lines with a hit of either list are not counted"
    ECHO_OF_BOTH = "hits of the English lists have no count without echo"
    UNSPACED = "the language is written without spaces, so it has no count of words"
    ONE_LANGUAGE = "with runs in one language, pooled repeats within_language"
    ENGLISH = "in English both lists are one, which repeats own"


def combinations() -> list[Specification]:
    """Every combination of options, the primary one first."""
    options = [[option.value for option in choice.options] for choice in CHOICES]
    return [Specification._make(found) for found in itertools.product(*options)]


def absence(specification: Specification) -> Absence | None:
    """Why a combination exists in no language."""
    if specification.lexicons is Lists.BOTH:
        if specification.unit is Unit.LINES:
            return Absence.LINES_OF_BOTH
        if specification.echo is Echo.EXCLUDED:
            return Absence.ECHO_OF_BOTH
    return None


def absence_within(
    specification: Specification, language: Language, *, several: bool
) -> Absence | None:
    """Why a combination does not exist in one language, or repeats another one there.

    Args:
        specification: one without an `absence`.
        language: the language of the contrast.
        several: whether the model has runs in other languages too.
    """
    if specification.unit is Unit.WORDS and language.matching != "word":
        return Absence.UNSPACED
    pooled = specification.reference is Reference.POOLED
    if pooled and not several:
        return Absence.ONE_LANGUAGE
    # Pooled, the English hits of other languages move the reference of the English runs.
    if specification.lexicons is Lists.BOTH and language.language == ENGLISH and not pooled:
        return Absence.ENGLISH
    return None


class CountryChoice(NamedTuple):
    """The country that stands for each language."""

    name: str
    codes: Mapping[str, str]
    """Country by language."""


OWN = "own"
FIRST_ALTERNATIVES = "first_alternatives"


def country_choices(
    languages: Mapping[str, Language], standing: Mapping[str, str], scores: Scores
) -> list[CountryChoice]:
    """Those that stand; each other country, one language changed; all first others.

    Args:
        languages: those with a slope, by code.
        standing: the country that stands for each language, see `kit.analysis.culture.countries`.
        scores: culture scores by country.

    Raises:
        SpecError: an alternative has no Power Distance.
    """
    own = {code: standing[code] for code in languages}
    first: dict[str, str] = {}
    found = [CountryChoice(OWN, own)]
    for code, language in languages.items():
        _check(code, language.country, scores)
        known = (language.country.code, *(other.code for other in language.country.alternatives))
        others = [country for country in known if country != own[code]]
        found += [CountryChoice(f"{code}={other}", own | {code: other}) for other in others]
        first[code] = others[0] if others else own[code]
    # With one such language it would repeat its first alternative.
    if sum(first[code] != own[code] for code in own) > 1:
        found.append(CountryChoice(FIRST_ALTERNATIVES, first))
    return found


def _check(code: str, country: Country, scores: Scores) -> None:
    for index, other in enumerate(country.alternatives):
        if scores.get(other.code, {}).get(Dimension.POWER_DISTANCE) is None:
            raise SpecError(
                f"'{other.code}' has no Power Distance in studies/hofstede.csv",
                where=f"{FILE_NAME}: languages.{code}.country.alternatives.{index}.code",
                hint=f"mend it in studies/languages/{code}.yaml; 'kit run' with the same --out "
                "freezes it anew",
            )
