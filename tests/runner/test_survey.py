from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.errors import OutputError
from kit.runner.failures import FILE_NAME as FAILURES
from kit.runner.folder import ResultFolder
from kit.runner.pace import Timed, pace, time_left
from kit.runner.standing import RunState
from kit.runner.survey import survey
from tests.runner.support import result_folder, simulate, talker
from tests.society.support import experiment

EN = experiment(languages=["en"])
FIRST = "en-a0-r1"


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    """Four complete runs of twenty answers."""
    made = result_folder(tmp_path)
    simulate(EN, made, talker(EN))
    return made


def state(folder: ResultFolder, run: str = FIRST) -> RunState:
    return next(one.state for one in survey(folder.path).runs if one.run_id == f"demo/{run}")


def interrupt(folder: ResultFolder, lines: int) -> Path:
    """Make the first run one that was stopped after some lines."""
    log = folder.runs / f"{FIRST}.jsonl"
    partial = folder.runs / f"{FIRST}.partial.jsonl"
    partial.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:lines]))
    log.unlink()
    return partial


def test_a_whole_study(folder: ResultFolder) -> None:
    found = survey(folder.path)
    assert found.states[RunState.COMPLETE] == len(found.runs) == 4
    assert found.cells == 2
    assert found.answers == found.planned == 80
    assert [(share.language, share.runs, share.answers) for share in found.shares] == [
        ("en", 4, 80)
    ]
    assert found.disk.expected == 0
    logs = sum(path.stat().st_size for path in folder.runs.iterdir())
    assert logs < found.disk.used < logs + 2_000_000
    assert found.holder is None
    assert found.registration is None


def test_before_anything_ran(tmp_path: Path) -> None:
    folder = result_folder(tmp_path)
    folder.freeze(EN)
    found = survey(folder.path)
    assert found.states[RunState.MISSING] == 4
    assert found.left is None
    assert found.pace == ()
    assert not found.disk.measured
    assert found.disk.expected > 0


@pytest.mark.parametrize(("lines", "turn"), [(0, 0), (1, 0), (8, 0), (11, 1), (20, 1), (21, 2)])
def test_how_far_an_interrupted_run_is(folder: ResultFolder, lines: int, turn: int) -> None:
    interrupt(folder, lines)
    run = survey(folder.path).runs[0]
    assert (run.state, run.turn, run.turns) == (RunState.INCOMPLETE, turn, 2)
    assert run.answers == max(0, lines - 1)


def test_a_torn_line_is_no_answer(folder: ResultFolder) -> None:
    partial = interrupt(folder, 12)
    partial.write_bytes(partial.read_bytes()[:-5])
    assert survey(folder.path).runs[0].answers == 10


@pytest.mark.parametrize("cut", [1, 2, 60, 110, 200, 5000])
def test_a_final_name_alone_is_not_complete(folder: ResultFolder, cut: int) -> None:
    log = folder.runs / f"{FIRST}.jsonl"
    log.write_bytes(log.read_bytes()[:-cut])
    assert state(folder) is RunState.DAMAGED
    log.write_bytes(b"")
    assert state(folder) is RunState.DAMAGED


def test_what_follows_a_footer_spoils_it(folder: ResultFolder) -> None:
    log = folder.runs / f"{FIRST}.jsonl"
    log.write_bytes(log.read_bytes() + b"x")
    assert state(folder) is RunState.DAMAGED


def test_a_footer_of_fewer_answers_is_not_complete(folder: ResultFolder) -> None:
    log = folder.runs / f"{FIRST}.jsonl"
    log.write_bytes(
        log.read_bytes().replace(b'"turns":20,"type":"footer"', b'"turns":10,"type":"footer"')
    )
    assert state(folder) is RunState.DAMAGED


def test_a_link_or_a_pipe_is_not_a_log(folder: ResultFolder) -> None:
    log = folder.runs / f"{FIRST}.jsonl"
    elsewhere = folder.path.parent / "elsewhere"
    log.rename(elsewhere)
    log.symlink_to(elsewhere)
    assert state(folder) is RunState.MISSING
    log.unlink()
    os.mkfifo(log)
    os.mkfifo(folder.path / "registration.md")
    with pytest.raises(OutputError, match="no plain file"):
        survey(folder.path)
    (folder.path / "registration.md").unlink()
    assert state(folder) is RunState.MISSING


def test_a_failed_run_is_told_with_its_last_reason_until_it_is_complete(
    folder: ResultFolder,
) -> None:
    partial = interrupt(folder, 11)
    failure = {
        "run_id": f"demo/{FIRST}",
        "attempt": 1,
        "reason": "killed",
        "at": "2026-12-01T00:00:00Z",
    }
    lines = [json.dumps(failure), "{", json.dumps(failure | {"attempt": 2, "reason": "hangs"})]
    (folder.path / FAILURES).write_text("\n".join(lines) + "\n")
    found = survey(folder.path)
    assert state(folder) is RunState.FAILED
    assert [(one.attempt, one.reason) for one in found.failures] == [(2, "hangs")]
    assert found.unknown_failures == 1
    partial.unlink()
    simulate(EN, folder, talker(EN))
    assert state(folder) is RunState.COMPLETE
    assert survey(folder.path).failures == ()


def test_who_is_writing(folder: ResultFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from kit.runner.folder import ResultFolder\n"
        "with ResultFolder(Path(sys.argv[1])).writing():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert survey(folder.path).holder == str(other.pid)
        other.kill()
    assert survey(folder.path).holder is None


def test_looking_does_not_lock(folder: ResultFolder) -> None:
    with folder.writing():
        pass
    with (folder.path / ".lock").open("rb") as also_looking:
        fcntl.flock(also_looking, fcntl.LOCK_SH)
        assert survey(folder.path).holder is None
    with folder.writing():
        pass


def test_a_study_that_refers_to_what_it_lacks(folder: ResultFolder) -> None:
    spec = folder.path / "spec.json"
    data = json.loads(spec.read_bytes())
    for part in ("models", "languages"):
        spec.write_text(json.dumps(data | {part: {}}))
        with pytest.raises(OutputError, match="was edited: it refers to"):
            survey(folder.path)


def test_what_is_left_goes_at_the_pace_so_far(folder: ResultFolder) -> None:
    for number, run in enumerate(EN.runs()):
        cohort = [one.run_id for one in EN.runs() if one.cell == run.cell]
        started = 1000.0 + 100 * (number // 2)
        folder.write_sidecar(
            run, {"started": started, "finished": started + 40 + number % 2, "cohort": cohort}
        )
    interrupt(folder, 11)
    found = survey(folder.path)
    # The first cohort lost a run, so that only the second one is timed: 40 answers in 41 seconds.
    assert [(one.cohorts, one.answers, one.busy) for one in found.pace] == [(1, 40, 41.0)]
    assert found.left is not None
    assert found.left.likely == pytest.approx(10 * 41 / 40)
    assert found.left.low == pytest.approx(found.left.likely / 2)
    assert found.left.high == pytest.approx(found.left.likely * 2)
    size = (folder.runs / "en-a0-r2.jsonl").stat().st_size
    assert found.disk.measured
    assert size * 0.4 < found.disk.expected < size * 0.7


def test_cohorts_side_by_side_share_the_time() -> None:
    alone = [Timed("m", "en", 100.0 * n, 100.0 * n + 50, 100) for n in range(4)]
    beside = [Timed("m", "en", 0.0, 50.0, 100) for _ in range(4)]
    for timed, seconds in ((alone, 0.5), (beside, 0.125)):
        left = time_left(timed, {("m", "en"): 1000})
        assert left is not None
        assert left.low == left.likely == left.high == pytest.approx(1000 * seconds)
    assert pace(alone)[0].per_hour == pytest.approx(7200)
    assert pace(beside)[0].per_hour == pytest.approx(28800)


def test_the_range_is_that_of_the_cohorts_and_languages_differ() -> None:
    timed = [
        Timed("m", "en", 0.0, 10.0, 100),
        Timed("m", "ja", 10.0, 40.0, 100),
        Timed("m", "ja", 40.0, 60.0, 100),
    ]
    left = time_left(timed, {("m", "ja"): 100, ("m", "en"): 0})
    assert left is not None
    assert (left.low, left.likely, left.high) == pytest.approx((10, 25, 30))
    assert time_left(timed, {("m", "ja"): 100, ("other", "ja"): 1}) is None
    assert time_left([], {("m", "en"): 0}) is not None


def test_a_clock_that_was_set_back_tells_nothing() -> None:
    back = Timed("m", "en", 100.0, 40.0, 100)
    sound = Timed("m", "en", 200.0, 210.0, 100)
    assert pace([back]) == ()
    assert time_left([back], {("m", "en"): 1}) is None
    assert pace([back, sound])[0].busy == 10
