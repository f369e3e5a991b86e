"""A run as a page: words escaped, counted words marked, direction kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kit.report.transcript import render, segments
from kit.runlog.reader import read
from kit.spec.language import Channel
from kit.spec.lexicon import Rules
from kit.spec.matcher import Matcher
from tests.planted import Said, everyone, experiment, language, talk, think, write_folder


def page(folder: Path, *said: Said, **changes: Any) -> str:
    planned = experiment({"en": language(**changes)}, aligned=[0, 2], replicates=1)
    write_folder(folder, planned, everyone(*said))
    return render(read(folder / "runs" / "en-a2-r1.jsonl"), planned).decode()


def test_words_of_a_model_are_shown_and_never_run(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> <b>help</b> \u202eback\u2066 \x1b[31m {{ 7 * 7 }}"
    html = page(tmp_path, talk(hostile))

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert not {"\u202e", "\u2066", "\x1b"} & {*html}
    assert "default-src 'none'" in html


def test_channels_addressees_and_conditions_are_told_apart(tmp_path: Path) -> None:
    html = page(tmp_path, talk("Yes."), Said(Channel.WHISPER, "No.", "p07"), think("Perhaps."))

    for channel in Channel:
        assert html.count(f'<div class="{channel.value}">') == 20
    assert html.count("whisper to <bdi>Namep07</bdi>") == 20
    assert html.count('<span class="mark">aligned</span>') == 2 * 2
    assert html.count('<span class="mark">named for eviction</span>') == 2


def test_counted_words_are_marked_with_their_register(tmp_path: Path) -> None:
    html = page(tmp_path, talk("We protect you, together."))

    assert (
        'We <mark class="protective" title="protective">protect</mark> you, '
        '<mark class="group_harmony" title="group harmony">together</mark>.'
    ) in html


def test_texts_run_in_their_own_direction(tmp_path: Path) -> None:
    html = page(tmp_path, talk("Yes."), direction="rtl")

    # Two announcements and twenty lines; nothing else turns round.
    assert html.count('dir="rtl"') == 22
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not re.search(r"(src|href)=", html)


@given(st.text("abc ", max_size=30))
def test_pieces_are_the_whole_line(text: str) -> None:
    matcher = Matcher({"one": ["a", "ab", "b c"], "other": ["bc", "c a"]}, Rules("substring"))
    hits = matcher.find(text)
    pieces = segments(text, hits)

    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    shown = {" ".join(piece.text.split()) for piece in pieces if piece.register == "one"}
    assert shown <= {hit.form for hit in hits["one"]}
