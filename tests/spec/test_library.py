"""Data files come from the checkout first, then from the installed kit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kit
from kit.errors import SpecError
from kit.spec.library import checkout, library_file

ROOT = Path(__file__).parents[2]


def make_checkout(folder: Path) -> Path:
    (folder / "studies").mkdir(parents=True)
    (folder / "models.yaml").write_text("kit_schema: 1\nmodels: []\n")
    return folder


def test_the_nearest_folder_above_with_models_and_studies_is_the_checkout(tmp_path: Path) -> None:
    outer = make_checkout(tmp_path / "outer")
    inner = make_checkout(outer / "inner")
    (inner / "deep" / "studies").mkdir(parents=True)

    assert checkout(inner / "deep") == inner
    assert checkout(outer / "studies") == outer
    assert library_file("models.yaml", start=inner / "deep") == inner / "models.yaml"


def test_the_working_folder_is_where_the_search_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_checkout(tmp_path / "place")
    monkeypatch.chdir(place / "studies")

    assert library_file("models.yaml") == place / "models.yaml"
    assert library_file("studies") == place / "studies"


def test_a_file_that_nobody_holds_is_an_error_that_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        library_file("studies", "no_such_study.yaml", start=make_checkout(tmp_path / "place"))

    assert "'studies/no_such_study.yaml'" in caught.value.message
    assert caught.value.hint is not None
    assert "models.yaml" in caught.value.hint


def installed(tmp_path: Path, ask: str, cwd: Path) -> str:
    """What a kit that is installed with its data files answers to ``library_file(ask)``."""
    site = tmp_path / "site"
    package = site / "kit"
    (package / "spec").mkdir(parents=True)
    source = Path(kit.__file__).parent
    for name in ("__init__.py", "errors.py", "spec/__init__.py", "spec/library.py"):
        shutil.copy(source / name, package / name)
    make_checkout(package / "_data")
    code = f"from kit.spec.library import library_file; print(library_file({ask!r}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_outside_a_checkout_the_copies_in_the_wheel_answer(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    found = installed(tmp_path, "models.yaml", elsewhere)

    assert found == str(tmp_path / "site" / "kit" / "_data" / "models.yaml")


def test_inside_a_checkout_its_own_copy_wins_over_the_wheel(tmp_path: Path) -> None:
    place = make_checkout(tmp_path / "place")

    assert installed(tmp_path, "models.yaml", place) == str(place / "models.yaml")


def test_the_source_tree_answers_for_a_kit_that_was_not_installed(tmp_path: Path) -> None:
    assert library_file("models.yaml", start=tmp_path) == ROOT / "models.yaml"
