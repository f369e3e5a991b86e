"""Named candidates for the unknown interaction, from planted slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from kit.analysis.cells import Value
from kit.analysis.culture import load_scores
from kit.analysis.interactions import (
    Candidate,
    Errors,
    Interaction,
    interaction_candidates,
)
from kit.spec.language import Language
from kit.stats.clustered import clustered_least_squares
from tests.analysis.test_effects import values
from tests.planted import language

SCORES = load_scores(Path(__file__).parents[2] / "studies" / "hofstede.csv")
COUNTRIES = {
    "en": "USA", "ja": "JPN", "it": "ITA", "nl": "NET", "fr": "FRA", "ar": "ARA", "de": "GER",
    "sv": "SWE",
}  # fmt: skip
"""Power Distance 40, 54, 50, 38, 68, 80, 35, 31."""
LATIN = {"en", "it", "nl", "fr", "de", "sv"}
BASE, CHANGE = 0.05, 0.2


def planted(slopes: Mapping[str, float]) -> list[Value]:
    """Runs about a line of the given slope in every language, scattered evenly about it."""
    return [
        value
        for code, slope in slopes.items()
        for value in values(
            {level: [slope * (level - 5) + shift for shift in (-0.2, 0.2)] for level in (0, 5, 10)},
            code,
        )
    ]


def spoken(codes: Mapping[str, float]) -> dict[str, Language]:
    return {
        code: language(
            code, COUNTRIES[code], scripts=["Latin"] if code in LATIN else ["Han", "Arabic"]
        )
        for code in codes
    }


def candidates(points: Sequence[Value], codes: Mapping[str, float]) -> list[Interaction]:
    return interaction_candidates(points, spoken(codes), COUNTRIES, SCORES)


def found(slopes: Mapping[str, float]) -> dict[tuple[Candidate, Errors], Interaction]:
    rows = candidates(planted(slopes), slopes)
    assert len(rows) == len(Candidate) * len(Errors)
    return {(row.candidate, row.errors): row for row in rows}


TERMS = {
    Candidate.ENGLISH: {"en"},
    Candidate.AMPLIFIERS: {"ja", "it", "nl", "fr", "ar"},
    Candidate.NON_LATIN: {"ja", "ar"},
    # The median of eight scores lies between 40 and 50.
    Candidate.HIGH_POWER_DISTANCE: {"ja", "it", "fr", "ar"},
}


@pytest.mark.parametrize(("candidate", "raised"), TERMS.items())
def test_a_planted_interaction_comes_out_as_planted(candidate: Candidate, raised: set[str]) -> None:
    slopes = {code: BASE + CHANGE * (code in raised) for code in COUNTRIES}
    row = found(slopes)[candidate, Errors.HC3]

    assert set(row.raised.split()) == raised
    assert set(row.others.split()) == set(COUNTRIES) - raised
    assert row.result.estimate == pytest.approx(CHANGE)
    assert row.result.n == 8 * 6
    assert row.result.p_value is not None
    assert row.result.p_value < 0.05


def test_power_distance_is_counted_in_standard_deviations_over_languages() -> None:
    scores = np.array([40, 54, 50, 38, 68, 80, 35, 31])
    z = (scores - scores.mean()) / scores.std(ddof=1)
    slopes = {code: BASE + CHANGE * float(x) for code, x in zip(COUNTRIES, z, strict=True)}
    row = found(slopes)[Candidate.POWER_DISTANCE, Errors.HC3]

    assert row.result.estimate == pytest.approx(CHANGE)
    assert set(row.raised.split()) == {"ja", "it", "fr", "ar"}


def test_japanese_against_english_leaves_the_others_out() -> None:
    slopes = dict.fromkeys(COUNTRIES, 9.0) | {"en": -0.2, "ja": 0.1}
    row = found(slopes)[Candidate.JAPANESE, Errors.HC3]

    assert (row.raised, row.others) == ("ja", "en")
    assert row.result.estimate == pytest.approx(0.3)
    assert row.result.n == 12


def test_errors_by_language_are_those_of_the_clustered_regression() -> None:
    slopes = {code: 0.01 * number for number, code in enumerate(COUNTRIES)}
    row = found(slopes)[Candidate.NON_LATIN, Errors.CLUSTERED]
    points = planted(slopes)
    term = [float(point.condition.language in ("ja", "ar")) for point in points]
    level = np.array([point.condition.aligned for point in points], dtype=float)
    codes = [point.condition.language for point in points]
    dummies = np.array([[code == other for other in COUNTRIES] for code in codes], dtype=float)
    fit = clustered_least_squares(
        np.column_stack((dummies, level, level * term)),
        [point.value for point in points if point.value is not None],
        codes,
        [*COUNTRIES, "level", "product"],
    )

    assert row.result == fit["product"]
    assert row.result.df is not None
    assert row.result.df < len(COUNTRIES)


@pytest.mark.parametrize(
    ("codes", "candidate", "reason"),
    [
        (("ja", "it"), Candidate.ENGLISH, "no complete run in en"),
        (("en",), Candidate.ENGLISH, "no complete run in any other language"),
        (("en", "it"), Candidate.JAPANESE, "no complete run in ja"),
        (("en", "ja", "it", "fr"), Candidate.AMPLIFIERS, "no complete run in nl, ar"),
        (
            ("en", "ja", "it"),
            Candidate.POWER_DISTANCE,
            "3 languages with a Power Distance score, needs 4",
        ),
        (
            ("en",),
            Candidate.HIGH_POWER_DISTANCE,
            "1 language with a Power Distance score, needs 4",
        ),
    ],
)
def test_a_candidate_that_lacks_a_language_says_which(
    codes: tuple[str, ...], candidate: Candidate, reason: str
) -> None:
    rows = found(dict.fromkeys(codes, 0.1))

    for errors in Errors:
        result = rows[candidate, errors].result
        assert result.estimate is None
        assert result.method == f"not testable: {reason}"


@pytest.mark.parametrize("codes", [("en", "it"), ("ja", "ar")])
def test_languages_of_one_script_cannot_be_contrasted(codes: tuple[str, ...]) -> None:
    row = found(dict.fromkeys(codes, 0.1))[Candidate.NON_LATIN, Errors.HC3]

    assert row.result.estimate is None
    assert row.result.method == "not testable: the term is the same in every language"


def test_a_language_more_moves_no_other_models_row() -> None:
    few = candidates(planted({"en": 0.1, "ja": 0.2}), {"en": 0, "ja": 0})
    other = [
        value._replace(condition=value.condition._replace(model="other"))
        for value in planted({"en": 0.3, "it": 0.5})
    ]
    codes = {"en": 0.0, "ja": 0.0, "it": 0.0}
    many = candidates([*planted({"en": 0.1, "ja": 0.2}), *other], codes)

    assert many[: len(few)] == few
    assert {row.model for row in many[len(few) :]} == {"other"}


def test_nothing_comes_of_nothing() -> None:
    assert interaction_candidates([], {}, {}, {}) == []


def test_the_language_at_the_median_is_not_above_it() -> None:
    row = found(dict.fromkeys(("en", "it", "ja", "fr", "ar"), 0.1))[
        Candidate.HIGH_POWER_DISTANCE, Errors.HC3
    ]

    assert set(row.raised.split()) == {"fr", "ar"}
    assert set(row.others.split()) == {"en", "it", "ja"}
