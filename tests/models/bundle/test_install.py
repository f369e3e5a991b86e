"""Installing a bundle: real environments, real pip, a small kit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.models.bundle import island
from kit.models.bundle.island import BundleError, Platform, differing, install

from .support import make, program, resum


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, pristine: Path) -> Path:
    """A target that was installed once, under settings of pip and Python that would break it."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "pip").mkdir()
    (desk / "pip" / "pip.conf").write_text("[install]\nno-binary = :all:\n")
    with pytest.MonkeyPatch.context() as settings:
        settings.setenv("XDG_CONFIG_HOME", str(desk))
        settings.setenv("PIP_NO_INDEX", "nonsense")
        settings.setenv("PYTHONHOME", "/nowhere")
        install(pristine, desk / "target")
    return desk / "target"


def test_the_kit_is_installed_and_brings_the_models_in(installed: Path, pristine: Path) -> None:
    assert (installed / "asked.txt").read_text().splitlines() == [
        f"models pull tiny --from {pristine / 'models'}",
        "models verify tiny",
    ]
    assert (installed / "models.yaml").read_bytes() == b"models: []\n"
    assert (installed / "studies" / "one.yaml").is_file()
    command = [str(installed / ".venv" / "bin" / "python"), "-m", "pip", "--version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_second_start_keeps_what_the_user_changed(
    installed: Path, pristine: Path, bundle: Path
) -> None:
    study, models = installed / "studies" / "one.yaml", installed / "models.yaml"
    study.write_text("id: mine\n")
    made = (installed / ".venv" / "pyvenv.cfg").stat()
    done = install(pristine, installed)
    assert done.kept == ("studies/one.yaml",)
    assert study.read_text() == "id: mine\n"
    assert (installed / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made.st_mtime_ns

    newer = make(bundle.parent / "newer")
    (newer / "workspace" / "models.yaml").write_text("models: [] # newer\n")
    manifest = json.loads((newer / "bundle.json").read_text())
    manifest["lengths"]["workspace/models.yaml"] = 19
    (newer / "bundle.json").write_text(json.dumps(manifest))
    resum(newer)
    assert install(newer, installed).kept == ("studies/one.yaml",)
    assert models.read_text() == "models: [] # newer\n"


@pytest.mark.parametrize("sign", ["asked.txt", ".venv/pyvenv.cfg", ".venv/bin/pip"])
def test_after_a_kill_the_same_command_continues(bundle: Path, tmp_path: Path, sign: str) -> None:
    target = tmp_path / "target"
    child = subprocess.Popen(
        [sys.executable, bundle / "install.py", target],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    while not (target / sign).exists() and child.poll() is None:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    done = program(bundle, target, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The kit is installed in" in done.stdout
    assert (target / "asked.txt").read_text().splitlines()[-1] == "models verify tiny"
    assert not [*target.glob("*.part")]


def test_nothing_is_installed_from_a_damaged_bundle(bundle: Path, tmp_path: Path) -> None:
    (bundle / "README.txt").write_bytes(b"")
    done = program(bundle, tmp_path / "target", cwd=tmp_path)
    assert done.returncode == 2
    assert "README.txt: is cut short" in done.stderr
    assert not (tmp_path / "target").exists()


def test_another_machine_is_told_what_differs(tmp_path: Path) -> None:
    foreign = Platform("2.7", "pypy", "Plan9", "vax", "99.1", ("libnone.so.1",))
    bundle = make(tmp_path / "bundle", platform=foreign._asdict())
    done = program(bundle, tmp_path / "target", cwd=tmp_path)
    assert done.returncode == 1
    for said in ("pypy 2.7", "Plan9", "vax", "glibc 99.1", "libnone.so.1", "Python 2.7"):
        assert said in done.stderr
    assert not (tmp_path / "target").exists()


def test_versions_of_the_c_library_compare_as_numbers() -> None:
    here = Platform.here()
    old, new = here._replace(glibc="2.9"), here._replace(glibc="2.34")
    assert differing(old, new) == []
    assert differing(new, old) == ["the C library: glibc 2.34 or later is needed, here is 2.9"]
    assert len(differing(new, here._replace(glibc=None))) == 1
    assert differing(here._replace(libraries=("libc.so.6",))) == []


def test_the_bundle_itself_is_no_target(bundle: Path) -> None:
    done = program(bundle, cwd=bundle)
    assert done.returncode == 1
    assert "lies within the bundle" in done.stderr
    assert not (bundle / island.DEFAULT_TARGET).exists()


def test_a_foreign_environment_is_left_alone(bundle: Path, tmp_path: Path) -> None:
    own = tmp_path / "target" / ".venv" / "own"
    own.mkdir(parents=True)
    with pytest.raises(BundleError, match="was not made by this program"):
        install(bundle, tmp_path / "target")
    assert own.is_dir()


def test_a_full_disk_is_foreseen(tmp_path: Path) -> None:
    bundle = make(tmp_path / "bundle", unpacked=10**18)
    with pytest.raises(BundleError, match=r"needs 1,000,000,000\.0 GB"):
        install(bundle, tmp_path / "target")


def test_a_step_that_fails_says_so(tmp_path: Path) -> None:
    bundle = make(tmp_path / "bundle", models=[])
    (bundle / "requirements.txt").write_text("absent==1.0 --hash=sha256:" + "0" * 64 + "\n")
    manifest = json.loads((bundle / "bundle.json").read_text())
    del manifest["lengths"]["requirements.txt"]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    resum(bundle)
    done = program(bundle, tmp_path / "target", cwd=tmp_path)
    assert done.returncode == 1
    assert "could not install the packages (exit 1)" in done.stderr
    assert "No matching distribution found for absent" in done.stderr
