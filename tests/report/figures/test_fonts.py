"""Fonts by rule: what covers a text, and what is done where nothing does."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import FT2Font

from kit.report.figures.fonts import Fonts
from tests.report.figures.support import NAMES

INSTALLED = Fonts.installed()


def row(code: str) -> dict[str, str]:
    return {"language": code, "name": NAMES[code][0], "endonym": NAMES[code][1]}


def face_of(font: FontProperties) -> FT2Font:
    file = font.get_file()
    assert file is not None
    return get_font(file)


def needs(code: str) -> Fonts:
    if INSTALLED.covering(NAMES[code][1], code) is None:
        pytest.skip(f"no installed font covers {NAMES[code][0]} (Debian: fonts-noto-core, -cjk)")
    return INSTALLED


def test_without_any_font_arabic_and_vietnamese_are_drawn_and_thai_is_not() -> None:
    bare = Fonts([])
    for text in ("English", "tiếng Việt", "Türkçe", "العربية"):
        assert bare.covering(text) is not None
    for text in ("ภาษาไทย", "日本語", "한국어", "简体中文"):
        assert bare.covering(text) is None


def test_a_name_that_no_font_covers_gives_way_to_the_english_one() -> None:
    bare = Fonts([])
    assert bare.own_name(row("th")) is None
    assert bare.label("ภาษาไทย", "th").text == "th"
    assert bare.label("Thai", "th").text == "Thai"


def test_the_own_name_of_english_is_not_said_twice() -> None:
    assert Fonts([]).own_name(row("en")) is None


@pytest.mark.parametrize("code", ["th", "ja", "ko"])
def test_the_font_of_a_name_has_every_character_of_it(code: str) -> None:
    label = needs(code).own_name(row(code))
    assert label is not None
    assert label.text == NAMES[code][1]
    face = face_of(label.font)
    assert all(face.get_char_index(ord(character)) for character in label.text)


@pytest.mark.parametrize(("code", "region"), [("ja", "JP"), ("ko", "KR"), ("zh", "SC")])
def test_han_characters_are_drawn_as_their_readers_write_them(code: str, region: str) -> None:
    font = INSTALLED.covering("語文", code)
    if font is None or "CJK" not in face_of(font).family_name:
        pytest.skip("no collection of faces for Chinese, Japanese and Korean is installed")
    assert face_of(font).family_name.endswith(region)


def test_files_that_are_no_fonts_or_have_no_letters_are_passed_over(tmp_path: Path) -> None:
    no_font = tmp_path / "NotoSansNothing.ttf"
    no_font.write_bytes(b"nothing")
    assert Fonts([no_font, tmp_path / "absent.ttf"]).covering("日本語") is None
    real = importlib.resources.files("matplotlib") / "mpl-data/fonts/ttf/STIXGeneral.ttf"
    boxes = tmp_path / "LastResort.otf"
    boxes.write_bytes(real.read_bytes())
    text = "\u20dd"
    assert Fonts([str(real)]).covering(text) is not None
    assert Fonts([boxes]).covering(text) is None
