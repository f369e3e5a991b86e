"""A few lines of what was said, so that a reader sees what the numbers count.

Models write anything: the page escapes it, and control characters are replaced here.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kit.analysis.cells import Condition
from kit.analysis.collection import log_path
from kit.analysis.results import Analysis
from kit.report.effects import where
from kit.report.html import printable
from kit.runlog.reader import read

SPEAKERS = 4
LONGEST = 400
CELLS = 40


class Line(NamedTuple):
    """One line of one agent."""

    speaker: str
    marks: str
    """``aligned``, ``individuated``, both, or nothing."""
    channel: str
    text: str


class Excerpt(NamedTuple):
    """The last turn of one run."""

    run_id: str
    where: str
    language: str
    direction: str
    turn: int
    lines: tuple[Line, ...]


def excerpts(analysis: Analysis, folder: Path) -> list[Excerpt]:
    """The first speakers of the last turn, in the first complete run of each cell.

    Only the lowest and the highest level of each language's first stratum, and at most ``CELLS``
    runs.

    Raises:
        RunLogError: a log changed since it was analysed.
    """
    collection = analysis.collection
    first: dict[Condition, str] = {}
    for run in collection.runs:
        condition = Condition(*(getattr(run.header, name) for name in Condition._fields))
        first.setdefault(condition, run.header.run_id)
    chosen: dict[str, list[Condition]] = {}
    for condition in first:
        chosen.setdefault(condition.language, []).append(condition)
    picked = []
    for conditions in chosen.values():
        alike = [c for c in conditions if c[:4] == conditions[0][:4]]
        ends = (min(alike, key=_level), max(alike, key=_level))
        picked += list(dict.fromkeys(ends))
    return [_excerpt(analysis, condition, first[condition], folder) for condition in picked[:CELLS]]


def _level(condition: Condition) -> int:
    return condition.aligned


def _excerpt(analysis: Analysis, condition: Condition, run_id: str, folder: Path) -> Excerpt:
    log = read(log_path(folder, run_id))
    language = analysis.collection.experiment.languages[condition.language]
    last = max((turn.turn for turn in log.turns), default=0)
    lines: list[Line] = []
    for turn in [turn for turn in log.turns if turn.turn == last][:SPEAKERS]:
        marks = []
        if turn.agent in log.header.aligned_agents:
            marks.append("aligned")
        if turn.agent in log.header.individuated_agents:
            marks.append("individuated")
        speaker = language.persona(turn.agent).name
        said = [(u.channel.value, u.text) for u in turn.utterances if u.text.strip()]
        for channel, text in said or [("nothing", "")]:
            lines.append(Line(speaker, ", ".join(marks), channel, shortened(text)))
    return Excerpt(
        run_id,
        where(condition, analysis),
        language.language,
        language.direction,
        last,
        tuple(lines),
    )


def shortened(text: str) -> str:
    """``text`` without characters that would change the page, cut to ``LONGEST`` characters."""
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "\u2026"
