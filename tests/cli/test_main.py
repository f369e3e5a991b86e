"""The ``kit`` command itself: help, exit codes, closed pipes, full terminals, bugs."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit import __version__, errors
from kit.cli.main import COMMANDS
from tests.cli.support import LOG, Done, command, environment, kit
from tests.conftest import ROOT

HEAVY = ("numpy", "polars", "scipy", "matplotlib", "llama_cpp", "huggingface_hub", "pydantic")


def python(code: str, *arguments: str | Path, cwd: Path) -> Done:
    """Run ``code`` in a Python that sees the kit."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_help_lists_every_command_and_loads_nothing_heavy(tmp_path: Path) -> None:
    done = python(
        "import sys; from kit.cli.main import run; code = run(['--help']);"
        f"print('loaded:', [name for name in {HEAVY} if name in sys.modules]); sys.exit(code)",
        cwd=tmp_path,
    )

    assert done.code == 0
    assert "loaded: []" in done.out
    for name, line in COMMANDS.items():
        assert f"  {name} " in done.out
        assert line in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    done = kit(name, "--help", cwd=tmp_path)

    assert done.code == 0, done.err
    assert f"Usage: kit {name}" in done.out
    assert done.err == ""
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    assert kit("--version", cwd=tmp_path).out == f"kit, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Usage: kit"),
        (["simulate"], "No such command 'simulate'"),
        (["run"], "Missing argument 'STUDY'"),
        (["run", "demo", "--cohrt", "2"], "--cohort"),
        (["run", "demo", "--cohort", "99"], "99 is not in the range"),
        (["show", "x.jsonl", "--turn", "0"], "0 is not in the range"),
    ],
)
def test_a_mistyped_command_line_is_an_expected_error(
    arguments: list[str], why: str, tmp_path: Path
) -> None:
    done = kit(*arguments, cwd=tmp_path)

    assert done.code == 1
    assert why in done.err
    assert done.out == ""


def test_every_error_ends_with_the_code_its_tree_says() -> None:
    """The drawing in the module's docstring is what the classes do."""
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.strip("│├└─ ").split()
        if len(words) > 1 and words[1].isdigit():
            drawn[words[0]] = int(words[1])
    classes = {
        name: int(kind.exit_code)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.KitError)
    }
    assert drawn == classes


BUG = """
import sys
from kit.cli import validate
def broken(path):
    raise RuntimeError("a planted bug")
validate.check = broken
from kit.cli.main import main
main(["validate", *sys.argv[1:]])
"""


def test_a_bug_leaves_an_account_to_paste(tmp_path: Path) -> None:
    done = python(BUG, "any\udcff.yaml", cwd=tmp_path)

    assert done.code == 3
    assert "bug: RuntimeError: a planted bug" in done.err
    assert "Traceback" not in done.err
    account = (tmp_path / "kit-crash.md").read_text()
    assert f"kit {__version__}, Python 3." in account
    assert 'raise RuntimeError("a planted bug")' in account or "in broken" in account


def test_an_account_of_a_bug_finds_another_folder(tmp_path: Path) -> None:
    (tmp_path / "kit-crash.md").mkdir()

    done = python(
        "import tempfile, sys; tempfile.tempdir = sys.argv[1]; sys.argv[1:] = ['x.yaml']\n" + BUG,
        tmp_path / "kit-crash.md",
        cwd=tmp_path,
    )

    assert done.code == 3
    assert (tmp_path / "kit-crash.md" / "kit-crash.md").is_file()


def test_a_reader_that_stops_reading_is_no_error(finished_study: Path) -> None:
    process = subprocess.Popen(
        command("show", finished_study / LOG),
        cwd=finished_study,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=60) == 0
    assert said == ""


def test_an_output_that_cannot_be_written_is_an_expected_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("validate"),
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "kit: output: No space left on device\n"


def test_a_terminal_without_the_letters_shows_their_numbers(tmp_path: Path) -> None:
    good, bad = tmp_path / "日本.yaml", tmp_path / "悪.yaml"
    shutil.copy(ROOT / "models.yaml", good)
    bad.write_text("kit_schema: 1\n")

    done = kit("validate", good.name, bad.name, cwd=tmp_path, PYTHONIOENCODING="latin-1")

    assert done.code == 1
    assert done.out == "ok: \\u65e5\\u672c.yaml (model pins)\n"
    assert done.err.startswith("kit: \\u60aa.yaml: is no file that the kit reads")


def test_an_interrupt_says_that_the_command_can_be_repeated(desk: Path) -> None:
    process = subprocess.Popen(
        command("run", "tiny"),
        cwd=desk,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not list(desk.glob("results/tiny/runs/*.partial.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)

    assert process.returncode == 130
    assert "interrupted; the same command continues where it stopped" in said
    assert "Traceback" not in said
    assert [path.name for path in (desk / "results/tiny/runs").iterdir()] == [
        "en-a10-r1.partial.jsonl"
    ]
