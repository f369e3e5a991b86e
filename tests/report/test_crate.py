"""The record of provenance: complete, readable by its own library, the same for the same folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from rocrate.rocrate import ROCrate

from kit.analysis.culture import load_scores
from kit.analysis.results import Analysis, analyze, write
from kit.report import crate
from kit.report.crate import FILE_NAME, folder_digest, write_crate
from kit.spec.published import load_published
from tests.planted import TINY, everyone, experiment, talk, think, write_folder

STUDIES = Path(__file__).parents[2] / "studies"


def analysis_of(folder: Path) -> Analysis:
    published = load_published(STUDIES / "published.yaml")
    return analyze(folder, published, load_scores(STUDIES / "hofstede.csv"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four runs that were made on the first of March 2026, with tables and a report."""
    write_folder(tmp_path, experiment(), everyone(talk("We help."), think("A touch.")))
    (tmp_path / "sidecars").mkdir()
    for number, log in enumerate(sorted((tmp_path / "runs").iterdir())):
        times = {"started": 1772323200.0 + number, "finished": 1772323260.5 + number}
        (tmp_path / "sidecars" / f"{log.stem}.json").write_text(json.dumps(times))
    write(analysis_of(tmp_path), tmp_path)
    (tmp_path / "report.html").write_text("<!DOCTYPE html>", encoding="utf-8")
    return tmp_path


def record(folder: Path) -> dict[str, dict[str, Any]]:
    """The entities by id."""
    path = write_crate(folder, analysis_of(folder))
    assert path == folder / FILE_NAME
    return {entity["@id"]: entity for entity in json.loads(path.read_bytes())["@graph"]}


def test_its_own_library_reads_it_back(folder: Path) -> None:
    write_crate(folder, analysis_of(folder))
    read = ROCrate(folder)
    assert read.name == "study1: A planted study"
    assert read.root_dataset["datePublished"] == "2026-03-01T00:01:03+00:00"
    parts = {entity.id for entity in read.data_entities}
    assert parts >= {"spec.json", "report.html", "results.json", "runs/", "tables/cells.csv"}
    actions = {action.id: action for action in read.get_by_type("CreateAction")}
    simulated = actions["#simulation"]
    assert simulated["instrument"].id == "#kit"
    assert {each.id for each in simulated["object"]} == {"spec.json", f"#model-{TINY}"}
    assert simulated["result"].id == "runs/"
    assert simulated["startTime"] == "2026-03-01T00:00:00+00:00"
    assert actions["#analysis"]["object"].id == "runs/"
    assert "report.html" in {each.id for each in actions["#analysis"]["result"]}


def test_every_file_stands_there_with_its_hash(folder: Path) -> None:
    entities = record(folder)
    files = {name: each for name, each in entities.items() if each["@type"] == "File"}
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != FILE_NAME
    }
    assert {*files} == there
    for name, entity in files.items():
        data = (folder / name).read_bytes()
        assert entity["sha256"] == hashlib.sha256(data).hexdigest()
        assert entity["contentSize"] == str(len(data))


def test_a_folder_of_many_files_has_one_hash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = record(folder)["runs/"]
    monkeypatch.setattr(crate, "LISTED", 3)
    entities = record(folder)
    assert "hasPart" not in entities["runs/"]
    assert not [name for name in entities if name.startswith("runs/en")]
    lines = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted((folder / "runs").iterdir())
    )
    assert entities["runs/"]["sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    assert entities["runs/"]["sha256"] == few["sha256"]
    assert folder_digest([("b", "2"), ("a", "1")]) == folder_digest([("a", "1"), ("b", "2")])


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    analysis = analysis_of(folder)
    path = write_crate(folder, analysis)
    assert path is not None
    first = path.read_bytes()
    write_crate(folder, analysis)
    assert path.read_bytes() == first


def test_models_the_paper_and_the_software_are_named(folder: Path) -> None:
    entities = record(folder)
    model = entities[f"#model-{TINY}"]
    assert model["sha256"] == "ab" * 32
    assert model["license"]
    assert model["identifier"].startswith("pkg:")
    assert entities["./"]["citation"] == {"@id": "https://arxiv.org/abs/2603.04904"}
    assert entities["https://arxiv.org/abs/2603.04904"]["@type"] == "ScholarlyArticle"
    assert entities["#kit"]["softwareRequirements"] == {"@id": "#engine-1"}
    assert entities["#engine-1"]["name"] == "scripted"
    assert entities["./"]["license"]["@id"] in entities


def test_without_an_end_of_a_run_there_is_no_record(folder: Path) -> None:
    for path in (folder / "sidecars").iterdir():
        path.write_text("{}")
    assert write_crate(folder, analysis_of(folder)) is None
    assert not (folder / FILE_NAME).exists()
