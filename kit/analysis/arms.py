"""Contrasts between the arms of a study that varies two factors, cell against cell.

Study 3 crosses individuated with aligned agents. Every pair of cells of one language is compared,
with Holm's correction over the pairs of one measure, because six cells make fifteen pairs.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from kit.analysis.cells import Value
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import INDICES
from kit.stats.difference import welch
from kit.stats.effects import hedges_g
from kit.stats.multiplicity import holm
from kit.stats.result import Estimate

COMPARED = frozenset({*(index.name for index in INDICES), "conformity_share", "harmony_share"})
"""Measures whose arms are compared; an index by the primary reference."""


class Arm(NamedTuple):
    """One cell, without model, language and variant."""

    individuated: int
    aligned: int


class Contrast(NamedTuple):
    """Hedges' g of one arm against another, with Welch's test."""

    model: str
    language: str
    variant: str | None
    measure: str
    individuated: int
    aligned: int
    against_individuated: int
    against_aligned: int
    welch_p: float | None
    welch_p_holm: float | None
    """Corrected over all pairs of the same measure and language."""
    result: Estimate


def contrasts(values: Iterable[Value]) -> list[Contrast]:
    """Every pair of arms; empty where a study varies alignment alone."""
    groups: dict[tuple[str, str, str | None, str], dict[Arm, list[float]]] = defaultdict(dict)
    for value in values:
        where = value.condition
        if value.measure in COMPARED and value.reference in (None, PRIMARY):
            group = groups[where.model, where.language, where.variant, value.measure]
            found = group.setdefault(Arm(where.individuated, where.aligned), [])
            if value.value is not None:
                found.append(value.value)
    rows: list[Contrast] = []
    for place, arms in groups.items():
        if len({arm.individuated for arm in arms}) < 2:
            continue
        pairs = [(two, one) for one, two in itertools.combinations(arms, 2)]
        tests = [welch(arms[treated], arms[control]).p_value for treated, control in pairs]
        for (treated, control), p, corrected in zip(pairs, tests, holm(tests), strict=True):
            g = hedges_g(arms[treated], arms[control])
            rows.append(Contrast(*place, *treated, *control, p, corrected, g))
    return rows
