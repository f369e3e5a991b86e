"""Judges' numbers among the measures; nothing unscored moves a mean unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.analysis.judged import judgements
from kit.analysis.results import Analysis, analyze
from kit.engine.scripted import ScriptedEngine
from kit.judge.judging import Judging, judge_source
from kit.spec.seeds import key
from tests.analysis.test_results import PUBLISHED
from tests.judge.support import judge, judged, panel, scripted, sources
from tests.planted import everyone, experiment, talk, think, write_folder

NAME = "judged_strictness_level"


def true_level(excerpt: str) -> int:
    """With all agents aligned residents are stricter: 2 or 3 instead of 0 or 1."""
    high = "-a10-" in excerpt
    return 2 * high + key("true", excerpt) % 2


def refusing(excerpt: str, order: int) -> str | None:
    """Refuses a third of one condition, and there what is strictest."""
    hidden = "-a10-" in excerpt and true_level(excerpt) == 3 and key("hide", excerpt) % 3 < 2
    return None if hidden else str(true_level(excerpt))


def honest(excerpt: str, order: int) -> str:
    return str(true_level(excerpt))


def folder(place: Path) -> Path:
    planned = experiment(aligned=[0, 10], replicates=4)
    return write_folder(place, planned, everyone(talk("Words."), think("Thoughts.")))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = folder(tmp_path_factory.mktemp("judged"))
    judged(place, panel(), refusing)
    return place


@pytest.fixture(scope="module")
def analysis(results: Path) -> Analysis:
    return analyze(results, PUBLISHED, {})


def test_refusals_of_one_condition_stand_in_the_table(analysis: Analysis) -> None:
    rows = {row["aligned"]: row for row in analysis.tables["judged"].to_dicts()}
    assert rows[0]["refused"] == 0
    assert rows[10]["asked"] == 4 * 10 * 2 * 2
    assert rows[10]["scored"] + rows[10]["refused"] == rows[10]["asked"]
    assert 0.2 < rows[10]["refused"] / rows[10]["asked"] < 0.45


def test_the_bounds_cover_the_truth_that_the_scored_mean_misses(
    analysis: Analysis, tmp_path: Path
) -> None:
    whole = folder(tmp_path)
    judged(whole, panel(), honest)
    truth = {
        (row["aligned"], row["contrast"]): row["scored"]
        for row in analyze(whole, PUBLISHED, {}).tables["judged_bounds"].to_dicts()
    }
    for row in analysis.tables["judged_bounds"].to_dicts():
        true = truth[row["aligned"], row["contrast"]]
        assert row["low"] <= true <= row["high"]
        if row["aligned"] == 10:
            assert row["scored"] < true - 0.1
            assert row["low"] < row["high"]


def test_every_excerpt_stands_in_a_table_of_its_own(analysis: Analysis) -> None:
    rows = analysis.tables["judged_excerpts"].to_dicts()
    assert len(rows) == 8 * 10 * 2
    assert {row["asked"] for row in rows} == {2}
    assert sum(row["unscored"] for row in rows) == analysis.judged.cells[1].refused
    assert {row["order_gap"] for row in rows} == {0, None}
    for row in rows:
        assert (row["score"] is None) == (row["category"] is None) == (row["unscored"] == 2)


def test_a_judged_number_gets_every_effect_like_any_measure(analysis: Analysis) -> None:
    kinds = {
        row["kind"]: row["estimate"]
        for row in analysis.tables["effects"].to_dicts()
        if row["measure"] == NAME
    }
    assert {"hedges_g", "welch", "slope", "cliffs_delta", "mann_whitney"} <= set(kinds)
    assert kinds["cliffs_delta"] == 1
    assert kinds["welch"] == pytest.approx(
        analysis.tables["judged_bounds"].filter(contrast=True)["scored"].item()
    )


def test_a_run_that_is_not_judged_is_undefined_and_counted(tmp_path: Path) -> None:
    place = folder(tmp_path)
    judged(place, panel(), honest).log("test/en-a10-r1").unlink()
    found = analyze(place, PUBLISHED, {})
    cells = {row["aligned"]: row for row in found.tables["judged"].to_dicts()}
    assert (cells[10]["runs"], cells[10]["judged"]) == (4, 3)
    values = {value.run_id: value.value for value in found.judged.values}
    assert next(value for run, value in values.items() if run.endswith("/en-a10-r1")) is None
    means = found.tables["cells"].filter(measure=NAME, aligned=10)
    assert means["undefined"].item() == 1


def test_judgements_of_another_recording_do_not_count(tmp_path: Path) -> None:
    place = folder(tmp_path)
    of = panel()
    store = judged(place, of, honest)
    source = sources(place, of)[0]
    engine: ScriptedEngine = scripted(of, honest)
    judge_source(Judging(of, engine), source._replace(digest="0" * 64), store)
    found = analyze(place, PUBLISHED, {})
    assert [row["judged"] for row in found.tables["judged"].to_dicts()] == [3, 4]


def test_residents_of_mixed_groups_are_compared(tmp_path: Path) -> None:
    planned = experiment(aligned=[5], replicates=3)
    place = write_folder(tmp_path, planned, everyone(talk("Words.")))
    marked = {
        run.header.run_id: set(run.header.aligned_agents)
        for run in analyze(place, PUBLISHED, {}).collection.runs
    }

    def say(excerpt: str, order: int) -> str:
        run, agent, _ = excerpt.split("#")
        return "3" if agent in marked[run] else "1"

    judged(place, panel(), say)
    rows = analyze(place, PUBLISHED, {}).tables["agent_gaps"].filter(measure=NAME)
    assert set(rows["marked"]) == {3.0}
    assert set(rows["others"]) == {1.0}


def test_without_judges_there_is_nothing(tmp_path: Path) -> None:
    place = folder(tmp_path)
    found = judgements(place, analyze(place, PUBLISHED, {}).collection)
    assert found == ((), {}, (), (), {}, ())


def test_a_group_s_judge_says_nothing_of_residents(tmp_path: Path) -> None:
    place = folder(tmp_path)
    judged(place, panel(judge(subject="group")), honest)
    found = analyze(place, PUBLISHED, {})
    assert not found.judged.agents
    assert all(value.value is not None for value in found.judged.values)
