"""The second path to every number: it agrees, shares no code with the first, and sees errors."""

from __future__ import annotations

import ast
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats

import kit.report.recomputation
from kit.analysis.culture import load_scores
from kit.analysis.export import Format, export
from kit.analysis.results import analyze, write
from kit.cli import check
from kit.cli.check import Checked, check_report
from kit.errors import Mismatch, OutputError
from kit.report.page import render
from kit.report.recomputation import comparison, contrasts, page, tables
from kit.report.recomputation.coverage import REASONS
from kit.report.recomputation.sources import Rows, Sources, read_scores, read_spec
from kit.report.recomputation.tables import Tables
from kit.spec.experiment import Experiment, Run
from kit.spec.published import load_published
from kit.spec.seeds import key
from tests.planted import LLAMA, QWEN, Said, experiment, language, talk, think, write_folder

STUDIES = Path(__file__).parents[2] / "studies"
LANGUAGES = {"en": "USA", "ja": "JPN", "de": "GER", "fr": "FRA", "it": "ITA"}
FORBIDDEN = ("kit.stats", "kit.analysis", "kit.measure", "kit.judge", "kit.cli")


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    """Words that follow the cell, and vary between runs, agents and turns."""
    drawn = key(run.run_id, agent, turn)
    shift = run.cell.aligned * (1 - list(LANGUAGES).index(run.cell.language) % 3) // 5
    return [
        talk("We keep safety. " * (drawn % 5 + max(shift, 0)) + "Together. " * (drawn % 7)),
        talk("You personally. " * (drawn // 7 % 4)),
        think("An intimate thought. " * (drawn // 29 % 5 + max(-shift, 0))),
    ]


def of_languages(**study: Any) -> Experiment:
    languages = {code: language(code, country) for code, country in LANGUAGES.items()}
    return experiment(languages, replicates=3, models=[LLAMA], **study)


def made(folder: Path, planned: Experiment) -> Path:
    """A result folder with everything that is written into one."""
    write_folder(folder, planned, speak)
    published = load_published(STUDIES / "published.yaml")
    analysis = analyze(folder, published, load_scores(STUDIES / "hofstede.csv"))
    write(analysis, folder)
    export(analysis, folder / "export", list(Format))
    (folder / "report.html").write_bytes(render(analysis, folder))
    return folder


@pytest.fixture(scope="module")
def over_languages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("languages"), of_languages(aligned=[0, 5, 10]))


@pytest.fixture(scope="module")
def both_factors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    planned = experiment(replicates=3, individuated=[0, 5], models=[LLAMA, QWEN])
    return made(tmp_path_factory.mktemp("factors"), planned)


@pytest.fixture
def edited(over_languages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(over_languages, tmp_path / "copy"))


@pytest.fixture(scope="module")
def sources(over_languages: Path) -> Sources:
    return Sources(
        over_languages,
        tables.exported(over_languages / "export"),
        read_spec(over_languages),
        read_scores(STUDIES / "hofstede.csv"),
        load_published(STUDIES / "published.yaml"),
    )


@pytest.fixture(scope="module")
def expected(sources: Sources) -> dict[str, Rows]:
    return comparison.recomputed(sources)


@pytest.fixture(scope="module")
def stands(over_languages: Path) -> Tables:
    return tables.results(over_languages / "results.json")


@pytest.fixture(scope="module")
def checked_factors(both_factors: Path) -> Checked:
    return check_report(both_factors)


@pytest.fixture(scope="module")
def checked(over_languages: Path) -> Checked:
    return check_report(over_languages)


def test_it_imports_nothing_of_the_first_path() -> None:
    folder = Path(kit.report.recomputation.__file__).parent
    imported = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    of_the_kit = {name for name in imported if name.startswith("kit.")}
    allowed = ("kit.errors.", "kit.spec.", "kit.report.recomputation")
    assert of_the_kit
    assert [name for name in of_the_kit if not name.startswith(allowed)] == []
    assert [name for name in imported if name.startswith(FORBIDDEN)] == []


def test_every_number_of_a_study_of_languages_agrees(checked: Checked) -> None:
    assert checked.differences == ()
    agreed = checked.compared.agreed
    assert {*agreed} >= {
        "plan", "runs", "agents", "channels", "outcomes", "legality", "indices", "cells",
        "effects", "across", "synthesis", "signs", "classes", "culture", "culture_left_out",
        "culture_points", "culture_lines", "agent_gaps", "interaction_candidates", "chances",
        "power", "detectable", "verdicts", "checks",
    }  # fmt: skip
    assert checked.copies == ("tables/*.csv", "export/*.csv", "export/*.parquet")
    assert checked.printed.numbers > 500


def test_every_number_of_a_study_of_two_factors_and_models_agrees(
    checked_factors: Checked,
) -> None:
    assert checked_factors.differences == ()
    agreed = {*checked_factors.compared.agreed}
    assert {"arms", "agent_gaps", "models", "model_differences"} <= agreed


def test_a_number_is_recomputed_or_says_why_not(checked: Checked, checked_factors: Checked) -> None:
    for found in (checked, checked_factors):
        assert found.compared.unclaimed == {}
        assert {*found.compared.left} <= {*REASONS}


def test_what_is_not_recomputed_does_not_grow_silently(checked: Checked) -> None:
    assert {why.what: number for why, number in checked.compared.left.items()} == LEFT


LEFT = {
    "counts of words, hits and lines in another language": 30_267,
    "overlap of texts with word lists": 2_424,
    "power of trends, pooled slopes and correlations": 75,
    "mixed model with varying intercepts": 40,
}
"""A number that joins this list does it here, in writing."""


def test_a_column_without_a_second_path_is_seen(stands: Tables, expected: dict[str, Rows]) -> None:
    rows: Tables = {
        "cells": [{**row, "novel": 1.5} for row in stands["cells"]],
        "fresh": [{"number": 2}],
    }
    unclaimed = comparison.compare(rows, expected).unclaimed
    assert unclaimed == {("cells", "novel"): len(stands["cells"]), ("fresh", "number"): 1}


@pytest.mark.parametrize(
    ("table", "column", "change"),
    [
        ("cells", "conf_low", 1e-6),
        ("effects", "p_value", 1e-6),
        ("effects", "n", 1),
        ("synthesis", "tau2", 1e-4),
        ("culture", "p_holm", 1e-6),
        ("agents", "characters", 1),
        ("verdicts", "published_estimate", 0.1),
        ("outcomes", "number", 1),
        ("chances", "safety", 1e-6),
        ("plan", "complete", -1),
    ],
)
def test_an_error_in_the_results_is_named(
    stands: Tables, expected: dict[str, Rows], table: str, column: str, change: float
) -> None:
    number = next(i for i, row in enumerate(stands[table]) if row[column])
    wrong = dict(stands[table][number])
    wrong[column] += change
    rows = [*stands[table][:number], wrong, *stands[table][number + 1 :]]
    (found,) = comparison.compare({**stands, table: rows}, expected).differences
    assert (found.table, found.column, found.stands) == (table, column, wrong[column])
    assert found.row == comparison.place(table, wrong, 0)


def test_a_class_or_a_verdict_that_does_not_follow_is_named(
    stands: Tables, expected: dict[str, Rows]
) -> None:
    for table, column in (("classes", "language_class"), ("verdicts", "verdict")):
        wrong = {**stands[table][0], column: "something else"}
        rows = {**stands, table: [wrong, *stands[table][1:]]}
        (found,) = comparison.compare(rows, expected).differences
        assert (found.table, found.column) == (table, column)


def test_a_number_that_was_taken_out_without_a_reason_is_named(
    stands: Tables, expected: dict[str, Rows]
) -> None:
    wrong = {**stands["cells"][0], "conf_low": None}
    rows = {**stands, "cells": [wrong, *stands["cells"][1:]]}
    (found,) = comparison.compare(rows, expected).differences
    assert (found.table, found.column, found.stands) == ("cells", "conf_low", None)


def test_a_row_that_is_gone_or_stands_twice_is_named(
    stands: Tables, expected: dict[str, Rows]
) -> None:
    rows = {**stands, "effects": stands["effects"][1:]}
    (found,) = comparison.compare(rows, expected).differences
    assert (found.table, found.column, found.stands) == ("effects", "row", "missing")
    rows = {**stands, "effects": [*stands["effects"], stands["effects"][0]]}
    (found,) = comparison.compare(rows, expected).differences
    assert (found.table, found.column, found.stands) == ("effects", "row", 2)


def test_errors_in_files_are_named(edited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("tables", "export"):
        path = edited / place / "effects.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        number = next(i for i, line in enumerate(lines) if ",cpi,within_language,slope," in line)
        fields = lines[number].split(",")
        fields[9] = str(float(fields[9]) + 0.001)
        lines[number] = ",".join(fields)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = edited / "results.json"
    data = json.loads(path.read_bytes())
    data["tables"]["runs"][3]["sexual"] += 1
    path.write_text(json.dumps(data), encoding="utf-8")
    path = edited / "export" / "agents.parquet"
    rows = pl.read_parquet(path)
    rows.with_columns(pl.col("turns") + (pl.col("agent") == "p03").cast(pl.Int64)).write_parquet(
        path
    )
    found = check_report(edited)
    named = {(each.table, each.column) for each in found.differences}
    assert named == {
        ("effects (tables/*.csv)", "estimate"),
        ("effects (export/*.csv)", "estimate"),
        ("runs", "sexual"),
        ("runs (the logs)", "sexual"),
        ("runs (tables/*.csv)", "sexual"),
        ("runs (export/*.csv)", "sexual"),
        ("runs (export/*.parquet)", "sexual"),
        ("agents (export/*.parquet)", "turns"),
    }
    with pytest.raises(Mismatch, match="not what a second path gives") as caught:
        check.say(found)
    assert caught.value.exit_code == 2
    said = capsys.readouterr().out
    assert "differs: runs, study1/" in said
    assert ", sexual: " in said
    assert "not recomputed" in said


def test_counts_that_were_changed_before_the_analysis_change_every_number_after(
    sources: Sources, stands: Tables
) -> None:
    rows = dict(sources.tables)
    rows["runs"] = [
        {**row, "sexual": row["sexual"] + (row["run_id"] == "study1/ja-a5-r2")}
        for row in rows["runs"]
    ]
    changed = comparison.recomputed(dataclasses.replace(sources, tables=rows))
    found = comparison.compare(stands, changed)
    assert {"indices", "cells", "effects", "across", "culture"} <= {
        each.table for each in found.differences
    }


def test_an_error_on_the_page_is_named(edited: Path) -> None:
    path = edited / "report.html"
    html = path.read_text(encoding="utf-8")
    cell = next(
        cell
        for cell in page.read(html)
        if cell.caption.startswith("Ten aligned") and cell.column.startswith("Hedges")
    )
    low = cell.text.partition("[")[2].partition(",")[0].lstrip("-")
    wrong = f"{float(low) + 1:.2f}"
    path.write_text(html.replace(f"{low},", f"{wrong},", 1), encoding="utf-8")
    found = check_report(edited).differences
    assert {each.table.partition(":")[0] for each in found} == {"report.html"}
    assert any(wrong in str(each.stands) for each in found)


def test_a_wrong_cell_stands_in_no_row_of_its_tables(over_languages: Path) -> None:
    html = (over_languages / "report.html").read_text(encoding="utf-8")
    numbers = tables.results(over_languages / "results.json")
    cells = page.read(html)
    assert page.hold(cells, numbers).misprints == ()
    changed = [
        cell._replace(text=cell.text.replace("[", "[9"))
        if cell.column.startswith("Hedges") and "[" in cell.text
        else cell
        for cell in cells
    ]
    wrong = page.hold(changed, numbers).misprints
    assert wrong
    assert all(each.cell.column.startswith("Hedges") for each in wrong)


def test_a_folder_in_order_is_said_to_be(
    checked: Checked, capsys: pytest.CaptureFixture[str]
) -> None:
    check.say(checked)
    said = capsys.readouterr().out
    assert "numbers recomputed by a second path agree" in said
    assert "differs" not in said


def test_a_folder_without_a_report_has_nothing_to_check(edited: Path) -> None:
    (edited / "report.html").unlink()
    with pytest.raises(OutputError, match="no report to check") as caught:
        check_report(edited)
    assert caught.value.hint == f"kit report {edited}"


def test_a_folder_without_results_is_checked_from_its_logs(edited: Path) -> None:
    (edited / "results.json").unlink()
    shutil.rmtree(edited / "tables")
    shutil.rmtree(edited / "export")
    found = check_report(edited)
    assert found.differences == ()
    assert found.copies == ()


def test_a_damaged_table_says_which(edited: Path) -> None:
    path = edited / "tables" / "cells.csv"
    path.write_text("model,what\n", encoding="utf-8")
    with pytest.raises(OutputError, match="other columns") as caught:
        check_report(edited)
    assert caught.value.where == str(path)


def test_noncentral_t_by_integration_is_scipys() -> None:
    assert contrasts.noncentral(1.5, 28.0, 0.7) == pytest.approx(stats.nct.cdf(1.5, 28.0, 0.7))
    low, high = contrasts.noncentrality(2.5, 20.0)
    assert contrasts.noncentral(2.5, 20.0, low) == pytest.approx(0.975, abs=1e-9)
    assert contrasts.noncentral(2.5, 20.0, high) == pytest.approx(0.025, abs=1e-9)


def test_a_reason_is_a_sentence_for_people() -> None:
    assert all(each.what and each.why for each in REASONS)
