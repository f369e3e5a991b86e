"""The figures of a result folder as files, and what is said about them in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kit.analysis.results import Analysis
from kit.cli import console

if TYPE_CHECKING:
    from kit.report.figures.files import Written


def write_figures(folder: Path, analysis: Analysis) -> Written:
    """Write every figure of ``analysis`` to ``folder/figures``, with the fonts of this machine.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """
    # matplotlib takes half a second to import, and most commands draw nothing.
    from kit.report.figures.files import FOLDER, write
    from kit.report.figures.fonts import Fonts

    return write(analysis, folder / FOLDER, Fonts.installed())


def show(written: Written) -> None:
    """Say what was written; on stderr, what was not and why."""
    number = len(written.figures)
    console.say(
        f"{number} figure{'' if number == 1 else 's'} as SVG, PNG and CSV in {written.folder}"
    )
    for figure in written.figures:
        console.say(f"  {figure.name}  {figure.title}")
    for absent in written.absent:
        console.note(f"not drawn: {absent.name} ({absent.reason})")
    if written.uncovered:
        languages = ", ".join(each.language for each in written.uncovered)
        console.note(f"no font here covers the own names of: {languages}; English names are used")
        console.note("  next: install Noto fonts (Debian: fonts-noto-core, fonts-noto-cjk)")
