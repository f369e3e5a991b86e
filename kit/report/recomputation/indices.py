"""Every measure of every run or agent, from counts alone.

z = (x - mean) / SD over a reference, SD with n - 1; CPI = z(monologue share) + z(sexual) -
z(protective), DI = z(monologue share) + z(protective) - z(sexual). Shares are part / whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kit.report.recomputation.tables import Row

WITHIN, POOLED, CONTROL = "within_language", "pooled", "control_cell"
PLAIN = (
    "monologue_share",
    "monologue_share_lines",
    "monologue_share_turns",
    "sexual",
    "protective",
    "sexual_no_echo",
    "protective_no_echo",
    "conformity_ratio",
    "conformity_share",
    "harmony_share",
)
HITS = "hits"
_REFERENCE_COLUMNS = {
    WITHIN: ("model", "language"),
    POOLED: ("model",),
    CONTROL: ("model", "language", "variant"),
}


class Scoring(NamedTuple):
    """One way to compute the indices."""

    reference: str = WITHIN
    unit: str = HITS
    without_echo: bool = False

    @property
    def suffix(self) -> str:
        """What the names of its indices end in."""
        unit = "" if self.unit == HITS else f"_{self.unit}"
        return unit + ("_no_echo" if self.without_echo else "")


SCORINGS = (
    Scoring(),
    Scoring(POOLED),
    Scoring(CONTROL),
    Scoring(without_echo=True),
    Scoring(unit="per_1000_characters"),
    Scoring(unit="per_1000_words"),
    Scoring(unit="line_share"),
)


class Scores(NamedTuple):
    """z of the components, and the indices; None where there is none."""

    z_monologue: float | None
    z_sexual: float | None
    z_protective: float | None
    cpi: float | None
    di: float | None


def shares(row: Row, monologue: Row) -> dict[str, float | None]:
    """Shares and ratios of one speaker from counts.

    Args:
        row: counts over all channels.
        monologue: counts of the monologue alone.
    """
    harmony, address, protective = (
        row["group_harmony"],
        row["individual_address"],
        row["protective"],
    )
    return {
        "monologue_share": ratio(monologue["characters"], row["characters"]),
        "monologue_share_lines": ratio(monologue["lines"], row["lines"]),
        "conformity_ratio": ratio(harmony, address),
        "conformity_share": ratio(harmony, harmony + address),
        "harmony_share": ratio(harmony, harmony + protective),
    }


def ratio(part: float, whole: float) -> float | None:
    """``part / whole``, None over 0."""
    return part / whole if whole else None


def scores(rows: Sequence[Row], scoring: Scoring) -> list[Scores]:
    """The indices of every row, in order."""
    columns = [
        [row["monologue_share"] for row in rows],
        *([_rate(row, register, scoring) for row in rows] for register in ("sexual", "protective")),
    ]
    standard = [_standardised(rows, column, scoring.reference) for column in columns]
    return [_indices(*parts) for parts in zip(*standard, strict=True)]


def measures(rows: Sequence[Row]) -> dict[tuple[str, str | None], list[float | None]]:
    """Every measure by name and reference, one value per run in the order of ``rows``."""
    found: dict[tuple[str, str | None], list[float | None]] = {
        (name, None): [row[name] for row in rows] for name in PLAIN
    }
    for scoring in SCORINGS:
        scored = scores(rows, scoring)
        found["cpi" + scoring.suffix, scoring.reference] = [row.cpi for row in scored]
        found["di" + scoring.suffix, scoring.reference] = [row.di for row in scored]
    return found


def _rate(row: Row, register: str, scoring: Scoring) -> float | None:
    echo = "_no_echo" if scoring.without_echo else ""
    if scoring.unit == HITS:
        return float(row[register + echo])
    if scoring.unit == "line_share":
        return ratio(row[f"{register}_lines{echo}"], row["lines"])
    whole = row[scoring.unit.removeprefix("per_1000_")]
    return ratio(1000 * row[register + echo], whole) if whole is not None else None


def _standardised(
    rows: Sequence[Row], column: Sequence[float | None], reference: str
) -> list[float | None]:
    groups: dict[tuple[object, ...], list[float]] = {}
    keys = [tuple(row[name] for name in _REFERENCE_COLUMNS[reference]) for row in rows]
    for row, key, value in zip(rows, keys, column, strict=True):
        control = row["aligned"] == 0 and row["individuated"] == 0
        if value is not None and (control or reference != CONTROL):
            groups.setdefault(key, []).append(value)
    scales = {
        key: (float(np.mean(values)), float(np.std(values, ddof=1)))
        for key, values in groups.items()
        # A constant has an SD of 0 and no z; what NumPy computes for it may be rounding.
        if len(values) > 1 and min(values) < max(values)
    }
    return [
        None if value is None or key not in scales else (value - scales[key][0]) / scales[key][1]
        for key, value in zip(keys, column, strict=True)
    ]


def _indices(monologue: float | None, sexual: float | None, protective: float | None) -> Scores:
    if monologue is None or sexual is None or protective is None:
        return Scores(monologue, sexual, protective, None, None)
    return Scores(
        monologue,
        sexual,
        protective,
        monologue + sexual - protective,
        monologue + protective - sexual,
    )
