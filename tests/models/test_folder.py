"""Models that come from a folder, a file, or another store."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import ExitCode, ModelCorrupt, ModelError
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import Store

from .support import content, pin_of


def test_a_folder_is_searched_by_name(store: Store, folder: Path, files: dict[str, bytes]) -> None:
    pin = pin_of(files)

    assert pull(pin, store, source=source_of(pin, folder)).read_bytes() == files["tiny.gguf"]
    assert (folder / "tiny.gguf").exists()


def test_a_single_file_may_have_any_name(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    renamed = (folder / "tiny.gguf").rename(folder / "renamed.bin")
    pin = pin_of(files)

    path = pull(pin, store, source=source_of(pin, renamed))

    assert path.name == "tiny.gguf"


def test_naming_one_part_brings_the_parts_beside_it(store: Store, folder: Path) -> None:
    parts = {"a-1.gguf": content(1), "a-2.gguf": content(2)}
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    pin = pin_of(parts)

    path = pull(pin, store, source=source_of(pin, folder / "a-2.gguf"))

    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == parts
    assert path.name == "a-1.gguf"


def test_another_store_is_a_source(
    store: Store, folder: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    pull(pin, store, source=source_of(pin, folder))
    other = Store(tmp_path / "other")

    path = pull(pin, other, source=source_of(pin, store.root))

    assert path.read_bytes() == files["tiny.gguf"]


def test_a_flipped_byte_does_not_enter_the_store(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    data = bytearray(files["tiny.gguf"])
    data[-1] ^= 1
    (folder / "tiny.gguf").write_bytes(data)
    pin = pin_of(files)

    with pytest.raises(ModelCorrupt) as caught:
        pull(pin, store, source=source_of(pin, folder))

    assert caught.value.exit_code is ExitCode.MISMATCH
    assert pin.files[0].sha256 in caught.value.message
    assert list((store.root / "objects").iterdir()) == []


def test_another_length_is_told_before_copying(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    (folder / "tiny.gguf").write_bytes(b"short")
    pin = pin_of(files)

    with pytest.raises(ModelCorrupt, match=r"found 5 bytes\n"):
        pull(pin, store, source=source_of(pin, folder))


def test_a_place_that_is_not_there_or_holds_nothing_is_named(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)

    with pytest.raises(ModelError, match="no such folder or file"):
        source_of(pin, folder / "nowhere")
    (folder / "tiny.gguf").unlink()
    with pytest.raises(ModelError, match=r"holds no 'tiny\.gguf'"):
        pull(pin, store, source=source_of(pin, folder))
