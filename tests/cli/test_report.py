"""``kit report`` as a user meets it."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
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


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with results of two studies of the paper."""
    for name in ("study1", "study3"):
        write_folder(tmp_path / "results" / name, experiment(id=name), speak)
    return tmp_path / "results"


def test_several_studies_make_one_page_that_says_which_are_missing(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "all.html"
    assert run(["report", str(two), "--out", str(out)]) == ExitCode.OK
    page = Page(out.read_text("utf-8"))

    assert page.open == []
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    titles = [words for tag, words in page.headings if tag == "h2"]
    assert titles[0] == "Published claims"
    assert titles[-1] == "Studies that are missing"
    assert len(titles) == 4
    said = capsys.readouterr().err
    for missing in ("study2", "study4"):
        assert f"kit run {missing}" in page.said()
        assert f"missing: {missing} (" in said


def test_on_a_page_of_several_studies_every_anchor_is_its_own(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.html"
    run(["report", str(two / "study1"), str(two / "study3"), "--out", str(out)])
    page = Page(out.read_text("utf-8"))
    places = [value for _, name, value in page.attributes if name == "id"]

    assert len(places) == len(set(places))
    assert {"study1", "study3", "study1-claims", "study3-replay"} <= set(places)
    for _, name, value in page.attributes:
        if name == "href":
            assert value.removeprefix("#") in places


def test_claims_of_all_studies_stand_in_one_table(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.html"
    run(["report", str(two), "--out", str(out)])
    first = out.read_text("utf-8").partition('<section id="study1"')[0]

    assert first.count('<th scope="row">study1</th>') > 1
    assert first.count('<th scope="row">study3</th>') > 1


def test_the_page_of_several_studies_is_the_same_twice(two: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        run(["report", str(two), "--out", str(tmp_path / name)])
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_the_same_study_twice_is_refused(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "again", experiment(id="study1"), speak)
    done = run(["report", str(two), str(tmp_path / "again"), "--out", str(tmp_path / "x.html")])

    assert done == ExitCode.ERROR
    assert "two folders hold results of 'study1'" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
