"""``kit report --check``: every number of a report by a second path."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kit.analysis.culture import load_scores
from kit.analysis.export import DICTIONARY, Format, export
from kit.analysis.multiverse import with_multiverse
from kit.analysis.results import RESULTS, TABLES, Analysis, analyze
from kit.cli import console
from kit.errors import Mismatch, OutputError
from kit.report.page import FILE_NAME, render
from kit.report.recomputation import page, tables
from kit.report.recomputation.comparison import Compared, Difference, compare, copies, recomputed
from kit.report.recomputation.sources import Sources, read_scores, read_spec
from kit.report.recomputation.tables import Tables
from kit.spec.library import library_file
from kit.spec.published import load_published

EXPORT = "export"
SHOWN = 20
"""Differences that are printed."""
_MULTIVERSE = 'id="multiverse"'


class Checked(NamedTuple):
    """What a check of one result folder found."""

    folder: Path
    compared: Compared
    copies: tuple[str, ...]
    """Files that hold the same tables and were held against them."""
    printed: page.Read
    """Numbers of the page."""
    differences: tuple[Difference, ...]
    """All of them: of numbers, of copies, of the page."""


def check_report(folder: Path) -> Checked:
    """Recompute every number of the report of a result folder, and look for each on the page.

    The counts of words come from a fresh reading of the logs, as ``kit export`` writes it; all
    other numbers are computed from them by `kit.report.recomputation`, which shares no code with
    the analysis. Then every copy of the tables in the folder, and every cell of the page, is held
    against these.

    Args:
        folder: what ``kit run`` wrote, with its report.

    Raises:
        OutputError: not a result folder, no report in it, or a file of numbers cannot be read.
        RunLogError: a log is damaged.
    """
    spec = read_spec(folder)
    html = _page(folder / FILE_NAME)
    scores = library_file("studies", "hofstede.csv")
    published = load_published(library_file("studies", "published.yaml"))
    analysis = analyze(folder, published, load_scores(scores))
    with tempfile.TemporaryDirectory() as place:
        export(analysis, Path(place), [Format.CSV])
        fresh = tables.exported(Path(place))
        types = tables.column_types(Path(place))
    path = folder / RESULTS
    stands = tables.results(path) if path.is_file() else fresh
    sources = Sources(folder, fresh, spec, read_scores(scores), published)
    compared = compare(stands, recomputed(sources))
    differences = [*compared.differences, *copies(stands, fresh, "the logs")]
    names = []
    for name, copy in _copies(folder, types):
        names.append(name)
        differences += copies(stands, copy, name)
    if _MULTIVERSE in html:
        analysis = with_multiverse(analysis, load_scores(scores))
    cells = page.read(html)
    printed = page.hold(cells, stands)
    differences += [_misprinted(found) for found in printed.misprints]
    differences += _of_page(html, cells, analysis, folder)
    return Checked(folder, compared, tuple(names), printed, tuple(dict.fromkeys(differences)))


def say(checked: Checked) -> None:
    """Print what was compared, what was not, and the first differences.

    Raises:
        Mismatch: a number is not what the second path gives.
    """
    compared = checked.compared
    agreed = sum(compared.agreed.values())
    console.say(f"{agreed:,} numbers recomputed by a second path agree")
    console.say(
        f"{checked.printed.numbers:,} numbers looked up in {FILE_NAME}; copies compared: "
        f"{', '.join(checked.copies) or 'none'}"
    )
    if compared.left or compared.unclaimed:
        console.say("not recomputed, only held against a fresh reading of the logs:")
    for why, count in sorted(compared.left.items(), key=lambda item: -item[1]):
        console.say(f"  {count:,} {why.what}")
        console.say(f"    {why.why}")
    for (table, column), count in compared.unclaimed.items():
        console.say(f"  {count:,} in {table}, {column}: no second path is written")
    if not checked.differences:
        return
    for difference in checked.differences[:SHOWN]:
        console.say(f"differs: {difference}")
    if (more := len(checked.differences) - SHOWN) > 0:
        console.say(f"and {more:,} more")
    count = len(checked.differences)
    raise Mismatch(
        f"{count:,} {'number is' if count == 1 else 'numbers are'} not what a second path gives",
        where=checked.folder,
        hint=f"write them again and look: kit analyze {checked.folder} && kit report "
        f"{checked.folder}",
    )


def _page(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OutputError(
            "there is no report to check", where=path, hint=f"kit report {path.parent}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            "the report cannot be read", where=path, hint=f"kit report {path.parent}"
        ) from error


def _copies(folder: Path, types: dict[str, dict[str, str]]) -> Iterator[tuple[str, Tables]]:
    """Every other copy of the tables in the folder."""
    for place in (TABLES, EXPORT):
        if place == EXPORT and not (folder / place / DICTIONARY).is_file():
            continue
        found: Tables = {}
        for name, columns in types.items():
            path = folder / place / f"{name}.csv"
            if path.is_file():
                found[name] = tables.read_csv(path, columns)
        if found:
            yield f"{place}/*.csv", found
    parquet = {
        name: tables.read_parquet(path)
        for name in types
        if (path := folder / EXPORT / f"{name}.parquet").is_file()
    }
    if parquet:
        yield f"{EXPORT}/*.parquet", parquet


def _misprinted(found: page.Misprint) -> Difference:
    cell = found.cell
    where = f"no row of {', '.join(f'{name}.csv' for name in cell.tables)}"
    return Difference(f"{FILE_NAME}: {cell.caption}", cell.row, cell.column, cell.text, where)


def _of_page(
    html: str, cells: list[page.Cell], analysis: Analysis, folder: Path
) -> list[Difference]:
    """Where the page is not the one that the logs give."""
    made = render(analysis, folder).decode()
    if made == html:
        return []
    found = [
        Difference(f"{FILE_NAME}: {cell.caption}", cell.row, cell.column, cell.text, said)
        for cell, said in page.differing(cells, page.read(made))
    ]
    if found:
        return found
    digests = [hashlib.sha256(text.encode()).hexdigest()[:12] for text in (html, made)]
    return [Difference(FILE_NAME, "outside its tables", "SHA-256", *digests)]
