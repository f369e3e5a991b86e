"""``kit export``: every table of a result folder as Parquet and CSV."""

from __future__ import annotations

from pathlib import Path

import click

from kit.analysis.culture import load_scores
from kit.analysis.export import DICTIONARY, Format, export
from kit.analysis.multiverse import with_multiverse
from kit.analysis.results import analyze
from kit.cli import console
from kit.spec.library import library_file
from kit.spec.published import load_published

BOTH = "both"
FOLDER = "export"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help=f"Where to write (default: DIR/{FOLDER}).",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice([*(kind.value for kind in Format), BOTH]),
    default=BOTH,
    show_default=True,
    help="What to write.",
)
@click.option("--multiverse", is_flag=True, help="Also every specification; takes longer.")
def command(folder: Path, target: Path | None, kind: str, multiverse: bool) -> None:
    """Write every table of the result folder DIR for other programs.

    columns.csv says what the columns of the tables mean. The same logs give the same bytes.
    """
    scores = load_scores(library_file("studies", "hofstede.csv"))
    published = load_published(library_file("studies", "published.yaml"))
    analysis = analyze(folder, published, scores)
    if multiverse:
        analysis = with_multiverse(analysis, scores)
    formats = list(Format) if kind == BOTH else [Format(kind)]
    place = target or folder / FOLDER
    files = export(analysis, place, formats)
    tables = (len(files) - 1) // len(formats)
    names = {Format.PARQUET: "Parquet", Format.CSV: "CSV"}
    console.say(f"{tables} tables as {' and '.join(names[one] for one in formats)} in {place}")
    console.say(f"what their columns mean: {place / DICTIONARY}")
