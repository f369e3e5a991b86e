"""What a judge is shown: windows, names, and nothing of the condition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.judge.excerpt import GROUP, Excerpt, excerpts
from kit.runlog.reader import RunLog, read
from kit.spec.excerpt import Says
from kit.spec.judge import Judge
from kit.spec.language import Channel, Language
from tests.judge.support import judge
from tests.planted import (
    AGENTS,
    PREFIX,
    Said,
    everyone,
    experiment,
    language,
    talk,
    think,
    write_folder,
)


def run(
    place: Path, *lines: Said, turns: int = 2, code: str = "en", spoken: Language | None = None
) -> RunLog:
    planned = experiment(
        {code: spoken or language(code)},
        aligned=[10],
        replicates=1,
        protocol={"turns": {"value": turns, "evidence": "ours"}},
    )
    folder = write_folder(place, planned, everyone(*lines))
    return read(next((folder / "runs").glob("*.jsonl")))


def shown(log: RunLog, of: Judge, spoken: Language | None = None) -> list[Excerpt]:
    return list(excerpts(log, spoken or language(), of))


def test_nothing_of_the_condition_is_shown(tmp_path: Path) -> None:
    log = run(tmp_path, talk("Namep03, sit down."), think("Namep04 is tired."))
    for subject in ("agent", "group"):
        for each in shown(log, judge(subject=subject)):
            text = json.dumps([line.model_dump(mode="json") for line in each.lines])
            assert PREFIX not in text
            assert "You are someone" not in text
            assert not any(f"Name{agent}" in text or f'"{agent}"' in text for agent in AGENTS)
            assert "a10" not in text


def test_a_judge_of_residents_sees_one_resident_s_lines(tmp_path: Path) -> None:
    log = run(tmp_path, talk("Hello."), think("Hm."))
    for each in shown(log, judge()):
        assert {line.who for line in each.lines} == {each.about}
        assert [line.says for line in each.lines] == [Says.TALK, Says.MONOLOGUE]


def test_a_judge_of_groups_sees_all(tmp_path: Path) -> None:
    found = shown(run(tmp_path, talk("Hello.")), judge(subject="group"))
    assert [each.subject for each in found] == [GROUP, GROUP]
    assert all({line.who for line in each.lines} == set(range(1, 11)) for each in found)
    assert all(each.about is None for each in found)


def test_channels_that_are_not_to_be_shown_are_not(tmp_path: Path) -> None:
    log = run(tmp_path, talk("Hello."), think("Hm."))
    public = judge(shown={"channels": ["talk"], "announcements": False})
    assert {line.says for each in shown(log, public) for line in each.lines} == {Says.TALK}


def test_announcements_open_their_session(tmp_path: Path) -> None:
    of = judge(shown={"channels": ["talk"], "announcements": True})
    for each in shown(run(tmp_path, talk("Hello.")), of):
        first = each.lines[0]
        assert (first.says, first.text) == (Says.ANNOUNCEMENT, f"Announcement {each.first}.")


def test_residents_are_numbers_also_where_they_are_spoken_of(tmp_path: Path) -> None:
    log = run(tmp_path, Said(Channel.WHISPER, "Do you trust Namep07?", to="p03"))
    of = judge(subject="group", shown={"channels": ["whisper"], "announcements": False})
    for each in shown(log, of):
        texts = {line.text for line in each.lines}
        [text] = texts
        assert text.startswith("Do you trust {r")
        [addressee] = {line.to for line in each.lines}
        assert f"{{r{addressee}}}" != text.removeprefix("Do you trust ").removesuffix("?")


def test_numbers_are_drawn_anew_for_every_excerpt_and_stay_for_the_same(tmp_path: Path) -> None:
    log = run(tmp_path, talk("Hello."), turns=8)
    found = shown(log, judge())
    assert shown(log, judge()) == found
    assert len({each.about for each in found if each.subject == "p01"}) > 1


def test_a_name_is_a_whole_word_where_words_have_borders(tmp_path: Path) -> None:
    spoken = language()
    personas = [
        persona.model_copy(update={"name": "Ana" if place == 0 else f"N{place}"})
        for place, persona in enumerate(spoken.personas)
    ]
    spoken = spoken.model_copy(update={"personas": tuple(personas)})
    log = run(tmp_path, talk("Ana, the Analysis of Ana's day."), spoken=spoken)
    text = shown(log, judge(), spoken)[0].lines[0].text
    assert "Analysis" in text
    assert text.count("{r") == 2


def test_a_name_needs_no_border_where_words_are_not_spaced(tmp_path: Path) -> None:
    spoken = language("ja", "JPN")
    personas = [
        persona.model_copy(update={"name": "健太" if place == 0 else f"太郎{place}"})
        for place, persona in enumerate(spoken.personas)
    ]
    spoken = spoken.model_copy(update={"personas": tuple(personas)})
    log = run(tmp_path, talk("昨日は健太さんが話した。"), code="ja", spoken=spoken)
    text = shown(log, judge(), spoken)[0].lines[0].text
    assert text.startswith("昨日は{r")
    assert "健太" not in text


@settings(max_examples=25, deadline=None)
@given(turns=st.integers(1, 15), most=st.integers(1, 15), characters=st.integers(200, 1200))
def test_windows_hold_every_turn_once_and_keep_their_bounds(
    tmp_path_factory: pytest.TempPathFactory, turns: int, most: int, characters: int
) -> None:
    log = run(tmp_path_factory.mktemp("w"), talk("x" * 150), turns=turns)
    of = judge(window={"turns": most, "characters": characters})
    windows = [(each.first, each.last) for each in shown(log, of) if each.subject == "p01"]
    covered = [turn for first, last in windows for turn in range(first, last + 1)]
    assert covered == list(range(1, turns + 1))
    for first, last in windows[:-1]:
        assert last - first + 1 == min(most, characters // 150)


def test_a_turn_that_is_too_long_alone_is_a_window_of_its_own(tmp_path: Path) -> None:
    log = run(tmp_path, talk("x" * 250), turns=3)
    found = shown(log, judge(window={"turns": 3, "characters": 200}))
    assert [(each.first, each.last) for each in found[:3]] == [(1, 1), (2, 2), (3, 3)]
    assert all(each.characters > 200 for each in found)
