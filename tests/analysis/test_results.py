"""The analysis as files: every table, the same bytes every time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from kit.analysis.results import LONG, Analysis, analyze, to_json, write
from kit.spec.experiment import Experiment, Run
from kit.spec.published import load_published
from tests.planted import (
    AGENTS,
    Said,
    everyone,
    experiment,
    language,
    talk,
    think,
    write_folder,
)

PUBLISHED = load_published(Path(__file__).parents[2] / "studies" / "published.yaml")


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    number = AGENTS.index(agent) + turn + run.replicate + run.cell.aligned
    return [
        talk("We keep safety. " * (number % 4) + "Together."),
        think("An intimate thought. " * (number % 3)),
    ]


def planned() -> Experiment:
    languages = {"en": language(), "ja": language("ja", "JPN")}
    return experiment(languages, replicates=3, aligned=[0, 5, 10])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("results"), planned(), speak)


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return analyze(folder, PUBLISHED, {})


def test_planted_rates_come_out_of_the_whole_road(tmp_path: Path) -> None:
    def rates(run: Run, agent: str, turn: int) -> list[Said]:
        aligned = run.cell.aligned // 10
        return [
            talk("safety " * (1 + 2 * aligned + run.replicate)),
            think("touch " * run.replicate),
        ]

    write_folder(tmp_path, experiment(), rates)
    cells = analyze(tmp_path, PUBLISHED, {}).tables["cells"]
    means = {
        (row["aligned"], row["measure"]): row["estimate"]
        for row in cells.iter_rows(named=True)
        if row["reference"] is None
    }

    # 20 agent turns a run; replicates 1 and 2.
    assert means[0, "protective"] == 20 * 2.5
    assert means[10, "protective"] == 20 * 4.5
    assert means[0, "sexual"] == means[10, "sexual"] == 20 * 1.5


def test_same_logs_give_the_same_bytes_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder / "runs", copy / "runs")
    shutil.copy(folder / "spec.json", copy)
    first = write(analyze(folder, PUBLISHED, {}), folder)

    # Another process, another hash seed, another folder.
    script = (
        "import sys; from pathlib import Path; from kit.spec.published import load_published; "
        "from kit.analysis.results import analyze, write; p = Path(sys.argv[1]); "
        "write(analyze(p, load_published(Path(sys.argv[2])), {}), p)"
    )
    published = Path(__file__).parents[2] / "studies" / "published.yaml"
    subprocess.run(
        [sys.executable, "-c", script, str(copy), str(published)],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
    )

    for path in first:
        assert (copy / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name


def test_every_table_is_a_csv_and_in_the_json(folder: Path, analysis: Analysis) -> None:
    *tables, results = write(analysis, folder)
    data = json.loads(results.read_bytes())

    long = {name for name in analysis.tables if name in LONG}
    assert {path.stem for path in tables} == set(analysis.tables) == set(data["tables"]) | long
    for path in tables:
        rows = pl.read_csv(path, infer_schema=False)
        assert rows.columns == analysis.tables[path.stem].columns
        assert rows.height == analysis.tables[path.stem].height
        if path.stem not in LONG:
            assert rows.height == len(data["tables"][path.stem])
    assert data["runs"] == {"complete": 18, "incomplete": 0, "missing": 0}
    assert data["study"] == "study1"


def test_tables_hold_one_row_per_thing_they_count(analysis: Analysis) -> None:
    heights = {name: table.height for name, table in analysis.tables.items()}

    assert heights["runs"] == 18
    assert heights["agents"] == 180
    assert heights["channels"] == 540
    assert heights["plan"] == heights["legality"] == 6
    assert heights["indices"] == 18 * 7  # three references, without echo, three other units
    assert heights["verdicts"] == len(PUBLISHED.claims)


def test_indices_of_the_table_are_those_of_the_cells(analysis: Analysis) -> None:
    indices = analysis.tables["indices"].filter(
        reference="within_language",
        unit="hits",
        without_echo=False,
        language="en",
        aligned=10,
    )
    cell = analysis.tables["cells"].filter(
        measure="cpi", reference="within_language", language="en", aligned=10
    )

    assert indices["cpi"].mean() == pytest.approx(cell["estimate"].item())


def test_an_index_that_is_withheld_is_null_with_its_reason(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), everyone(talk("Safety."), think("Touch.")))
    tables = analyze(tmp_path, PUBLISHED, {}).tables

    assert tables["indices"]["cpi"].null_count() == tables["indices"].height
    assert "sexual: no variance in the reference" in tables["indices"]["undefined"][0]
    withheld = tables["cells"].filter(measure="cpi", reference="within_language")
    assert withheld["undefined"].to_list() == [2, 2]
    assert withheld["estimate"].to_list() == [None, None]


def test_a_folder_without_a_complete_run_has_all_tables_and_no_rows(tmp_path: Path) -> None:
    runs = {run.run_id for run in planned().runs()}
    write_folder(tmp_path, planned(), everyone(), incomplete=runs)
    empty = analyze(tmp_path, PUBLISHED, {})

    assert empty.tables["effects"].is_empty()
    assert empty.tables["effects"].columns[-1] == "method"
    assert empty.tables["plan"]["incomplete"].sum() == 18
    assert json.loads(to_json(empty))["runs"]["complete"] == 0
