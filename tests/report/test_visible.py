"""Text of a model: what has no shape is spelled out, and everything else is left alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.report.visible import MARKS, pieces, visible

ANYTHING = st.text(
    st.characters(exclude_categories=[])
    | st.sampled_from("a\u0645\u0301\u200b\u200c\u200d\u202e\ufe0f\u2764\U0001f468\ud800\x1b\n")
)
"""With halves of surrogate pairs, and what joins, reorders and hides often."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u2066c\u061cd", "a\u27e8U+202E\u27e9b\u27e8U+2066\u27e9c\u27e8U+061C\u27e9d"),
        ("pro\u200btect", "pro\u27e8U+200B\u27e9tect"),
        (
            "\ufeffa\u00ad\u2060\u3164\u2800",
            "\u27e8U+FEFF\u27e9a\u27e8U+00AD\u27e9\u27e8U+2060\u27e9\u27e8U+3164\u27e9\u27e8U+2800\u27e9",
        ),
        ("\x00\x1b[31m\x9b", "\u27e8U+0000\u27e9\u27e8U+001B\u27e9[31m\u27e8U+009B\u27e9"),
        ("\ud800x\udfff", "\u27e8U+D800\u27e9x\u27e8U+DFFF\u27e9"),
        ("a\u2028b", "a\u27e8U+2028\u27e9b"),
        ("\U000e0041\ufdd0\ue000", "\u27e8U+E0041\u27e9\u27e8U+FDD0\u27e9\u27e8U+E000\u27e9"),
        ("\u200b" * 5, "\u27e8U+200B \u00d75\u27e9"),
        ("a\u200db", "a\u27e8U+200D\u27e9b"),
        ("a\ufe0f\ufe0f", "a\u27e8U+FE0F \u00d72\u27e9"),
    ],
)
def test_what_has_no_shape_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "We protect you, together. \u00e9 e\u0301 ma\u00f1ana",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0643\u064e\u0631\u064e\u0627\u0645\u064e\u0629\u064c \u06dd",
        "\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48 \u0e19\u0e49\u0e33",
        "\u65e5\u672c\u8a9e\u3000\u845b\U000e0100 \ud55c\uad6d\uc5b4",
        "\U0001f468\u200d\U0001f469\U0001f3fd\u200d\U0001f467 \u2764\ufe0f 1\ufe0f\u20e3",
    ],
)
def test_living_languages_and_pictures_are_left_alone(text: str) -> None:
    assert visible(text) == text


def test_a_letter_bears_only_so_many_marks() -> None:
    assert visible("a" + "\u0301" * MARKS) == "a" + "\u0301" * MARKS
    assert visible("a" + "\u0301" * 90) == "a" + "\u0301" * MARKS + "\u27e8U+0301 \u00d782\u27e9"


def test_a_kept_line_break_stays() -> None:
    assert visible("a\nb\tc", keep="\n") == "a\nb\u27e8U+0009\u27e9c"


@given(ANYTHING)
def test_nothing_without_a_shape_is_left(text: str) -> None:
    shown = visible(text)

    assert shown.encode().decode() == shown
    categories = {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert categories == set()
    assert not {*"\u200b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"} & {*shown}
    assert visible(shown) == shown


@given(ANYTHING)
def test_what_is_not_spelled_out_is_what_was_written(text: str) -> None:
    at = 0
    for piece in pieces(text):
        if piece.spelled:
            number, _, times = piece.text.strip("\u27e8\u27e9").partition(" \u00d7")
            written = chr(int(number.removeprefix("U+"), 16)) * int(times or 1)
        else:
            written = piece.text
        assert text[at : at + len(written)] == written
        at += len(written)
    assert at == len(text)
