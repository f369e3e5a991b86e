"""Two short runs on the real model, made side by side, with the command a user types.

The texts are a few words each: what is tested is bits, and reading is most of the time.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, SMOLLM
from tests.planted import language

STUDY = {
    "kit_schema": 1,
    "id": "short",
    "title": "Short",
    "question": "Does it replay?",
    "seed": 0,
    "languages": ["en"],
    "models": [SMOLLM],
    "aligned": [10],
    "replicates": 2,
    "protocol": {
        "turns": 2,
        "budget_scale": 0.3,
        "sampling": {"max_tokens": 8},
        "engine": {"context": 4096},
    },
}


def write_study(folder: Path, **changes: object) -> Path:
    """The short study as a file."""
    (folder / "languages").mkdir()
    texts = {"kit_schema": 1, **language("en").model_dump(mode="json")}
    for persona in texts["personas"]:
        persona["text"] = f"You are {persona['name']}."
    (folder / "languages" / "en.yaml").write_text(yaml.safe_dump(texts, allow_unicode=True))
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes))
    return path


def kit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The real command line, in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "kit", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result folder of two complete runs."""
    folder = tmp_path_factory.mktemp("finished")
    done = kit("run", write_study(folder), "--out", folder / "out", "--cohort", "2")
    assert done.returncode == 0, done.stderr
    return folder / "out"
