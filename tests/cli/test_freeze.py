"""``kit freeze``, and ``kit run`` under a registered plan."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kit.analysis.registration import registration, write
from kit.cli import run as run_command
from kit.cli.main import run
from kit.engine.scripted import ScriptedEngine
from kit.errors import ExitCode, PlanError
from kit.runner.plan import Cost
from kit.spec.experiment import Experiment
from kit.spec.library import library_file
from kit.spec.published import load_published
from kit.spec.registration import FILE_NAME, plan_digest
from tests.cli.support import contents, kit, refused, write_study
from tests.conftest import ROOT, SMOLLM
from tests.planted import experiment as planted
from tests.planted import write_folder
from tests.report.test_page import Page, speak
from tests.runner.support import contents as logs
from tests.runner.support import result_folder, talks
from tests.society.support import experiment

DOCUMENT = Path("results", "tiny", FILE_NAME)
EN = experiment(languages=["en"])


def test_the_plan_is_written_where_its_runs_will_lie(desk: Path) -> None:
    done = kit("freeze", "tiny", cwd=desk)

    assert done.code == 0, done.err
    assert done.err == ""
    text = (desk / DOCUMENT).read_bytes()
    lines = [line.strip() for line in done.out.splitlines()]
    assert lines[0] == str(DOCUMENT)
    assert f"document  {hashlib.sha256(text).hexdigest()}" in lines
    assert "1 runs planned, 0 begun" in lines
    (plan,) = [line.removeprefix("plan      ") for line in lines if line.startswith("plan ")]
    assert f"Plan SHA-256: `{plan}`" in text.decode()
    assert "Does the command line work?" in text.decode()
    assert f"| {SMOLLM} | en |  | 0 | 10 | 1 |" in text.decode()


def test_two_checkouts_freeze_the_same_bytes(desk: Path, tmp_path: Path) -> None:
    other = tmp_path / "some where else"
    shutil.copytree(desk, other)
    kit("freeze", "tiny", "--out", "a", cwd=desk)
    kit("freeze", "tiny", "--out", "b", cwd=other, TZ="Asia/Tokyo", PYTHONHASHSEED="7")

    assert (desk / "a" / FILE_NAME).read_bytes() == (other / "b" / FILE_NAME).read_bytes()


def test_freezing_again_changes_nothing(desk: Path) -> None:
    kit("freeze", "tiny", cwd=desk)
    before = contents(desk)
    before.pop("results/tiny/.lock")

    assert kit("freeze", "tiny", cwd=desk).code == 0
    after = contents(desk)
    after.pop("results/tiny/.lock")
    assert after == before


def test_another_plan_is_refused_and_the_registered_one_stays(desk: Path) -> None:
    kit("freeze", "tiny", cwd=desk)
    before = (desk / DOCUMENT).read_bytes()
    write_study(desk, replicates=2)

    err = refused(kit("freeze", "tiny", cwd=desk), desk)

    assert "registers the plan" in err
    assert "next: a registration is never replaced; name another folder with --out" in err
    assert (desk / DOCUMENT).read_bytes() == before


def test_model_and_profile_belong_to_the_plan(desk: Path) -> None:
    write_study(desk, profiles={"smoke": {"sampling": {"max_tokens": 4}}})
    done = kit("freeze", "tiny", "--profile", "smoke", cwd=desk)

    assert done.code == 0, done.err
    text = (desk / "results" / "tiny-smoke" / FILE_NAME).read_text()
    assert "Profile: smoke." in text
    assert "changed by the profile 'smoke'" in text


def test_a_registration_after_the_fact_says_so(desk: Path) -> None:
    log = desk / "results" / "tiny" / "runs" / "en-a10-r1.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"")

    done = kit("freeze", "tiny", cwd=desk)

    assert done.code == 0
    assert "1 runs planned, 1 begun" in done.out
    assert "note: 1 runs were begun before" in done.err


def test_a_run_of_another_plan_is_refused_before_anything_is_done(desk: Path) -> None:
    kit("freeze", "tiny", cwd=desk)
    before = contents(desk / "results")
    write_study(desk, seed=8)

    err = refused(kit("run", "tiny", cwd=desk), desk)

    assert f"{DOCUMENT}: registers the plan" in err
    assert "kit freeze tiny --out FOLDER" in err
    assert contents(desk / "results") == before


def test_a_run_under_an_edited_registration_is_refused(desk: Path) -> None:
    kit("freeze", "tiny", cwd=desk)
    path = desk / DOCUMENT
    path.write_bytes(path.read_bytes().replace(b"never measured", b"ever measured"))

    assert "edited after it was written" in refused(kit("run", "tiny", cwd=desk), desk)


def test_the_registered_plan_may_run(desk: Path) -> None:
    """No model is in the store: the plan is accepted before one is needed."""
    kit("freeze", "tiny", cwd=desk)
    digest = hashlib.sha256((desk / DOCUMENT).read_bytes()).hexdigest()

    done = kit("run", "tiny", "--dry-run", cwd=desk, KIT_HOME=str(desk / "empty"))

    assert f"registered in advance: document {digest[:12]}" in done.out


class _Speaker(ScriptedEngine):
    """A scripted engine in the place of one that holds memory."""

    def close(self) -> None:
        """Nothing is held."""


class _Weights:
    """Weights of a model that a script speaks for."""

    def engine(self, *settings: object, **options: object) -> _Speaker:
        return _Speaker(talks(EN), capacity=20)


def simulate(monkeypatch: pytest.MonkeyPatch, planned: Experiment, folder: Path) -> None:
    """``kit run`` itself, with the engine and the size of the model replaced."""
    monkeypatch.chdir(ROOT)
    cost = Cost(EN.study.models.value[0], {"en": 1}, 1024, 0, 0, 2, 0)
    monkeypatch.setattr(run_command, "load_weights", lambda *_, **__: _Weights())
    monkeypatch.setattr(run_command, "_cost", lambda *_, **__: cost)
    run_command.simulate_study(planned, result_folder(folder))


def sidecars(folder: Path) -> list[dict[str, Any]]:
    paths = sorted((result_folder(folder).sidecars).iterdir())
    return [json.loads(path.read_bytes()) for path in paths]


def test_every_run_under_a_registered_plan_carries_its_hash_in_the_sidecar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, frozen = tmp_path / "plain", tmp_path / "frozen"
    published = load_published(library_file("studies", "published.yaml", start=ROOT))
    path = write(registration(EN, published), result_folder(frozen).path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    simulate(monkeypatch, EN, plain)
    simulate(monkeypatch, EN, frozen)

    assert len(sidecars(frozen)) == 4
    assert {facts["registration"] for facts in sidecars(frozen)} == {digest}
    assert all("registration" not in facts for facts in sidecars(plain))
    # It never enters a log.
    assert logs(result_folder(frozen)) == logs(result_folder(plain))
    assert digest.encode() not in b"".join(logs(result_folder(frozen)).values())
    assert plan_digest(EN, published) in path.read_text()
    more = experiment(languages=["en"], replicates=3)
    with pytest.raises(PlanError, match="the plan about to run is"):
        simulate(monkeypatch, more, frozen)


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (None, "unchanged); 4 of 4 complete runs carry its hash."),
        (
            lambda text: text.replace(b"No profile.", b"A profile."),
            (
                "edited after it was written); 0 of 4 complete runs carry its hash. "
                "4 of 4 complete runs carry the hash of another document."
            ),
        ),
    ],
)
def test_analysis_and_report_say_what_was_registered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    edit: Any,
    line: str,
) -> None:
    monkeypatch.chdir(ROOT)
    planned = planted()
    write_folder(tmp_path, planned, speak)
    published = load_published(library_file("studies", "published.yaml"))
    path = write(registration(planned, published), tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "sidecars").mkdir()
    for one in planned.runs():
        sidecar = tmp_path / "sidecars" / f"{one.run_id.partition('/')[2]}.json"
        sidecar.write_text(json.dumps({"registration": digest}))
    if edit is not None:
        path.write_bytes(edit(path.read_bytes()))

    assert run(["analyze", str(tmp_path)]) == ExitCode.OK
    said = " ".join(capsys.readouterr().out.split())
    assert "The plan was registered (document " in said
    assert line in said
    assert run(["report", str(tmp_path)]) == ExitCode.OK
    page = Page((tmp_path / "report.html").read_text("utf-8")).said()
    assert line in page
    results = json.loads((tmp_path / "results.json").read_bytes())
    assert results["registration"]["unchanged"] == (edit is None)
