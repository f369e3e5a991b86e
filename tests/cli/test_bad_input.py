"""What a user gets wrong, each with its own message, place and exit code; nothing is lost."""

from __future__ import annotations

import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kit.models.store import Store, home
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from tests.cli.support import (
    LOG,
    command,
    contents,
    environment,
    in_namespace,
    kit,
    line_of,
    refused,
    write_study,
)
from tests.conftest import ROOT, SMOLLM


def test_an_unknown_key_is_placed_and_guessed(desk: Path) -> None:
    path = write_study(desk, replicate=3)
    said = refused(kit("run", "tiny", cwd=desk), desk)
    assert f"tiny.yaml:{line_of(path, 'replicate:')}: replicate: unknown key" in said
    assert "did you mean 'replicates'?" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replicates": "many"}, "replicates"),
        ({"seed": -1}, "seed"),
        ({"protocol": {"turns": 16}}, "turns"),
        ({"protocol": {"order": "random"}}, "order"),
        ({"aligned": [0, 11]}, "aligned"),
    ],
)
def test_a_wrong_value_is_placed(desk: Path, changes: dict[str, Any], words: str) -> None:
    path = write_study(desk, **changes)
    said = refused(kit("run", "tiny", cwd=desk), desk)
    assert f"{path.name}:" in said
    assert words in said


def test_a_level_above_ten_names_the_limit(desk: Path) -> None:
    write_study(desk, aligned=[0, 11])
    assert "less than or equal to 10" in refused(kit("run", "tiny", cwd=desk), desk)


def test_a_duplicate_run_is_refused(desk: Path) -> None:
    write_study(desk, aligned=[0, 10, 10])
    assert "duplicate run: 10 stands twice" in refused(kit("run", "tiny", cwd=desk), desk)


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


@pytest.mark.parametrize("command_name", ["replay", "show"])
def test_an_incomplete_log_is_not_read_as_a_run(
    desk: Path, finished_study: Path, command_name: str
) -> None:
    shutil.copytree(finished_study, desk / "results" / "tiny")
    log = desk / "results" / "tiny" / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    log.unlink()
    log.with_name("en-a10-r1.partial.jsonl").write_bytes(b"".join(lines[:-1]))
    said = refused(kit(command_name, "tiny/en-a10-r1", cwd=desk), desk)
    assert "incomplete" in said
    assert "continues where it stopped" in said


def test_an_edited_log_is_seen_before_anything_is_simulated(
    desk: Path, finished_study: Path
) -> None:
    shutil.copytree(finished_study, desk / "results" / "tiny")
    log = desk / "results" / "tiny" / LOG
    log.write_bytes(log.read_bytes().replace(b'"position":3', b'"position":4', 1))
    for arguments in (("run", "tiny"), ("replay", "tiny/en-a10-r1")):
        said = refused(kit(*arguments, cwd=desk), desk)
        assert "en-a10-r1.jsonl" in said


def test_an_output_folder_that_is_a_file_is_refused(desk: Path) -> None:
    (desk / "taken").write_text("mine")
    refused(kit("run", "tiny", "--out", "taken", cwd=desk), desk)
    assert (desk / "taken").read_text() == "mine"


def test_a_read_only_output_folder_is_refused(desk: Path) -> None:
    prefix = in_namespace("--mount")
    if prefix is None:
        pytest.skip("this system allows no mount namespace, so root can write everywhere")
    (desk / "shut").mkdir()
    script = 'mount -t tmpfs -o ro none shut && exec "$@"'
    done = subprocess.run(
        [*prefix, "sh", "-c", script, "sh", *command("run", "tiny", "--out", "shut/out")],
        cwd=desk,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert "cannot be written" in done.stderr
    assert "--out" in done.stderr


def test_a_full_disk_keeps_what_was_written(desk: Path) -> None:
    """No file may grow beyond 40 kB here: writing fails half-way through the log."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    done = subprocess.run(
        command("run", "tiny"),
        cwd=desk,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    whole = kit("run", "tiny", cwd=desk)
    assert whole.code == 0, whole.err


def test_a_really_full_disk_is_named(desk: Path) -> None:
    prefix = in_namespace("--mount")
    if prefix is None:
        pytest.skip("this system allows no mount namespace, so no disk can be made full")
    (desk / "small").mkdir()
    script = (
        "mount -t tmpfs -o size=64k none small && head -c 40000 /dev/zero > small/ballast; "
        'exec "$@"'
    )
    done = subprocess.run(
        [*prefix, "sh", "-c", script, "sh", *command("run", "tiny", "--out", "small/out")],
        cwd=desk,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert "disk is full" in done.stderr or "are free" in done.stderr
    assert "free some space" in done.stderr


def test_two_runs_do_not_write_one_folder(desk: Path) -> None:
    import fcntl  # noqa: PLC0415 - Linux only, as the lock it tries

    out = desk / "results" / "tiny"
    out.mkdir(parents=True)
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        said = refused(kit("run", "tiny", cwd=desk), desk)
    assert "process 4711" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [x, x]\nb: [*a, *a]\n", "aliases are not allowed"),
        ("a: " + "[" * 200 + "]" * 200, "nested too deeply"),
        ("x" * 5_000_000, "too large"),
        ("a: 1\na: 2\n", "given twice"),
        ("- 1\n", "not a mapping"),
        ("a: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("a: [1\n", "not valid YAML"),
    ],
)
def test_a_hostile_or_broken_file_is_an_ordinary_error(desk: Path, text: str, words: str) -> None:
    (desk / "studies" / "tiny.yaml").write_text(text)
    said = refused(kit("validate", "studies/tiny.yaml", cwd=desk), desk)
    assert words in said
    assert "tiny.yaml" in said
