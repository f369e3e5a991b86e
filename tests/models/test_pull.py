"""Pulling keeps what is right, replaces what is wrong, and asks for room first."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import ModelCorrupt, ModelError
from kit.models.progress import Progress, Step
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import State, Store

from .support import content, pin_of


def test_a_pull_reports_fetching_and_storing(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    reports: list[Progress] = []

    pull(pin, store, source=source_of(pin, folder), report=reports.append)

    steps = [report.step for report in reports]
    assert list(dict.fromkeys(steps)) == [Step.FETCHING, Step.STORED]
    fetched = [report.done for report in reports if report.step is Step.FETCHING]
    assert fetched == sorted(fetched)
    assert (fetched[0], fetched[-1]) == (0, 300_000)
    assert {report.total for report in reports} == {300_000}


def test_a_present_model_needs_no_source(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files, source={"kind": "folder"})
    first = pull(pin, store, source=source_of(pin, folder))

    assert pull(pin, store) == first
    with pytest.raises(ModelError, match="has no public source") as caught:
        pull(pin_of({"b": b"b"}, source={"kind": "folder"}), store)
    assert caught.value.hint == "kit models pull tiny --from FOLDER"


def test_a_spoilt_model_is_replaced_and_the_replacement_announced(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    stored = pull(pin, store, source=source_of(pin, folder))
    stored.chmod(0o644)
    stored.write_bytes(b"spoilt")
    reports: list[Progress] = []

    path = pull(pin, store, source=source_of(pin, folder), report=reports.append)

    assert Step.REPLACING in {report.step for report in reports}
    assert path.read_bytes() == files["tiny.gguf"]
    assert store.state(pin) is State.PRESENT


def test_a_spoilt_model_stays_until_the_right_bytes_are_here(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    stored = pull(pin, store, source=source_of(pin, folder))
    stored.chmod(0o644)
    stored.write_bytes(b"spoilt")
    (folder / "tiny.gguf").write_bytes(content(5))

    with pytest.raises(ModelCorrupt):
        pull(pin, store, source=source_of(pin, folder))

    assert store.object_path(pin.files[0]).read_bytes() == b"spoilt"
    found = {path.name for path in (store.root / "objects").iterdir()}
    assert found == {pin.files[0].sha256, f"{pin.files[0].sha256}.bad"}


def test_two_models_share_a_file_they_both_pin(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    one = pin_of(files)
    two = one.model_copy(update={"id": "twin"})
    first = pull(one, store, source=source_of(one, folder))

    second = pull(two, store)

    assert second.parent.name == "twin"
    assert second.samefile(first)


def test_a_model_larger_than_the_disk_is_refused_before_anything_is_written(
    store: Store, folder: Path, files: dict[str, bytes]
) -> None:
    pin = pin_of(files)
    huge = pin.model_copy(update={"files": (pin.files[0].model_copy(update={"bytes": 10**18}),)})

    with pytest.raises(ModelError, match=r"needs 1,000,000,000\.0 GB of disk") as caught:
        pull(huge, store, source=source_of(pin, folder))

    assert caught.value.hint is not None
    assert "KIT_HOME" in caught.value.hint
    assert list((store.root / "objects").iterdir()) == []
