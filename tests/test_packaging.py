"""What is shipped: the wheel, the lock, the walls between the rooms, the scripts' first words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kit
from kit.engine.build import LLAMA_VERSION

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()

ROOMS = {
    "spec": "",
    "gguf": "",
    "models": "gguf spec",
    "engine": "gguf spec",
    "runlog": "spec",
    "society": "engine runlog spec",
    "runner": "society models engine gguf runlog spec",
    "audit": "judge runner society engine models runlog spec",
    "measure": "runlog spec",
    "judge": "runner engine runlog stats spec",
    "stats": "",
    "analysis": "stats measure judge runlog spec",
    "report": "analysis measure judge runlog spec",
    "cli": "spec gguf models engine runlog society runner audit measure judge stats analysis "
    "report",
}
"""Who may import whom, as the design has it."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit's wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_string(archive.read(name).decode())


def files_under(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_wheel_carries_the_data_a_researcher_edits(wheel: Path) -> None:
    expected = {
        "models.yaml": (ROOT / "models.yaml").read_bytes(),
        **files_under(ROOT / "studies"),
        **files_under(ROOT / "judges"),
    }
    with zipfile.ZipFile(wheel) as archive:
        carried = {
            name.removeprefix("kit/_data/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("kit/_data/")
        }
    assert carried == expected


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.partition("/")[0] for name in names} == {
        "kit",
        f"alignment_backfire_kit-{kit.__version__}.dist-info",
    }
    assert "kit/engine/templates/plain.jinja" in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_an_unpacked_wheel_finds_its_own_data(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    code = "from kit.spec.library import library_file; print(library_file('models.yaml'))"
    seen = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(seen.stdout.strip()) == place / "kit" / "_data" / "models.yaml"


def test_metadata_names_version_python_and_the_exact_inference_library(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    assert metadata["Name"] == "alignment-backfire-kit"
    assert metadata["Version"] == kit.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    needs = metadata.get_all("Requires-Dist") or []
    assert f"llama-cpp-python=={LLAMA_VERSION}" in needs


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == kit.__version__


def locked() -> dict[str, tuple[str, list[str]]]:
    """Version and hashes of every package in the lock."""
    entries = re.findall(
        r"^([a-z0-9-]+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", LOCK, re.MULTILINE
    )
    return {
        name: (version, re.findall(r"--hash=sha256:([0-9a-f]{64})", hashes))
        for name, version, hashes in entries
    }


def test_every_locked_package_has_one_version_and_hashes() -> None:
    lines = [line for line in LOCK.splitlines() if line and not line.startswith(("#", " "))]
    assert [line.split("==")[0] for line in lines] == list(locked())
    assert all(hashes for _, hashes in locked().values())


def test_the_lock_names_no_place() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*-(?!-hash=)", LOCK, re.MULTILINE)


def test_the_lock_covers_what_the_project_asks_for() -> None:
    project = PROJECT["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    packages = locked()
    for requirement in map(Requirement, asked):
        version, _ = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    version, hashes = packages["llama-cpp-python"]
    assert version == LLAMA_VERSION
    assert len(hashes) == 1, "the source and no wheel: a wheel's flags are unknown"


def walls() -> dict[str, set[str]]:
    """Per room, what its own contract forbids."""
    return {
        contract["source_modules"][0].removeprefix("kit."): {
            name.removeprefix("kit.") for name in contract["forbidden_modules"]
        }
        for contract in PROJECT["tool"]["importlinter"]["contracts"]
        if len(contract["source_modules"]) == 1
    }


def test_every_room_has_the_walls_of_the_design() -> None:
    assert {path.parent.name for path in (ROOT / "kit").glob("*/__init__.py")} == set(ROOMS)
    expected = {room: set(ROOMS) - {room} - set(may.split()) for room, may in ROOMS.items()}
    del expected["cli"]
    assert walls() == {**expected, "errors": set(ROOMS)}


@pytest.mark.parametrize(
    ("room", "line", "crossing"),
    [
        ("stats", "from kit.spec import seeds", "kit.stats.planted -> kit.spec.seeds"),
        ("judge", "import kit.society.scene", "kit.judge.planted -> kit.society.scene"),
        ("models", "import llama_cpp", "kit.models.planted -> llama_cpp"),
    ],
)
def test_a_forbidden_import_is_caught(tmp_path: Path, room: str, line: str, crossing: str) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "kit", tmp_path / "kit", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "kit" / room / "planted.py").write_text(line + "\n")
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    seen = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.returncode == 1, seen.stdout
    assert crossing in seen.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts alone, in a folder whose name holds a space."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


def start(script: Path, tools: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run a script where nothing but the named programs is on the PATH."""
    tools.mkdir()
    for name in ("bash", "dirname", *names):
        found = sys.executable if name == "python3" else shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    return subprocess.run(
        ["/usr/bin/env", "bash", str(script)],
        cwd=tools,
        env={"PATH": str(tools), "HOME": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_setup_says_that_python_is_missing(checkout: Path, tmp_path: Path) -> None:
    seen = start(checkout / "scripts" / "setup", tmp_path / "tools")
    assert seen.returncode == 1
    assert "no Python 3.11 or newer" in seen.stderr
    assert "next: install one" in seen.stderr


def test_setup_says_that_a_compiler_is_missing(checkout: Path, tmp_path: Path) -> None:
    seen = start(checkout / "scripts" / "setup", tmp_path / "tools", "python3", "cat")
    assert seen.returncode == 1
    assert "there is no C++ compiler" in seen.stderr
    assert not (checkout / ".venv").exists()


def test_a_build_without_an_environment_says_what_comes_first(
    checkout: Path, tmp_path: Path
) -> None:
    seen = start(checkout / "scripts" / "build-llama", tmp_path / "tools")
    assert seen.returncode == 1
    assert seen.stderr == "kit: there is no .venv yet\n  next: scripts/setup\n"


@pytest.mark.parametrize("name", ["scripts/demo", "scripts/test", "scripts/setup", ".ci/run"])
def test_a_script_can_be_started(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
