"""Which runs were made under the registered plan, as the folder itself tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.analysis.collection import collect
from kit.analysis.registered import Registered, registered
from kit.analysis.registration import registration, write
from kit.spec.published import load_published
from kit.spec.registration import FILE_NAME, read_document
from tests.planted import everyone, experiment, talk, write_folder

PUBLISHED = load_published(Path(__file__).parents[2] / "studies" / "published.yaml")
RUNS = [run.run_id.partition("/")[2] for run in experiment().runs()]
"""Four of them."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A result folder whose last run was interrupted, and its document."""
    write_folder(
        tmp_path, experiment(), everyone(talk("Safety.")), incomplete={f"study1/{RUNS[-1]}"}
    )
    write(registration(experiment(), PUBLISHED), tmp_path)
    return tmp_path


def sidecar(folder: Path, name: str, data: object) -> None:
    (folder / "sidecars").mkdir(exist_ok=True)
    (folder / "sidecars" / f"{name}.json").write_text(json.dumps(data))


def sha256(folder: Path) -> str:
    document = read_document(folder)
    assert document is not None
    return document.sha256


def found(folder: Path) -> Registered:
    return registered(folder, collect(folder), PUBLISHED)


def test_runs_that_carry_the_documents_hash_are_counted(folder: Path) -> None:
    digest = sha256(folder)
    sidecar(folder, RUNS[0], {"registration": digest, "threads": 2})
    sidecar(folder, RUNS[1], {"threads": 2})
    sidecar(folder, RUNS[3], {"registration": digest})  # of the incomplete run

    assert found(folder) == Registered(digest, True, True, 1, 0, 3)


def test_a_run_under_another_document_is_told_apart(folder: Path) -> None:
    sidecar(folder, RUNS[0], {"registration": "0" * 64})
    sidecar(folder, RUNS[1], {"registration": sha256(folder)})

    assert found(folder)[3:] == (1, 1, 3)


def test_an_edit_after_the_runs_is_seen_twice(folder: Path) -> None:
    """The last line no longer fits, and no sidecar carries the new hash."""
    for name in RUNS[:3]:
        sidecar(folder, name, {"registration": sha256(folder)})
    path = folder / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"No profile.", b"No Profile."))

    assert found(folder) == Registered(sha256(folder), False, True, 0, 3, 3)


def test_a_document_of_another_plan_is_seen(folder: Path) -> None:
    (folder / FILE_NAME).unlink()
    write(registration(experiment(replicates=3), PUBLISHED), folder)

    assert found(folder)[1:3] == (True, False)


def test_without_a_document_nothing_is_registered(folder: Path) -> None:
    sidecar(folder, RUNS[0], {"registration": sha256(folder)})
    (folder / FILE_NAME).unlink()

    assert found(folder) == Registered(None, False, False, 0, 1, 3)


@pytest.mark.parametrize("data", [None, [], "x", {"registration": None}, {"registration": 3}])
def test_a_damaged_sidecar_carries_nothing(folder: Path, data: object) -> None:
    sidecar(folder, RUNS[0], data)
    (folder / "sidecars" / f"{RUNS[1]}.json").write_bytes(b"{\xff")

    assert found(folder)[3:] == (0, 0, 3)
