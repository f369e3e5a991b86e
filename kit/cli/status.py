"""``kit status``: what a result folder holds, and what is left."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import console
from kit.cli.progress import duration
from kit.cli.terminal import spelled, wrap
from kit.runner.standing import RunState, RunStatus, Survey
from kit.runner.survey import survey
from kit.spec.registration import SHORT

AT_MOST = 10
"""Runs of one kind that are named."""
_COLUMNS = ("complete", "unfinished", "failed", "to begin", "answers left")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The same and every run, as JSON.")
def command(folder: Path, *, as_json: bool) -> None:
    """Say what the result folder DIR holds, what is left, and how long it takes.

    Reads the last line of each log. 'kit fsck DIR' reads all of them.
    """
    found = survey(folder)
    if as_json:
        click.echo(found.model_dump_json(indent=1))
        return
    _say_counts(found)
    _say_time(found)
    _say_shares(found)
    _say_runs(found)
    console.say()
    console.say("A run counts as complete when its log has its final name and ends in a footer.")
    console.say(f"  Is every line sound?                 kit fsck {folder}")
    console.say(f"  Do the words follow from the model?  kit verify {folder}")


def _say_counts(found: Survey) -> None:
    profile = f", profile {found.profile}" if found.profile else ""
    states = found.states
    _say(f"{found.study}: {found.title}{profile}")
    _say(f"results in {found.folder}", "  ")
    _say(
        f"{found.cells} cells, {len(found.runs):,} runs: {states[RunState.COMPLETE]:,} complete, "
        f"{states[RunState.INCOMPLETE]:,} unfinished, {states[RunState.FAILED]:,} failed, "
        f"{states[RunState.MISSING]:,} not begun",
        "  ",
    )
    if states[RunState.DAMAGED]:
        what = f"{states[RunState.DAMAGED]:,} logs are damaged: kit fsck {found.folder}"
        _say(what, "  ")
    _say(
        f"{found.answers:,} of {found.planned:,} answers are on disk, "
        f"{found.planned - found.answers:,} are left",
        "  ",
    )
    if found.holder is not None:
        _say(f"process {found.holder} is writing here", "  ")
    else:
        _say("nobody is writing here", "  ")
    if found.registration is None:
        _say("not registered in advance", "  ")
    else:
        edited = "" if found.registration.intact else ", EDITED after it was written"
        _say(
            f"registered in advance: document {found.registration.sha256[:SHORT]}{edited}; "
            f"{found.registration.runs:,} complete runs carry it",
            "  ",
        )
    if found.unknown_failures:
        _say(f"{found.unknown_failures:,} lines of failures.jsonl cannot be read", "  ")


def _say_time(found: Survey) -> None:
    disk = found.disk
    line = f"disk: {disk.used / 1e6:,.1f} MB used"
    if disk.expected:
        how = "about" if disk.measured else "at most"
        line += f", {how} {disk.expected / 1e6:,.1f} MB to come"
    if disk.free is not None:
        line += f", {disk.free / 1e9:,.1f} GB free"
    _say(line, "  ")
    for pace in found.pace:
        _say(
            f"{pace.model}: {pace.per_hour:,.0f} answers an hour so far "
            f"({pace.cohorts:,} cohorts in {duration(pace.busy)})",
            "  ",
        )
    if found.planned == found.answers:
        return
    if found.left is None:
        _say("time left: not known before every model has finished a cohort; an estimate:", "  ")
        _say(f"kit run {found.study} --out {found.folder} --dry-run", "    ")
        return
    _say(
        f"time left: about {duration(found.left.likely)} "
        f"(between {duration(found.left.low)} and {duration(found.left.high)})",
        "  ",
    )


def _say_shares(found: Survey) -> None:
    rows = [
        (
            f"{share.states[RunState.COMPLETE]:,}",
            f"{share.states[RunState.INCOMPLETE] + share.states[RunState.DAMAGED]:,}",
            f"{share.states[RunState.FAILED]:,}",
            f"{share.states[RunState.MISSING]:,}",
            f"{share.planned - share.answers:,}",
        )
        for share in found.shares
    ]
    model = None
    for share, row in zip(found.shares, rows, strict=True):
        if share.model != model:
            model = share.model
            console.say()
            _say(model)
            console.say(_row("language", _COLUMNS))
        console.say(_row(share.language, row))


def _row(head: str, cells: tuple[str, ...]) -> str:
    widths = (max(len(column), 8) for column in _COLUMNS)
    return f"  {head:<10}" + "".join(
        f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
    )


def _say_runs(found: Survey) -> None:
    def far(status: RunStatus) -> str:
        return f"turn {status.turn} of {status.turns}"

    reasons = {failure.run_id: failure for failure in found.failures}
    for state, head in (
        (RunState.INCOMPLETE, "unfinished"),
        (RunState.DAMAGED, "damaged"),
        (RunState.FAILED, "failed"),
    ):
        named = [status for status in found.runs if status.state is state]
        if named:
            console.say()
            console.say(head)
        for status in named[:AT_MOST]:
            line = f"{status.run_id}: {far(status)}"
            if (failure := reasons.get(status.run_id)) is not None:
                line += f", attempt {failure.attempt}: {failure.reason}"
            elif state is RunState.DAMAGED:
                line = f"{status.run_id}: its log does not end as a complete one does"
            _say(line, "  ")
        if len(named) > AT_MOST:
            console.say(f"  and {len(named) - AT_MOST:,} more")


def _say(text: str, indent: str = "") -> None:
    """Lines no wider than a terminal."""
    for line in wrap(spelled(text), indent):
        console.say(line)
