"""What a second computation starts from, and the rows it gives."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from kit.errors import OutputError, SpecError
from kit.report.recomputation import logs
from kit.report.recomputation.tables import Row, Scalar, Tables
from kit.spec.published import Published

Key: TypeAlias = tuple[Scalar, ...]
Rows: TypeAlias = dict[Key, Mapping[str, Scalar]]
"""Numbers by the key of their row."""
AGENTS = 10
DIMENSIONS = ("pdi", "idv", "mas", "uai", "ltowvs", "ivr")


@dataclass(frozen=True)
class Sources:
    """The files that all numbers come from.

    Nothing is taken from a table that this package can compute: of the exported tables only the
    counts of words are used.
    """

    folder: Path
    """The result folder, for its logs."""
    tables: Tables
    """As exported."""
    spec: Mapping[str, Any]
    """``spec.json``."""
    scores: Mapping[str, Mapping[str, int | None]]
    """Culture scores by country."""
    published: Published

    @cached_property
    def logs(self) -> dict[str, logs.RunCount]:
        """Counts of every complete log, by run id."""
        return logs.count_runs(self.folder)

    @property
    def runs(self) -> list[Row]:
        """The exported counts, run by run."""
        return self.tables.get("runs", [])

    @property
    def study(self) -> Mapping[str, Any]:
        """The study in the specification."""
        found: Mapping[str, Any] = self.spec["study"]
        return found

    @property
    def seed(self) -> int:
        """The seed of the study."""
        return int(self.study["seed"])

    def country(self, language: str) -> str:
        """The country that stands for a language."""
        return str(self.spec["languages"][language]["country"]["code"])


def read_spec(folder: Path) -> Mapping[str, Any]:
    """The specification of a result folder as plain JSON.

    Raises:
        OutputError: it is missing or no JSON.
    """
    path = folder / "spec.json"
    try:
        found: Mapping[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputError(
            "is no result folder of the kit", where=folder, hint="name what 'kit run' wrote"
        ) from error
    return found


def read_scores(path: Path) -> dict[str, dict[str, int | None]]:
    """Culture scores by country and dimension.

    Raises:
        SpecError: unreadable.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                row["ctr"]: {name: int(row[name]) if row[name] else None for name in DIMENSIONS}
                for row in csv.DictReader(file)
            }
    except (OSError, ValueError, KeyError) as error:
        raise SpecError("the culture scores cannot be read", where=path) from error
