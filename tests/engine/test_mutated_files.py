"""Files changed in one place and pinned anew, so that no hash gives them away.

``scripts/mutated`` does the same with many more.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import write

from .attempt import NAME, Outcome, adopting, attempt, pin_of
from .mutation import BASES, CHANGES, Draft, mutate, pack_texts, take_apart, texts_of

CASES = 60


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bases")
    return [write(animal, folder) for animal in ANIMALS if animal.name in BASES]


@pytest.fixture(scope="module", autouse=True)
def _adopting() -> Iterator[None]:
    with adopting():
        yield


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))


def test_a_file_put_together_again_is_the_same_file(bases: list[Path]) -> None:
    for base in bases:
        assert take_apart(base).pack() == base.read_bytes()


def test_an_unchanged_file_works(bases: list[Path], tmp_path: Path) -> None:
    found = attempt(bases[0].read_bytes(), tmp_path)
    assert (found.outcome, found.faults) == (Outcome.WORKS, ())


def test_every_number_stands_for_one_change(bases: list[Path]) -> None:
    first = [mutate(bases[0], number) for number in range(len(CHANGES))]
    assert first == [mutate(bases[0], number) for number in range(len(CHANGES))]
    assert [mutant.change for mutant in first] == list(CHANGES)
    original = bases[0].read_bytes()
    assert sum(mutant.data != original for mutant in first) > len(CHANGES) - 4


@pytest.mark.parametrize("number", range(CASES))
def test_a_changed_file_is_refused_or_works(bases: list[Path], tmp_path: Path, number: int) -> None:
    mutant = mutate(bases[number % 2], number)
    found = attempt(mutant.data, tmp_path)
    assert found.faults == ()
    if found.outcome is not Outcome.WORKS:
        assert NAME in found.message or "template" in found.message
        assert "\n  next: " in found.message


def newer(draft: Draft) -> None:
    draft.version = 4


def without_output(draft: Draft) -> None:
    draft.infos = [info for info in draft.infos if info.name != b"output_norm.weight"]


def with_a_token_twice(draft: Draft) -> None:
    entry = draft.find("ggml.tokens")
    tokens = texts_of(entry)
    entry.value = pack_texts([*tokens[:-1], tokens[-2]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (newer, "byte 4: its version is 4"),
        (without_output, "llama.cpp refuses the model file"),
        (
            with_a_token_twice,
            "llama.cpp ended on this file: SIGABRT: llama.cpp/src/llama-vocab.cpp",
        ),
    ],
)
def test_the_command_line_says_what_is_wrong(
    bases: list[Path], tmp_path: Path, change: Callable[[Draft], None], said: str
) -> None:
    draft = take_apart(bases[1])
    change(draft)
    data = draft.pack()
    checkout, carried = tmp_path / "checkout", tmp_path / "carried"
    shutil.copytree(ROOT / "studies", checkout / "studies")
    row = pin_of(data).model_dump(mode="json", exclude_none=True) | {"context_length": None}
    (checkout / "models.yaml").write_text(yaml.safe_dump({"kit_schema": 1, "models": [row]}))
    carried.mkdir()
    (carried / NAME).write_bytes(data)

    def kit(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "kit", *arguments],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert kit("models", "pull", "mutant", "--from", str(carried)).returncode == 0
    [stored] = (tmp_path / "home" / "objects").iterdir()
    ran = kit("run", "study1", "--model", "mutant", "--profile", "smoke", "--dry-run")
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "next: " in ran.stderr
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == stored.name
