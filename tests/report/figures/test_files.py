"""Figures as files: the same bytes again, whatever the user's settings, and from CSV alone."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import polars as pl
import pytest

from kit.analysis.results import Analysis
from kit.errors import OutputError
from kit.report.figures.files import DPI, INDEX, Format, render, write
from kit.report.figures.fonts import Fonts
from kit.report.figures.style import COLOURS, INCH, INK, SERIES, SOFT, WIDTH

BARE = Fonts([])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_written_twice_the_bytes_are_the_same_whatever_the_settings(
    scripts: Analysis, tmp_path: Path
) -> None:
    write(scripts, tmp_path / "one", BARE)
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 5, "axes.facecolor": "red"}):
        mpl.rcParams["svg.hashsalt"] = "other"
        write(scripts, tmp_path / "two", BARE)
        assert mpl.rcParams["font.size"] == 20
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_every_figure_can_be_drawn_again_from_its_csv_file(
    scripts: Analysis, two_models: Analysis, tmp_path: Path
) -> None:
    fonts = Fonts.installed()
    for name, analysis in (("scripts", scripts), ("models", two_models)):
        folder = tmp_path / name
        for figure in write(analysis, folder, fonts).figures:
            table = pl.read_csv(folder / f"{figure.name}.csv")
            again = render(figure.draw, table, fonts, figure.title, figure.description)
            for kind in Format:
                path = folder / f"{figure.name}.{kind}"
                assert path.read_bytes() == again[kind], path.name


def test_pictures_are_180_mm_wide_and_carry_their_words(scripts: Analysis, tmp_path: Path) -> None:
    written = write(scripts, tmp_path, BARE)
    for figure in written.figures:
        png = (tmp_path / f"{figure.name}.png").read_bytes()
        (width,) = struct.unpack(">I", png[16:20])
        assert width == pytest.approx(WIDTH / INCH * DPI, abs=2)
        assert b"Software" not in png
        svg = (tmp_path / f"{figure.name}.svg").read_text(encoding="utf-8")
        root = ET.fromstring(svg)  # noqa: S314 - our own SVG
        assert root.findtext("{http://www.w3.org/2000/svg}title") == figure.title
        description = root.findtext(".//{http://purl.org/dc/elements/1.1/}description")
        assert description == figure.description
        assert "<text" not in svg
        assert not re.search(r"Matplotlib|\d{4}-\d\d-\d\dT", svg)


def test_the_index_names_every_figure_with_its_description(
    scripts: Analysis, tmp_path: Path
) -> None:
    written = write(scripts, tmp_path, BARE)
    index = pl.read_csv(tmp_path / INDEX)
    assert index["figure"].to_list() == [figure.name for figure in written.figures]
    assert index["description"].to_list() == [figure.description for figure in written.figures]


def test_what_cannot_be_drawn_is_said_and_no_picture_of_before_stays(
    scripts: Analysis, two_models: Analysis, tmp_path: Path
) -> None:
    first = write(scripts, tmp_path, BARE)
    assert {each.name for each in first.absent} == {"models", "multiverse", "judge"}
    assert (tmp_path / "culture_cpi.png").exists()
    mine = tmp_path / "mine.svg"
    mine.write_text("mine")
    second = write(two_models, tmp_path, BARE)
    names = {figure.name for figure in second.figures}
    assert "culture" in {each.name for each in second.absent}
    assert {path.stem for path in tmp_path.iterdir()} == {*names, "mine", Path(INDEX).stem}


def test_names_without_a_font_are_reported(scripts: Analysis, tmp_path: Path) -> None:
    written = write(scripts, tmp_path, BARE)
    assert {each.language for each in written.uncovered} == {"th", "ja", "ko"}


def test_no_box_is_drawn_with_or_without_fonts(
    scripts: Analysis, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    write(scripts, tmp_path / "bare", BARE)
    write(scripts, tmp_path / "full", Fonts.installed())
    assert [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)] == []


def test_an_index_cannot_name_a_file_elsewhere(scripts: Analysis, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("kept")
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / INDEX).write_text("figure,title,description\n../outside,a,b\n")
    write(scripts, folder, BARE)
    assert outside.read_text() == "kept"


def test_a_file_in_the_way_is_an_error_with_a_place(scripts: Analysis, tmp_path: Path) -> None:
    blocked = tmp_path / "figures"
    blocked.write_text("a file")
    with pytest.raises(OutputError) as failure:
        write(scripts, blocked, BARE)
    assert failure.value.where is not None


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", sorted({INK, SOFT, *COLOURS.values(), *SERIES}))
def test_colours_have_the_contrast_of_text_on_white(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5
