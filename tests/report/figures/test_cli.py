"""What is said of figures in the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.cli.figures import show, write_figures
from kit.report.figures.files import write
from kit.report.figures.fonts import Fonts
from tests.report.figures.support import scripts


def test_figures_stand_in_the_result_folder_and_their_absence_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analysis = scripts(tmp_path / "study")
    written = write_figures(tmp_path / "study", analysis)
    assert (tmp_path / "study/figures/forest.svg").is_file()
    show(written)
    out, err = capsys.readouterr()
    assert f"6 figures as SVG, PNG and CSV in {tmp_path / 'study/figures'}" in out
    assert "  forest  Hedges' g of ten aligned agents against none, by language" in out
    assert "not drawn: models (a comparison of models needs two models or more)" in err
    show(write(analysis, tmp_path / "bare", Fonts([])))
    assert "no font here covers the own names of: ar" not in (err := capsys.readouterr().err)
    assert "no font here covers the own names of: th, ja, ko; English names are used" in err
