"""Models that come from a folder, a file, or another store."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from kit.errors import ExitCode, ModelCorrupt, ModelError
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import Store
from kit.spec.pins import PinnedFile

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
    assert "corrupted, or another file of the same length" in caught.value.message
    kept = store.bad_path(pin.files[0])
    assert list((store.root / "objects").iterdir()) == [kept]
    assert kept.read_bytes() == data
    assert str(kept) in (caught.value.hint or "")


def test_kept_bad_bytes_go_when_the_right_ones_come(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    (folder / "tiny.gguf").write_bytes(content(9))
    with pytest.raises(ModelCorrupt):
        pull(pin, store, source=source_of(pin, folder))
    (folder / "tiny.gguf").write_bytes(files["tiny.gguf"])

    pull(pin, store, source=source_of(pin, folder))

    assert list((store.root / "objects").iterdir()) == [store.object_path(pin.files[0])]


def test_pieces_of_a_bundle_are_joined_in_their_order(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    data = (folder / "tiny.gguf").read_bytes()
    (folder / "tiny.gguf").unlink()
    pin = pin_of(files)
    for number in range(11):
        piece = data[number * 29_000 : (number + 1) * 29_000]
        (folder / f"{pin.files[0].sha256}.{number + 1:03}").write_bytes(piece)

    assert pull(pin, store, source=source_of(pin, folder)).read_bytes() == data


def test_a_missing_piece_is_told_by_the_length(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    (folder / "tiny.gguf").unlink()
    pin = pin_of(files)
    (folder / f"{pin.files[0].sha256}.001").write_bytes(files["tiny.gguf"][:100_000])
    (folder / f"{pin.files[0].sha256}.003").write_bytes(files["tiny.gguf"][200_000:])

    with pytest.raises(ModelCorrupt, match=r"found 100,000 bytes\. It is cut short"):
        pull(pin, store, source=source_of(pin, folder))


def test_another_known_version_is_called_by_its_name(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    old = content(4)
    known = {
        "sha256": hashlib.sha256(old).hexdigest(),
        "bytes": len(old),
        "note": "the file of the first day",
    }
    pin = pin_of(files)
    file = PinnedFile.model_validate(pin.files[0].model_dump() | {"superseded": [known]})
    pin = pin.model_copy(update={"files": (file,)})
    (folder / "tiny.gguf").write_bytes(old)

    with pytest.raises(ModelCorrupt, match="another known version: the file of the first day"):
        pull(pin, store, source=source_of(pin, folder))


def test_another_length_is_told_before_copying(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    (folder / "tiny.gguf").write_bytes(b"short")
    pin = pin_of(files)

    with pytest.raises(ModelCorrupt, match=r"found 5 bytes\. It is cut short\."):
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
