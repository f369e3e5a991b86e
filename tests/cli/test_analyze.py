"""``kit analyze`` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.cli.main import run
from kit.errors import ExitCode
from tests.planted import LLAMA, QWEN, TINY, everyone, experiment, language, write_folder
from tests.report.test_page import both, speak

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_command_prints_the_tables_and_writes_the_files(tmp_path: Path) -> None:
    write_folder(tmp_path, both(), speak)
    done = subprocess.run(
        [sys.executable, "-m", "kit", "analyze", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stderr == ""
    for expected in (
        "study1: A planted study",
        "WARNING: This is a smoke test",
        "runs     18 planned: 18 complete, 0 incomplete, 0 missing",
        "Means by number of aligned agents",
        "g [95 % interval]",
        "not testable: 2 languages with slope and score, needs 4",
        "s1_en_cpi: not testable here",
        "17 claims belong to other studies",
        f"33 tables as CSV in {tmp_path / 'tables'}",
    ):
        assert expected in done.stdout, expected
    assert len(list((tmp_path / "tables").glob("*.csv"))) == 33
    assert json.loads((tmp_path / "results.json").read_bytes())["models"] == [TINY]


def test_no_line_is_wider_than_eighty_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = experiment(
        {code: language(code, country) for code, country in (("en", "USA"), ("ja", "JPN"))},
        id="study3",
        models=[LLAMA, QWEN],
        individuated=[0, 5, 10],
        variants={"base": {}, "native_prefix": {"prefix_language": "native"}},
        missing=("de",),
    )
    write_folder(tmp_path / "r", planned, speak, legal_mass=(0.1,))

    assert run(["analyze", str(tmp_path / "r")]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    # A path is never broken.
    assert [line for line in lines if len(line) > 80 and str(tmp_path) not in line] == []
    assert "individuated 10 against 0, with 10 aligned:" in lines
    assert f"{QWEN}, native_prefix" in lines


def test_a_design_without_extremes_says_why_there_is_no_contrast(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, both(aligned=[2, 8]), speak)

    assert run(["analyze", str(tmp_path)]) == ExitCode.OK
    assert (
        "g is not testable: no complete run with 10 of 10 agents aligned" in capsys.readouterr().out
    )


def test_a_folder_without_complete_runs_is_analysed_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = experiment()
    write_folder(tmp_path, planned, everyone(), absent={run.run_id for run in planned.runs()})

    assert run(["analyze", str(tmp_path)]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "0 of 4 planned runs are complete." in out
    assert "no complete run" in out


def test_a_folder_that_holds_no_study_is_the_users_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analyze", str(tmp_path)]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "is not a result folder: it holds no spec.json" in err
    assert "next: name the folder that 'kit run' wrote" in err


def test_a_place_that_cannot_be_written_is_the_users_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, experiment(), speak)
    (tmp_path / "tables" / "runs.csv").mkdir(parents=True)

    assert run(["analyze", str(tmp_path)]) == ExitCode.ERROR
    assert "something else has this name" in capsys.readouterr().err


def test_a_damaged_log_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path, experiment(), speak)
    path = tmp_path / "runs" / "en-a0-r1.jsonl"
    path.write_bytes(path.read_bytes().replace(b"safety", b"danger", 1))

    assert run(["analyze", str(tmp_path)]) == ExitCode.ERROR
    assert "en-a0-r1.jsonl" in capsys.readouterr().err
