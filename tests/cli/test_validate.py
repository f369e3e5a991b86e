"""``kit validate``: every kind of file, and every file even after a faulty one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import kit, refused, write_study
from tests.conftest import ROOT


def test_everything_that_is_shipped_is_valid() -> None:
    done = kit("validate", cwd=ROOT)

    assert done.code == 0, done.err
    files = [ROOT / "models.yaml", *(ROOT / "studies").rglob("*.yaml")]
    assert len(done.out.splitlines()) == len(files)
    for kind, name in (
        ("model pins", "models.yaml"),
        ("published claims", "studies/published.yaml"),
        ("language", "studies/languages/ja.yaml"),
        ("study", "studies/study4.yaml"),
        ("study", "studies/demo.yaml"),
    ):
        assert f"ok: {ROOT / name} ({kind})" in done.out.splitlines()


def test_a_checkouts_own_files_are_the_ones_that_are_read(desk: Path) -> None:
    write_study(desk, "mine")
    below = desk / "studies" / "languages"

    assert f"ok: {desk / 'studies' / 'mine.yaml'} (study)" in kit("validate", cwd=below).out


def test_a_faulty_file_does_not_hide_the_others(desk: Path) -> None:
    bad = write_study(desk, "bad", aligned=[11])
    worse = write_study(desk, "worse", sead=3)
    good = write_study(desk, "good")

    done = kit("validate", bad, good, worse, cwd=desk)

    said = refused(done, desk)
    assert f"kit: {bad}:" in said
    assert f"kit: {worse}:" in said
    assert done.out == f"ok: {good} (study)\n"


def test_several_faults_in_one_file_are_counted(desk: Path) -> None:
    path = write_study(desk, replicates="many", seed=-1)

    said = refused(kit("validate", path, cwd=desk), desk)

    assert f"next: mend this, then run 'kit validate {path}': 1 more problem may be left" in said


@pytest.mark.parametrize("name", ["lock.yaml", "requirements.lock"])
def test_a_file_of_no_known_kind_says_what_kinds_there_are(desk: Path, name: str) -> None:
    (desk / name).write_text("kit_schema: 1\npackages: []\n")

    said = refused(kit("validate", name, cwd=desk), desk)

    assert f"kit: {name}: is not a study, a language, model pins or published claims" in said
    assert "language, claims, id, models" in said
