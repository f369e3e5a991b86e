"""Runs as pages: words escaped, counted words marked, direction kept, judges beside the turns."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import RunLogError
from kit.judge.folder import JudgementFolder
from kit.judge.log import JudgementWriter
from kit.judge.records import Answer, Judgement, JudgementHeader, JudgementOutcome
from kit.judge.setup import Choices, assemble
from kit.report.transcript import Recording, open_recording, render
from kit.report.transcript.speech import parted, segments
from kit.report.visible import visible
from kit.runlog.records import Footer
from kit.runlog.writer import canonical
from kit.spec.language import Channel
from kit.spec.lexicon import Rules
from kit.spec.matcher import Matcher
from tests.conftest import ROOT
from tests.planted import Said, everyone, experiment, language, talk, think, write_folder

RUN = Path("runs", "en-a2-r1.jsonl")
VOID = {"meta", "input", "link", "br"}


class Outline(HTMLParser):
    """Checks that every element is closed where it should be, and collects what matters."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += filter(None, [found.get("id")])
        self.targets += filter(None, [found.get("href")])
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    assert found.open == []
    return found


def recorded(folder: Path, *said: Said, **changes: Any) -> Recording:
    planned = experiment({"en": language(**changes)}, aligned=[0, 2], replicates=1)
    write_folder(folder, planned, everyone(*said))
    return open_recording(folder / RUN)


def page(folder: Path, *said: Said, **changes: Any) -> str:
    return render(recorded(folder, *said, **changes)).decode()


def judge(folder: Path, *, reason: str, digest: str | None = None) -> None:
    """One panel asks about the first turn of one agent."""
    panel = assemble(ROOT / "judges" / "dissociation.yaml", Choices(), ["en"], 1)
    there = JudgementFolder(folder, panel.name)
    there.path.mkdir(parents=True)
    there.freeze(panel)
    log = (folder / RUN).read_bytes()
    head = JudgementHeader(
        panel=panel.name,
        judge=panel.judge.judge,
        judge_version=1,
        judging_hash="00",
        run_id="study1/en-a2-r1",
        run_digest=digest or hashlib.sha256(log).hexdigest(),
        language="en",
        model=panel.model.id,
        model_sha256="00",
        engine={},
        bit_class=None,
    )
    values = {"stated": "harmony", "acted": "self", "gap": "2"}
    answers = tuple(
        Answer(
            scale=scale.id,
            outcome=JudgementOutcome.SCORED,
            value=values[scale.id],
            shares=tuple(float(value == values[scale.id]) for value in scale.values),
            declined=0.0,
            legal_mass=0.5,
        )
        for scale in panel.judge.scales
    )
    with JudgementWriter(there.log(head.run_id), head) as writer:
        writer.append(
            [
                Judgement(
                    excerpt="study1/en-a2-r1#p03#1-2",
                    subject="p03",
                    first_turn=1,
                    last_turn=2,
                    order=0,
                    wording="a",
                    repeat=1,
                    prompt_tokens=1,
                    prompt_digest="00" * 32,
                    tokens=(1,),
                    stop="end",
                    text="A",
                    answers=answers,
                    reason=reason,
                    digest="00" * 32,
                )
            ]
        )
        writer.finish()


def test_words_of_a_model_are_shown_and_never_run(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> <b>help</b> \u202eback\u2066 \x1b[31m {{ 7 * 7 }}"
    html = page(tmp_path, talk(hostile))

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert not {"\u202e", "\u2066", "\x1b"} & {*html}
    assert '<span class="spelled">\u27e8U+202E\u27e9</span>back' in html
    assert "default-src 'none'" in html


def test_half_a_surrogate_pair_is_shown_by_its_number(tmp_path: Path) -> None:
    found = recorded(tmp_path, talk("We protect you."))
    turn = found.log.turns[0]
    said = turn.utterances[0].model_copy(update={"text": "\ud800 We protect\udc00 you."})
    turns = (turn.model_copy(update={"utterances": (said,)}), *found.log.turns[1:])

    html = render(found._replace(log=found.log._replace(turns=turns))).decode()

    assert '<span class="spelled">\u27e8U+D800\u27e9</span> We <mark' in html
    assert '>protect</mark><span class="spelled">\u27e8U+DC00\u27e9</span> you.' in html


def test_a_line_without_end_scrolls_in_a_window_of_its_own(tmp_path: Path) -> None:
    html = page(tmp_path, talk("x" * 100_000), think("Short."))

    assert html.count('class="said long"') == 20
    assert html.count('<span class="part">' + "x" * 2000 + "</span>") == 20 * 50


@pytest.mark.parametrize("text", ["e\u0301" * 5000, "a\u200b" * 5000, "\u202e\u200b" * 5000])
def test_a_long_line_is_whole_and_its_parts_are_short(text: str) -> None:
    whole = segments(text, {})
    parts = parted(whole)

    assert "".join(one.text for part in parts for one in part) == visible(text)
    assert len(parts) > 2
    assert max(sum(len(one.text) for one in part) for part in parts) < 6100
    assert not any(part[0].text.startswith("\u0301") for part in parts)


def test_channels_addressees_and_conditions_are_told_apart(tmp_path: Path) -> None:
    html = page(tmp_path, talk("Yes."), Said(Channel.WHISPER, "No.", "p07"), think("Perhaps."))

    for channel in Channel:
        assert html.count(f'<div class="line {channel.value}">') == 20
    assert html.count('whisper to <bdi lang="en">Namep07</bdi> (private)') == 20
    assert html.count("talk (public)</p>") == 20
    assert html.count("monologue (private)</p>") == 20
    # In the list of residents, and in each of two turns.
    assert html.count('<span class="mark aligned">aligned</span>') == 2 * 3
    assert html.count('<span class="channel">not aligned</span>') == 8 * 3
    assert html.count('<span class="mark named-for-eviction">named for eviction</span>') == 3


def test_counted_words_are_marked_with_their_register(tmp_path: Path) -> None:
    html = page(tmp_path, talk("We protect you, together."))

    assert (
        'We <mark class="protective" title="protective">protect</mark> you, '
        '<mark class="group_harmony" title="group harmony">together</mark>.'
    ) in html
    assert html.count("talk (public) &middot; protective 1 &middot; group harmony 1</p>") == 20
    assert 'class="line talk hit-any hit-protective hit-group_harmony"' in html


def test_texts_run_in_their_own_direction(tmp_path: Path) -> None:
    html = page(tmp_path, talk("Yes."), direction="rtl")

    # Two announcements and twenty lines; nothing else turns round.
    assert html.count('dir="rtl"') == 22
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "src=" not in html
    assert {*re.findall(r'href="(.)', html)} == {"#"}


def test_the_page_is_well_formed_and_the_same_when_made_again(tmp_path: Path) -> None:
    found = recorded(tmp_path, talk("Yes."), think("No."))
    judge(tmp_path, reason="Because.")
    both = [render(found), render(open_recording(tmp_path / RUN), found)]

    for html in both:
        seen = outline(html.decode())
        assert len({*seen.ids}) == len(seen.ids)
        assert {target.removeprefix("#") for target in seen.targets} <= {*seen.ids}
        steps = zip(seen.levels, seen.levels[1:], strict=False)
        assert seen.levels[0] == 1
        assert all(after <= before + 1 for before, after in steps)
    assert both == [render(found), render(open_recording(tmp_path / RUN), found)]


def test_what_a_judge_says_stands_at_the_turn_it_is_about(tmp_path: Path) -> None:
    recorded(tmp_path, talk("Yes."))
    judge(tmp_path, reason="<b>It</b> is \u202eso.")

    html = render(open_recording(tmp_path / RUN)).decode()

    assert html.count('<details class="opinion">') == 1
    first, second = html.index('id="turn-1"'), html.index('id="turn-2"')
    place = html.index('<details class="opinion">')
    assert first < html.index("<bdi>Namep03</bdi></h3>") < place < second
    assert "turns 1 to 2." in html
    assert "gap <strong>2.00 of 0 to 3</strong>" in html
    assert "stated <strong>harmony</strong>" in html
    assert "&lt;b&gt;It&lt;/b&gt; is" in html
    assert "(order 1, wording a; probability 100%)" in html


def test_judgements_of_other_bytes_are_named_and_not_shown(tmp_path: Path) -> None:
    recorded(tmp_path, talk("Yes."))
    judge(tmp_path, reason="Because.", digest="ab" * 32)

    html = render(open_recording(tmp_path / RUN)).decode()

    assert "opinion" not in html[html.index("<body") :]
    assert "The judgements <code>dissociation</code> are about other bytes" in html


def test_two_runs_stand_beside_each_other_with_their_first_difference(tmp_path: Path) -> None:
    one = recorded(tmp_path / "one", talk("We agree."), think("I do not."))
    other = recorded(tmp_path / "other", talk("We agree."), think("I do now."))

    html = render(one, other).decode()

    assert html.count('<div class="side">') == 40
    assert "Turn 1, <bdi>Namep01</bdi>, monologue, character 8</a>" in html
    assert "A has \u201ct\u201d, B has \u201cw\u201d" in html
    assert 'I do no<span class="first-difference" id="first-difference">' in html
    assert html.count("first difference</span>") == 2
    outline(html)
    assert "No difference" in render(one, one).decode()


def test_a_run_of_another_study_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path, talk("Yes."))
    (tmp_path / "elsewhere" / "runs").mkdir(parents=True)
    planned = experiment({"en": language()}, aligned=[0], replicates=1)
    (tmp_path / "elsewhere" / "spec.json").write_bytes(planned.to_json())
    shutil.copy(tmp_path / RUN, tmp_path / "elsewhere" / RUN)

    with pytest.raises(RunLogError, match="has no run 'study1/en-a2-r1'"):
        open_recording(tmp_path / "elsewhere" / RUN)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"agent":"p01"', '"agent":"p11"', "no agent 'p11'"),
        ('"turn":2', '"turn":99', "no turn 99"),
        ('"language":"en"', '"language":"tlh"', "no language 'tlh'"),
    ],
)
def test_a_log_that_its_study_does_not_fit_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    recorded(tmp_path, talk("Yes."))
    path = tmp_path / RUN
    *lines, footer = path.read_text(encoding="utf-8").replace(old, new).splitlines(keepends=True)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    end = Footer(turns=json.loads(footer)["turns"], digest=digest)
    path.write_bytes("".join(lines).encode() + canonical(end))

    with pytest.raises(RunLogError, match=said):
        open_recording(path)


@given(st.text("abc \u200b", max_size=30), st.none() | st.integers(0, 30))
def test_pieces_are_the_whole_line(text: str, differs: int | None) -> None:
    matcher = Matcher({"one": ["a", "ab", "b c"], "other": ["bc", "c a"]}, Rules("substring"))
    hits = matcher.find(text)
    pieces = segments(text, hits, differs=differs)

    shown = "".join(piece.text for piece in pieces if not piece.spelled)
    assert shown == text.replace("\u200b", "")
    assert sum(piece.differs for piece in pieces) == (differs is not None)
    if differs is not None:
        before = [piece.differs for piece in pieces].index(True)
        spoken = [piece.text for piece in pieces[:before] if not piece.spelled]
        assert "".join(spoken) == text[:differs].replace("\u200b", "")
    unmarked = segments(text, hits)
    assert all(piece.text for piece in unmarked)
    marked = {" ".join(piece.text.split()) for piece in unmarked if piece.register == "one"}
    assert marked <= {hit.form for hit in hits["one"]}
