"""``kit report`` as a user meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kit.cli.main import run
from kit.errors import ExitCode
from tests.planted import experiment, write_folder
from tests.report.test_page import Page, speak

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_page_is_written_beside_the_runs(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), speak)
    done = subprocess.run(
        [sys.executable, "-m", "kit", "report", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'report.html'}  (")
    assert "note: This is a smoke test" in done.stderr
    assert Page((tmp_path / "report.html").read_text("utf-8")).open == []


def test_another_place_gets_the_same_page(tmp_path: Path) -> None:
    write_folder(tmp_path / "r", experiment(), speak)
    out = tmp_path / "new folder" / "page.html"

    assert run(["report", str(tmp_path / "r"), "--out", str(out)]) == ExitCode.OK
    assert run(["report", str(tmp_path / "r")]) == ExitCode.OK
    assert out.read_bytes() == (tmp_path / "r" / "report.html").read_bytes()


def test_a_folder_that_holds_no_study_is_the_users_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(tmp_path / "none")]) == ExitCode.ERROR
    assert "is not a result folder" in capsys.readouterr().err
