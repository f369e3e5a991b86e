"""Which wheels a bundle has to carry, and what they need."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from kit.errors import ModelError
from kit.models.bundle.island import Platform
from kit.models.bundle.packages import (
    KIT,
    LLAMA,
    Locked,
    build_kit,
    closure,
    download,
    metadata_of,
    platform_of,
    read_lock,
    unpacked_bytes,
)
from kit.models.receipts import sha256_of
from tests.conftest import ROOT

from .support import wheel

LOCK = read_lock(ROOT / "requirements.lock")


def project(folder: Path, *needs: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(f"[project]\nname = 'x'\ndependencies = {list(needs)}\n")
    return path


def names(found: tuple[Locked, ...]) -> set[str]:
    return {one.name for one in found}


def test_the_kit_needs_what_it_imports_and_nothing_for_its_tests() -> None:
    found = names(closure(ROOT / "pyproject.toml", LOCK))
    assert {"click", "numpy", "pydantic-core", "packaging", LLAMA} <= found
    assert not found & {"pytest", "mypy", "hypothesis", "jsonschema", "hatchling", KIT}
    assert found <= LOCK.keys()


def test_extras_are_followed(tmp_path: Path) -> None:
    plain = names(closure(project(tmp_path, "cyclonedx-python-lib"), LOCK))
    extra = names(closure(project(tmp_path, "cyclonedx-python-lib[json-validation]"), LOCK))
    assert "jsonschema" in extra - plain


def test_a_package_without_lock_or_installation_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'none-such' is not in requirements\.lock"):
        closure(project(tmp_path, "None_such>=1"), LOCK)
    with pytest.raises(ModelError, match="'none-such' is not installed"):
        closure(
            project(tmp_path, "none-such"), {"none-such": Locked("none-such", "1", frozenset())}
        )


def test_the_lock_is_read_whole() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lines if "==" in line and not line.startswith((" ", "#"))]
    assert len(LOCK) == len(pinned)
    assert all(one.sha256 for one in LOCK.values())
    hashes = sum(line.lstrip().startswith("--hash=") for line in lines)
    assert sum(len(one.sha256) for one in LOCK.values()) == hashes


def test_only_a_wheel_with_a_locked_hash_is_taken(tmp_path: Path) -> None:
    place = tmp_path / "wheels"
    right = wheel(place, "small-kit", "x = 1\n")
    kept = Locked("small-kit", "1.0", frozenset({sha256_of(right)}))
    assert download([kept], place) == (right,)
    with pytest.raises(ModelError, match="pip could not fetch the wheels"):
        download([kept._replace(sha256=frozenset({"0" * 64}))], place)
    assert right.is_file()
    right.rename(place / "small_kit-1.0-cp27-cp27m-win32.whl")
    with pytest.raises(ModelError, match="pip could not fetch the wheels"):
        download([kept], place)


def test_the_oldest_c_library_comes_from_names_and_symbols(tmp_path: Path) -> None:
    def named(tag: str) -> Path:
        return tmp_path / f"a-1.0-cp311-cp311-{tag}.whl"

    assert platform_of([]).glibc == "2.17"
    both = named("manylinux_2_28_x86_64.manylinux_2_27_x86_64")
    assert platform_of([both]).glibc == "2.27"
    built = named("linux_x86_64")
    with zipfile.ZipFile(built, "w") as archive:
        archive.writestr("lib/libx.so.0.1", b"\0GLIBC_2.9\0GLIBC_2.33\0libgomp.so.1\0GLIBCXX_3.4\0")
        archive.writestr("lib/readme", b"GLIBC_2.99 libstdc++.so.6")
    found = platform_of([built, both])
    assert (found.glibc, found.libraries) == ("2.33", ("libgomp.so.1",))
    assert found.python == Platform.here().python


def test_the_kits_wheel_has_the_same_bytes_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_kit(ROOT, tmp_path / "first")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build_kit(ROOT, tmp_path / "second").read_bytes() == first.read_bytes()
    assert metadata_of(first)["Name"] == KIT
    with zipfile.ZipFile(first) as archive:
        assert unpacked_bytes([first]) == sum(
            len(archive.read(name)) for name in archive.namelist()
        )
        assert "kit/models/notices/llama3.3.notice.txt" in archive.namelist()


def test_what_is_no_wheel_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a-1.0-py3-none-any.whl"
    path.write_bytes(b"none")
    with pytest.raises(ModelError, match="is no wheel"):
        metadata_of(path)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(ModelError, match="is no wheel"):
        metadata_of(path)


def test_a_folder_that_is_no_project_builds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the kit's wheel could not be built"):
        build_kit(tmp_path, tmp_path / "out")
