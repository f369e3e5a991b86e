"""Logs and result folders that are incomplete, damaged or another study's: refused, and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import LOG, checkout, contents, kit, refused, write_study


@pytest.fixture
def copied(finished_study: Path, tmp_path: Path) -> Path:
    """A checkout with a finished study of its own."""
    desk = checkout(tmp_path / "copied")
    shutil.copytree(finished_study, desk / "results" / "tiny")
    return desk


def _without_footer(log: Path) -> list[str | Path]:
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    return [log]


def _cut_within_a_line(log: Path) -> list[str | Path]:
    log.write_bytes(log.read_bytes()[:-20])
    return [log]


def _under_way(log: Path) -> list[str | Path]:
    partial = log.with_name("en-a10-r1.partial.jsonl")
    log.rename(partial)
    partial.write_bytes(partial.read_bytes()[:-200])
    return [partial, log]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_without_footer, "the run is incomplete: its log has no footer"),
        (_cut_within_a_line, "the last line is cut off"),
        (_under_way, "the run is incomplete"),
    ],
)
def test_an_incomplete_log_is_neither_replayed_nor_shown(
    copied: Path, spoil: Callable[[Path], list[str | Path]], why: str
) -> None:
    names = spoil(copied / "results" / "tiny" / LOG)
    before = contents(copied)

    for name in names:
        for verb in ("replay", "show"):
            said = refused(kit(verb, name, cwd=copied), copied)
            assert "en-a10-r1" in said.partition(why)[0]
            assert why in said
    assert contents(copied) == before


def test_a_changed_word_in_a_log_is_seen(copied: Path) -> None:
    log = copied / "results" / "tiny" / LOG
    data = log.read_bytes()
    at = data.index(b'"text":"') + len(b'"text":"')
    log.write_bytes(data[:at] + b"X" + data[at + 1 :])

    for verb in ("replay", "show"):
        said = refused(kit(verb, log, cwd=copied), copied)
        assert f"{log}:12: the lines before the footer are not those that were written" in said


@pytest.mark.parametrize("name", ["tiny/en-a0-r1", "tiny", "**", "a/**b", "[", "x" * 300])
def test_a_log_that_is_not_there(copied: Path, name: str) -> None:
    said = refused(kit("show", name, cwd=copied), copied)

    assert f"{name}: no such run log" in said


def test_a_log_without_its_study(finished_study: Path, tmp_path: Path) -> None:
    log = tmp_path / "elsewhere" / "runs" / LOG.name
    log.parent.mkdir(parents=True)
    shutil.copy(finished_study / LOG, log)

    for verb in ("replay", "show"):
        said = refused(kit(verb, log, cwd=tmp_path), tmp_path)
        assert f"{log.parents[1]}: is not a result folder: it holds no spec.json" in said


def test_a_log_beside_another_study(copied: Path) -> None:
    spec = copied / "results" / "tiny" / "spec.json"
    spec.write_bytes(spec.read_bytes().replace(b'"id":"tiny"', b'"id":"tine"', 1))

    for verb in ("replay", "show"):
        said = refused(kit(verb, copied / "results" / "tiny" / LOG, cwd=copied), copied)
        assert "the study beside this log has no run 'tiny/en-a10-r1'" in said


def test_a_damaged_spec_is_refused_and_kept(copied: Path) -> None:
    spec = copied / "results" / "tiny" / "spec.json"
    spec.write_bytes(spec.read_bytes()[:-100])
    write_study(copied, replicates=2)
    before = contents(copied / "results")

    for arguments in (["show", copied / "results" / "tiny" / LOG], ["run", "tiny"]):
        said = refused(kit(*arguments, cwd=copied), copied)
        assert "spec.json: was written by another release, or edited" in said
    del before[str(Path("tiny", ".lock"))]
    after = contents(copied / "results")
    assert before.items() <= after.items()


def test_a_folder_of_another_study_is_kept(copied: Path) -> None:
    write_study(copied, "other", aligned=[0])

    said = refused(kit("run", "other", "--out", "results/tiny", cwd=copied), copied)

    assert "results/tiny: the folder holds results of study 'tiny', not 'other'" in said
    assert b'"id":"tiny"' in (copied / "results" / "tiny" / "spec.json").read_bytes()


def test_finished_runs_of_an_edited_study_are_kept(copied: Path) -> None:
    write_study(copied, seed=8)
    before = contents(copied / "results")

    said = refused(kit("run", "tiny", cwd=copied), copied)

    assert "tiny/en-a10-r1 is finished, but was made from other texts" in said
    assert "next: choose another folder with --out" in said
    assert contents(copied / "results") == before
