"""``kit judge`` on the real model: judged, replayed, verified, killed, rated."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kit.judge.drawing import Sample
from kit.judge.log import JudgementWriter, read_judgements
from kit.judge.records import Judgement
from tests.cli.support import command, contents, environment, kit, line_of, refused, write_judge
from tests.conftest import SMOLLM

JUDGE = ("--judge", "calm", "--model", SMOLLM)
LOG = Path("results", "tiny", "judgements", "calm", "en-a10-r1.jsonl")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, finished_study: Path) -> Path:
    """A checkout with a finished study and its judgements; not to be changed."""
    folder = tmp_path_factory.mktemp("judged") / "desk"
    shutil.copytree(finished_study.parents[1], folder)
    write_judge(folder)
    done = kit("judge", "results/tiny", *JUDGE, cwd=folder)
    assert done.code == 0, done.err
    assert "level: 20 asked" in done.out
    return folder


@pytest.fixture
def copy(desk: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(desk, tmp_path / "desk"))


def test_the_plan_and_an_estimate_stand_before_the_judging(copy: Path) -> None:
    shutil.rmtree(copy / "results" / "tiny" / "judgements")
    done = kit("judge", "run", "results/tiny", *JUDGE, "--dry-run", cwd=copy)
    assert done.code == 0
    assert "20 judgements" in done.out
    assert "side by side: between" in done.out
    assert "its judgements are a smoke test" in done.out
    assert not (copy / "results" / "tiny" / "judgements").exists()
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_judged_study_has_nothing_left_to_judge(desk: Path) -> None:
    before = contents(desk / "results")
    done = kit("judge", "results/tiny", *JUDGE, cwd=desk)
    assert "Nothing to do" in done.out
    assert contents(desk / "results") == before


def test_judging_again_gives_the_same_bytes(desk: Path) -> None:
    done = kit("replay", LOG, cwd=desk)
    assert done.code == 0, done.err
    assert done.out.startswith("identical: calm of tiny/en-a10-r1")


def test_judgements_follow_from_run_and_judge(desk: Path) -> None:
    done = kit("verify", LOG.parent, cwd=desk)
    assert done.code == 0, done.err
    assert "calm of tiny/en-a10-r1: follows (bits compared)" in done.out
    assert "100.00% exact" in done.out


def rewrite(path: Path, **changes: object) -> None:
    """Forge the last judgement of a log, with a footer that fits."""
    log = read_judgements(path)
    path.unlink()
    *others, last = log.judgements
    forged = Judgement.model_validate(last.model_dump() | changes)
    with JudgementWriter(path, log.header) as writer:
        writer.append([*others, forged])
        writer.finish()


@pytest.mark.parametrize("field", ["prompt_digest", "digest"])
def test_a_forged_digest_does_not_follow(copy: Path, field: str) -> None:
    rewrite(copy / LOG, **{field: "ab" * 32})
    done = kit("verify", LOG, cwd=copy)
    assert done.code == 2, done
    assert "DOES NOT FOLLOW" in done.out


def test_a_forged_value_does_not_follow(copy: Path) -> None:
    last = read_judgements(copy / LOG).judgements[-1].answers[0].model_dump()
    other = "1" if last["value"] == "0" else "0"
    rewrite(copy / LOG, answers=[last | {"value": other}])
    assert kit("verify", LOG, cwd=copy).code == 2


def test_forged_shares_do_not_follow(copy: Path) -> None:
    last = read_judgements(copy / LOG).judgements[-1].answers[0].model_dump()
    rewrite(copy / LOG, answers=[last | {"shares": [1.0, 0.0]}])
    done = kit("verify", LOG, cwd=copy)
    assert done.code == 2
    assert "'shares' do not follow" in done.out


def test_a_changed_run_is_not_taken_for_the_judged_one(copy: Path) -> None:
    judged = copy / "results" / "tiny" / "judgements" / "calm"
    text = (judged / "judge.json").read_text()
    (judged / "judge.json").write_text(text.replace("Is the resident calm?", "Is it so?"))
    done = kit("replay", LOG, cwd=copy)
    assert "judging_hash" in refused(done, copy, code=2)


def test_a_kill_loses_nothing_and_changes_no_byte(copy: Path) -> None:
    whole = (copy / LOG).read_bytes()
    (copy / LOG).unlink()
    partial = copy / LOG.with_name("en-a10-r1.partial.jsonl")
    process = subprocess.Popen(
        command("judge", "results/tiny", *JUDGE),
        cwd=copy,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        for _ in range(6000):
            if partial.exists() and partial.read_bytes().count(b"\n") > 1:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (copy / LOG).exists()
    assert whole.startswith(partial.read_bytes()[:1000])
    assert kit("judge", "results/tiny", *JUDGE, cwd=copy).code == 0
    assert (copy / LOG).read_bytes() == whole


def test_a_sample_is_rated_and_the_judge_is_held_against_it(copy: Path) -> None:
    done = kit("judge", "sample", "results/tiny", "--name", "calm", "--size", "6", cwd=copy)
    assert done.code == 0, done.err
    place = copy / "results" / "tiny" / "labels" / "calm"
    sample = Sample.model_validate_json((place / "sample.json").read_bytes())
    assert sum(one.weight for one in sample.drawn) == pytest.approx(10)
    assert "a10" not in (place / "labels.html").read_text()
    labels = [
        {"excerpt": one.sheet, "question": "level", "value": str(number % 2), "comment": ""}
        for number, one in enumerate(sample.drawn)
    ]
    answers = {
        "labels_version": 1,
        "assignment": sample.assignment.id,
        "judge": "calm",
        "rater": "Ann",
        "labels": labels,
    }
    (copy / "ann.json").write_text(json.dumps(answers))
    done = kit(
        "judge", "calibrate", "results/tiny", "--name", "calm", "--labels", "ann.json", cwd=copy
    )
    assert done.code == 0, done.err
    assert "level: 6 excerpts, 0 unscored, 1 rater(s)" in done.out
    with (copy / LOG.parent / "agreement.csv").open() as file:
        rows = {row["statistic"]: row for row in csv.DictReader(file)}
    assert rows["kappa"]["excerpts"] == "6"
    assert (copy / LOG.parent / "corrected_level.csv").is_file()
    again = kit("judge", "sample", "results/tiny", "--name", "calm", cwd=copy)
    assert "labels belong to it" in refused(again, copy)


def test_the_gold_set_is_judged_by_one_command(copy: Path) -> None:
    done = kit("judge", "gold", *JUDGE, "--set", "gold", cwd=copy)
    assert done.code == 0, done.err
    assert "agreement of calm" in done.out
    assert (copy / "results" / "gold" / "judgements" / "calm" / "en.jsonl").is_file()


def test_other_orders_need_another_name(copy: Path) -> None:
    done = kit("judge", "results/tiny", *JUDGE, "--orders", "1", cwd=copy)
    assert "--name calm_2" in refused(done, copy)


def test_analysis_and_report_hold_what_the_judge_said(copy: Path) -> None:
    assert kit("analyze", "results/tiny", cwd=copy).code == 0
    assert kit("report", "results/tiny", cwd=copy).code == 0
    page = (copy / "results" / "tiny" / "report.html").read_text("utf-8")
    assert "What the judges said" in page
    assert "Not held against people: calm" in page
    with (copy / "results" / "tiny" / "tables" / "judged.csv").open() as file:
        [row] = csv.DictReader(file)
    assert (row["asked"], row["runs"], row["judged"]) == ("20", "1", "1")


def test_an_unknown_judge_is_met_with_the_nearest(copy: Path) -> None:
    done = kit("judge", "results/tiny", "--judge", "clam", cwd=copy)
    assert "did you mean 'calm'?" in refused(done, copy)


def test_a_model_that_is_not_there_is_named_with_the_command_that_brings_it(copy: Path) -> None:
    shutil.rmtree(copy / "results" / "tiny" / "judgements")
    done = kit("judge", "results/tiny", "--judge", "calm", "--model", "qwen3-0.6b-q8_0", cwd=copy)
    assert "kit models pull qwen3-0.6b-q8_0" in refused(done, copy)


def test_a_broken_judge_is_refused_with_file_line_and_key(copy: Path) -> None:
    path = copy / "judges" / "calm.yaml"
    path.write_text(path.read_text().replace("subject: agent", "subject: everyone"))
    done = kit("judge", "results/tiny", *JUDGE, cwd=copy)
    assert f"calm.yaml:{line_of(path, 'subject')}: subject" in refused(done, copy)
