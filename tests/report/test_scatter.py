"""Slopes against culture scores: every language once, where its numbers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.analysis.culture import Dimension
from kit.analysis.results import Analysis
from kit.report.scatter import BOTTOM, LEFT, RIGHT, TOP, scatters
from kit.spec.experiment import Run
from tests.planted import Said, experiment, language, talk, think
from tests.report.test_page import analysis_of, both
from tests.report.test_page import speak as alike

COUNTRIES = {"en": "USA", "ja": "JPN", "fr": "FRA", "ar": "ARA", "zh": "CHI", "sv": "SWE"}


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    more = list(COUNTRIES).index(run.cell.language) * run.cell.aligned // 10
    return [
        talk("We keep safety. " * (1 + run.replicate % 2)),
        think("I think. " * (3 + more + len(agent) % 2) + "intimate " * (run.replicate % 3)),
    ]


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    planned = experiment(
        {code: language(code, country) for code, country in COUNTRIES.items()},
        replicates=3,
        aligned=[0, 10],
    )
    return analysis_of(tmp_path_factory.mktemp("scatter"), planned, speak)


def test_both_indices_have_a_picture_for_each_dimension(analysed: Analysis) -> None:
    found = scatters(analysed)
    assert [group.title for group in found] == ["CPI", "DI"]
    for group in found:
        assert len(group.plots) == len(Dimension)
        assert group.plots[0].title == "Power distance"


def test_every_language_is_a_mark_with_its_code_at_its_numbers(analysed: Analysis) -> None:
    plot = scatters(analysed)[0].plots[0]
    points = [
        point
        for point in analysed.culture_points
        if (point.measure, point.dimension) == ("cpi", Dimension.POWER_DISTANCE)
    ]
    marks = re.findall(r'<circle class="disc" cx="([\d.]+)" cy="([\d.]+)"', plot.svg)
    places = [(float(x), float(y)) for x, y in marks]
    assert len(places) == len(points) == 6
    assert re.findall(r'class="name">(\w+)<', plot.svg) == [point.language for point in points]
    by_score = sorted(range(6), key=lambda index: points[index].score)
    assert [places[index][0] for index in by_score] == sorted(x for x, _ in places)
    by_slope = sorted(range(6), key=lambda index: -points[index].slope)
    assert [places[index][1] for index in by_slope] == sorted(y for _, y in places)
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in places)
    for point in points:
        assert f"{point.language} {point.score} and " in plot.description


def test_line_band_interval_and_range_are_there(analysed: Analysis) -> None:
    plot = scatters(analysed)[0].plots[0]
    assert 'class="band"' in plot.svg
    assert re.search(r'class="line" d="M[\d.]+ [\d.]+L', plot.svg)
    assert re.search(r"r \S+ \[\S+, \S+\], p [=<] [\d.]+", plot.description)
    assert "without one language r " in plot.description


def test_two_languages_make_no_scatter(tmp_path: Path) -> None:
    assert scatters(analysis_of(tmp_path, both(), alike)) == []
