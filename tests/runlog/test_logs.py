"""Logs through the real writer and reader: what was written is read, and nothing else passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import OutputError, RunLogError
from kit.runlog.reader import read, read_any
from kit.runlog.records import Header, Outcome, Turn, Utterance
from kit.runlog.writer import RunWriter, canonical, write_atomically
from kit.society.identity import header
from kit.spec.language import Channel
from tests.society.support import Listening, experiment, scene

RUN = scene("en-a10-r1")
HEADER: Header = header(experiment(), RUN, Listening(RUN))
TOKENS = st.lists(st.integers(0, 300_000), max_size=8).map(tuple)

utterances = st.builds(
    Utterance,
    channel=st.sampled_from(Channel),
    to=st.none() | st.just("p02"),
    text=st.text(max_size=20).map(str.strip),
    outcome=st.sampled_from(Outcome),
)
turns = st.builds(
    Turn,
    turn=st.integers(1, 15),
    agent=st.just("p01"),
    position=st.integers(0, 9),
    prompt=TOKENS,
    tokens=TOKENS,
    stop=st.sampled_from(["end", "ceiling"]),
    text=st.text(max_size=30).map(str.strip),
    utterances=st.lists(utterances, max_size=3).map(tuple),
    outcome=st.sampled_from(Outcome),
    legal_mass=st.lists(st.floats(0, 1), max_size=3).map(tuple),
    digest=st.just("0" * 64),
)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, said: list[Turn]) -> Path:
    with RunWriter(path, HEADER) as writer:
        writer.append(said)
        return writer.finish()


@in_one_folder
@given(st.lists(turns, max_size=4))
def test_what_is_written_is_read(tmp_path: Path, said: list[Turn]) -> None:
    log = read(write(tmp_path / "run.jsonl", said))
    assert log.header == HEADER
    assert list(log.turns) == said
    assert log.footer is not None


@given(turns)
def test_a_line_is_the_json_of_its_values_with_sorted_keys(turn: Turn) -> None:
    data = turn.model_dump(mode="json")
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(turn) == text.encode() + b"\n"


@in_one_folder
@given(st.lists(turns, min_size=1, max_size=3), st.data())
def test_any_changed_byte_is_seen(tmp_path: Path, said: list[Turn], data: st.DataObject) -> None:
    path = write(tmp_path / "run.jsonl", said)
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(whole))
    with pytest.raises(RunLogError):
        read(path)


@in_one_folder
@given(st.lists(turns, max_size=3), st.data())
def test_a_log_cut_anywhere_is_refused_and_its_whole_lines_recovered(
    tmp_path: Path, said: list[Turn], data: st.DataObject
) -> None:
    path = write(tmp_path / "run.jsonl", said)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:cut])
    with pytest.raises(RunLogError):
        read(path)
    partial = tmp_path / "run.partial.jsonl"
    partial.write_bytes(whole[:cut])
    if b"\n" not in whole[:cut]:
        with pytest.raises(RunLogError, match="no header"):
            read_any(partial)
        return
    log = read_any(partial)
    assert log.footer is None
    assert list(log.turns) == said[: whole[:cut].count(b"\n") - 1]


def test_the_same_run_is_the_same_bytes(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.jsonl", []), write(tmp_path / "b.jsonl", [])
    assert one.read_bytes() == two.read_bytes()


def test_a_run_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with RunWriter(path, HEADER) as writer:
        assert not path.exists()
        assert (tmp_path / "run.partial.jsonl").read_bytes().endswith(b"\n")
        writer.finish()
    assert path.exists()
    assert not (tmp_path / "run.partial.jsonl").exists()


def test_a_log_of_another_version_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", [])
    path.write_bytes(path.read_bytes().replace(b'"log_version":1', b'"log_version":9'))
    with pytest.raises(RunLogError, match="log version 9"):
        read(path)


def test_a_folder_in_the_way_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_atomically(tmp_path / "file" / "below", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        write_atomically(tmp_path / "folder", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
