from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kit.audit.bit_classes import TABLE, Recording, load_known, recordings
from kit.engine.environment import surroundings
from kit.errors import SpecError
from kit.runlog.reader import read
from kit.runlog.records import Header
from kit.runlog.writer import RunWriter
from kit.runner.weights import Weights, model_sha256
from kit.society.identity import header
from kit.spec.pins import ModelPin, load_pins
from kit.spec.study import EngineSettings
from tests.audit.conftest import kit
from tests.conftest import ROOT, SMOLLM
from tests.society.support import Listening, experiment, scene

HERE, ELSEWHERE = "a" * 64, "b" * 64


@pytest.fixture(scope="module")
def pins() -> dict[str, ModelPin]:
    return load_pins(ROOT / "models.yaml")


@pytest.fixture(scope="module")
def head(pins: dict[str, ModelPin]) -> Header:
    """The header of a run of SmolLM2 in this machine's class, as far as these tests care."""
    run = scene("en-a0-r1")
    engine = {"kind": "llama.cpp", "k_type": "f16", "flash_attention": False}
    return header(experiment(), run, Listening(run)).model_copy(
        update={
            "engine": engine,
            "bit_class": HERE,
            "model_sha256": model_sha256(pins[SMOLLM]),
        }
    )


def write(path: Path, head: Header, **changes: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with RunWriter(path, head.model_copy(update=changes)) as writer:
        writer.append([])
        writer.finish()


def test_the_table_speaks_of_the_shipped_models(pins: dict[str, ModelPin]) -> None:
    table = load_known()
    assert {(known.model, known.k_type) for known in table.classes} >= {
        (SMOLLM, "f16"),
        (SMOLLM, "q8_0"),
    }
    for known in table.classes:
        assert known.model_sha256 == model_sha256(pins[known.model])


def test_a_machine_like_a_listed_one_has_its_class(smollm: Weights) -> None:
    """What made the library and where it runs are all that could change a bit."""
    settings = EngineSettings()
    here = surroundings(smollm.model)
    alike = [
        known.bit_class
        for known in load_known().of(smollm.sha256, settings)
        if (known.library, known.features) == (here.library, here.features)
        and (known.compiler, known.c_library) == (here.compiler, here.c_library)
        and here.processor in known.processors
    ]
    if not alike:
        pytest.skip(f"no listed machine is like this one: {here}")
    assert smollm.bit_class(settings) in alike


def test_a_class_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = TABLE.read_text()
    _, _, entries = text.partition("classes:\n")
    entry = "  - " + entries.split("  - ")[1]
    path = tmp_path / "classes.yaml"
    path.write_text(text + entry)
    with pytest.raises(SpecError, match="stands twice"):
        load_known(path)
    path.write_text(text.replace("probe_version: ", "probe_version: 9"))
    with pytest.raises(SpecError, match="probe version 9"):
        load_known(path)


def test_finished_logs_are_sorted_by_whether_they_replay_here(
    tmp_path: Path, head: Header, pins: dict[str, ModelPin]
) -> None:
    write(tmp_path / "one" / "runs" / "en-a0-r1.jsonl", head)
    write(tmp_path / "one" / "runs" / "en-a0-r2.jsonl", head)
    write(tmp_path / "two" / "runs" / "en-a0-r1.jsonl", head, bit_class=ELSEWHERE)
    quantised = {**head.engine, "k_type": "q8_0"}
    write(tmp_path / "two" / "runs" / "q8.jsonl", head, engine=quantised, bit_class=ELSEWHERE)
    flash = {**head.engine, "flash_attention": True}
    write(tmp_path / "two" / "runs" / "flash.jsonl", head, engine=flash, bit_class=ELSEWHERE)
    write(tmp_path / "two" / "runs" / "other.jsonl", head, model="other", model_sha256="c" * 64)
    (tmp_path / "two" / "runs" / "torn.jsonl").write_text("{")
    # None of these is a finished log.
    (tmp_path / "two" / "runs" / "en-a0-r3.partial.jsonl").write_text("{")
    (tmp_path / "two" / "notes.jsonl").write_text("{}")

    def found(folder: Path) -> dict[Recording, int]:
        logs = recordings(
            folder,
            pin=pins[SMOLLM],
            model_sha256=model_sha256(pins[SMOLLM]),
            settings=EngineSettings(),
            bit_class=HERE,
        )
        assert logs.other_models == (("other",) if folder != tmp_path / "one" else ())
        return dict(logs.counts)

    assert found(tmp_path / "one") == {Recording.HERE: 2}
    assert found(tmp_path / "two") == {
        Recording.ELSEWHERE: 1,
        Recording.NOT_ASKED: 3,
        Recording.UNREADABLE: 1,
    }
    assert found(tmp_path)[Recording.HERE] == 2


def test_doctor_says_which_recordings_replay_here(finished: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(finished, mixed)
    path = mixed / "runs" / "en-a10-r2.jsonl"
    log = read(path)
    path.unlink()
    with RunWriter(path, log.header.model_copy(update={"bit_class": ELSEWHERE})) as writer:
        writer.append(list(log.turns))
        writer.finish()
    done = kit("doctor", "--rows", "none", "--results", finished, "--results", mixed)
    assert done.returncode == 0, done.stderr
    assert f"{finished}: 2 finished logs of this bit class, 0 of another" in done.stdout
    assert f"{mixed}: 1 finished log of this bit class, 1 of another" in done.stdout
    assert "do not replay here" in done.stdout
    assert "invariance" not in done.stdout


def test_doctor_refuses_a_result_folder_that_is_not_there(tmp_path: Path) -> None:
    done = kit("doctor", "--rows", "none", "--results", tmp_path / "none")
    assert done.returncode == 1
    assert "no such result folder" in done.stderr
