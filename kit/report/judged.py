"""What judges said, how much they left unscored, and how far they agree with people."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from kit.analysis.measures import title
from kit.analysis.results import Analysis
from kit.judge.folder import AGREEMENT, JUDGEMENTS
from kit.report.grid import Grid, grid
from kit.report.numbers import number


class Judged(NamedTuple):
    """The section of the judges."""

    outcomes: Grid
    bounds: Grid
    agreement: Grid | None
    """None: no judge was held against people."""
    uncalibrated: tuple[str, ...]
    """Names of judges that were not."""


def judged(analysis: Analysis, folder: Path) -> Judged | None:
    """The section; None where nothing was judged.

    Args:
        analysis: of the folder.
        folder: the result folder, for what ``kit judge calibrate`` left there.
    """
    cells = analysis.judged.cells
    if not cells:
        return None
    panels = list(dict.fromkeys(cell.panel for cell in cells))
    rows = {name: _agreement(folder / JUDGEMENTS / name / AGREEMENT) for name in panels}
    agreement = [(name, *row) for name, found in rows.items() for row in found]
    return Judged(
        _outcomes(analysis),
        _bounds(analysis),
        grid(
            "Judges and people: kappa over all languages [95 % interval, whole runs resampled]",
            "Judge|Scale|>Excerpts|>Scored|>Kappa|Can it be used?",
            agreement,
        )
        if agreement
        else None,
        tuple(name for name, found in rows.items() if not found),
    )


def _outcomes(analysis: Analysis) -> Grid:
    return grid(
        "Answers by cell: what is not scored is in no mean",
        "Cell|Judge|Scale|>Runs judged|>Asked|>Scored|>Refused|>Unparsable|>Truncated|>Too long",
        [
            (
                _cell(cell.condition._asdict()),
                cell.panel,
                cell.scale,
                f"{cell.judged} of {cell.runs}",
                f"{cell.asked:,}",
                f"{cell.scored:,}",
                f"{cell.refused:,}",
                f"{cell.unparsable:,}",
                f"{cell.truncated:,}",
                f"{cell.too_long:,}",
            )
            for cell in analysis.judged.cells
        ],
        tables="judged",
    )


def _bounds(analysis: Analysis) -> Grid:
    return grid(
        "Ten aligned agents less none, in points of the scale, with bounds for the unscored",
        "Cell|Measure|>Runs|>By the scored|>Least|>Most",
        [
            (
                _cell(row.condition._asdict()),
                title(row.measure),
                str(row.runs),
                number(row.scored),
                number(row.low),
                number(row.high),
            )
            for row in analysis.judged.bounds
            if row.contrast
        ],
        tables="judged_bounds",
        note="Least and most: all unscored answers at one end of the scale in one cell, and at the "
        "other end in the other.",
    )


def _cell(condition: dict[str, object]) -> str:
    parts = [f"{condition['language']}, {condition['aligned']} aligned"]
    if condition["individuated"]:
        parts.append(f"{condition['individuated']} individuated")
    if condition["variant"]:
        parts.append(str(condition["variant"]))
    return ", ".join(parts)


def _agreement(path: Path) -> list[tuple[str, ...]]:
    """Scale, excerpts, scored, kappa and usability over all languages."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return []
    return [
        (
            row["scale"],
            row["excerpts"],
            row["scored"],
            _interval(row),
            row["usability"],
        )
        for row in rows
        if row.get("statistic") == "kappa" and not row.get("language")
    ]


def _interval(row: dict[str, str]) -> str:
    numbers = [float(row[name]) if row[name] else None for name in _NUMBERS]
    if None in numbers:
        return number(numbers[0])
    return f"{number(numbers[0])} [{number(numbers[1])}, {number(numbers[2])}]"


_NUMBERS = ("estimate", "conf_low", "conf_high")
