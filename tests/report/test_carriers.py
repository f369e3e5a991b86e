"""Who carries it: marked agents filled, the others hollow, on one axis."""

from __future__ import annotations

import re
from pathlib import Path

from kit.report.carriers import LEFT, RIGHT, carriers
from tests.report.test_page import analysis_of, both, speak


def test_marked_agents_and_the_others_have_a_mark_each_in_every_language(tmp_path: Path) -> None:
    analysed = analysis_of(tmp_path, both(), speak)
    (plot,) = carriers(analysed)
    assert plot.title == "Aligned agents and the others"
    assert re.findall(r'class="name">(\w+)<', plot.svg) == ["en", "ja", "all"]
    for kind in ("disc", "disc hollow", "mark", "mark hollow"):
        assert plot.svg.count(f'class="{kind}"') == 3
    gaps = [
        gap
        for gap in analysed.gaps
        if gap.measure == "cpi" and gap.aligned is None and gap.language
    ]
    filled = [float(x) for x in re.findall(r'<circle class="disc" cx="([\d.]+)"', plot.svg)]
    hollow = [float(x) for x in re.findall(r'<circle class="disc hollow" cx="([\d.]+)"', plot.svg)]
    assert all(LEFT <= x <= RIGHT for x in filled + hollow)
    for gap, x, y in zip(gaps, filled, hollow, strict=False):
        assert (x > y) is ((gap.marked or 0.0) > (gap.others or 0.0))


def test_where_all_agents_are_marked_or_none_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert carriers(analysis_of(tmp_path, both(aligned=[0, 10]), speak)) == []
