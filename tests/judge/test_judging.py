"""Judging runs: what is asked, what is written, what survives an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.engine.protocol import Completion, Request
from kit.engine.scripted import ScriptedEngine
from kit.errors import EngineError, PlanError, RunLogError
from kit.judge.folder import JudgementFolder
from kit.judge.judging import Judging, Step, judge_source
from kit.judge.log import is_judgement_log, read_judgements
from kit.judge.records import JudgementOutcome
from tests.judge.support import judge, judged, panel, scripted, sources
from tests.planted import AGENTS, everyone, experiment, talk, think, write_folder

RUN = "test/en-a0-r1"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    planned = experiment(aligned=[0], replicates=1)
    return write_folder(tmp_path, planned, everyone(talk("Words."), think("Thoughts.")))


def level(excerpt: str, order: int) -> str:
    """A value that depends on the resident."""
    return str(AGENTS.index(excerpt.split("#")[1]) % 4)


def test_every_resident_is_asked_about_in_every_window_and_order(results: Path) -> None:
    log = read_judgements(judged(results, panel(), level).logs()[0])
    places = [(each.subject, each.first_turn, each.order) for each in log.judgements]
    assert sorted(places) == sorted(
        (agent, turn, order) for agent in AGENTS for turn in (1, 2) for order in (0, 1)
    )
    assert log.footer is not None
    assert log.footer.judgements == 40


def test_the_value_is_read_whatever_the_order_of_the_options(results: Path) -> None:
    log = read_judgements(judged(results, panel(), level).logs()[0])
    for each in log.judgements:
        [answer] = each.answers
        assert answer.value == level(each.excerpt, each.order)
        assert answer.shares == tuple(float(str(value) == answer.value) for value in range(4))


def test_the_company_of_other_questions_changes_no_byte(results: Path) -> None:
    log = judged(results, panel(), level, capacity=3).logs()[0]
    few = log.read_bytes()
    assert judged(results, panel(), level, capacity=40).logs() == [log]
    assert log.read_bytes() == few


class Failing(ScriptedEngine):
    """Fails at the third batch."""

    batches = 0

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.batches += 1
        if self.batches == 3:
            raise EngineError("the power went out")
        return super().generate(requests)


def test_an_interrupted_log_is_continued_to_the_same_bytes(results: Path) -> None:
    of = panel()
    whole = judged(results, of, level).logs()[0]
    expected = whole.read_bytes()
    whole.unlink()
    [source] = sources(results, of)
    folder = JudgementFolder(results, of.name)
    good = scripted(of, level)
    failing = Failing(good._script, capacity=4, name="planted judge")  # noqa: SLF001 - the same script
    with pytest.raises(EngineError):
        judge_source(Judging(of, failing), source, folder)
    assert not whole.exists()
    steps: list[Step] = []
    judge_source(Judging(of, good), source, folder, steps.append)
    assert whole.read_bytes() == expected
    assert [(step.judgements, step.restored) for step in steps[:2]] == [(8, True), (4, False)]


def test_what_another_judge_left_is_not_continued(results: Path) -> None:
    of = panel()
    folder = judged(results, of, level)
    log = folder.logs()[0]
    expected = log.read_bytes()
    lines = expected.split(b"\n")
    other = lines[0].replace(b'"judge_version":1', b'"judge_version":2')
    folder.partial(RUN).write_bytes(b"\n".join([other, *lines[1:9], b""]))
    log.unlink()
    [source] = sources(results, of)
    steps: list[Step] = []
    judge_source(Judging(of, scripted(of, level)), source, folder, steps.append)
    assert not any(step.restored for step in steps)
    assert log.read_bytes() == expected


def test_an_excerpt_beyond_the_window_is_typed_and_not_asked(tmp_path: Path) -> None:
    long = everyone(talk("Words. " * 100))
    results = write_folder(tmp_path, experiment(aligned=[0], replicates=1), long)
    of = panel(judge(window={"turns": 1, "characters": 200}))

    def never(excerpt: str, order: int) -> str:
        raise AssertionError("it was asked")

    log = read_judgements(judged(results, of, never).logs()[0])
    assert {answer.outcome for each in log.judgements for answer in each.answers} == {
        JudgementOutcome.TOO_LONG
    }
    assert {(each.stop, each.prompt_digest) for each in log.judgements} == {("unasked", None)}


def test_a_prompt_beyond_the_context_is_typed_and_not_asked(results: Path) -> None:
    of = panel(judge(engine={"context": 300}))  # a byte is a token of the scripted engine
    log = read_judgements(judged(results, of, level).logs()[0])
    assert {each.stop for each in log.judgements} == {"unasked"}


def test_judgements_of_a_run_that_was_made_anew_are_old(results: Path) -> None:
    of = panel()
    folder = judged(results, of, level)
    [source] = sources(results, of)
    assert folder.is_done(RUN, source.digest)
    assert not folder.is_done(RUN, "0" * 64)


def test_a_folder_keeps_to_one_plan(results: Path) -> None:
    folder = judged(results, panel(), level)
    with pytest.raises(PlanError, match="orders differ") as caught:
        folder.freeze(panel(orders=1))
    assert "--name strictness_2" in str(caught.value)


def test_a_changed_judgement_is_found_by_the_footer(results: Path) -> None:
    log = judged(results, panel(), level).logs()[0]
    log.write_bytes(log.read_bytes().replace(b'"value":"3"', b'"value":"0"', 1))
    with pytest.raises(RunLogError, match="not those that were written"):
        read_judgements(log)


def test_a_judgement_log_is_told_from_a_run_log(results: Path) -> None:
    assert is_judgement_log(judged(results, panel(), level).logs()[0])
    assert not is_judgement_log(next((results / "runs").glob("*.jsonl")))
    assert not is_judgement_log(results / "nothing")
