"""Making a bundle: the real packages of the kit, a small model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from kit.errors import ModelCorrupt, ModelError
from kit.models.bundle import island
from kit.models.bundle.creation import Contents, create, workspace_files
from kit.models.folder import local_source
from kit.models.pull import pull
from kit.models.store import Store
from kit.spec.pins import ModelPin, load_pins
from tests.conftest import ROOT
from tests.models.support import content, pin_of

from .support import contents, files_of, wheel

PIN = pin_of({"tiny.gguf": content(1)}, source={"kind": "folder"})


def stocked(folder: Path) -> Store:
    """A store that holds the small model."""
    (folder / "carried").mkdir()
    (folder / "carried" / "tiny.gguf").write_bytes(content(1))
    store = Store(folder / "home")
    pull(PIN, store, source=local_source(PIN, folder / "carried"))
    return store


@pytest.fixture(scope="session")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What goes into the bundles of these tests. Its llama.cpp cannot compute."""
    folder = tmp_path_factory.mktemp("wanted")
    small = wheel(folder, "llama-cpp-python", "")
    llama = small.rename(folder / "llama_cpp_python-1.0-py3-none-linux_x86_64.whl")
    folders = {name: ROOT / name for name in ("studies", "judges")}
    return Contents(
        pins=(PIN,),
        llama_wheel=llama,
        workspace=workspace_files(ROOT / "models.yaml", folders),
    )


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, wanted: Contents) -> Path:
    """A bundle whose packages pip fetched; not to be changed."""
    folder = tmp_path_factory.mktemp("first")
    return create(wanted, folder / "bundle", stocked(folder))


@pytest.fixture
def again(first: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes another bundle, with the packages of the first."""
    store = stocked(tmp_path)

    def make(wanted: Contents) -> Path:
        out = tmp_path / "out"
        if not out.exists():
            out.mkdir()
            shutil.copytree(first / "wheels", out / "wheels")
        return create(wanted, out, store)

    return make


def test_it_is_whole_and_fits_this_machine(first: Path) -> None:
    checked = island.verify(first)
    assert island.differing(checked.manifest.platform) == []
    assert checked.manifest.models[0].files[0].pieces == (f"models/{PIN.files[0].sha256}",)
    assert (first / "install.py").read_bytes() == Path(island.__file__).read_bytes()
    assert (first / checked.manifest.pip).is_file()
    assert not [path for path in first.rglob("*") if path.is_symlink()]


def test_the_requirements_are_exactly_the_wheels(first: Path) -> None:
    sums = island.parse_sums((first / "SHA256SUMS").read_bytes())
    carried = sorted(sha256 for name, sha256 in sums.items() if name.startswith("wheels/"))
    lines = (first / "requirements.txt").read_text().splitlines()
    assert sorted(line.rpartition(":")[2] for line in lines) == carried
    names = {line.partition("==")[0] for line in lines}
    assert {"alignment-backfire-kit", "llama-cpp-python", "pip", "numpy"} <= names
    bom = (first / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom) is None
    assert all(sha256 in bom for sha256 in [*carried, PIN.files[0].sha256])


def test_the_workspace_is_what_a_researcher_edits(first: Path) -> None:
    there = contents(first / "workspace")
    assert there["models.yaml"] == (ROOT / "models.yaml").read_bytes()
    assert there["studies/demo.yaml"] == (ROOT / "studies" / "demo.yaml").read_bytes()
    for name in ("studies", "judges"):
        here = {f"{name}/{inner}" for inner, _ in files_of(ROOT / name)}
        assert {inner for inner in there if inner.startswith(f"{name}/")} == here


def test_hidden_files_stay_here(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in (".git/x", ".swp", "a.yaml"):
        (tmp_path / name).touch()
    assert workspace_files(tmp_path, {"studies": tmp_path}).keys() == {
        "models.yaml",
        "studies/a.yaml",
    }


def test_two_bundles_of_the_same_have_the_same_bytes(
    first: Path, wanted: Contents, again: Callable[..., Path]
) -> None:
    assert contents(again(wanted)) == contents(first)


def test_a_second_start_writes_nothing_that_is_right(
    wanted: Contents, again: Callable[..., Path]
) -> None:
    out = again(wanted)
    before = {name: path.stat().st_mtime_ns for name, path in files_of(out)}
    again(wanted)
    after = {name: path.stat().st_mtime_ns for name, path in files_of(out)}
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == ["SHA256SUMS"]


def test_pieces_are_pulled_from_as_one_file(
    wanted: Contents, again: Callable[..., Path], tmp_path: Path
) -> None:
    out = again(replace(wanted, piece=100_000))
    pieces = sorted((out / "models").iterdir())
    assert [path.stat().st_size for path in pieces] == [100_000] * 3
    assert island.verify(out).manifest.models[0].files[0].bytes == 300_000
    other = Store(tmp_path / "other")
    pull(PIN, other, source=local_source(PIN, out / "models"))
    other.verify(PIN, full=True)


def test_a_stored_model_that_changed_unseen_is_found(
    wanted: Contents, again: Callable[..., Path], tmp_path: Path
) -> None:
    path = Store(tmp_path / "home").object_path(PIN.files[0])
    times = path.stat()
    path.chmod(0o644)
    path.write_bytes(content(1)[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(ModelCorrupt, match="is not the pinned file"):
        again(wanted)
    with pytest.raises(island.BundleError, match="an unfinished one"):
        island.verify(tmp_path / "out")


def refused(wanted: Contents, tmp_path: Path, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        create(wanted, tmp_path / "out", Store(tmp_path / "empty"))
    assert not [*files_of(tmp_path / "out")]


def gemma() -> ModelPin:
    return load_pins(ROOT / "models.yaml")["gemma-3-270m-base-q4_k_m"]


def test_nothing_begins_before_terms_are_accepted(wanted: Contents, tmp_path: Path) -> None:
    refused(replace(wanted, pins=(gemma(),)), tmp_path, "--accept-license gemma")


def test_nothing_begins_on_a_disk_that_is_too_small(wanted: Contents, tmp_path: Path) -> None:
    file = PIN.files[0].model_copy(update={"bytes": 10**16})
    huge = PIN.model_copy(update={"files": (file,)})
    refused(replace(wanted, pins=(huge,)), tmp_path, r"takes 10,000,000\.4 GB")


def test_nothing_begins_with_a_name_that_cannot_travel(wanted: Contents, tmp_path: Path) -> None:
    workspace = {"studies/ä.yaml": ROOT / "models.yaml"}
    refused(replace(wanted, workspace=workspace), tmp_path, "FAT has no name")


def test_nothing_begins_without_a_usable_key(wanted: Contents, tmp_path: Path) -> None:
    refused(replace(wanted, key=ROOT / "README.md"), tmp_path, "is no secret key")


def test_a_model_that_cannot_be_had_is_named(wanted: Contents, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'tiny' has no public source"):
        create(wanted, tmp_path / "out", Store(tmp_path / "empty"))


def test_an_installed_kit_makes_no_bundle(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "kit", tmp_path / "kit")
    code = "from kit.models.bundle.creation import source_tree; source_tree()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "a bundle is made from a checkout of the kit" in done.stderr
    assert "scripts/setup" in done.stderr
