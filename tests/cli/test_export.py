"""``kit export`` as a user meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from kit.analysis.culture import load_scores
from kit.analysis.measures import MEASURES
from kit.analysis.results import analyze
from kit.cli.main import run
from kit.errors import ExitCode
from kit.spec.published import load_published
from tests.cli.support import contents
from tests.planted import experiment, write_folder
from tests.report.test_page import STUDIES, speak

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder; not to be changed."""
    return write_folder(tmp_path_factory.mktemp("results"), experiment(replicates=3), speak)


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, pl.DataFrame]:
    scores = load_scores(STUDIES / "hofstede.csv")
    return analyze(folder, load_published(STUDIES / "published.yaml"), scores).tables


def export(*arguments: str | Path) -> int:
    return run(["export", *map(str, arguments)])


def test_every_table_is_there_in_both_formats_and_holds_the_same(
    tmp_path: Path, folder: Path, tables: dict[str, pl.DataFrame],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place = tmp_path / "new" / "place"
    assert export(folder, "--to", place) == ExitCode.OK

    names = {"measures", *tables}
    assert {path.name for path in place.iterdir()} == {
        "columns.csv", *(f"{name}.{kind}" for name in names for kind in ("csv", "parquet")),
    }  # fmt: skip
    runs = pl.read_parquet(place / "runs.parquet")
    assert runs.equals(tables["runs"])
    assert runs.schema == tables["runs"].schema
    for name, rows in tables.items():
        assert pl.read_parquet(place / f"{name}.parquet").columns == rows.columns
        assert (place / f"{name}.csv").read_text("utf-8") == rows.write_csv(), name
    out = capsys.readouterr().out
    assert f"{len(names)} tables as Parquet and CSV in {place}" in out
    assert f"what their columns mean: {place / 'columns.csv'}" in out


def test_the_dictionary_names_every_column_with_type_and_known_meaning(
    tmp_path: Path, folder: Path, tables: dict[str, pl.DataFrame]
) -> None:
    assert export(folder, "--to", tmp_path / "out", "--multiverse") == ExitCode.OK
    rows = pl.read_csv(tmp_path / "out" / "columns.csv")
    found = {(row["table"], row["column"]): row for row in rows.iter_rows(named=True)}

    for name, table in tables.items():
        for column, kind in table.schema.items():
            assert found[name, column]["type"] == str(kind)
    assert found["runs", "monologue_share"]["meaning"] == MEASURES["monologue_share"].definition
    assert found["runs", "protective_no_echo"]["meaning"].startswith("Those whose words")
    assert found["runs", "protective_lines_no_echo"]["meaning"] == (
        "Lines with a hit of the protective word list that is no echo."
    )
    assert "degrees of freedom" in found["effects", "df"]["meaning"].lower()
    assert "line_share: Lines with a hit" in found["multiverse", "unit"]["meaning"]
    measures = pl.read_csv(tmp_path / "out" / "measures.csv")
    assert measures["name"].to_list() == list(MEASURES)


@pytest.mark.parametrize(("kind", "other"), [("csv", "parquet"), ("parquet", "csv")])
def test_one_format_is_written_alone(tmp_path: Path, folder: Path, kind: str, other: str) -> None:
    assert export(folder, "--to", tmp_path / "out", "--format", kind) == ExitCode.OK

    assert (tmp_path / "out" / f"runs.{kind}").is_file()
    assert not (tmp_path / "out" / f"runs.{other}").exists()
    assert (tmp_path / "out" / "columns.csv").is_file()


def test_the_default_place_is_in_the_result_folder(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), speak)

    assert export(tmp_path) == ExitCode.OK
    assert (tmp_path / "export" / "effects.parquet").is_file()


def test_the_multiverse_is_written_when_it_is_asked_for(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "out"
    assert export(folder, "--to", place, "--format", "parquet", "--multiverse") == ExitCode.OK
    rows = pl.read_parquet(place / "multiverse.parquet")
    summary = pl.read_parquet(place / "multiverse_summary.parquet")
    assert summary["specifications"].sum() == rows.height

    # A later export without it leaves no table of the earlier one.
    assert export(folder, "--to", place, "--format", "csv") == ExitCode.OK
    assert {path.suffix for path in place.iterdir()} == {".csv"}
    assert not (place / "multiverse_summary.csv").exists()


def test_same_logs_give_the_same_bytes_in_another_process(tmp_path: Path, folder: Path) -> None:
    assert export(folder, "--to", tmp_path / "one") == ExitCode.OK
    subprocess.run(
        [sys.executable, "-m", "kit", "export", str(folder), "--to", str(tmp_path / "two")],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "POLARS_MAX_THREADS": "1"},
    )

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_export_may_be_repeated_and_leaves_other_files_alone(
    tmp_path: Path, folder: Path
) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (place / "notes.md").write_text("mine")
    assert export(folder, "--to", place) == ExitCode.OK
    before = contents(place)

    assert export(folder, "--to", place) == ExitCode.OK
    assert contents(place) == before
    assert before["notes.md"] == b"mine"


@pytest.mark.parametrize("name", ["runs.csv", "columns.csv", "effects.parquet"])
def test_files_that_no_export_wrote_are_never_written_over(
    tmp_path: Path, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (place / name).write_text("mine")

    assert export(folder, "--to", place) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert f"holds '{name}', which no 'kit export' wrote" in err
    assert "next: choose another folder with --to" in err
    assert contents(place) == {name: b"mine"}


def test_a_file_beside_an_export_that_does_not_name_it_is_foreign(
    tmp_path: Path, folder: Path
) -> None:
    place = tmp_path / "out"
    assert export(folder, "--to", place) == ExitCode.OK
    (place / "multiverse.csv").write_text("mine")

    assert export(folder, "--to", place, "--multiverse") == ExitCode.ERROR
    assert (place / "multiverse.csv").read_text() == "mine"


def test_a_dictionary_cannot_name_files_outside_of_its_folder(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (tmp_path / "precious.csv").write_text("mine")
    (place / "columns.csv").write_text("table,column,type,meaning\n../precious,a,String,\n")

    assert export(folder, "--to", place) == ExitCode.OK
    assert (tmp_path / "precious.csv").read_text() == "mine"


def test_the_tables_of_kit_analyze_are_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, experiment(), speak)
    assert run(["analyze", str(tmp_path)]) == ExitCode.OK

    assert export(tmp_path, "--to", tmp_path / "tables") == ExitCode.ERROR
    assert "which no 'kit export' wrote" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "deeper/down"])
def test_a_target_that_is_a_file_is_refused(
    tmp_path: Path, folder: Path, below: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")

    assert export(folder, "--to", tmp_path / "file" / below) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert f"{tmp_path / 'file'}: is a file, not a folder" in err
    assert "--to" in err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_holds_no_study_is_the_users_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(tmp_path) == ExitCode.ERROR
    assert "is not a result folder: it holds no spec.json" in capsys.readouterr().err
    assert not (tmp_path / "export").exists()


def test_a_place_that_cannot_be_written_says_which_option_to_change(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def full(descriptor: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fsync", full)
    assert export(folder, "--to", tmp_path / "out") == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "next: choose another with --to" in err
    assert "--out" not in err
