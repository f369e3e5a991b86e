"""CPI and DI of every run under many specifications at once, as arrays with one column per run.

The same definitions as `kit.measure.speech` and `kit.analysis.indices`, for choices that those do
not offer. What a run leaves undefined is NaN: arrays have no None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kit.analysis.cells import Condition
from kit.analysis.choices import EXCLUSION_BOUND, Echo, Exclusion, Lists, Scanned, Sexual, Share
from kit.analysis.indices import Reference, belongs, group
from kit.analysis.measures import CPI, DI, PROTECTIVE, SEXUAL, Unit
from kit.analysis.specification import Counting, Specification
from kit.measure.run import RunMeasures
from kit.measure.tally import Tally
from kit.runlog.records import Outcome
from kit.stats.batch import standardised
from kit.stats.sample import FloatArray


def condition_of(run: RunMeasures) -> Condition:
    """The cell of a run."""
    return Condition(*(getattr(run.header, name) for name in Condition._fields))


def index_values(
    runs: Sequence[RunMeasures], specifications: Sequence[Specification]
) -> dict[str, FloatArray]:
    """Both indices.

    Returns:
        By name of the index: specifications x runs, NaN where a run is left out or a component has
        no z score.
    """
    share = np.array([[_number(getattr(run.speech, one.column)) for run in runs] for one in Share])
    countings = list(dict.fromkeys(one.counting for one in specifications))
    hits = {register: _hits(runs, register, countings) for register in (SEXUAL, PROTECTIVE)}
    found = {name: np.full((len(specifications), len(runs)), np.nan) for name in (CPI, DI)}
    for (exclusion, reference), places in _blocks(specifications).items():
        members = _groups(runs, reference, exclusion)
        block = [specifications[place] for place in places]
        counted = [countings.index(one.counting) for one in block]
        inside = np.array([[one.sexual is Sexual.IN] for one in block])
        monologue = _z(share, members)[[list(Share).index(one.share) for one in block]]
        protective = _z(hits[PROTECTIVE], members)[counted]
        sexual = np.where(inside, _z(hits[SEXUAL], members)[counted], 0.0)
        found[CPI][places] = monologue + sexual - protective
        found[DI][places] = monologue + protective - sexual
    return found


def rate(tally: Tally, register: str, counting: Counting) -> float | None:
    """The hits of a register; None where the unit is unknown or 0.

    Args:
        tally: of the channels whose hits count.
        register: the word list.
        counting: how its hits count; lines with a hit of either list are not known, nor are
            English hits without echo.
    """
    excluded = counting.echo is Echo.EXCLUDED
    if counting.unit is Unit.LINES:
        lines = tally.lines_with_no_echo if excluded else tally.lines_with
        return getattr(lines, register) / tally.lines if tally.lines else None
    part: int = getattr(tally.hits_no_echo if excluded else tally.hits, register)
    if counting.lexicons is Lists.BOTH:
        part += getattr(tally.hits_english, register)
    if counting.unit is Unit.HITS:
        return float(part)
    whole = tally.characters if counting.unit is Unit.CHARACTERS else tally.words
    return 1000 * part / whole if whole else None


def is_left_out(run: RunMeasures, exclusion: Exclusion) -> bool:
    """Whether an exclusion meets a run; a silent run has no line that could be wrong."""
    match exclusion:
        case Exclusion.NONE:
            return False
        case Exclusion.OFF_LANGUAGE:
            total = run.speech.total
            return total.lines_away > EXCLUSION_BOUND * total.lines
        case Exclusion.TRUNCATED:
            lines = cut = 0
            for agent in run.agents:
                for (_, outcome), number in agent.line_outcomes.items():
                    lines += number
                    cut += number if outcome is Outcome.TRUNCATED else 0
            return cut > EXCLUSION_BOUND * lines


def _hits(runs: Sequence[RunMeasures], register: str, countings: Sequence[Counting]) -> FloatArray:
    tallies = {
        scanned: [
            sum((run.speech.channels[channel] for channel in scanned.channels), Tally())
            for run in runs
        ]
        for scanned in Scanned
    }
    return np.array(
        [
            [_number(rate(tally, register, counting)) for tally in tallies[counting.channels]]
            for counting in countings
        ]
    )


def _blocks(
    specifications: Sequence[Specification],
) -> dict[tuple[Exclusion, Reference], list[int]]:
    """Places of the specifications whose z scores are over the same runs."""
    blocks: dict[tuple[Exclusion, Reference], list[int]] = defaultdict(list)
    for place, one in enumerate(specifications):
        blocks[one.exclusion, one.reference].append(place)
    return blocks


Group = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Columns of the runs that share a reference, and of those that are the reference."""


def _groups(runs: Sequence[RunMeasures], reference: Reference, exclusion: Exclusion) -> list[Group]:
    members: dict[tuple[object, ...], list[int]] = defaultdict(list)
    base: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, run in enumerate(runs):
        row: Mapping[str, object] = condition_of(run)._asdict()
        if is_left_out(run, exclusion):
            continue
        members[group(row, reference)].append(place)
        if belongs(row, reference):
            base[group(row, reference)].append(place)
    return [
        (np.array(found), np.array(base[key], dtype=np.int64)) for key, found in members.items()
    ]


def _z(values: FloatArray, groups: Sequence[Group]) -> FloatArray:
    scores = np.full(values.shape, np.nan)
    for members, base in groups:
        scores[:, members] = standardised(values[:, members], values[:, base])
    return scores


def _number(value: float | None) -> float:
    return np.nan if value is None else value
