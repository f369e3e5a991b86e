"""``kit models list`` where there are studies to judge by and a model to measure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kit.models.store import Store
from kit.spec.pins import load_pins
from tests.cli.support import Done, environment, kit, write_study
from tests.conftest import GEMMA, ROOT, SMOLLM

OPENED = """
import sys
opened = []
sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == "open" else None)
from kit.cli.main import run
code = run(["models", "list", "--study", "tiny"])
weights = [path for path in opened if "/objects/" in path or path.endswith(".gguf")]
print("opened", *weights, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store of a test's own with both models, whose receipts hold."""
    home = tmp_path / "home"
    pins, there = load_pins(ROOT / "models.yaml"), Store()
    for model in (SMOLLM, GEMMA):
        for folder, name in (
            ("objects", pins[model].files[0].sha256),
            ("receipts", f"{pins[model].files[0].sha256}.json"),
        ):
            (home / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy2(there.root / folder / name, home / folder / name)
    return home


@pytest.fixture
def listed(desk: Path, home: Path) -> Path:
    """A checkout that pins the two models that are here and a third one of unknown shape."""
    write_study(desk)
    path = desk / "models.yaml"
    data = yaml.safe_load(path.read_text())
    rows = {row["id"]: row for row in data["models"]}
    rows[SMOLLM]["attention"] = {"layers": 30, "key_width": 192, "value_width": 192}
    for key in ("attention", "active"):
        rows[GEMMA].pop(key, None)
    far: dict[str, object] = {"id": "far-away-q8_0", "context_length": None}
    far["files"] = [{"name": "far.gguf", "bytes": 10**12, "sha256": "0" * 64}]
    chosen = [rows[SMOLLM], rows[GEMMA], rows[GEMMA] | far | {"source": {"kind": "folder"}}]
    path.write_text(yaml.safe_dump({"kit_schema": 1, "models": chosen}))
    return desk


def models(listed: Path, home: Path, *arguments: str) -> Done:
    return kit("models", *arguments, cwd=listed, KIT_HOME=str(home))


def row(done: Done, model: str) -> list[str]:
    line = next(line for line in done.out.splitlines() if line.startswith(model))
    return [cell.strip() for cell in line[37:].split("  ") if cell.strip()]


def test_nothing_measured_gives_no_times_and_says_how_to_get_them(listed: Path, home: Path) -> None:
    done = models(listed, home, "list", "--study", "tiny")

    assert done.code == 0, done.err
    assert row(done, SMOLLM)[1:] == ["present", "fits", "?"]
    assert row(done, GEMMA)[1:] == ["present", "?", "?"]
    state, lacks, time = row(done, "far-away")[1:]
    assert (state, time) == ("absent", "-")
    assert lacks.startswith("lacks 9")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "tiny with ten agents of up to 4,096 tokens, keys in F16" in done.err
    assert "kit models list --measure" in done.err


def test_a_list_opens_no_model_file(listed: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENED],
        cwd=listed,
        env=environment(KIT_HOME=str(home)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SMOLLM in done.stdout
    assert done.stderr.splitlines()[-1] == "opened"


def test_what_is_measured_once_is_used_for_every_model_and_remembered(
    listed: Path, home: Path
) -> None:
    first = models(listed, home, "list", "--study", "tiny", "--measure")

    assert first.code == 0, first.err
    assert f"{SMOLLM}: reads " in first.err
    assert [path.suffix for path in (home / "speed").iterdir()] == [".json"]
    low, high = row(first, SMOLLM)[-1].split("-")
    assert float(low) <= float(high.split()[0].replace(",", ""))
    # Of a file that was not opened only the length is known: a bound.
    assert row(first, GEMMA)[-1].startswith("< ")

    again = models(listed, home, "list", "--study", "tiny")
    assert [row(again, model) for model in (SMOLLM, GEMMA)] == [
        row(first, model) for model in (SMOLLM, GEMMA)
    ]
    assert "reads" not in again.err

    details = models(listed, home, "list", GEMMA, "--study", "tiny")
    assert "about " in details.out.splitlines()[-1]


def test_the_details_of_a_stored_model_come_from_its_header(listed: Path, home: Path) -> None:
    done = models(listed, home, "list", GEMMA)

    assert done.code == 0, done.err
    lines = [line.strip() for line in done.out.splitlines()]
    assert lines[0] == GEMMA
    assert "present in the store" in lines
    # 253 MB, half a gigabyte, 10 caches of 18,432 bytes a token, 12 KiB of scores and masks.
    assert "4,096 tokens each     1.6 GB" in lines
    studies = [line.split()[0] for line in lines[lines.index("study") + 1 :]]
    assert studies == ["demo", "study1", "study2", "study3", "study4"]
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_details_of_an_absent_model_leave_open_what_is_not_known(
    listed: Path, home: Path
) -> None:
    done = models(listed, home, "list", "far-away-q8_0", "--study", "tiny")

    assert done.code == 0, done.err
    assert "absent in the store; 1,000 GB to pull" in done.out
    assert "disk: lacks " in done.out
    assert done.out.count(" tokens each          ?") == 4


def test_too_short_a_context_is_told_of_a_model_that_would_fit(listed: Path, home: Path) -> None:
    done = models(listed, home, "list", "--study", "study1")

    assert row(done, SMOLLM)[2:] == ["short context", "-"]


def test_a_file_that_is_no_model_is_an_error_and_its_details_are_shown(
    listed: Path, home: Path
) -> None:
    path = Store(home).object_path(load_pins(listed / "models.yaml")[GEMMA].files[0])
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"XXXX")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    done = models(listed, home, "list", GEMMA)

    assert done.code == 0
    assert "kit: " in done.err
    assert "4,096 tokens each          ?" in done.out


def test_only_what_is_here_can_be_measured(listed: Path, home: Path) -> None:
    done = models(listed, home, "list", "--measure", "far-away-q8_0")

    assert (done.code, done.out) == (1, "")
    assert "next: kit models pull far-away-q8_0" in done.err


def test_a_store_that_cannot_be_written_costs_the_memory_of_it_only(
    listed: Path, home: Path
) -> None:
    (home / "speed").write_text("a file where the folder should be")

    done = models(listed, home, "list", "--study", "tiny", "--measure")

    assert done.code == 0, done.err
    assert "the measured speed cannot be kept" in done.err
    assert "-" in row(done, SMOLLM)[-1]
