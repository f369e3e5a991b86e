"""The option ``--multiverse`` of ``kit analyze`` and ``kit report``."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from kit.cli.main import run
from kit.errors import ExitCode
from kit.spec.experiment import Experiment
from tests.analysis.test_multiverse import differing, four
from tests.planted import LLAMA, QWEN, experiment, language, write_folder
from tests.report.test_page import speak

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_tables_are_files_and_the_curves_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, four(), differing)

    assert run(["analyze", str(tmp_path), "--multiverse"]) == ExitCode.OK
    out = capsys.readouterr().out
    for expected in (
        "CPI and DI under every open choice",
        "g of ten aligned agents against none",
        "r of the languages' slopes with Power Distance",
        "lang  index  specs",
        "Left out of a curve: ",
        f"all of them but multiverse in {tmp_path / 'results.json'}",
    ):
        assert expected in out, expected
    rows = pl.read_csv(tmp_path / "tables" / "multiverse.csv", infer_schema_length=None)
    summary = pl.read_csv(tmp_path / "tables" / "multiverse_summary.csv")
    assert rows.height == summary["specifications"].sum()
    tables = json.loads((tmp_path / "results.json").read_bytes())["tables"]
    assert "multiverse_summary" in tables
    assert "multiverse" not in tables


def test_without_the_option_nothing_of_it_is_computed_or_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, experiment(), speak)

    assert run(["analyze", str(tmp_path)]) == ExitCode.OK
    assert "open choice" not in capsys.readouterr().out
    assert not list((tmp_path / "tables").glob("multiverse*"))


@pytest.mark.parametrize(
    "planned",
    [
        experiment(
            {code: language(code, country) for code, country in (("en", "USA"), ("ja", "JPN"))},
            models=[LLAMA, QWEN],
            variants={"base": {}, "native_prefix": {"prefix_language": "native"}},
        ),
        experiment(aligned=[2, 8]),
    ],
)
def test_no_line_is_wider_than_eighty_columns(
    tmp_path: Path, planned: Experiment, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "r", planned, speak)

    assert run(["analyze", str(tmp_path / "r"), "--multiverse"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 and str(tmp_path) not in line] == []
    if len(planned.study.models.value) > 1:
        assert f"{QWEN}, native_prefix" in lines


def test_a_folder_without_complete_runs_has_no_curve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = experiment()
    write_folder(tmp_path, planned, speak, absent={run.run_id for run in planned.runs()})

    assert run(["analyze", str(tmp_path), "--multiverse"]) == ExitCode.OK
    assert (tmp_path / "tables" / "multiverse.csv").read_text().startswith("model,variant")


def test_the_report_has_a_section_when_it_is_asked_for(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(replicates=3), speak)
    page = tmp_path / "report.html"

    assert run(["report", str(tmp_path)]) == ExitCode.OK
    assert "Under every open choice" not in page.read_text("utf-8")
    assert run(["report", str(tmp_path), "--multiverse"]) == ExitCode.OK
    assert "Under every open choice" in page.read_text("utf-8")
