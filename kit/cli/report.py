"""``kit report``: one HTML page for a result folder, or for several."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click

from kit.analysis.culture import load_scores
from kit.analysis.multiverse import with_multiverse
from kit.analysis.results import Analysis, analyze
from kit.cli import console
from kit.errors import OutputError
from kit.report.cautions import Caution, cautions
from kit.report.crate import write_crate
from kit.report.page import FILE_NAME, StudyPart, render, render_programme, study_part
from kit.runlog.writer import write_atomically
from kit.runner.resolve import study_path
from kit.spec.experiment import FILE_NAME as SPEC_NAME
from kit.spec.library import library_file
from kit.spec.published import load_published
from kit.spec.study import load_study

PROGRAMME = ("study1", "study2", "study3", "study4")
"""The studies of the paper, in its order."""
PROGRAMME_FILE = "programme.html"


class Asked(NamedTuple):
    """What a report is to hold besides."""

    multiverse: bool = False
    figures: bool = False


@click.command()
@click.argument(
    "folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The page to write (default: DIR/{FILE_NAME}; of several studies, {PROGRAMME_FILE}).",
)
@click.option(
    "--multiverse",
    is_flag=True,
    help="With a section on every combination of the choices that the paper leaves open.",
)
@click.option(
    "--figures",
    is_flag=True,
    help="Also every figure as SVG, PNG and CSV, in DIR/figures.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing: recompute every number of the report that is there, by a second path.",
)
def command(
    folders: tuple[Path, ...], out: Path | None, *, multiverse: bool, figures: bool, check: bool
) -> None:
    """Write one self-contained HTML page about the result folder DIR.

    With several folders, or one that holds several, the page is about all their studies, and says
    which studies of the paper are missing.
    """
    if check:
        _check(folders)
        return
    asked = Asked(multiverse=multiverse, figures=figures)
    found = [each for folder in folders for each in _result_folders(folder)]
    if len(found) == 1 and found[0] in folders:
        path = write_report(found[0], out, asked)
    else:
        path = _write_programme(found, out or Path(PROGRAMME_FILE), asked)
    console.say(f"{path}  ({path.stat().st_size / 1000:,.0f} kB)")


def _check(folders: Iterable[Path]) -> None:
    from kit.cli import check

    for folder in folders:
        console.say(f"{folder}:")
        check.say(check.check_report(folder))


def _result_folders(folder: Path) -> list[Path]:
    """``folder`` itself, or the result folders in it."""
    if (folder / SPEC_NAME).is_file():
        return [folder]
    inside = sorted(path.parent for path in folder.glob(f"*/{SPEC_NAME}"))
    return inside or [folder]


def write_report(folder: Path, out: Path | None = None, asked: Asked = Asked()) -> Path:  # noqa: B008 - immutable
    """Write the page about ``folder``, and note what forbids reading it as a result.

    Returns:
        Where it is.
    """
    analysis = _analysis(folder, asked)
    path = out or folder / FILE_NAME
    write_atomically(path, render(analysis, folder))
    _write_figures(folder, analysis, asked)
    write_crate(folder, analysis)
    _note_cautions(cautions(analysis))
    return path


def _write_programme(folders: list[Path], path: Path, asked: Asked) -> Path:
    """Write the page about the studies in ``folders``, in the order of the paper."""
    parts: dict[str, StudyPart] = {}
    for folder in folders:
        analysis = _analysis(folder, asked)
        part = study_part(analysis, folder, together=True)
        _write_figures(folder, analysis, asked)
        if part.id in parts:
            raise OutputError(
                f"two folders hold results of '{part.id}'",
                where=folder,
                hint="name one of them; a report of each: kit report DIR",
            )
        parts[part.id] = part
    paper = [load_study(study_path(name)) for name in PROGRAMME]
    order = [*PROGRAMME, *(name for name in parts if name not in PROGRAMME)]
    present = [parts[name] for name in order if name in parts]
    missing = [study for study in paper if study.id not in parts]
    write_atomically(path, render_programme(present, missing))
    for part in present:
        _note_cautions(part.cautions, f"{part.id}: ")
    for study in missing:
        console.note(f"missing: {study.id} ({study.title})")
    return path


def _write_figures(folder: Path, analysis: Analysis, asked: Asked) -> None:
    if asked.figures:
        from kit.cli.figures import show, write_figures

        show(write_figures(folder, analysis))


def _analysis(folder: Path, asked: Asked) -> Analysis:
    published = load_published(library_file("studies", "published.yaml"))
    scores = load_scores(library_file("studies", "hofstede.csv"))
    analysis = analyze(folder, published, scores)
    return with_multiverse(analysis, scores) if asked.multiverse else analysis


def _note_cautions(found: Iterable[Caution], where: str = "") -> None:
    for caution in found:
        if caution.severe:
            console.note(f"note: {where}{caution.title}")
