"""Slopes of languages against Hofstede's scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

from kit.analysis.culture import (
    Coefficient,
    Correlation,
    Dimension,
    correlations,
    countries,
    left_out,
    load_scores,
)
from kit.analysis.effects import Effect, effects
from kit.errors import SpecError
from kit.spec.language import Language
from tests.analysis.test_effects import values
from tests.planted import language

FILE = Path(__file__).parents[2] / "studies" / "hofstede.csv"

COUNTRIES = {"en": "USA", "ja": "JPN", "fr": "FRA", "it": "ITA", "ar": "ARA", "uk": "UKR"}
SLOPES = {"en": -0.3, "ja": 0.2, "fr": 0.4, "it": 0.1, "ar": 0.5, "uk": 9.0}


def slopes(*codes: str) -> list[Effect]:
    points = [
        value
        for code in codes
        for value in values(
            {0: [0.0, 1.0, 0.5], 10: [10 * SLOPES[code] + noise for noise in (0.0, 1.0, 0.4)]}, code
        )
    ]
    return effects(points, 1)


def spoken(*codes: str) -> dict[str, Language]:
    return {code: language(code, COUNTRIES[code]) for code in codes}


def planted(*codes: str, **chosen: str) -> list[Correlation]:
    scores = load_scores(FILE)
    standing = countries(spoken(*codes), chosen, scores)
    return correlations(slopes(*codes), standing, scores, 1)


def pick(found: list[Correlation], coefficient: Coefficient) -> Correlation:
    (row,) = (
        row
        for row in found
        if row.dimension is Dimension.POWER_DISTANCE
        and row.measure == "cpi"
        and row.coefficient is coefficient
    )
    return row


def test_scores_are_those_of_the_2015_file() -> None:
    scores = load_scores(FILE)

    assert len(scores) == 111
    assert list(scores["JPN"].values()) == [54, 46, 95, 92, 88, 42]
    assert list(scores["USA"].values()) == [40, 91, 62, 46, 26, 68]
    assert scores["ARA"][Dimension.POWER_DISTANCE] == 80
    assert scores["UKR"][Dimension.POWER_DISTANCE] is None


def test_correlations_are_scipys() -> None:
    codes = ("en", "ja", "fr", "it", "ar")
    found = planted(*codes)
    row = pick(found, Coefficient.PEARSON)
    x = [40, 54, 68, 50, 80]
    # Three runs at either end: the third's noise moves every slope by the same -1/300.
    y = [SLOPES[code] for code in codes]

    assert len(found) == 6 * len(Coefficient)
    assert row.languages == "en ja fr it ar"
    assert row.result.estimate == pytest.approx(stats.pearsonr(x, y).statistic)
    assert row.result.p_value == pytest.approx(stats.pearsonr(x, y).pvalue)
    interval = stats.pearsonr(x, y).confidence_interval(0.95)
    assert row.result.conf_low == pytest.approx(interval.low)
    spearman = pick(found, Coefficient.SPEARMAN).result.estimate
    assert spearman == pytest.approx(stats.spearmanr(x, y).statistic)
    kendall = pick(found, Coefficient.KENDALL).result
    assert kendall.p_value == pytest.approx(stats.kendalltau(x, y).pvalue)
    permuted = pick(found, Coefficient.PERMUTATION).result
    exact = stats.permutation_test(
        (x,), lambda order: stats.pearsonr(order, y).statistic, permutation_type="pairings"
    )
    assert permuted.p_value == pytest.approx(exact.pvalue)


def test_every_way_to_hold_slopes_against_scores_is_given() -> None:
    found = planted("en", "ja", "fr", "it", "ar")
    results = {coefficient: pick(found, coefficient).result for coefficient in Coefficient}

    plain = results[Coefficient.PEARSON].estimate
    corrected = results[Coefficient.CORRECTED].estimate
    assert plain is not None
    assert corrected is not None
    assert abs(corrected) > abs(plain)
    assert results[Coefficient.BOOTSTRAP].estimate == pytest.approx(plain)
    assert results[Coefficient.META_REGRESSION].estimate is not None
    # Five languages cannot carry five other dimensions.
    assert not results[Coefficient.PARTIAL].is_defined


def test_families_are_the_six_dimensions() -> None:
    found = planted("en", "ja", "fr", "it", "ar")
    family = [
        row for row in found if row.measure == "cpi" and row.coefficient is Coefficient.PEARSON
    ]
    smallest = min(family, key=lambda row: row.result.p_value or 1.0)

    assert len(family) == 6
    assert smallest.result.p_value is not None
    assert smallest.p_holm == pytest.approx(min(1.0, 6 * smallest.result.p_value))
    for row in family:
        assert row.p_holm is not None
        assert row.p_benjamini_hochberg is not None
        assert row.p_benjamini_hochberg <= row.p_holm


def test_each_language_is_left_out_once() -> None:
    codes = ("en", "ja", "fr", "it", "ar")
    scores = load_scores(FILE)
    found = left_out(slopes(*codes), countries(spoken(*codes), {}, scores), scores)
    rows = {
        row.left_out: row.r
        for row in found
        if row.dimension is Dimension.POWER_DISTANCE and row.measure == "cpi"
    }

    assert set(rows) == set(codes)
    x, y = [54, 68, 50, 80], [SLOPES[code] for code in codes[1:]]
    assert rows["en"] == pytest.approx(stats.pearsonr(x, y).statistic)


def test_another_country_may_stand_for_a_language() -> None:
    codes = ("en", "ja", "fr", "it", "ar")
    own = pick(planted(*codes), Coefficient.PEARSON).result.estimate
    other = pick(planted(*codes, en="GBR"), Coefficient.PEARSON).result.estimate

    assert other != own
    x, y = [35, 54, 68, 50, 80], [SLOPES[code] for code in codes]
    assert other == pytest.approx(stats.pearsonr(x, y).statistic)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"xx": "USA"}, "a country is chosen for the language 'xx', which is not in this study"),
        ({"en": "XXX"}, "the country 'XXX', chosen for 'en', has no row"),
    ],
)
def test_a_choice_that_cannot_stand_is_refused(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        countries(spoken("en"), chosen, load_scores(FILE))


def test_a_language_without_a_score_is_left_out_of_that_dimension_only() -> None:
    found = planted("en", "ja", "fr", "it", "uk")
    n = {row.dimension: row.result.n for row in found if row.coefficient is Coefficient.PEARSON}

    assert n[Dimension.POWER_DISTANCE] == 4
    assert n[Dimension.LONG_TERM_ORIENTATION] == 5


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (("en",), "not testable: 1 language with slope and score, needs 4"),
        (("en", "ja", "fr"), "not testable: 3 languages with slope and score, needs 4"),
    ],
)
def test_fewer_than_four_languages_are_not_testable(codes: tuple[str, ...], reason: str) -> None:
    found = planted(*codes)

    assert len(found) == 6 * len(Coefficient)
    for row in found:
        assert row.result.estimate is None
        assert row.result.n == len(codes)
        assert row.result.method == reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ctr,country,pdi,idv,mas,uai,ltowvs\n", "columns \\['ivr'\\] are missing"),
        ("ctr,country,pdi,idv,mas,uai,ltowvs,ivr\nA,a,1,1,1,1,1,x\n", ":2: a score is not a"),
        (
            "ctr,country,pdi,idv,mas,uai,ltowvs,ivr\nA,a,1,1,1,1,1,1\nA,a,1,1,1,1,1,1\n",
            ":3: country 'A' stands twice",
        ),
    ],
)
def test_a_wrong_score_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hofstede.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SpecError, match=message):
        load_scores(path)


def test_a_missing_score_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_scores(tmp_path / "none.csv")
