"""What the report says of judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.analysis.results import analyze
from kit.judge.folder import AGREEMENT
from kit.report.cautions import cautions
from kit.report.judged import judged as section
from kit.report.page import render
from tests.analysis.test_judged import folder, refusing
from tests.analysis.test_results import PUBLISHED
from tests.judge.support import judged, panel


@pytest.fixture
def results(tmp_path: Path) -> Path:
    place = folder(tmp_path)
    judged(place, panel(), refusing)
    return place


def test_refusals_are_counted_on_the_page(results: Path) -> None:
    analysis = analyze(results, PUBLISHED, {})
    found = section(analysis, results)
    assert found is not None
    refused = analysis.judged.cells[1].refused
    assert refused > 0
    assert found.outcomes.rows[1][:6] == (
        "en, 10 aligned",
        "strictness",
        "level",
        "4 of 4",
        "160",
        str(160 - refused),
    )
    assert found.outcomes.rows[1][6] == str(refused)


def test_bounds_are_wider_than_the_mean_of_the_scored(results: Path) -> None:
    found = section(analyze(results, PUBLISHED, {}), results)
    assert found is not None
    [row] = found.bounds.rows
    scored, least, most = map(float, row[3:])
    assert least < scored < most


def test_a_judge_that_nobody_checked_is_said_to_be_unchecked(results: Path) -> None:
    page = render(analyze(results, PUBLISHED, {}), results).decode()
    assert "Not held against people: strictness" in page


def test_agreement_with_people_is_shown_where_it_was_measured(results: Path) -> None:
    (results / "judgements" / "strictness" / AGREEMENT).write_text(
        "scale,language,statistic,excerpts,scored,raters,usability,estimate,conf_low,conf_high,method\n"
        "level,,kappa,120,118,2,usable,0.81,0.7,0.9,m\n"
        "level,en,kappa,60,60,2,undecided,0.5,0.3,0.7,m\n"
        "level,,alpha,120,118,2,usable,0.8,0.7,0.9,m\n"
    )
    found = section(analyze(results, PUBLISHED, {}), results)
    assert found is not None
    assert found.agreement is not None
    assert found.agreement.rows == (
        ("strictness", "level", "120", "118", "0.81 [0.70, 0.90]", "usable"),
    )
    assert found.uncalibrated == ()


def test_a_tiny_judge_is_warned_of(results: Path) -> None:
    titles = [caution.title for caution in cautions(analyze(results, PUBLISHED, {}))]
    assert any("The judge 'strictness' is a tiny model" in title for title in titles)


def test_without_judges_there_is_no_section(tmp_path: Path) -> None:
    place = folder(tmp_path)
    analysis = analyze(place, PUBLISHED, {})
    assert section(analysis, place) is None
    assert "What the judges said" not in render(analysis, place).decode()
