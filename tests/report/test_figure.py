"""The dose-response panels."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from kit.analysis.measures import MONOLOGUE
from kit.analysis.results import Analysis, analyze
from kit.report.figure import BOTTOM, TOP, panels
from kit.spec.experiment import Experiment
from kit.spec.published import load_published
from tests.planted import Speak, everyone, experiment, talk, think, write_folder
from tests.report.test_page import STUDIES, both, speak


def analysed(folder: Path, planned: Experiment, words: Speak = speak) -> Analysis:
    write_folder(folder, planned, words)
    return analyze(folder, load_published(STUDIES / "published.yaml"), {})


def test_each_language_has_a_panel_with_both_indices_at_every_level(tmp_path: Path) -> None:
    found = panels(analysed(tmp_path, both()))

    assert [panel.title for panel in found] == ["Test en", "Test ja"]
    for panel in found:
        svg = ET.fromstring(panel.svg)  # noqa: S314 - our own SVG
        assert svg.get("role") == "img"
        assert len(svg.findall(".//g[@class='cpi']/circle")) == 3
        assert len(svg.findall(".//g[@class='di']/path[@class='mark']")) == 3
        words = [text.text for text in svg.findall(".//text")]
        assert words[-4:] == ["0", "5", "10", "aligned agents of ten"]


def test_nothing_is_drawn_outside_of_the_panel(tmp_path: Path) -> None:
    # Two runs a cell: intervals of twelve SDs that must be cut.
    for panel in panels(analysed(tmp_path, both(replicates=2))):
        for at in re.findall(r'cy="([\d.]+)"', panel.svg):
            assert TOP <= float(at) <= BOTTOM
        for top, bottom in re.findall(r'class="bar" d="M[\d.]+ ([\d.]+)V([\d.]+)', panel.svg):
            assert TOP <= float(top) <= float(bottom) <= BOTTOM


def test_a_higher_mean_stands_higher(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, both())
    means = {
        cell.condition.aligned: cell.mean.estimate or 0
        for cell in analysis.cells
        if (cell.measure, cell.reference) == ("cpi", "within_language")
        and cell.condition.language == "en"
    }
    svg = panels(analysis)[0].svg
    places = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', svg)]

    by_mean = sorted(means, key=lambda level: means[level])
    by_place = sorted(means, key=lambda level: -places[sorted(means).index(level)])
    assert by_mean == by_place


def test_without_an_index_the_monologue_share_stands_in(tmp_path: Path) -> None:
    words = everyone(talk("Safety."), think("Touch."))
    found = panels(analysed(tmp_path, experiment(), words))
    assert found
    for panel in found:
        assert panel.measures == (MONOLOGUE,)
        assert "monologue share" in panel.description
        assert "CPI" not in panel.description
        assert 'class="di"' not in panel.svg
        assert min(float(y) for y in re.findall(r' cy="([\d.]+)"', panel.svg)) >= TOP


def test_where_nobody_says_a_word_there_is_no_panel(tmp_path: Path) -> None:
    assert panels(analysed(tmp_path, experiment(), everyone())) == []
