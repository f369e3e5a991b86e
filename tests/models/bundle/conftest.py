"""A bundle to check, to break and to install."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .support import make


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with its model in three pieces; not to be changed."""
    return make(tmp_path_factory.mktemp("pristine") / "bundle", pieces=(4096, 4096, 2048))


@pytest.fixture
def bundle(tmp_path: Path, pristine: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(pristine, tmp_path / "bundle")
