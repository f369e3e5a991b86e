"""``kit bundle`` as a user meets it, with the real library and the real default model."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from kit.engine.build import require_build, wheel_sha256
from kit.errors import BuildError
from kit.models.store import home
from tests.cli.support import command, environment, kit, line_of, refused, write_study
from tests.conftest import GEMMA, ROOT, SMOLLM
from tests.models.bundle.support import contents, files_of, make, ssh_key

HASH = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the default model in two pieces; not to be changed."""
    out = tmp_path_factory.mktemp("carried") / "bundle"
    arguments = ("--models", SMOLLM, "--split-size", "64MB")
    done = kit("bundle", "create", out, *arguments, cwd=ROOT)
    assert done.code == 0, done.err
    assert done.out == f"{out}\n"
    return out


def seeded(carried: Path, out: Path) -> Path:
    """An empty bundle to be, for which pip has nothing to fetch."""
    shutil.copytree(carried / "wheels", out / "wheels")
    return out


def test_the_kept_wheel_is_that_of_the_loaded_library() -> None:
    loaded = require_build().sha256
    kept = [wheel_sha256(path) for path in (home() / "wheels").glob("*/llama_cpp_python-*.whl")]
    assert loaded in kept


def test_a_wheel_of_other_libraries_is_told_apart(tmp_path: Path) -> None:
    [kept, *_] = (home() / "wheels").glob("*/llama_cpp_python-*.whl")
    other = tmp_path / kept.name
    with zipfile.ZipFile(kept) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            changed = b"x" if name == "llama_cpp/lib/libggml-cpu.so" else b""
            target.writestr(name, source.read(name) + changed)
    assert wheel_sha256(other) != wheel_sha256(kept)
    other.write_bytes(b"")
    with pytest.raises(BuildError, match="is no wheel"):
        wheel_sha256(other)


def test_it_verifies_and_its_pieces_bring_the_model_in(carried: Path, tmp_path: Path) -> None:
    done = kit("bundle", "verify", carried, cwd=tmp_path)
    assert done.code == 0
    assert "all as they were made. It is not signed." in done.out
    assert sorted(path.name for path in (carried / "models").iterdir()) == [
        f"{HASH}.001",
        f"{HASH}.002",
    ]
    source = ("--from", carried / "models")
    own = str(tmp_path / "own")
    done = kit("models", "pull", SMOLLM, *source, cwd=ROOT, KIT_HOME=own)
    assert done.code == 0, done.err
    assert kit("models", "verify", SMOLLM, "--full", cwd=ROOT, KIT_HOME=own).code == 0


@pytest.mark.parametrize("piece", [f"{HASH}.001", f"{HASH}.002"])
def test_after_a_kill_the_same_command_continues(carried: Path, tmp_path: Path, piece: str) -> None:
    out = seeded(carried, tmp_path / "out")
    arguments = ("bundle", "create", out, "--models", SMOLLM, "--split-size", "64MB")
    child = subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    # While the piece is being written, or, should this test be slow to look, soon after it.
    while not [*(out / "models").glob(f"{piece}*")] and child.poll() is None:
        time.sleep(0.0005)
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    err = refused(kit("bundle", "verify", out, cwd=tmp_path), tmp_path)
    assert "no bundle or an unfinished one" in err
    assert kit(*arguments, cwd=ROOT).code == 0
    assert contents(out) == contents(carried)


def test_damage_ends_with_two(carried: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(carried, tmp_path / "bundle")
    with (bundle / "models" / f"{HASH}.002").open("r+b") as file:
        file.seek(1000)
        file.write(b"!")
    (bundle / "licenses" / SMOLLM / "LICENSE.txt").unlink()
    for action in ("verify", "install"):
        err = refused(kit("bundle", action, bundle, cwd=tmp_path), tmp_path, code=2)
        assert f"models/{HASH}.002: is damaged" in err
        assert f"licenses/{SMOLLM}/LICENSE.txt: is missing" in err
        assert "next: copy these files again" in err
    assert not (tmp_path / "alignment-backfire-kit").exists()


def test_no_bundle_ends_with_one(tmp_path: Path) -> None:
    err = refused(kit("bundle", "verify", tmp_path / "none", cwd=tmp_path), tmp_path)
    assert "there is no such folder" in err


def test_a_bundle_is_installed_where_asked(tmp_path: Path) -> None:
    bundle = make(tmp_path / "bundle")
    done = kit("bundle", "install", bundle, "there", cwd=tmp_path)
    assert done.code == 0, done.err
    assert f"The kit is installed in {tmp_path / 'there'}" in done.out
    assert (tmp_path / "there" / ".venv" / "bin" / "kit").is_file()


def test_a_signed_bundle_is_checked_with_its_key(carried: Path, tmp_path: Path) -> None:
    key, other = ssh_key(tmp_path), ssh_key(tmp_path, "other")
    out = seeded(carried, tmp_path / "out")
    arguments = ("--models", SMOLLM, "--split-size", "64MB", "--sign", key)
    assert kit("bundle", "create", out, *arguments, cwd=ROOT).code == 0
    assert contents(out).keys() - contents(carried).keys() == {"SHA256SUMS.sig"}
    done = kit("bundle", "verify", out, "--key", f"{key}.pub", cwd=tmp_path)
    assert (done.code, done.out.endswith("The signature is right.\n")) == (0, True)
    done = kit("bundle", "verify", out, "--key", f"{other}.pub", cwd=tmp_path)
    assert "was not signed with" in refused(done, tmp_path, code=2)


def test_a_study_brings_itself_and_its_models(carried: Path, tmp_path: Path, desk: Path) -> None:
    mine = write_study(desk, "mine").rename(tmp_path / "mine.yaml")
    out = seeded(carried, tmp_path / "out")
    done = kit("bundle", "create", out, "--study", mine, "--study", "tiny", cwd=desk)
    assert done.code == 0, done.err
    workspace = out / "workspace"
    assert (workspace / "studies" / "mine.yaml").read_bytes() == mine.read_bytes()
    assert (workspace / "studies" / "tiny.yaml").is_file()
    english = workspace / "studies" / "languages" / "en.yaml"
    assert english.read_bytes() == (desk / "studies" / "languages" / "en.yaml").read_bytes()
    assert (workspace / "judges" / "gold").is_dir()
    assert (out / "models" / HASH).is_file()
    assert line_of(out / "README.txt", SMOLLM)


def test_a_study_that_would_not_come_along_whole_is_refused(desk: Path, tmp_path: Path) -> None:
    mine = write_study(desk, "mine").rename(tmp_path / "mine.yaml")
    (tmp_path / "languages").mkdir()
    err = refused(kit("bundle", "create", tmp_path / "o", "--study", mine, cwd=desk), desk)
    assert "has languages of its own" in err
    (tmp_path / "languages").rmdir()
    write_study(desk, "mine")
    err = refused(kit("bundle", "create", tmp_path / "o", "--study", mine, cwd=desk), desk)
    assert "hold another 'mine.yaml'" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "a bundle without a model runs nothing"),
        (("--models", f"{SMOLLM}x"), f"did you mean '{SMOLLM}'"),
        (("--models", f"{SMOLLM},{GEMMA}"), "--accept-license gemma"),
        (("--models", GEMMA), "https://ai.google.dev/gemma/terms"),
        (("--models", SMOLLM, "--split-size", "9GB"), "pieces of 9GB cannot be made"),
        (("--models", SMOLLM, "--split-size", "big"), "'big' is no size"),
        (("--models", SMOLLM, "--license-file", "LICENSE"), "is not ID=PATH"),
        (("--models", SMOLLM, "--license-file", f"{GEMMA}=LICENSE"), f"holds no model '{GEMMA}'"),
        (("--models", SMOLLM, "--sign", "README.md"), "is no secret key"),
        (("--study", "none"), "no study 'none'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = kit("bundle", "create", tmp_path / "out", *arguments, cwd=ROOT)
    assert said in refused(done, tmp_path)
    assert not [*files_of(tmp_path)]


def test_a_library_whose_wheel_was_not_kept_is_no_end(tmp_path: Path) -> None:
    own = str(tmp_path / "own")
    done = kit("bundle", "create", tmp_path / "out", "--models", SMOLLM, cwd=ROOT, KIT_HOME=own)
    err = refused(done, tmp_path)
    assert "was not kept" in err
    assert "scripts/build-llama" in err


def test_a_folder_with_other_work_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_bytes(b"work")
    done = kit("bundle", "create", tmp_path, "--models", SMOLLM, cwd=ROOT)
    assert "holds 'thesis.docx'" in refused(done, tmp_path)
    assert contents(tmp_path) == {"thesis.docx": b"work"}
