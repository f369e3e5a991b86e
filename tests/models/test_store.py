"""The store keeps bytes under their hash, answers from receipts, and works without writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import ExitCode, ModelCorrupt, ModelError
from kit.models.progress import Progress, Step
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import State, Store, home

from .support import Workplace, content, pin_of, row


@pytest.fixture
def stored(store: Store, folder: Path, files: dict[str, bytes]) -> Path:
    """The object of a model that has been pulled."""
    pin = pin_of(files)
    pull(pin, store, source=source_of(pin, folder))
    return store.object_path(pin.files[0])


def flip(path: Path, at: int = 1000) -> None:
    """Change one bit of a file, leaving its length."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"KIT_HOME": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/kit"),
        ({"KIT_HOME": "", "XDG_CACHE_HOME": "not/absolute", "HOME": "/c"}, "/c/.cache/kit"),
        ({"HOME": "/c"}, "/c/.cache/kit"),
        ({"KIT_HOME": "~/models", "HOME": "/c"}, "/c/models"),
    ],
)
def test_home_follows_kit_home_then_xdg_then_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("KIT_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert home() == Path(expected)


def test_a_stored_model_is_answered_for_by_its_receipt(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    reports: list[Progress] = []

    (checked,) = store.verify(pin_of(files), report=reports.append)

    assert checked.path == stored
    assert not checked.hashed
    assert reports == []


def test_a_full_verification_reads_every_byte(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    reports: list[Progress] = []

    (checked,) = store.verify(pin_of(files), full=True, report=reports.append)

    assert checked.hashed
    assert reports[-1].step is Step.HASHING
    assert reports[-1].done == reports[-1].total == stored.stat().st_size


def test_a_touched_file_is_read_again_and_then_answered_for(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    os.utime(stored, ns=(1, 1))
    pin = pin_of(files)

    assert store.state(pin) is State.UNKNOWN
    assert [store.verify(pin)[0].hashed for _ in range(2)] == [True, False]


def test_a_flipped_bit_is_corrupt_and_names_both_hashes_and_the_cure(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    flip(stored)

    with pytest.raises(ModelCorrupt) as caught:
        store.verify(pin_of(files))

    error = caught.value
    assert error.exit_code is ExitCode.MISMATCH
    assert "'tiny.gguf'" in error.message
    assert f"sha256 {stored.name}" in error.message
    assert error.message.count("sha256") == 2
    assert error.hint == "kit models pull tiny"


def test_a_flip_that_restores_the_time_is_found_by_a_full_verification_and_not_forgotten(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    before = stored.stat()
    flip(stored)
    os.utime(stored, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert not store.verify(pin)[0].hashed  # the limit of a receipt
    with pytest.raises(ModelCorrupt):
        store.verify(pin, full=True)
    with pytest.raises(ModelCorrupt):
        store.verify(pin)


def test_a_shortened_file_is_corrupt_without_reading_it(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    stored.chmod(0o644)
    os.truncate(stored, 10)

    assert store.state(pin_of(files)) is State.CORRUPT
    with pytest.raises(ModelCorrupt, match="found 10 bytes"):
        store.verify(pin_of(files))


def test_a_pin_with_the_right_hash_and_a_wrong_length_is_not_met(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    wrong = pin.model_copy(update={"files": (pin.files[0].model_copy(update={"bytes": 7}),)})

    with pytest.raises(ModelCorrupt, match="expected 7 bytes"):
        store.verify(wrong)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"size": "x", "mtime_ns": 1, "sha256": ""}'])
def test_a_spoilt_receipt_only_costs_a_reading(
    store: Store, stored: Path, files: dict[str, bytes], text: str
) -> None:
    (receipt,) = (store.root / "receipts").iterdir()
    receipt.write_text(text)

    assert store.verify(pin_of(files))[0].hashed
    assert not store.verify(pin_of(files))[0].hashed


def test_a_missing_model_says_how_to_get_it(store: Store, files: dict[str, bytes]) -> None:
    pin = pin_of(files)

    assert store.state(pin) is State.ABSENT
    for ask in (store.verify, store.path):
        with pytest.raises(ModelError, match="is not in the store") as caught:
            ask(pin)
        assert not isinstance(caught.value, ModelCorrupt)
        assert caught.value.hint == "kit models pull tiny"
    assert not store.root.exists()


def test_one_part_of_a_split_model_is_partial(store: Store, folder: Path) -> None:
    parts = {"a-1.gguf": content(1), "a-2.gguf": content(2)}
    (folder / "a-1.gguf").write_bytes(parts["a-1.gguf"])
    pin = pin_of(parts)
    with pytest.raises(ModelError, match=r"holds no 'a-2\.gguf'"):
        pull(pin, store, source=source_of(pin, folder))

    assert store.state(pin) is State.PARTIAL
    with pytest.raises(ModelError, match=r"'a-2\.gguf' of model 'tiny' is not in the store"):
        store.path(pin)


def test_a_file_put_in_the_place_of_a_link_is_replaced(
    store: Store, stored: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    shown = store.path(pin)
    shown.unlink()
    shown.write_bytes(b"something else")

    assert store.path(pin).samefile(stored)
    assert [path.name for path in shown.parent.iterdir()] == ["tiny.gguf"]


def test_a_path_below_the_model_folder_is_kept(store: Store, tmp_path: Path) -> None:
    files = {"sub/tiny.gguf": content(1)}
    (tmp_path / "tiny.gguf").write_bytes(files["sub/tiny.gguf"])
    pin = pin_of(files)

    path = pull(pin, store, source=source_of(pin, tmp_path))

    assert path == store.root / "models" / "tiny" / "sub" / "tiny.gguf"
    assert path.read_bytes() == files["sub/tiny.gguf"]


@pytest.fixture
def read_only(workplace: Workplace, folder: Path, files: dict[str, bytes]) -> Iterator[Workplace]:
    """A workplace whose store holds the model and cannot be written."""
    workplace.pin(row(files))
    assert workplace.run("pull", "tiny", "--from", str(folder)).returncode == 0
    folders = [place for place in workplace.home.rglob("*") if place.is_dir()]
    for place in (workplace.home, *folders):
        place.chmod(0o555)
    yield workplace
    for place in (workplace.home, *folders):
        place.chmod(0o755)


def test_a_read_only_store_verifies_and_gives_paths(read_only: Workplace) -> None:
    for args in (["verify", "tiny"], ["verify", "--full"], ["path", "tiny"], ["pull", "tiny"]):
        done = read_only.run(*args, without_override=True)
        assert done.returncode == 0, (args, done.stderr)


def test_a_read_only_store_without_receipts_still_verifies(read_only: Workplace) -> None:
    receipts = read_only.home / "receipts"
    receipts.chmod(0o755)
    for receipt in receipts.iterdir():
        receipt.unlink()
    receipts.chmod(0o555)

    done = read_only.run("verify", "tiny", without_override=True)

    assert done.returncode == 0, done.stderr
    assert "every byte read" in done.stdout
    assert list(receipts.iterdir()) == []


def test_a_read_only_store_finds_a_flipped_bit(read_only: Workplace) -> None:
    (stored,) = (read_only.home / "objects").iterdir()
    flip(stored)

    done = read_only.run("verify", "tiny", without_override=True)

    assert done.returncode == 2
    assert "kit models pull tiny" in done.stderr


def test_a_pull_into_a_read_only_store_names_kit_home(read_only: Workplace, folder: Path) -> None:
    (folder / "other.gguf").write_bytes(content(9))
    read_only.pin(row({"other.gguf": content(9)}))

    done = read_only.run("pull", "tiny", "--from", str(folder), without_override=True)

    assert done.returncode == 1
    assert "the model store cannot be written" in done.stderr
    assert "KIT_HOME" in done.stderr


def test_a_read_only_store_without_links_gives_the_object_of_a_single_file(
    read_only: Workplace,
) -> None:
    shown = read_only.home / "models" / "tiny"
    shown.chmod(0o755)
    (shown / "tiny.gguf").unlink()
    shown.chmod(0o555)

    done = read_only.run("path", "tiny", without_override=True)

    assert done.returncode == 0, done.stderr
    (stored,) = (read_only.home / "objects").iterdir()
    assert done.stdout.strip() == str(stored)
