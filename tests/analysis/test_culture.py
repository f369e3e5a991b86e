"""Slopes of languages against Hofstede's scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

from kit.analysis.culture import Coefficient, Dimension, correlations, load_scores
from kit.analysis.effects import Effect, effects
from kit.errors import SpecError
from kit.spec.language import Language
from tests.analysis.test_effects import values
from tests.planted import language

FILE = Path(__file__).parents[2] / "studies" / "hofstede.csv"

COUNTRIES = {"en": "USA", "ja": "JPN", "fr": "FRA", "it": "ITA", "ar": "ARA", "uk": "UKR"}
SLOPES = {"en": -0.3, "ja": 0.2, "fr": 0.4, "it": 0.1, "ar": 0.5, "uk": 9.0}


def planted(*codes: str) -> tuple[list[Effect], dict[str, Language]]:
    points = [
        value
        for code in codes
        for value in values({0: [0.0, 1.0], 10: [10 * SLOPES[code], 10 * SLOPES[code] + 1]}, code)
    ]
    return effects(points), {code: language(code, COUNTRIES[code]) for code in codes}


def test_scores_are_those_of_the_2015_file() -> None:
    scores = load_scores(FILE)

    assert len(scores) == 111
    assert list(scores["JPN"].values()) == [54, 46, 95, 92, 88, 42]
    assert list(scores["USA"].values()) == [40, 91, 62, 46, 26, 68]
    assert scores["ARA"][Dimension.POWER_DISTANCE] == 80
    assert scores["UKR"][Dimension.POWER_DISTANCE] is None


def test_correlations_are_scipys() -> None:
    codes = ("en", "ja", "fr", "it", "ar")
    found = correlations(*planted(*codes), load_scores(FILE))
    pearson, spearman = (
        row for row in found if row.dimension is Dimension.POWER_DISTANCE and row.measure == "cpi"
    )
    x = [40, 54, 68, 50, 80]
    y = [SLOPES[code] for code in codes]

    assert len(found) == 12
    assert pearson.coefficient is Coefficient.PEARSON
    assert pearson.languages == "en ja fr it ar"
    assert pearson.result.estimate == pytest.approx(stats.pearsonr(x, y).statistic)
    assert pearson.result.p_value == pytest.approx(stats.pearsonr(x, y).pvalue)
    interval = stats.pearsonr(x, y).confidence_interval(0.95)
    assert pearson.result.conf_low == pytest.approx(interval.low)
    assert spearman.result.estimate == pytest.approx(stats.spearmanr(x, y).statistic)


def test_a_language_without_a_score_is_left_out_of_that_dimension_only() -> None:
    found = correlations(*planted("en", "ja", "fr", "it", "uk"), load_scores(FILE))
    n = {row.dimension: row.result.n for row in found}

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
    found = correlations(*planted(*codes), load_scores(FILE))

    assert len(found) == 12
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
