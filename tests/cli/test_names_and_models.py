"""Names that do not exist and models that are not what they should be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kit.models.store import Store, home
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from tests.cli.support import (
    contents,
    kit,
    refused,
    write_study,
)
from tests.conftest import ROOT, SMOLLM


def test_languages_without_a_file_are_named(desk: Path) -> None:
    write_study(desk, languages=["xx", "yy"])
    said = refused(kit("run", "tiny", cwd=desk), desk)
    assert "xx, yy" in said
    assert "xx.yaml" in said
    write_study(desk, languages=["en", "xx"])
    done = kit("run", "tiny", "--dry-run", cwd=desk)
    assert done.code == 0, done.err
    assert "no file yet for: xx" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "tinny"), "did you mean 'tiny'?"),
        (("run", "tiny", "--model", "smollm2-135m-instruct-q4_2"), "did you mean"),
        (("run", "tiny", "--profile", "smok"), "no profile 'smok'"),
        (("run", "tiny", "--only", "fr-*"), "no run matches 'fr-*'"),
        (("replay", "tiny/en-a10-r9"), "no such run log"),
        (("show", "none.jsonl"), "no such run log"),
        (("analyze", "nowhere"), "not a result folder"),
        (("report", "nowhere"), "not a result folder"),
        (("run", "study1", "--model", SMOLLM, "--only", "en-*"), "more than"),
    ],
)
def test_a_name_that_does_not_exist_or_a_plan_that_does_not_fit(
    desk: Path, arguments: tuple[str, ...], words: str
) -> None:
    before = contents(desk)
    said = refused(
        kit(*arguments, "--dry-run", cwd=desk)
        if words == "more than"
        else kit(*arguments, cwd=desk),
        desk,
    )
    assert words in said
    assert "next: " in said
    assert contents(desk) == before


def test_a_flipped_byte_in_a_model_is_a_mismatch(desk: Path, tmp_path: Path) -> None:
    pin = load_pins(library_file("models.yaml", start=ROOT))[SMOLLM]
    store = Store(tmp_path / "home")
    target = store.object_path(pin.files[0])
    target.parent.mkdir(parents=True)
    shutil.copy(Store(home()).object_path(pin.files[0]), target)
    target.chmod(0o644)
    with target.open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)
        file.seek(50_000_000)
        file.write(bytes([byte[0] ^ 1]))
    said = refused(kit("run", "tiny", cwd=desk, KIT_HOME=str(tmp_path / "home")), desk, code=2)
    assert pin.files[0].sha256[:12] in said
    assert f"kit models pull {SMOLLM}" in said


def test_a_model_that_is_not_there_is_one_pull_away(desk: Path, tmp_path: Path) -> None:
    said = refused(kit("run", "tiny", cwd=desk, KIT_HOME=str(tmp_path / "none")), desk)
    assert f"kit models pull {SMOLLM}" in said
