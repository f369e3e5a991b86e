"""The folder of a bundle: whole files, pieces, and names for every disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import ModelError
from kit.models.bundle import island
from kit.models.bundle.folder import BundleFolder
from kit.models.bundle.portable import (
    DEFAULT_PIECE,
    LONGEST,
    check_names,
    lengths_of_pieces,
    parse_size,
)

from .support import contents, make, need

GIB = 1 << 30


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(os.urandom(10_000_000))
    return path


def stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def test_pieces_join_to_the_file(tmp_path: Path, source: Path) -> None:
    folder = BundleFolder(tmp_path / "out")
    whole = folder.split(("models/x.001", "models/x.002"), (6_000_000, 4_000_000), source)
    data = source.read_bytes()
    assert whole == hashlib.sha256(data).hexdigest()
    first, second = (tmp_path / "out" / "models" / f"x.00{n}" for n in (1, 2))
    assert first.read_bytes() + second.read_bytes() == data
    assert folder.sha256["models/x.002"] == hashlib.sha256(data[6_000_000:]).hexdigest()


def test_what_is_right_is_kept_and_what_is_wrong_is_written_anew(
    tmp_path: Path, source: Path
) -> None:
    names, lengths = (
        ("models/x.001", "models/x.002", "models/x.003"),
        (1_000_000, 8_500_000, 500_000),
    )
    BundleFolder(tmp_path / "out").split(names, lengths, source)
    paths = [tmp_path / "out" / name for name in names]
    before = [stamp(path) for path in paths]
    # A difference at the end, so that what was compared before it has to be taken over.
    with paths[1].open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    paths[2].write_bytes(b"short")
    folder = BundleFolder(tmp_path / "out")
    assert folder.split(names, lengths, source) == hashlib.sha256(source.read_bytes()).hexdigest()
    assert b"".join(path.read_bytes() for path in paths) == source.read_bytes()
    after = [stamp(path) for path in paths]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert not [*(tmp_path / "out").rglob("*.part")]


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    folder = BundleFolder(tmp_path / "out")
    folder.write("workspace/empty", b"")
    assert (tmp_path / "out" / "workspace" / "empty").read_bytes() == b""


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_bytes(b"years of work")
    with pytest.raises(ModelError, match=r"holds 'thesis\.docx', which is no part of a bundle"):
        BundleFolder(tmp_path).begin()
    assert contents(tmp_path) == {"thesis.docx": b"years of work"}
    (tmp_path / "thesis.docx").rename(tmp_path / ".DS_Store")
    (tmp_path / "System Volume Information").mkdir()
    BundleFolder(tmp_path).begin()


def test_leftovers_of_an_earlier_bundle_go(tmp_path: Path) -> None:
    bundle = make(tmp_path / "bundle")
    for name in ("models/old", "workspace/studies/old/x.yaml", "wheels/half.whl.part", "x.part"):
        (bundle / name).parent.mkdir(exist_ok=True)
        (bundle / name).write_bytes(b"old")
    (bundle / "x.part").rename(bundle / "bundle.json.part")
    (bundle / island.SSH_SIGNATURE).write_bytes(b"of other sums")
    again = make(bundle)
    island.verify(again)
    assert not (bundle / "workspace" / "studies" / "old").exists()
    assert not (bundle / island.SSH_SIGNATURE).exists()


def test_while_it_is_being_made_it_is_no_bundle(tmp_path: Path) -> None:
    bundle = make(tmp_path / "bundle")
    BundleFolder(bundle).begin()
    with pytest.raises(island.BundleError, match="an unfinished one"):
        island.verify(bundle)


@pytest.mark.parametrize(
    "name",
    [
        "a:b",
        "x/what?",
        "con",
        "x/NUL.txt",
        "dot.",
        "blank ",
        "é",
        "a\\b",
        "a\nb",
        "x" * 201,
        "x//y",
    ],
)
def test_names_that_fat_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="FAT has no name"):
        check_names([name])


def test_names_that_fat_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(ModelError, match="differ in case only"):
        check_names(["studies/one.yaml", "studies/One.yaml"])
    with pytest.raises(ModelError, match="'studies' and 'Studies' differ"):
        check_names(["studies/one.yaml", "Studies/two.yaml"])
    check_names(["README.txt", "wheels/a-1.0+cpu-py3-none-any.whl", "console/com.yaml"])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4.3GB", None),
        ("4.2GB", 4_200_000_000),
        ("650 MB", 650_000_000),
        ("1GiB", GIB),
        ("64MB", 64_000_000),
        ("63MB", None),
        ("4GiB", None),
        ("100", None),
        ("-1GB", None),
        ("1e3MB", None),
        ("", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(ModelError):
            parse_size(text)
    else:
        assert parse_size(text) == size


def test_only_what_fat_cannot_hold_is_split_by_itself() -> None:
    assert lengths_of_pieces(LONGEST, None) == (LONGEST,)
    assert lengths_of_pieces(LONGEST + 1, None) == (DEFAULT_PIECE, LONGEST + 1 - DEFAULT_PIECE)
    assert lengths_of_pieces(8_000_000_000, None) == (DEFAULT_PIECE,) * 2
    assert lengths_of_pieces(100, 100) == (100,)
    assert lengths_of_pieces(101, 100) == (100, 1)
    with pytest.raises(ModelError, match="more than 999 pieces"):
        lengths_of_pieces(100_000, 100)


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[Path]:
    """A small FAT disk."""
    if os.geteuid() != 0 or not all(map(need, ("mkfs.vfat", "mount", "umount"))):
        pytest.skip("making a FAT disk needs root, mkfs.vfat and mount")
    image, place = tmp_path / "disk", tmp_path / "stick"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    place.mkdir()
    subprocess.run([need("mkfs.vfat"), str(image)], check=True, capture_output=True)
    mount = [need("mount"), "-o", "loop", str(image), str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a FAT disk cannot be mounted here")
    yield place
    subprocess.run([need("umount"), str(place)], check=True)


def test_a_bundle_is_the_same_on_a_fat_disk(stick: Path, tmp_path: Path) -> None:
    there = make(stick / "bundle", pieces=(5120, 5120))
    here = make(tmp_path / "bundle", pieces=(5120, 5120))
    assert contents(there) == contents(here)
    done = island.install(there, tmp_path / "target")
    assert done.models == ("tiny",)
