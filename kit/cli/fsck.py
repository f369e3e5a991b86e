"""``kit fsck``: check every file of a result folder, and move damage out of the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from kit.cli import console
from kit.cli.terminal import spelled, wrap
from kit.errors import Mismatch
from kit.runner.inspection import QUARANTINE, Finding, Inspection, Kind, Remedy, inspect
from kit.runner.repair import repair


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--repair", "mend", is_flag=True, help=f"Move what is damaged to DIR/{QUARANTINE}.")
def command(folder: Path, *, mend: bool) -> None:
    """Read every log of the result folder DIR to its end.

    Without --repair nothing is written, and findings end with exit code 2. With it, nothing is
    deleted: 'kit run' then makes what was moved again.
    """
    found = repair(folder) if mend else inspect(folder)
    if found.holder is not None:
        console.say(f"process {found.holder} is writing here: its unfinished files are left out")
    for finding in found.findings:
        _say(finding, mended=mend)
    for note in found.notes:
        _say(note, mended=mend)
    _say_counts(found)
    if not found.findings:
        console.say("No run is damaged.")
        return
    if mend:
        _say_mended(found.findings, folder)
        return
    raise Mismatch(
        f"{len(found.findings):,} findings",
        where=folder,
        hint=f"kit fsck {folder} --repair (moves files to {folder / QUARANTINE}, deletes none)",
    )


def _say(finding: Finding, *, mended: bool) -> None:
    console.say(f"{spelled(str(finding.path))}: {finding.kind}")
    for line in wrap(spelled(finding.what), "  "):
        console.say(line)
    if finding.kind is Kind.STALE:
        console.say("  next: kit analyze")
    elif finding.remedy is not Remedy.NONE:
        console.say(f"  {'done' if mended else 'a repair would'}: {finding.remedy}")


def _say_counts(found: Inspection) -> None:
    if found.planned:
        left = found.planned - found.sound - found.unfinished
        console.say(
            f"{found.planned:,} runs: {found.sound:,} complete and sound, "
            f"{found.unfinished:,} unfinished, {left:,} to begin"
        )


def _say_mended(findings: Sequence[Finding], folder: Path) -> None:
    moved = sum(finding.remedy is Remedy.MOVE for finding in findings)
    console.say(f"{moved:,} moved to {folder / QUARANTINE}, {len(findings) - moved:,} mended")
    console.say("The same 'kit run' as before makes what is missing now.")
