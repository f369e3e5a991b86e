from __future__ import annotations

import pytest

from kit.analysis.results import Analysis
from tests.report.figures import support


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return support.scripts(tmp_path_factory.mktemp("scripts"))


@pytest.fixture(scope="session")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return support.two_models(tmp_path_factory.mktemp("models"))
