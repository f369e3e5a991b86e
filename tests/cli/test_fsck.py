"""``kit fsck``: findings and their exit codes, repair, and ``kit run`` after it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kit.runner.folder import ResultFolder
from tests.cli.support import LOG, checkout, contents, kit, refused

ESCAPE = "\x1b[31mred\n\u202e.jsonl"


@pytest.fixture
def copied(finished_study: Path, tmp_path: Path) -> Path:
    """A checkout with a finished study of its own."""
    desk = checkout(tmp_path / "copied")
    shutil.copytree(finished_study, desk / "results" / "tiny")
    return desk


def test_a_sound_folder(finished_study: Path, tmp_path: Path) -> None:
    before = contents(finished_study)

    done = kit("fsck", finished_study, cwd=tmp_path)

    assert done.code == 0, done.err
    assert done.out == (
        "1 runs: 1 complete and sound, 0 unfinished, 0 to begin\nNo run is damaged.\n"
    )
    assert contents(finished_study) == before


def test_damage_is_found_moved_and_made_again(copied: Path, finished_study: Path) -> None:
    results = copied / "results" / "tiny"
    damaged = (results / LOG).read_bytes().replace(b'"position":3', b'"position":4', 1)
    (results / LOG).write_bytes(damaged)
    before = contents(results)

    said = refused(kit("run", "tiny", cwd=copied), copied)
    assert "the lines before the footer are not those that were written" in said
    done = kit("fsck", "results/tiny", cwd=copied)
    said = refused(done, copied, code=2)
    assert "results/tiny: 2 findings" in said
    assert "next: kit fsck results/tiny --repair" in said
    assert (
        "runs/en-a10-r1.jsonl: damaged log\n"
        "  line 12: the lines before the footer are not those that were written\n"
        "  a repair would: move it to quarantine\n"
    ) in done.out
    assert contents(results) == before

    done = kit("fsck", "results/tiny", "--repair", cwd=copied)
    assert done.code == 0, done.err
    assert "2 moved to results/tiny/quarantine, 0 mended" in done.out
    assert (results / "quarantine" / LOG).read_bytes() == damaged
    assert kit("fsck", "results/tiny", cwd=copied).code == 0
    assert kit("run", "tiny", cwd=copied).code == 0
    assert contents(results / "runs") == contents(finished_study / "runs")
    assert kit("fsck", "results/tiny", cwd=copied).code == 0


def test_names_cannot_steer_the_terminal(copied: Path) -> None:
    results = copied / "results" / "tiny"
    (results / "runs" / ESCAPE).write_text("x")
    (results / "runs" / "link").symlink_to(f"/{ESCAPE}")

    done = kit("fsck", "results/tiny", cwd=copied)

    assert done.code == 2
    assert not {"\x1b", "\u202e"} & set(done.out + done.err)
    assert "red" in done.out
    assert "red\n" not in done.out
    assert kit("fsck", "results/tiny", "--repair", cwd=copied).code == 0
    assert (results / "quarantine" / "runs" / ESCAPE).read_text() == "x"


def test_no_repair_while_another_process_writes(copied: Path) -> None:
    results = copied / "results" / "tiny"
    (results / "runs" / "notes.txt").write_text("mine")
    with ResultFolder(results).writing():
        done = kit("fsck", "results/tiny", cwd=copied)
        assert "is writing here: its unfinished files are left out" in done.out
        said = refused(kit("fsck", "results/tiny", "--repair", cwd=copied), copied)
    assert "is writing here" in said
    assert (results / "runs" / "notes.txt").read_text() == "mine"


def test_what_is_no_result_folder(tmp_path: Path) -> None:
    for options in ([], ["--repair"]):
        said = refused(kit("fsck", tmp_path, *options, cwd=tmp_path), tmp_path)
        assert "is not a result folder" in said
    assert list(tmp_path.iterdir()) == []
