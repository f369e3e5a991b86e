"""``kit report``: one HTML page for a result folder."""

from __future__ import annotations

from pathlib import Path

import click

from kit.analysis.culture import load_scores
from kit.analysis.multiverse import with_multiverse
from kit.analysis.results import analyze
from kit.cli import console
from kit.report.cautions import cautions
from kit.report.page import FILE_NAME, render
from kit.runlog.writer import write_atomically
from kit.spec.library import library_file
from kit.spec.published import load_published


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The page to write (default: DIR/{FILE_NAME}).",
)
@click.option(
    "--multiverse",
    is_flag=True,
    help="With a section on every combination of the choices that the paper leaves open.",
)
def command(folder: Path, out: Path | None, multiverse: bool) -> None:
    """Write one self-contained HTML page about the result folder DIR."""
    path = write_report(folder, out, multiverse=multiverse)
    console.say(f"{path}  ({path.stat().st_size / 1000:,.0f} kB)")


def write_report(folder: Path, out: Path | None = None, *, multiverse: bool = False) -> Path:
    """Write the page about ``folder``, and note what forbids reading it as a result.

    Returns:
        Where it is.
    """
    published = load_published(library_file("studies", "published.yaml"))
    scores = load_scores(library_file("studies", "hofstede.csv"))
    analysis = analyze(folder, published, scores)
    if multiverse:
        analysis = with_multiverse(analysis, scores)
    path = out or folder / FILE_NAME
    write_atomically(path, render(analysis, folder))
    for caution in cautions(analysis):
        if caution.severe:
            console.note(f"note: {caution.title}")
    return path
