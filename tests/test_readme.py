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

from kit.analysis.design import design
from kit.cli import run as run_module
from kit.cli.main import COMMANDS, kit
from kit.engine.protocol import Request
from kit.engine.scripted import ScriptedEngine
from kit.runner.folder import ResultFolder
from kit.runner.plan import plan
from kit.runner.resolve import resolve, study_path
from kit.spec.experiment import Experiment
from tests.cli import support
from tests.conftest import SMOLLM
from tests.runner.support import simulate

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDES = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *GUIDES]
CHEAP = {("models", "list"), ("validate",)}
"""Commands without arguments that take a moment, and are therefore started as they stand."""
COMPUTING = {"doctor", "replay", "verify"}
"""Commands that need the model itself."""


def shell_lines(page: Path) -> Iterator[str]:
    """Every command line in the shell blocks of a page."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        whole = block.replace("\\\n", " ")  # a line that goes on below
        yield from filter(None, (line.strip() for line in whole.splitlines()))


def kit_lines(page: Path) -> list[tuple[str, ...]]:
    """What follows ``kit`` on the lines that start it."""
    words = [shlex.split(line, comments=True) for line in shell_lines(page)]
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


def reads_results(line: tuple[str, ...]) -> bool:
    """Whether a command reads results, or only plans with the small model."""
    return line[0] in {"show", "analyze", "report"} or {"run", "--dry-run", SMOLLM} <= set(line)


def greeting(experiment: Experiment, request: Request) -> str:
    """One public line in the language of the run that asks."""
    language = experiment.languages[str(request.key[2]).partition("/")[2][:2]]
    return f"{language.tags.talk}: {language.endonym}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder whose ``results/demo`` a script has spoken."""
    folder = tmp_path_factory.mktemp("desk")
    demo = resolve(study_path("demo"))
    engine = ScriptedEngine(lambda request: greeting(demo, request), capacity=20)
    simulate(demo, ResultFolder(folder / "results" / "demo"), engine)
    return folder


@pytest.mark.parametrize("line", [one for one in kit_lines(README) if reads_results(one)])
def test_a_command_of_the_front_page_runs_on_a_finished_demo(
    line: tuple[str, ...], desk: Path
) -> None:
    done = support.kit(*line, cwd=desk)
    assert done.code == 0, done.err
    assert done.out


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose ``kit demo``, made short, the real model has spoken."""
    folder = support.checkout(tmp_path_factory.mktemp("spoken") / "checkout")
    support.write_study(folder, "demo", protocol=support.TINY["protocol"] | {"turns": 2})
    done = support.kit("demo", cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.mark.parametrize("line", [one for one in kit_lines(README) if one[0] in COMPUTING])
def test_a_command_of_the_front_page_computes_with_the_real_model(
    line: tuple[str, ...], spoken: Path
) -> None:
    done = support.kit(*line, cwd=spoken)
    assert done.code == 0, done.err
    assert done.out


def test_the_front_page_shows_the_cheap_commands() -> None:
    lines = kit_lines(README)
    assert {one[0] for one in lines if one[0] in COMPUTING} == COMPUTING
    assert ("models", "list") in lines
    assert {one[0] for one in lines if reads_results(one)} == {"run", "show", "analyze", "report"}


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


def stated(section: str) -> dict[str, tuple[str, str]]:
    """Setting and evidence by value, as a table of the reconstruction gives them."""
    text = (ROOT / "docs" / "reconstruction.md").read_text()
    body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip(" `") for cell in row.split("|")] for row in body.splitlines()]
    return {row[1]: (row[2], row[3]) for row in rows if len(row) == 6}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_reconstruction_states_what_the_study_files_hold(number: int) -> None:
    rows = {
        row.key.replace("_", " "): (row.value, row.evidence.value)
        for row in design(resolve(study_path(f"study{number}")))
    }
    keys = ["aligned", "replicates"]
    keys += ["languages"] if number != 2 else []  # stands there in parts
    keys += ["individuated"] if number == 3 else []
    own = stated(f"Study {number}")
    assert {key: own.get(key) for key in keys} == {key: rows[key] for key in keys}
    shared = stated("What all studies share")
    keys = ["turns", "order", "wording", "budget scale"]
    assert {key: shared.get(key) for key in keys} == {key: rows[key] for key in keys}


def test_the_pages_state_what_the_profile_shrinks() -> None:
    smoke = resolve(study_path("study1"), profile="smoke").protocol(None)
    scale, tokens = smoke.budget_scale.value, smoke.sampling.value.max_tokens
    for name, words in (
        ("reconstruction", f"budget scale {scale}, at most {tokens} tokens, K cache Q8_0"),
        ("first-run", f"{scale} of the characters, at most {tokens} tokens, K cache in Q8_0"),
    ):
        assert words in (ROOT / "docs" / f"{name}.md").read_text()
    assert smoke.engine.value.k_type == "q8_0"


def test_the_design_states_the_budgets_and_the_reconstruction_the_number_of_runs() -> None:
    planned = 0
    text = (ROOT / "docs" / "design.md").read_text()
    for number in (1, 2, 3, 4):
        study = resolve(study_path(f"study{number}")).study
        cells = len(study.models.value) * len(study.languages.value)
        cells *= len(study.aligned.value) * len(study.individuated.value)
        planned += cells * study.replicates.value
    for language in resolve(study_path("demo")).languages.values():
        budget = language.budgets
        row = f"| {language.name} | {budget.talk} | {budget.whisper} | {budget.monologue} |"
        assert row in text
    reconstruction = (ROOT / "docs" / "reconstruction.md").read_text()
    assert f"{planned:,} runs planned, {planned * 150:,} answers" in reconstruction
