"""What a result folder holds, and what must not be measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.analysis.collection import RunState, collect
from kit.errors import OutputError, RunLogError
from tests.planted import everyone, experiment, talk, write_folder


def test_incomplete_runs_are_counted_and_never_measured(tmp_path: Path) -> None:
    write_folder(
        tmp_path,
        experiment(),
        everyone(talk("Safety.")),
        incomplete={"study1/en-a0-r2"},
        absent={"study1/en-a10-r1"},
    )
    found = collect(tmp_path)

    assert dict(found.states) == {
        "study1/en-a0-r1": RunState.COMPLETE,
        "study1/en-a0-r2": RunState.INCOMPLETE,
        "study1/en-a10-r1": RunState.MISSING,
        "study1/en-a10-r2": RunState.COMPLETE,
    }
    assert [run.header.run_id for run in found.runs] == ["study1/en-a0-r1", "study1/en-a10-r2"]
    assert found.count(RunState.INCOMPLETE) == 1
    assert found.unplanned == ()


def test_a_torn_incomplete_log_is_no_error(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), everyone(), incomplete={"study1/en-a0-r1"})
    (tmp_path / "runs" / "en-a0-r1.partial.jsonl").write_bytes(b'{"type": "hea')

    assert collect(tmp_path).count(RunState.INCOMPLETE) == 1


def test_a_folder_in_which_nothing_was_begun_is_empty_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_bytes(experiment().to_json())
    found = collect(tmp_path)

    assert found.runs == ()
    assert found.count(RunState.MISSING) == 4


def test_logs_outside_the_plan_are_named_and_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(replicates=3), everyone(talk("Safety.")))
    (tmp_path / "spec.json").write_bytes(experiment(replicates=2).to_json())
    found = collect(tmp_path)

    assert len(found.runs) == 4
    assert found.unplanned == ("en-a0-r3.jsonl", "en-a10-r3.jsonl")


def test_a_log_under_another_runs_name_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), everyone())
    runs = tmp_path / "runs"
    (runs / "en-a10-r1.jsonl").write_bytes((runs / "en-a0-r1.jsonl").read_bytes())

    with pytest.raises(RunLogError, match="holds the run 'study1/en-a0-r1'"):
        collect(tmp_path)


def test_a_log_of_another_profile_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(profile="smoke"), everyone())
    (tmp_path / "spec.json").write_bytes(experiment().to_json())

    with pytest.raises(RunLogError, match="profile smoke"):
        collect(tmp_path)


def test_an_edited_log_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), everyone(talk("Safety.")))
    path = tmp_path / "runs" / "en-a0-r1.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Safety.", b"Danger.", 1))

    with pytest.raises(RunLogError, match="not those that were written"):
        collect(tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not a result folder"):
        collect(tmp_path)
