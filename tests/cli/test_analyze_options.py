"""``kit analyze`` with a country, another folder beside it, and an expectation."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kit.cli.main import run
from kit.errors import ExitCode
from kit.spec.experiment import Experiment, Run
from tests.analysis.test_verdicts import backfire
from tests.planted import LLAMA, QWEN, TINY, Said, experiment, language, write_folder
from tests.report.test_page import both, speak

ROOT = Path(__file__).parents[2]
FIVE = {"en": "USA", "ja": "JPN", "fr": "FRA", "it": "ITA", "ar": "ARA"}


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_another_country_stands_for_a_language_in_every_culture_table(tmp_path: Path) -> None:
    languages = {code: language(code, country) for code, country in FIVE.items()}
    write_folder(tmp_path, experiment(languages, replicates=3, aligned=[0, 5, 10]), speak)

    assert run(["analyze", str(tmp_path)]) == ExitCode.OK
    own = rows(tmp_path, "culture")
    assert run(["analyze", str(tmp_path), "--country", "en=GBR"]) == ExitCode.OK
    other = rows(tmp_path, "culture")

    assert [row["languages"] for row in own] == [row["languages"] for row in other]
    assert [row["estimate"] for row in own] != [row["estimate"] for row in other]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("en", "'en' is not LANG=CODE, such as 'en=GBR'"),
        ("xx=USA", "a country is chosen for the language 'xx', which is not in this study"),
        ("en=XXX", "the country 'XXX', chosen for 'en', has no row in the culture scores"),
    ],
)
def test_a_wrong_country_is_the_users_error(
    tmp_path: Path, choice: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, both(), speak)

    assert run(["analyze", str(tmp_path), "--country", choice]) == ExitCode.ERROR
    assert message in " ".join(capsys.readouterr().err.split())


def of(model: str, study: str) -> Experiment:
    languages = {"en": language(), "ja": language("ja", "JPN")}
    return experiment(languages, id=study, models=[model], replicates=6, aligned=[0, 10])


def test_models_of_another_folder_stand_beside_this_one_s(tmp_path: Path) -> None:
    here = write_folder(tmp_path / "here", of(QWEN, "study4"), backfire)
    there = write_folder(tmp_path / "there", of(LLAMA, "study1"), backfire)

    assert run(["analyze", str(here)]) == ExitCode.OK
    assert rows(here, "models") == []
    assert run(["analyze", str(here), "--with", str(there)]) == ExitCode.OK
    found = {(row["language"], row["measure"]): row for row in rows(here, "models")}

    assert found["en", "cpi"]["models"] == f"{QWEN} {LLAMA}"
    # Both models were made to speak alike.
    assert found["en", "cpi"]["generality"] == "model-general"
    assert float(found["en", "cpi"]["q"]) == pytest.approx(0.0, abs=1e-9)
    # Nothing else of the other folder is counted.
    assert {row["model"] for row in rows(here, "effects")} == {QWEN}


def test_the_same_model_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = write_folder(tmp_path / "here", of(TINY, "study4"), backfire)
    there = write_folder(tmp_path / "there", of(TINY, "study1"), backfire)

    assert run(["analyze", str(here), "--with", str(there)]) == ExitCode.ERROR
    err = " ".join(capsys.readouterr().err.split())
    assert f"holds runs of {TINY}, which this study has itself" in err


def test_a_refuted_claim_is_a_status_only_where_it_was_expected_to_hold(tmp_path: Path) -> None:
    languages = {"en": language(), "ja": language("ja", "JPN")}
    # Aligned English groups say sexual words here, and Japanese ones protective words.
    turned = {"en": "ja", "ja": "en"}
    planned = experiment(languages, models=[LLAMA], replicates=6)

    def reversed_(planned: Run, agent: str, turn: int) -> list[Said]:
        cell = planned.cell._replace(language=turned[planned.cell.language])
        return backfire(planned._replace(cell=cell), agent, turn)

    write_folder(tmp_path / "reversed", planned, reversed_)
    write_folder(tmp_path / "same", planned, backfire)

    assert run(["analyze", str(tmp_path / "reversed")]) == ExitCode.OK
    assert run(["analyze", str(tmp_path / "reversed"), "--expect"]) == ExitCode.MISMATCH
    verdicts = {row["claim"]: row["verdict"] for row in rows(tmp_path / "reversed", "verdicts")}
    assert verdicts["s1_en_cpi"] == "reversed"
    assert run(["analyze", str(tmp_path / "same"), "--expect"]) == ExitCode.OK
