"""The forest plot: the order of languages, their places on the axis, and their classes in words."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kit.analysis.results import Analysis
from kit.report.forest import LEFT, RIGHT, forests
from kit.spec.experiment import Run
from tests.planted import Said, experiment, language, talk, think
from tests.report.test_page import analysis_of

EFFECT = {"en": -2, "ja": 2, "fr": 0, "ar": 1}
"""How many more private lines ten aligned agents have than none."""


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    more = EFFECT[run.cell.language] * run.cell.aligned // 10
    private = 4 + more + (run.replicate + len(agent) + turn) % 2
    noise = "intimate " * ((run.replicate * 7 + turn) % 3)
    return [
        talk("We keep safety. " * (1 + run.replicate % 2)),
        think("I think of it. " * private + noise),
    ]


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    planned = experiment(
        {code: language(code, "USA") for code in EFFECT}, replicates=6, aligned=[0, 10]
    )
    return analysis_of(tmp_path_factory.mktemp("forest"), planned, speak)


def rows(svg: str) -> list[str]:
    tree = ET.fromstring(svg)  # noqa: S314 - our own SVG
    return [text.text or "" for text in tree.findall(".//text[@class='name']")]


def test_languages_stand_in_the_order_of_their_effect(analysed: Analysis) -> None:
    (plot,) = forests(analysed)
    effects = {
        row.language: row.result.estimate or 0.0 for row in analysed.classes if row.measure == "cpi"
    }
    wanted = [f"Test {code} ({code})" for code in sorted(effects, key=lambda code: effects[code])]
    assert wanted[0] == "Test en (en)"
    assert rows(plot.svg) == [*wanted, "languages together"]


def test_both_indices_have_a_mark_where_their_effect_is(analysed: Analysis) -> None:
    (plot,) = forests(analysed)
    circles = [float(x) for x in re.findall(r'<circle class="disc" cx="([\d.]+)"', plot.svg)]
    assert len(circles) == 5
    assert circles[:4] == sorted(circles[:4])
    zero = float(re.findall(r'class="zero" d="M([\d.]+) ', plot.svg)[0])
    assert circles[0] < zero < circles[3]
    assert all(LEFT <= x <= RIGHT for x in circles)
    assert plot.svg.count('class="mark"') == 5


def test_the_class_stands_in_words_beside_the_interval_and_in_the_description(
    analysed: Analysis,
) -> None:
    (plot,) = forests(analysed)
    classes = {(row.language, row.measure): row.language_class for row in analysed.classes}
    for code in EFFECT:
        assert f">{classes[code, 'cpi']} / {classes[code, 'di']}<" in plot.svg
    assert "Test en: CPI " in plot.description
    assert plot.description.count(str(classes["en", "cpi"])) >= 1


def test_one_language_is_no_comparison(tmp_path: Path) -> None:
    planned = experiment({"en": language()}, replicates=3, aligned=[0, 10])
    assert forests(analysis_of(tmp_path, planned, speak)) == []
