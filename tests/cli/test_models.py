"""``kit models``: what it prints, and how it exits."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from kit.cli.main import run

SHIPPED = Path(__file__).parents[2] / "models.yaml"
LONG_ID = "a-model-whose-name-goes-on-and-on-and-on-q4_k_m"


class Done(NamedTuple):
    code: int
    out: str
    err: str


Kit = Callable[..., Done]


def row(model_id: str, data: bytes) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    return {
        "id": model_id,
        "family": "tiny",
        "tier": "test",
        "size": "tiny",
        "license": "mit",
        "instruct": False,
        "context_length": None,
        "source": {"kind": "folder"},
        "files": [{"name": f"{model_id}.gguf", "bytes": len(data), "sha256": digest}],
    }


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kit:
    """Runs ``kit models ARGS`` in a checkout that pins ``one``, ``two`` and a long name."""
    rows = [row("one", b"one" * 1000), row("two", b"two" * 1000), row(LONG_ID, b"three")]
    checkout = tmp_path / "checkout"
    (checkout / "studies").mkdir(parents=True)
    (checkout / "models.yaml").write_text(yaml.safe_dump({"kit_schema": 1, "models": rows}))
    carried = checkout / "carried"
    carried.mkdir()
    (carried / "one.gguf").write_bytes(b"one" * 1000)
    (carried / "two.gguf").write_bytes(b"two" * 1000)
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))

    def call(*args: str) -> Done:
        capsys.readouterr()
        code = run(["models", *args])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


def spoil(home: Path, name: str) -> None:
    path = home / "models" / name / f"{name}.gguf"
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"X")


def test_list_shows_every_pin_with_its_state_within_eighty_columns(kit: Kit) -> None:
    kit("pull", "one", "--from", "carried")

    done = kit("list")

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["ID", "SIZE", "STATE", "FIT", "TIME"]
    assert lines[1].split() == ["one", "0", "MB", "present", "?", "?"]
    assert lines[2].split() == ["two", "0", "MB", "absent", "?", "?"]
    assert lines[3] == LONG_ID
    assert max(len(line) for line in lines) <= 80
    assert "home" in done.err


def test_the_shipped_pins_fit_eighty_columns(kit: Kit) -> None:
    Path("models.yaml").write_bytes(SHIPPED.read_bytes())

    done = kit("list")

    assert done.code == 0
    assert max(len(line) for line in done.out.splitlines()) <= 80
    ids = [pin["id"] for pin in yaml.safe_load(SHIPPED.read_text())["models"]]
    assert [line.split()[0] for line in done.out.splitlines()[1:] if line[0] != " "] == ids


def test_a_checkout_without_studies_is_listed_and_a_named_study_must_exist(kit: Kit) -> None:
    done = kit("list")
    assert done.code == 0
    assert "not judged by study1: no study 'study1'" in done.err
    assert "any study with ten agents of up to 16,384 tokens" in done.err

    done = kit("list", "--study", "mine")
    assert (done.code, done.out) == (1, "")
    assert "no study 'mine'" in done.err


def test_pull_prints_one_path_per_model_and_path_repeats_it(kit: Kit, tmp_path: Path) -> None:
    done = kit("pull", "one", "two", "--from", "carried")

    home = tmp_path / "home" / "models"
    assert done.code == 0
    assert done.out.splitlines() == [str(home / n / f"{n}.gguf") for n in ("one", "two")]
    assert "fetching" in done.err
    assert kit("path", "two").out.strip() == str(home / "two" / "two.gguf")


def test_pull_checks_every_id_before_it_starts(kit: Kit, tmp_path: Path) -> None:
    done = kit("pull", "one", "onne", "--from", "carried")

    assert done.code == 1
    assert "did you mean 'one'?" in done.err
    assert "kit models list" in done.err
    assert not (tmp_path / "home").exists()


def test_path_of_a_missing_model_prints_nothing_and_says_how_to_get_it(kit: Kit) -> None:
    done = kit("path", "one")

    assert (done.code, done.out) == (1, "")
    assert "next: kit models pull one" in done.err


def test_verify_without_ids_checks_what_is_there(kit: Kit) -> None:
    assert kit("verify").code == 0
    kit("pull", "one", "--from", "carried")

    done = kit("verify")

    assert done.code == 0
    assert done.out == "ok  one  one.gguf  (unchanged since it was last read)\n"
    assert "every byte read" in kit("verify", "--full").out


def test_verify_goes_on_after_a_spoilt_model_and_exits_with_a_mismatch(
    kit: Kit, tmp_path: Path
) -> None:
    kit("pull", "one", "two", "--from", "carried")
    spoil(tmp_path / "home", "one")
    os.utime(tmp_path / "home" / "models" / "one" / "one.gguf", ns=(5, 5))

    done = kit("verify")

    assert done.code == 2
    assert "next: kit models pull one" in done.err
    assert done.out.startswith("ok  two")
    assert kit("verify", LONG_ID, "one").code == 2
    assert kit("verify", LONG_ID).code == 1
    assert kit("pull", "one", "--from", "carried").code == 0
    assert kit("verify").code == 0


def test_a_terminal_gets_a_progress_bar_and_a_plain_result(kit: Kit, tmp_path: Path) -> None:
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kit", "models", "pull", "one", "--from", "carried"],
        env=os.environ | {"PYTHONPATH": str(SHIPPED.parent), "TERM": "xterm", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    shown = os.read(controller, 100_000).decode()
    os.close(controller)

    assert process.returncode == 0
    assert out == f"{tmp_path / 'home' / 'models' / 'one' / 'one.gguf'}\n"
    assert "one: one.gguf: in the store" in shown
    assert "3.0/3.0 kB" in shown


def test_a_fault_in_models_yaml_is_shown_with_its_line(kit: Kit) -> None:
    Path("models.yaml").write_text("kit_schema: 1\nmodels:\n- id: x\n")

    done = kit("list")

    assert done.code == 1
    assert "models.yaml:3: models.0." in done.err
