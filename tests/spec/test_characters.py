"""Counting characters of one kind by remembering each is counting matches of its pattern."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from kit.spec.characters import LETTERS, characters, scripts

SCRIPTS = [("Latin",), ("Han", "Hiragana", "Katakana"), ("Arabic",), ("Thai",)]


@given(st.text(max_size=40))
def test_letters_are_those_of_unicode(text: str) -> None:
    assert LETTERS.count(text) == len(regex.findall(r"\p{L}", text))


@pytest.mark.parametrize("names", SCRIPTS)
@given(text=st.text(max_size=40))
def test_scripts_are_those_of_unicode(names: tuple[str, ...], text: str) -> None:
    pattern = "|".join(rf"\p{{Script={name}}}" for name in names)
    assert scripts(names).count(text) == len(regex.findall(pattern, text))


def test_a_text_in_two_scripts_is_told_apart() -> None:
    text = "Tokyo 東京 とうきょう, ร้อน"
    counts = [scripts(names).count(text) for names in SCRIPTS]

    assert counts == [5, 7, 0, 4]
    assert LETTERS.count(text) == 5 + 7 + 3


def test_a_pattern_has_one_counter() -> None:
    assert characters(r"\p{L}") is LETTERS
