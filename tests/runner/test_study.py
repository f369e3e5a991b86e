from __future__ import annotations

from pathlib import Path

import pytest

from kit.engine.protocol import Request
from kit.engine.scripted import ScriptedEngine
from kit.errors import EngineError, OutputError, PlanError, RunLogError
from kit.runlog.reader import read
from kit.runner.failures import FILE_NAME, Failure, append_failure
from kit.runner.plan import Portion, check_finished, plan
from kit.runner.study import Progress, run_portions
from tests.runner.support import contents, result_folder, simulate, talker, talks
from tests.society.support import experiment

EN = experiment(languages=["en"])


@pytest.mark.parametrize("cohort", [1, 2, 3])
def test_logs_do_not_depend_on_what_ran_side_by_side(tmp_path: Path, cohort: int) -> None:
    one, many = result_folder(tmp_path / "one"), result_folder(tmp_path / "many")
    simulate(EN, one, talker(EN), cohort=1)
    simulate(EN, many, talker(EN), cohort=cohort)
    assert contents(one) == contents(many)
    assert len(contents(one)) == 4


def test_a_finished_study_leaves_nothing_to_do(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    before = contents(folder)
    planned = plan(EN, folder, kind="scripted")
    assert planned.todo == ()
    assert planned.done == 4
    assert simulate(EN, folder, ScriptedEngine(iter(()))) == []
    assert contents(folder) == before


@pytest.mark.parametrize("answers", [0, 1, 9, 10, 11, 39, 40, 41, 75])
def test_an_interrupted_study_ends_as_an_undisturbed_one(tmp_path: Path, answers: int) -> None:
    whole, broken = result_folder(tmp_path / "whole"), result_folder(tmp_path / "broken")
    simulate(EN, whole, talker(EN))
    said = talks(EN)
    left = iter(range(answers))

    def stops(request: Request) -> str:
        if next(left, None) is None:
            raise EngineError("pulled the plug")
        return said(request)

    with pytest.raises(EngineError, match="plug"):
        simulate(EN, broken, ScriptedEngine(stops))
    steps = simulate(EN, broken, talker(EN))
    assert contents(broken) == contents(whole)
    restored = sum(step.answers for step in steps if step.restored)
    assert restored == answers % 40 // 20 * 20


def test_a_torn_last_line_is_made_again(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    whole = contents(folder)
    log = folder.runs / "en-a0-r1.jsonl"
    for cut in (100, 3000, len(whole[log.name]) - 30):
        log.unlink()
        (folder.runs / "en-a0-r1.partial.jsonl").write_bytes(whole[log.name][:cut])
        simulate(EN, folder, talker(EN))
        assert contents(folder) == whole


def test_a_partial_log_of_another_spec_is_not_continued(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    log = folder.runs / "en-a0-r1.jsonl"
    data = log.read_bytes()
    log.unlink()
    edited = data.replace(b'"run_hash":"', b'"run_hash":"0', 1)
    (folder.runs / "en-a0-r1.partial.jsonl").write_bytes(edited)
    steps = simulate(EN, folder, talker(EN))
    assert not any(step.restored for step in steps)
    assert log.read_bytes() == data


def test_finished_runs_of_other_texts_are_refused_and_kept(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    before = contents(folder)
    other = experiment(languages=["en"], protocol={"turns": 3})
    with pytest.raises(PlanError, match="made from other texts"):
        plan(other, folder, kind="scripted")
    assert contents(folder) == before


def test_a_folder_may_grow_but_not_change_its_study(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    before = contents(folder)
    more = experiment(languages=["en"], replicates=3)
    simulate(more, folder, talker(EN))
    after = contents(folder)
    assert len(after) == 6
    assert {name: after[name] for name in before} == before
    with pytest.raises(PlanError, match="another folder"):
        folder.freeze(experiment(id="other"))


def test_damage_to_a_finished_run_is_seen_before_anything_is_done(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    log = folder.runs / "en-a0-r1.jsonl"
    log.write_bytes(log.read_bytes().replace(b"I am p03", b"I am p04", 1))
    with pytest.raises(RunLogError, match=r"en-a0-r1\.jsonl"):
        plan(EN, folder, kind="scripted")


def test_a_log_holds_no_clock_and_no_host(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    simulate(EN, folder, talker(EN))
    run = EN.runs()[0]
    head = check_finished(EN, run, folder, "scripted")
    assert head.bit_class is None
    log = read(folder.log(run))
    assert [turn.agent for turn in log.turns[:10]] == [p.id for p in EN.languages["en"].personas]
    sidecar = (folder.sidecars / "en-a0-r1.json").read_text()
    assert "host" in sidecar
    assert "started" in sidecar


def test_a_pattern_chooses_runs(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    assert len(plan(EN, folder, only="en-a0-*").todo) == 2
    assert len(plan(EN, folder, only="demo/en-a10-r1").todo) == 1
    with pytest.raises(PlanError, match="no run matches"):
        plan(EN, folder, only="fr-*")


@pytest.mark.parametrize("cohort", [1, 2])
def test_a_run_that_fails_takes_no_other_with_it(tmp_path: Path, cohort: int) -> None:
    whole, folder = result_folder(tmp_path / "whole"), result_folder(tmp_path / "folder")
    simulate(EN, whole, talker(EN))
    said = talks(EN)

    def refuses(request: Request) -> str:
        if request.key[2] == "demo/en-a0-r1" and request.key[4] == 2:
            raise EngineError("the script refuses")
        return said(request)

    failures: list[Failure] = []
    steps: list[Progress] = []
    folder.freeze(EN)
    runs = plan(EN, folder, kind="scripted").todo
    count = run_portions(
        EN,
        [Portion(runs[start : start + cohort]) for start in range(0, len(runs), cohort)],
        ScriptedEngine(refuses),
        folder,
        steps.append,
        on_failure=failures.append,
    )
    assert count == 3
    assert [(each.run_id, each.attempt, each.reason) for each in failures] == [
        ("demo/en-a0-r1", 1, "the script refuses")
    ]
    assert sum(step.answers for step in steps) == 3 * 20
    simulate(EN, folder, talker(EN))
    assert contents(folder) == contents(whole)


def test_a_full_disk_is_no_failure_of_a_run(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    folder.freeze(EN)
    folder.runs.mkdir()
    (folder.runs / "en-a0-r1.partial.jsonl").symlink_to("/dev/full")
    portion = Portion(plan(EN, folder, kind="scripted").todo)
    failures: list[Failure] = []
    with pytest.raises(OutputError, match="the disk is full"):
        run_portions(EN, [portion], talker(EN), folder, lambda _: None, on_failure=failures.append)
    assert failures == []


def test_failures_are_a_history_that_survives_a_line_cut_off(tmp_path: Path) -> None:
    first, second = Failure.now("s/en-a0-r1", 3, "why"), Failure.now("s/en-a0-r2", 1, "\u0000\n")
    append_failure(tmp_path, first)
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"run_id":')
    append_failure(tmp_path, second)
    lines = (tmp_path / FILE_NAME).read_bytes().splitlines()
    assert [Failure.model_validate_json(lines[at]) for at in (0, 2)] == [first, second]
    with pytest.raises(OutputError):
        append_failure(tmp_path / "none", first)
