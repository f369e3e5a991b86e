"""What the front page and the guides promise: commands, options, runs and links that exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kit.cli import run as run_module
from kit.cli.main import COMMANDS, kit
from kit.runner.folder import ResultFolder
from kit.runner.plan import plan
from kit.runner.resolve import resolve, study_path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDES = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *GUIDES]
CHEAP = {("models", "list"), ("validate",)}
"""Commands without arguments that take a moment, and are therefore started as they stand."""


def shell_lines(page: Path) -> Iterator[str]:
    """Every command line in the shell blocks of a page."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        yield from filter(None, (line.strip() for line in block.splitlines()))


def kit_lines(page: Path) -> list[tuple[str, ...]]:
    """What follows ``kit`` on the lines that start it."""
    words = [shlex.split(line) for line in shell_lines(page)]
    return [tuple(line[1:]) for line in words if line[0] in ("kit", ".venv/bin/kit")]


def parsed(arguments: tuple[str, ...]) -> click.Context:
    """The innermost command's context, its options and arguments read as the real command does.

    Raises:
        click.UsageError: a command or option does not exist, or an argument is missing.
    """
    command: click.Command = kit
    context = click.Context(kit, info_name="kit")
    rest = list(arguments)
    while isinstance(command, click.Group):
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        if not isinstance(command, click.Group):
            context = command.make_context(command.name, rest, parent=context)
        else:
            context = click.Context(command, info_name=command.name, parent=context)
    return context


SHOWN = [(page, line) for page in PAGES for line in dict.fromkeys(kit_lines(page))]


def name_of(value: Path | tuple[str, ...]) -> str:
    """How a page or a command line is called in a test's name."""
    return value.name if isinstance(value, Path) else f"kit {' '.join(value)}"


@pytest.mark.parametrize(("page", "line"), SHOWN, ids=name_of)
def test_every_command_shown_is_one_the_kit_reads(page: Path, line: tuple[str, ...]) -> None:
    context = parsed(line)
    assert context.command.name, page


@pytest.mark.parametrize(
    "line", [("demo", "--jobs", "2"), ("models", "bundle"), ("replay",), ("judge", "run")]
)
def test_a_command_the_kit_does_not_read_is_caught(line: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        parsed(line)


@pytest.mark.parametrize(
    ("page", "line"), [one for one in SHOWN if one[1][0] == "run"], ids=name_of
)
def test_every_run_shown_names_a_study_model_and_runs_that_exist(
    page: Path, line: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = parsed(line)
    assert shown.command is run_module.command, page
    experiment = resolve(
        study_path(shown.params["study"]),
        model=shown.params["model"],
        profile=shown.params["profile"],
    )
    planned = plan(experiment, ResultFolder(tmp_path), only=shown.params["only"])
    assert planned.todo


@pytest.mark.parametrize(
    ("page", "line"),
    [one for one in SHOWN if "".join(one[1][1:2]).startswith("demo/")],
    ids=name_of,
)
def test_every_run_id_shown_is_a_run_of_the_demo(page: Path, line: tuple[str, ...]) -> None:
    known = {run.run_id for run in resolve(study_path("demo")).runs()}
    assert line[1] in known, page


@pytest.mark.parametrize(
    "line", sorted(CHEAP & {line for page in PAGES for line in kit_lines(page)})
)
def test_a_command_shown_that_takes_a_moment_does_what_it_says(line: tuple[str, ...]) -> None:
    seen = subprocess.run(
        [sys.executable, "-m", "kit", *line],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.returncode == 0, seen.stderr
    assert seen.stdout


def test_the_front_page_shows_the_cheap_commands() -> None:
    assert ("models", "list") in kit_lines(README)


def test_every_command_stands_in_the_table_and_no_other() -> None:
    rows = re.findall(r"^\| `kit (\w+)` \|", README.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(COMMANDS)


def test_every_script_shown_can_be_started() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"`?(scripts/[a-z-]+)\b(?!\.py)", text))
    assert {"scripts/demo", "scripts/test"} <= named
    assert [name for name in sorted(named) if not os.access(ROOT / name, os.X_OK)] == []


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as a viewer of Markdown makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {words.strip().replace(" ", "-") for words in plain}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_leads_to_something(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        place, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        file = page.parent / place if place else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []
