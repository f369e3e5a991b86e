"""The specification curves of the page."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kit.analysis.choices import CHOICES
from kit.analysis.multiverse import MULTIVERSE, SUMMARY, with_multiverse
from kit.analysis.results import Analysis, analyze
from kit.report.curve import Multiverse, multiverse
from kit.report.figure import BOTTOM, LEFT, RIGHT, TOP
from kit.report.numbers import number
from kit.report.page import render
from tests.analysis.test_multiverse import PUBLISHED, SCORES, differing, four
from tests.planted import everyone, experiment, write_folder
from tests.report.test_page import Page, speak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("four"), four(), differing)


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return with_multiverse(analyze(folder, PUBLISHED, SCORES), SCORES)


@pytest.fixture(scope="module")
def found(analysis: Analysis) -> Multiverse:
    made = multiverse(analysis)
    assert made is not None
    return made


def test_every_language_and_the_correlation_have_a_panel(found: Multiverse) -> None:
    assert [panel.title for panel in found.panels] == [
        "Test en",
        "Test ja",
        "Test fr",
        "Test ar",
        "all languages, slopes and Power Distance",
    ]
    for panel in found.panels:
        svg = ET.fromstring(panel.svg)  # noqa: S314 - our own SVG
        assert svg.get("aria-label") == panel.description
        for name in ("cpi", "di"):
            assert len(svg.findall(f".//g[@class='{name}']/path[@class='line']")) == 1
        assert len(svg.findall(".//circle")) == 1
        assert len(svg.findall(".//path[@class='mark']")) == 1


def test_a_curve_rises_and_stays_in_its_panel(found: Multiverse) -> None:
    for panel in found.panels:
        for line in re.findall(r'class="line" d="M([^"]*)"', panel.svg):
            points = [tuple(map(float, point.split())) for point in line.split("L")]
            assert points == sorted(points, key=lambda point: (point[0], -point[1]))
            assert len(points) <= 121
            for x, y in points:
                assert LEFT < x < RIGHT
                assert TOP <= y <= BOTTOM


def test_the_primary_estimate_is_marked_at_its_rank(analysis: Analysis, found: Multiverse) -> None:
    rows = analysis.tables[MULTIVERSE].filter(language="en", measure="cpi")
    estimates: list[float] = rows["estimate"].drop_nulls().sort().to_list()
    primary = rows.filter(changed=0)["estimate"].item()
    rank = sum(one < primary for one in estimates) / (len(estimates) - 1)
    svg = found.panels[0].svg
    ((x, y),) = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    line = re.findall(r'<g class="cpi"><path class="line" d="M([^"]*)"', svg)[0]
    points = [tuple(map(float, point.split())) for point in line.split("L")]
    (left, lowest), (right, highest) = points[0], points[-1]

    assert 0.05 < rank < 0.95
    assert float(x) == pytest.approx(left + rank * (right - left), abs=0.1)
    assert highest < float(y) < lowest
    share = (primary - estimates[0]) / (estimates[-1] - estimates[0])
    assert float(y) == pytest.approx(lowest + share * (highest - lowest), abs=0.2)
    assert f"primary g {number(primary)}" in found.panels[0].description


def test_the_page_says_how_many_agree_and_what_the_choices_are(
    analysis: Analysis, folder: Path, found: Multiverse
) -> None:
    page = Page(render(analysis, folder).decode())
    row = analysis.tables[SUMMARY].row(0, named=True)

    assert page.open == []
    assert "Under every open choice" in [words for _, words in page.headings]
    assert ("a", "href", "#multiverse") in page.attributes
    assert f"{100 * row['same_sign']:.1f} %" in page.said().replace("\u00a0", " ")
    for choice in CHOICES:
        for option in choice.options:
            assert option.definition in page.said().replace("\u2212", "-")
    assert len(found.choices.rows) == sum(len(choice.options) for choice in CHOICES) + 2


def test_an_analysis_without_a_multiverse_has_no_section(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), speak)
    analysed = analyze(tmp_path, PUBLISHED, {})

    assert multiverse(analysed) is None
    assert 'id="multiverse"' not in render(analysed, tmp_path).decode()


def test_curves_without_any_estimate_are_said_and_not_drawn(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), everyone())
    analysed = with_multiverse(analyze(tmp_path, PUBLISHED, {}), {})
    made = multiverse(analysed)

    assert made is not None
    assert made.panels == []
    assert Page(render(analysed, tmp_path).decode()).open == []
    assert made.summary.rows[0][2] == "g undefined"
