"""Which combinations of the open choices there are, by arithmetic."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kit.analysis.choices import CHOICES, Echo, Exclusion, Lists, Scanned, Sexual, Share
from kit.analysis.culture import Dimension, load_scores
from kit.analysis.indices import Reference, Scoring
from kit.analysis.measures import Unit
from kit.analysis.specification import (
    FIRST_ALTERNATIVES,
    OWN,
    PRIMARY_SPECIFICATION,
    Absence,
    absence,
    absence_within,
    combinations,
    country_choices,
)
from kit.errors import SpecError
from kit.spec.language import Country, Language, load_language
from tests.planted import language

STUDIES = Path(__file__).parents[2] / "studies"
SCORES = load_scores(STUDIES / "hofstede.csv")
EVERY = 3 * 3 * 4 * 2 * 3 * 2 * 2 * 3
"""References, shares, units, sexual term, channels, echo, lists, exclusions."""


def with_others(code: str, own: str, *others: str) -> Language:
    alternatives = [{"code": other, "reason": "test"} for other in others]
    country = {"code": own, "reason": "test", "alternatives": alternatives}
    return language(code, country=own).model_copy(
        update={"country": Country.model_validate(country)}
    )


def test_every_option_meets_every_other_once() -> None:
    found = combinations()

    assert len(found) == len(set(found)) == EVERY
    assert prod(len(choice.options) for choice in CHOICES) == EVERY


def test_the_primary_one_is_first_and_what_every_other_table_shows() -> None:
    assert combinations()[0] == PRIMARY_SPECIFICATION
    assert PRIMARY_SPECIFICATION.changed == 0
    assert Scoring() == Scoring(
        PRIMARY_SPECIFICATION.reference, PRIMARY_SPECIFICATION.unit, no_echo=False
    )
    assert PRIMARY_SPECIFICATION[3:] == (
        Sexual.IN, Scanned.ALL, Echo.COUNTED, Lists.OWN, Exclusion.NONE,
    )  # fmt: skip
    assert PRIMARY_SPECIFICATION.share is Share.CHARACTERS


def test_one_step_from_the_primary_one_changes_one_choice() -> None:
    steps = Counter(one.changed for one in combinations())

    assert steps[1] == sum(len(choice.options) - 1 for choice in CHOICES) == 14
    assert steps[len(CHOICES)] == prod(len(choice.options) - 1 for choice in CHOICES)


def test_what_exists_in_no_language_is_left_out_by_rule() -> None:
    counts = Counter(absence(one) for one in combinations())

    # Both lists are half of all; of those a quarter by lines, and half of the rest without echo.
    assert counts == {
        None: EVERY * 11 // 16,
        Absence.LINES_OF_BOTH: EVERY // 8,
        Absence.ECHO_OF_BOTH: EVERY // 2 * 3 // 4 // 2,
    }


@pytest.mark.parametrize(
    ("code", "changes", "several", "expected"),
    [
        ("de", {}, True, {}),
        ("ja", {"matching": "substring"}, True, {Absence.UNSPACED: EVERY * 3 // 16}),
        # Both lists with hits, characters or words, by two references of three.
        ("en", {}, True, {Absence.ENGLISH: EVERY * 3 // 16 * 2 // 3}),
        ("de", {}, False, {Absence.ONE_LANGUAGE: EVERY * 11 // 16 // 3}),
    ],
)
def test_what_one_language_lacks_or_repeats_is_left_out_there(
    code: str, changes: dict[str, Any], several: bool, expected: dict[Absence, int]
) -> None:
    spoken = language(code, **changes)
    there = [one for one in combinations() if absence(one) is None]
    counts = Counter(absence_within(one, spoken, several=several) for one in there)

    assert counts.pop(None) == len(there) - sum(expected.values())
    assert counts == expected


def test_rules_name_the_combination_they_are_about() -> None:
    both = PRIMARY_SPECIFICATION._replace(lexicons=Lists.BOTH)

    assert absence(PRIMARY_SPECIFICATION) is absence(both) is None
    assert absence(both._replace(unit=Unit.LINES)) is Absence.LINES_OF_BOTH
    assert absence(both._replace(echo=Echo.EXCLUDED)) is Absence.ECHO_OF_BOTH
    english = language("en")
    assert absence_within(both, english, several=True) is Absence.ENGLISH
    pooled = both._replace(reference=Reference.POOLED)
    assert absence_within(pooled, english, several=True) is None


def test_countries_are_changed_one_at_a_time_and_then_all_at_once() -> None:
    languages = {
        "en": with_others("en", "USA", "GBR"),
        "ja": with_others("ja", "JPN"),
        "zh": with_others("zh", "CHI", "TAI", "HOK"),
    }
    own = {"en": "USA", "ja": "JPN", "zh": "CHI"}
    found = {choice.name: choice.codes for choice in country_choices(languages, own, SCORES)}

    assert found == {
        OWN: own,
        "en=GBR": own | {"en": "GBR"},
        "zh=TAI": own | {"zh": "TAI"},
        "zh=HOK": own | {"zh": "HOK"},
        FIRST_ALTERNATIVES: {"en": "GBR", "ja": "JPN", "zh": "TAI"},
    }


def test_a_country_that_was_chosen_stands_and_the_files_own_becomes_another() -> None:
    languages = {"en": with_others("en", "USA", "GBR"), "ja": with_others("ja", "JPN")}
    found = country_choices(languages, {"en": "GBR", "ja": "JPN"}, SCORES)

    # All first alternatives would repeat the only one.
    assert [choice.name for choice in found] == [OWN, "en=USA"]
    assert found[0].codes["en"] == "GBR"


@pytest.mark.parametrize("code", ["XXX", "UKR"])
def test_an_alternative_without_power_distance_is_named_with_its_place(code: str) -> None:
    languages = {"en": with_others("en", "USA", "GBR", code)}

    with pytest.raises(SpecError, match=f"'{code}' has no Power Distance") as caught:
        country_choices(languages, {"en": "USA"}, SCORES)
    assert caught.value.where == "spec.json: languages.en.country.alternatives.1.code"
    assert "studies/languages/en.yaml" in str(caught.value.hint)


@pytest.mark.parametrize("others", [("USA",), ("GBR", "GBR")])
def test_a_country_stands_once(others: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="stands twice"):
        with_others("en", "USA", *others)


def test_every_country_of_the_shipped_languages_has_a_power_distance() -> None:
    files = sorted((STUDIES / "languages").glob("*.yaml"))
    countries = {path.stem: load_language(path).country for path in files}

    for country in countries.values():
        assert SCORES[country.code][Dimension.POWER_DISTANCE] is not None
        for other in country.alternatives:
            score = SCORES[other.code][Dimension.POWER_DISTANCE]
            assert other.reason.endswith(f"Power Distance {score}.")
    assert sum(len(country.alternatives) for country in countries.values()) == 15
