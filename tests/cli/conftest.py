"""A folder to work in, and one finished study that the real model made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import LOG, checkout, kit


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A checkout of a test's own."""
    return checkout(tmp_path / "desk")


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result folder of the tiny study, in ``results/tiny`` of a checkout; not to be changed."""
    folder = checkout(tmp_path_factory.mktemp("finished") / "desk")
    done = kit("run", "tiny", cwd=folder)
    assert done.code == 0, done.err
    assert (folder / "results" / "tiny" / LOG).is_file()
    return folder / "results" / "tiny"
