"""Checking a bundle: whole, damaged, and made to do harm."""

from __future__ import annotations

import ast
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from kit.models.bundle import island
from kit.models.bundle.island import BundleDamaged, BundleError, verify

from .support import MODEL_SHA256, make, program, resum

PIECE = f"models/{MODEL_SHA256}.002"


def findings(bundle: Path) -> str:
    with pytest.raises(BundleDamaged) as caught:
        verify(bundle)
    return caught.value.message


def edit_manifest(bundle: Path, **changes: object) -> None:
    path = bundle / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    resum(bundle)


def test_a_whole_bundle_passes(bundle: Path) -> None:
    checked = verify(bundle)
    assert len(checked.files) == 11
    assert checked.bytes == sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    assert checked.manifest.models[0].id == "tiny"
    assert checked.signature == "none"


def test_every_damaged_file_is_named_and_how(bundle: Path) -> None:
    (bundle / PIECE).write_bytes((bundle / PIECE).read_bytes()[:-7])
    with (bundle / "README.txt").open("r+b") as file:
        file.write(b"B")
    with (bundle / "requirements.txt").open("ab") as file:
        file.write(b"\n")
    (bundle / "workspace" / "models.yaml").unlink()
    (bundle / "workspace" / "new.yaml").touch()
    message = findings(bundle)
    assert f"{PIECE}: is cut short: 4,089 bytes instead of 4,096" in message
    assert "README.txt: is damaged" in message
    assert "requirements.txt: is too long" in message
    assert "workspace/models.yaml: is missing" in message
    assert "workspace/new.yaml: does not belong to the bundle" in message
    assert message.startswith("5 differences")


def test_right_pieces_in_the_wrong_order_do_not_make_the_model(bundle: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    file = manifest["models"][0]["files"][0]
    file["pieces"][1:] = reversed(file["pieces"][1:])
    edit_manifest(bundle, models=manifest["models"])
    # The model's bytes repeat, so the order shows only where a piece is of another length.
    file["pieces"].pop()
    edit_manifest(bundle, models=manifest["models"])
    assert "m.gguf: the pieces of model tiny do not make it" in findings(bundle)


def test_a_whole_model_is_held_against_its_hash(tmp_path: Path) -> None:
    bundle = make(tmp_path / "bundle")
    path = bundle / "models" / MODEL_SHA256
    path.write_bytes(path.read_bytes()[::-1])
    resum(bundle)
    assert "m.gguf: the pieces of model tiny do not make it" in findings(bundle)


def test_a_damaged_manifest_is_named_with_the_rest(bundle: Path) -> None:
    with (bundle / "bundle.json").open("ab") as file:
        file.write(b" ")
    (bundle / "README.txt").write_bytes(b"other")
    assert "bundle.json: is damaged" in findings(bundle)
    assert "README.txt: is damaged" in findings(bundle)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../outside",
        "models/../../outside",
        "models//x",
        "./README.txt",
        "C:\\x",
        "models\\x",
        "a\tb",
        "SHA256SUMS",
    ],
)
def test_a_name_that_leads_out_is_refused(bundle: Path, name: str) -> None:
    (bundle.parent / "outside").write_bytes(b"")
    resum(bundle, extra=f"{'0' * 64}  {name}\n")
    assert "is no name of a bundle's file" in findings(bundle)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense\n", "is no line of checksums"),
        ("\n", "is no line of checksums"),
        (f"{'0' * 63}  x\n", "is no line of checksums"),
        (f"{'0' * 64}  README.txt\n", "names 'README.txt' again"),
        (f"{'0' * 64}  cut", "is cut short"),
    ],
)
def test_a_malformed_line_is_refused(bundle: Path, line: str, said: str) -> None:
    resum(bundle, extra=line)
    assert said in findings(bundle)


def test_links_are_never_followed(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((bundle / PIECE).read_bytes())
    (bundle / PIECE).unlink()
    (bundle / PIECE).symlink_to(tmp_path / "elsewhere")
    (bundle / "workspace").rename(tmp_path / "workspace")
    (bundle / "workspace").symlink_to(tmp_path / "workspace")
    message = findings(bundle)
    assert f"{PIECE}: is a link" in message
    assert "workspace: is a link" in message
    assert "workspace/models.yaml: is missing" in message


def test_a_pipe_is_not_opened(bundle: Path) -> None:
    os.mkfifo(bundle / "models" / "pipe")
    assert "models/pipe: is no regular file" in findings(bundle)


def test_what_a_system_leaves_on_a_disk_is_no_damage(bundle: Path) -> None:
    (bundle / "System Volume Information").mkdir()
    (bundle / "System Volume Information" / "WPSettings.dat").touch()
    (bundle / ".Trash-1000").mkdir()
    (bundle / ".Trash-1000" / "old").touch()
    verify(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"models": None},
        {"models": [{"id": "../x", "license": "mit", "files": []}]},
        {"lengths": {"/etc/passwd": 1}},
        {"pip": "../pip.whl"},
        {"platform": {}},
        {"unpacked": -1},
        {"kit": 1},
    ],
)
def test_a_manifest_that_is_none_is_refused(bundle: Path, change: dict[str, object]) -> None:
    edit_manifest(bundle, **change)
    assert "bundle.json is not what a bundle holds" in findings(bundle)


def test_a_piece_that_has_no_line_is_named(bundle: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["models"][0]["files"][0]["pieces"].append("models/none")
    edit_manifest(bundle, models=manifest["models"])
    assert "models/none: is not in SHA256SUMS" in findings(bundle)


def test_a_bundle_without_a_listed_manifest_is_refused(bundle: Path) -> None:
    (bundle / "bundle.json").unlink()
    resum(bundle)
    assert "does not list bundle.json" in findings(bundle)


def test_a_later_format_is_told_apart(bundle: Path) -> None:
    edit_manifest(bundle, format=2)
    with pytest.raises(BundleError, match="format 2") as caught:
        verify(bundle)
    assert not isinstance(caught.value, BundleDamaged)


def test_the_program_ends_with_two_for_damage_and_one_for_no_bundle(
    bundle: Path, tmp_path: Path
) -> None:
    done = program(bundle, "verify", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok: 11 files")
    (bundle / "README.txt").unlink()
    done = program(bundle, "verify", cwd=tmp_path)
    assert done.returncode == 2
    assert "README.txt: is missing" in done.stderr
    assert "next: copy these files again" in done.stderr
    (bundle / "SHA256SUMS").unlink()
    done = program(bundle, "verify", cwd=tmp_path)
    assert done.returncode == 1
    assert "no bundle or an unfinished one" in done.stderr


def test_sha256sum_agrees(bundle: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=bundle, check=False).returncode == 0


def test_memory_does_not_grow_with_the_files(bundle: Path, tmp_path: Path) -> None:
    size = 300_000_000
    with (bundle / "workspace" / "large").open("wb") as file:
        file.truncate(size)
    resum(bundle)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    command = [sys.executable, "-I", str(bundle / "install.py"), "verify"]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "checking workspace/large, 300 MB" in done.stdout


def test_an_old_python_can_read_the_program() -> None:
    source = Path(island.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    ]
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
