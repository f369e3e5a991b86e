"""``kit status``: what is there and what is left, in eighty columns or as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.support import LOG, contents, kit, refused
from tests.planted import everyone, experiment, language, talk, write_folder


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """Two languages; of eight runs five are complete, one is unfinished and one failed."""
    planned = experiment({"en": language(), "fr": language("fr", "FRA")})
    folder = write_folder(
        tmp_path / "half",
        planned,
        everyone(talk("word")),
        incomplete=["study1/en-a0-r2"],
        absent=["study1/fr-a10-r1", "study1/fr-a10-r2"],
    )
    failure = {"run_id": "study1/fr-a10-r1", "attempt": 3, "at": "2026-12-01T00:00:00+00:00"}
    reason = "killed by signal 9 \x1b[31m" + "x" * 200
    (folder / "failures.jsonl").write_text(json.dumps(failure | {"reason": reason}) + "\n?\n")
    return folder


def test_what_is_there_and_what_is_left(half: Path) -> None:
    before = contents(half)

    done = kit("status", half.name, cwd=half.parent)

    assert done.code == 0, done.err
    assert "4 cells, 8 runs: 5 complete, 1 unfinished, 1 failed, 1 not begun" in done.out
    assert "120 of 160 answers are on disk, 40 are left" in done.out
    assert "nobody is writing here" in done.out
    assert "not registered in advance" in done.out
    assert "1 lines of failures.jsonl cannot be read" in done.out
    assert "kit run study1 --out half --dry-run" in done.out
    assert "study1/en-a0-r2: turn 2 of 2" in done.out
    assert "study1/fr-a10-r1: turn 0 of 2, attempt 3: killed by signal 9" in done.out
    assert [line.split() for line in done.out.splitlines() if line.startswith("  fr ")] == [
        ["fr", "2", "0", "1", "1", "40"]
    ]
    assert "kit fsck half" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out
    assert done.err == ""
    assert contents(half) == before


def test_the_same_as_json(half: Path) -> None:
    done = kit("status", "half", "--json", cwd=half.parent)

    found = json.loads(done.out)
    assert (found["study"], found["cells"], found["answers"], found["planned"]) == (
        "study1",
        4,
        120,
        160,
    )
    assert found["states"] == {
        "complete": 5,
        "damaged": 0,
        "failed": 1,
        "incomplete": 1,
        "missing": 1,
    }
    assert [run["run_id"] for run in found["runs"] if run["state"] == "incomplete"] == [
        "study1/en-a0-r2"
    ]
    assert found["left"] is None
    assert found["holder"] is None


def test_a_study_of_a_real_model(finished_study: Path, tmp_path: Path) -> None:
    done = kit("status", finished_study, cwd=tmp_path)
    assert "1 cells, 1 runs: 1 complete, 0 unfinished, 0 failed, 0 not begun" in done.out
    assert "answers an hour so far (1 cohorts in" in done.out
    assert "time left" not in done.out

    damaged = tmp_path / "damaged"
    shutil.copytree(finished_study, damaged)
    (damaged / LOG).write_bytes((damaged / LOG).read_bytes()[:-3])
    done = kit("status", damaged, cwd=tmp_path)
    assert "1 logs are damaged: kit fsck" in "".join(done.out.split("\n"))
    assert "tiny/en-a10-r1: its log does not end as a complete one does" in done.out


def test_what_is_no_result_folder(tmp_path: Path) -> None:
    assert "is not a result folder" in refused(kit("status", tmp_path, cwd=tmp_path), tmp_path)
    (tmp_path / "spec.json").write_bytes(b"[" * 1_000_000)
    said = refused(kit("status", tmp_path, cwd=tmp_path), tmp_path)
    assert "was written by another release, or edited" in said
