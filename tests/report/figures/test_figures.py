"""What each figure shows: every number comes from the analysis, and its absence has a reason."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from kit.analysis.culture import load_scores
from kit.analysis.multiverse import with_multiverse
from kit.analysis.results import Analysis, analyze
from kit.report.figures import (
    carriers,
    culture,
    dose_response,
    forest,
    judges,
    legality,
    models,
    multiverse,
)
from kit.report.figures.figure import Absent, Figure, name_of
from kit.report.figures.files import Format, render
from kit.report.figures.fonts import Fonts
from tests.analysis.test_judged import refusing
from tests.analysis.test_results import PUBLISHED
from tests.judge.support import judged, panel
from tests.planted import everyone, experiment, language, talk, write_folder
from tests.report.figures.support import speak
from tests.report.test_page import STUDIES, analysis_of


def only(found: list[Figure | Absent]) -> Figure:
    [figure] = found
    assert isinstance(figure, Figure), figure
    return figure


def missing(found: list[Figure | Absent]) -> str:
    [absent] = found
    assert isinstance(absent, Absent), absent
    return absent.reason


def test_names_of_files_hold_letters_digits_dots_and_underscores() -> None:
    assert (
        name_of("forest", "", "Llama-3.3 70B, 5 individuated")
        == "forest_llama_3.3_70b_5_individuated"
    )
    assert name_of("a/b", "c d") == "a_b_c_d"


def test_dose_response_has_the_means_of_the_cells_table(scripts: Analysis) -> None:
    figure = only(dose_response.figures(scripts))
    assert figure.table.height == 5 * 3 * 2
    cells = {
        (*cell.condition, cell.measure): cell.mean
        for cell in scripts.cells
        if cell.reference == "within_language"
    }
    for row in figure.table.iter_rows(named=True):
        key = tuple(
            row[name]
            for name in ("model", "language", "variant", "individuated", "aligned", "measure")
        )
        mean = cells[key]
        assert (row["estimate"], row["conf_low"]) == (mean.estimate, mean.conf_low)
    assert list(dict.fromkeys(figure.table["panel"])) == [
        "English",
        "Arabic",
        "Thai",
        "Japanese",
        "Korean",
    ]
    assert "Arabic: CPI " in figure.description


def test_without_indices_the_monologue_share_is_drawn(tmp_path: Path) -> None:
    plain = analysis_of(tmp_path, experiment(), everyone(talk("Nothing.")))
    figure = only(dose_response.figures(plain))
    assert set(figure.table["measure"]) == {"monologue_share"}


def test_forest_orders_languages_by_cpi_and_ends_with_their_mean(scripts: Analysis) -> None:
    figure = only(forest.figures(scripts))
    cpi = figure.table.filter(measure="cpi")
    languages = cpi.filter(part="language")["estimate"].to_list()
    assert languages == sorted(languages)
    assert cpi["part"].to_list() == ["language"] * 5 + ["mean"]
    pooled = next(
        row
        for row in scripts.syntheses
        if (row.measure, row.kind, row.reference) == ("cpi", "hedges_g", "within_language")
    )
    mean = cpi.filter(part="mean").row(0, named=True)
    assert mean["estimate"] == pooled.result.estimate
    assert mean["prediction_low"] == pooled.prediction_low
    for row in scripts.classes:
        assert f", {row.language_class}" in figure.description


def test_forest_of_one_language_is_none(two_models: Analysis) -> None:
    assert (
        missing(forest.figures(two_models)) == "an order of languages needs two languages or more"
    )


def test_culture_has_one_figure_per_index_with_r_and_its_range(scripts: Analysis) -> None:
    figures = [only([found]) for found in culture.figures(scripts)]
    assert [figure.name for figure in figures] == ["culture_cpi", "culture_di"]
    table = figures[0].table
    r = next(
        row.result
        for row in scripts.correlations
        if (row.measure, row.dimension, row.coefficient) == ("cpi", "pdi", "pearson")
    )
    of_dimension = table.filter(dimension="pdi")
    assert of_dimension.filter(part="r")["estimate"].to_list() == [r.estimate]
    assert of_dimension.filter(part="point").height == 5
    without = of_dimension.filter(part="r without")["estimate"]
    assert len(without) == 5
    low = f"{min(without):.2f}".replace("-", "\u2212")
    assert f"without one: {low} to" in figures[0].description


def test_culture_needs_four_languages(two_models: Analysis) -> None:
    assert "4 languages" in missing(culture.figures(two_models))


def test_carriers_hold_every_condition_with_mixed_groups(
    scripts: Analysis, two_models: Analysis
) -> None:
    figure = only(carriers.figures(scripts))
    assert figure.name == "carriers_aligned"
    gaps = {
        (gap.language, gap.aligned, gap.measure): gap
        for gap in scripts.gaps
        if gap.aligned is not None
    }
    for row in figure.table.iter_rows(named=True):
        gap = gaps[row["language"], row["aligned"], row["measure"]]
        assert (row["marked"], row["others"]) == (gap.marked, gap.others)
    by_model = [only([found]) for found in carriers.figures(two_models)]
    assert len(by_model) == 2
    assert set(by_model[0].table["condition"]) == {"0 aligned", "10 aligned"}


def test_many_conditions_are_drawn_as_one_row_per_language(
    scripts: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "MOST_ROWS", 4)
    figure = only(carriers.figures(scripts))
    assert figure.table["aligned"].drop_nulls().is_empty()
    assert figure.table["language"].n_unique() == 5


def test_models_stand_beside_their_mean(two_models: Analysis, scripts: Analysis) -> None:
    figure = only(models.figures(two_models))
    assert set(figure.table["part"]) == {"model", "mean"}
    means = {
        (row.individuated, row.measure): row.result.estimate
        for row in two_models.models
        if row.measure in ("cpi", "di")
    }
    found = figure.table.filter(part="mean")
    assert {
        (row["individuated"], row["measure"]): row["estimate"]
        for row in found.iter_rows(named=True)
    } == means
    assert "two models" in missing(models.figures(scripts))


def test_specification_curves_are_sorted_and_mark_one_primary(scripts: Analysis) -> None:
    assert "--multiverse" in missing(multiverse.figures(scripts))
    many = with_multiverse(scripts, load_scores(STUDIES / "hofstede.csv"))
    found = [only([figure]) for figure in multiverse.figures(many)]
    assert [figure.name for figure in found] == ["multiverse_hedges_g", "multiverse_pearson"]
    for figure in found:
        for _, rows in figure.table.group_by("panel", "measure"):
            assert rows["estimate"].is_sorted()
            assert rows["rank"].to_list() == list(range(1, rows.height + 1))
            assert rows.filter(changed=0).height == 1


def test_judges_stand_against_the_indices_of_the_same_run(tmp_path: Path) -> None:
    planned = experiment(
        {"en": language(name="English", endonym="English")}, aligned=[0, 10], replicates=4
    )
    judged(write_folder(tmp_path, planned, speak), panel(), refusing)
    analysis = analyze(tmp_path, PUBLISHED, {})
    figure = only(judges.figures(analysis))
    assert figure.table.height == 8 * 2
    given = {(value.run_id, value.value) for value in analysis.judged.values}
    assert set(figure.table.select("run_id", "judged").iter_rows()) <= given
    assert set(figure.table["measure"]) == {"cpi", "di"}
    primary = analysis.tables["indices"].filter(
        pl.col("reference") == "within_language", pl.col("unit") == "hits", ~pl.col("without_echo")
    )
    of_run = {row["run_id"]: row for row in primary.iter_rows(named=True)}
    for row in figure.table.iter_rows(named=True):
        assert row["value"] == of_run[row["run_id"]][row["measure"]]
    drawn = render(figure.draw, figure.table, Fonts([]))
    assert drawn[Format.PNG].startswith(b"\x89PNG")


def test_no_judge_no_figure(scripts: Analysis) -> None:
    assert "nothing was judged" in missing(judges.figures(scripts))


def test_legal_mass_of_every_cell(scripts: Analysis) -> None:
    figure = only(legality.figures(scripts))
    assert figure.table["mean"].to_list() == pytest.approx([0.9] * 15)
    assert "0 of 15 cells lie below 0.5" in figure.description
    empty = scripts.tables | {"legality": scripts.tables["legality"].clear()}
    assert "legal_mass" in missing(legality.figures(replace(scripts, tables=empty)))


def test_a_study_without_complete_runs_has_no_figure_and_says_why(scripts: Analysis) -> None:
    nothing = replace(scripts, tables={name: rows.clear() for name, rows in scripts.tables.items()})
    for kind in (dose_response, forest, culture, carriers, models, legality):
        assert missing(kind.figures(nothing))


def test_every_number_of_a_description_is_rounded(scripts: Analysis) -> None:
    for figure in (*forest.figures(scripts), *culture.figures(scripts)):
        assert isinstance(figure, Figure)
        assert not re.search(r"\d\.\d{4,}", figure.description.replace("0.0001", ""))
        assert isinstance(figure.table, pl.DataFrame)
