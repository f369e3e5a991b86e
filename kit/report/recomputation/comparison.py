"""Every number of every table against its second computation.

A number is compared, or it is given (part of what names its row), or it stands in a list with the
reason why it is not recomputed. There is no fourth kind: what no list names counts as unclaimed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from kit.report.recomputation import counts, languages, planning
from kit.report.recomputation import effects as within
from kit.report.recomputation.coverage import Reason, reason, tolerance
from kit.report.recomputation.logs import CONDITION
from kit.report.recomputation.sources import Key, Rows, Sources
from kit.report.recomputation.tables import Row, Scalar, Tables
from kit.report.recomputation.verdicts import Found, verdicts

_PLACE = ("model", "variant", "individuated", "measure")
KEYS: Mapping[str, tuple[str, ...]] = {
    "plan": CONDITION,
    "runs": ("run_id",),
    "agents": ("run_id", "agent"),
    "channels": ("run_id", "agent", "channel"),
    "outcomes": (*CONDITION, "channel", "outcome"),
    "legality": CONDITION,
    "indices": ("run_id", "reference", "unit", "without_echo"),
    "cells": (*CONDITION, "measure", "reference"),
    "effects": (
        "model",
        "language",
        "variant",
        "factor",
        "other",
        "measure",
        "reference",
        "kind",
    ),
    "agent_gaps": (
        "model",
        "language",
        "variant",
        "factor",
        "aligned",
        "individuated",
        "measure",
    ),
    "arms": (
        "model",
        "language",
        "variant",
        "measure",
        "individuated",
        "aligned",
        "against_individuated",
        "against_aligned",
    ),
    "across": (*_PLACE, "reference", "estimator"),
    "synthesis": (*_PLACE, "reference", "kind"),
    "signs": (*_PLACE, "reference", "kind"),
    "classes": (*_PLACE, "language"),
    "models": ("language", "variant", "individuated", "measure"),
    "model_differences": ("language", "variant", "individuated", "measure", "model", "against"),
    "culture": (*_PLACE, "dimension", "coefficient"),
    "culture_left_out": (*_PLACE, "dimension", "left_out"),
    "culture_points": (*_PLACE, "dimension", "language"),
    "culture_lines": (*_PLACE, "dimension", "score"),
    "chances": ("per_cell", "true_effect"),
    "power": ("test", "unit", "true_value"),
    "detectable": ("per_cell",),
    "interaction_candidates": ("model", "variant", "individuated", "candidate", "errors"),
    "verdicts": ("claim",),
    "checks": ("claim", "check"),
}
"""What names a row of each table that is recomputed."""
_GIVEN = frozenset({*CONDITION, "replicate"})
"""Numbers that say which runs a row is about."""


class Difference(NamedTuple):
    """One number that is not what a second computation gives."""

    table: str
    row: str
    column: str
    stands: Scalar
    """What stands there."""
    expected: Scalar

    def __str__(self) -> str:
        """Where it is, and both numbers."""
        return f"{self.table}, {self.row}, {self.column}: {self.stands}, expected {self.expected}"


class Compared(NamedTuple):
    """What a comparison found."""

    agreed: Counter[str]
    """Numbers that agree, by table."""
    differences: tuple[Difference, ...]
    given: int
    """Numbers that name their row."""
    left: Counter[Reason]
    """Numbers that are not recomputed, by reason."""
    unclaimed: Counter[tuple[str, str]]
    """Numbers that neither is recomputed nor has a reason, by table and column."""


def recomputed(sources: Sources) -> dict[str, Rows]:
    """Every table that has a second path."""
    effects = within.Effects(sources)
    culture = languages.Culture(sources, effects)
    over, pairs = languages.models(effects)
    found = {
        "plan": counts.plan(sources),
        "channels": counts.channels(sources),
        "agents": counts.agents(sources),
        "runs": counts.runs(sources),
        "outcomes": counts.outcomes(sources),
        "legality": counts.tags(sources),
        "indices": counts.indices(sources),
        "cells": within.cells(sources, effects),
        "effects": within.effect_rows(effects),
        "agent_gaps": within.agent_gaps(sources),
        "arms": within.arms(sources, effects),
        "across": languages.across(effects),
        "synthesis": languages.syntheses(effects),
        "signs": languages.signs(effects),
        "classes": languages.classes(effects),
        "models": over,
        "model_differences": pairs,
        "culture": culture.correlations(),
        "culture_left_out": culture.left_out(),
        "culture_points": culture.points(),
        "culture_lines": culture.lines(),
        "interaction_candidates": languages.interactions(sources, effects),
        **_planned(sources),
    }
    claims, checks = verdicts(sources, Found(found))
    return {**found, "verdicts": claims, "checks": checks}


def _planned(sources: Sources) -> dict[str, Rows]:
    """Tables of the plan alone, at the effects that the export names."""
    n = int(sources.study["replicates"]["value"])
    if not {0, 10} <= {*sources.study["aligned"]["value"]} or n < 2:
        return {"chances": {}, "detectable": {}, "power": {}}
    effects = [row["true_effect"] for row in sources.tables.get("chances", [])]
    tests = [
        (row["test"], row["unit"], row["true_value"])
        for row in sources.tables.get("power", [])
        if row["test"] == "contrast of two cells, t test"
    ]
    return {
        "chances": {(n, effect): planning.chances(effect, n) for effect in effects},
        "detectable": {(n,): planning.detectable(n)},
        "power": {key: {"estimate": planning.power(key[2], n), "n": 2 * n} for key in tests},
    }


def compare(tables: Tables, expected: Mapping[str, Rows]) -> Compared:
    """Hold every number of ``tables`` against ``expected``."""
    tally = _Tally()
    for name, rows in tables.items():
        made = expected.get(name, {})
        seen: set[Key] = set()
        for number, row in enumerate(rows, 1):
            key = tuple(row[column] for column in KEYS.get(name, ()))
            if key in seen and key:
                tally.differences.append(Difference(name, place(name, row, number), "row", 2, 1))
            seen.add(key)
            tally.row(name, row, number, made.get(key, {}) if name in KEYS else {})
        for key in made:
            if key not in seen:
                words = ", ".join(str(part) for part in key if part is not None)
                tally.differences.append(Difference(name, words, "row", "missing", "present"))
    return Compared(
        tally.agreed, tuple(tally.differences), tally.given, tally.left, tally.unclaimed
    )


def copies(one: Tables, other: Tables, name: str) -> list[Difference]:
    """Where two copies of the same tables differ.

    Args:
        one: the tables that are checked.
        other: another copy of them; tables that it lacks are not looked at.
        name: where the other copy is, for the name of the table.
    """
    found = []
    for table, rows in other.items():
        if table not in one:
            continue
        if len(rows) != len(one[table]):
            counted = (len(rows), len(one[table]))
            found.append(Difference(f"{table} ({name})", "all rows", "rows", *counted))
        for number, (row, same) in enumerate(zip(rows, one[table], strict=False), 1):
            found += [
                Difference(f"{table} ({name})", place(table, row, number), column, value, stands)
                for column, value in row.items()
                if not agree(value, stands := same.get(column), tolerance(table, column, row))
            ]
    return found


def place(table: str, row: Row, number: int) -> str:
    """A row in words: its key, or its number."""
    parts = [row.get(column) for column in KEYS.get(table, ())]
    return " ".join(str(part) for part in parts if part is not None) or f"row {number}"


class _Tally:
    def __init__(self) -> None:
        self.agreed: Counter[str] = Counter()
        self.differences: list[Difference] = []
        self.given = 0
        self.left: Counter[Reason] = Counter()
        self.unclaimed: Counter[tuple[str, str]] = Counter()

    def row(self, table: str, row: Row, number: int, expected: Mapping[str, Scalar]) -> None:
        keys = KEYS.get(table, ())
        for column, value in row.items():
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            if column in keys or column in _GIVEN:
                self.given += numeric
            elif column in expected:
                self._held(table, row, number, column, expected[column])
            elif numeric:
                why = reason(table, column, row)
                if why is None:
                    self.unclaimed[table, column] += 1
                else:
                    self.left[why] += 1

    def _held(self, table: str, row: Row, number: int, column: str, expected: Scalar) -> None:
        value = row[column]
        if value is None and expected is not None and _explained(row):
            return
        if agree(value, expected, tolerance(table, column, row)):
            self.agreed[table] += value is not None
        else:
            where = place(table, row, number)
            self.differences.append(Difference(table, where, column, value, expected))


def _explained(row: Row) -> bool:
    """Whether a row says why it lacks a number."""
    said = f"{row.get('method') or ''} {row.get('undefined') or ''}"
    return any(word in said for word in ("undefined", "not testable", "no variance"))


def agree(value: Scalar, expected: Scalar, within: tuple[float, float]) -> bool:
    """Whether two entries are the same, numbers within a relative or an absolute tolerance."""
    if isinstance(value, str | bool | None) or isinstance(expected, str | bool | None):
        # CSV files do not tell an empty text from none.
        return (None if value == "" else value) == (None if expected == "" else expected)
    relative, absolute = within
    return math.isclose(value, expected, rel_tol=relative, abs_tol=absolute)
