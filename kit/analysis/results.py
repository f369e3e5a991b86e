"""All of it at once, as tables and as files.

Same logs, same bytes: nothing here depends on the clock, the machine's paths or the order of a
folder.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import NamedTuple

import polars as pl

from kit.analysis.agents import Gap, gaps
from kit.analysis.cells import Cell, Condition, cells, condition, values
from kit.analysis.collection import Collection, RunState, collect
from kit.analysis.culture import Correlation, Scores, correlations
from kit.analysis.design import DesignValue, design, text_evidence
from kit.analysis.effects import Effect, effects, not_testable, pooled_slopes
from kit.analysis.indices import SCORINGS, Indices, indices
from kit.analysis.tables import table
from kit.analysis.verdicts import Findings, Judgement, Verdict, judge
from kit.measure import frames
from kit.measure.overlap import overlaps
from kit.measure.speech import LegalMass, Speech
from kit.runlog.writer import write_atomically
from kit.spec.published import Published, Quantity, Rule
from kit.stats.result import Estimate

TABLES = "tables"
RESULTS = "results.json"
RESULTS_VERSION = 1


class PlanCount(NamedTuple):
    """How many runs of one cell were planned, and what became of them."""

    condition: Condition
    planned: int
    complete: int
    incomplete: int
    missing: int


class CellLegality(NamedTuple):
    """How freely the channel tags were chosen in one cell."""

    condition: Condition
    legality: LegalMass


class CellOutcome(NamedTuple):
    """How often answers, or lines of one channel, ended in one way in one cell."""

    condition: Condition
    channel: str
    outcome: str
    number: int


class CellDrift(NamedTuple):
    """How many counted lines of one cell are in another language than its own."""

    condition: Condition
    lines: int
    away: int
    spoken: str
    """The other languages, most frequent first, with their lines."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything a report needs."""

    collection: Collection
    published: Published
    plan: tuple[PlanCount, ...]
    cells: tuple[Cell, ...]
    effects: tuple[Effect, ...]
    gaps: tuple[Gap, ...]
    correlations: tuple[Correlation, ...]
    judgements: tuple[Judgement, ...]
    legality: tuple[CellLegality, ...]
    outcomes: tuple[CellOutcome, ...]
    drift: tuple[CellDrift, ...]
    tables: dict[str, pl.DataFrame]
    """Every table by the name of its file."""


def analyze(folder: Path, published: Published, scores: Scores) -> Analysis:
    """Measure and analyse a result folder.

    Args:
        folder: what ``kit run`` wrote.
        published: the claims to hold the results against.
        scores: culture scores by country.

    Raises:
        OutputError: not a result folder.
        RunLogError: a complete log is damaged.
    """
    collection = collect(folder)
    languages = collection.experiment.languages
    runs = frames.runs_frame(collection.runs)
    agents = frames.agents_frame(collection.runs)
    found = values(runs.to_dicts())
    summary = tuple(cells(found))
    within = effects(found)
    every = (*within, *pooled_slopes(found))
    apart = tuple(gaps(agents.to_dicts()))
    culture = tuple(correlations(within, languages, scores))
    judgements = tuple(judge(published, collection, Findings(summary, every, apart, culture)))
    plan = tuple(_plan(collection))
    legality = tuple(_legality(collection))
    outcomes = frames.outcomes_frame(collection.runs)
    per_cell = _outcomes(outcomes)
    spoken = tuple(dict.fromkeys(run.header.language for run in collection.runs))
    tables = {
        "plan": table(PlanCount, plan),
        "runs": runs,
        "agents": agents,
        "channels": frames.channels_frame(collection.runs),
        "outcomes": table(CellOutcome, per_cell),
        "drift": frames.drift_frame(collection.runs),
        "legality": table(CellLegality, legality),
        "overlap": frames.overlap_frame(overlaps(languages, spoken)),
        "indices": _indices(runs),
        "cells": table(Cell, summary),
        "effects": table(Effect, every),
        "agent_gaps": table(Gap, apart),
        "culture": table(Correlation, culture),
        "verdicts": table(_VerdictRow, map(_verdict, judgements)),
        "design": table(DesignValue, design(collection.experiment)),
    }
    return Analysis(
        collection,
        published,
        plan,
        summary,
        every,
        apart,
        culture,
        judgements,
        legality,
        per_cell,
        tuple(_drift(collection)),
        tables,
    )


def write(analysis: Analysis, folder: Path) -> list[Path]:
    """Write every table as ``tables/NAME.csv`` and all of them as ``results.json``.

    Returns:
        The files, ``results.json`` last.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """
    paths = []
    for name, rows in analysis.tables.items():
        path = folder / TABLES / f"{name}.csv"
        write_atomically(path, rows.write_csv().encode())
        paths.append(path)
    path = folder / RESULTS
    write_atomically(path, to_json(analysis))
    return [*paths, path]


def to_json(analysis: Analysis) -> bytes:
    """The analysis as JSON: what was analysed, then every table row by row."""
    experiment = analysis.collection.experiment
    data = {
        "results_version": RESULTS_VERSION,
        "study": experiment.study.id,
        "profile": experiment.profile,
        "models": list(experiment.study.models.value),
        "runs": {state.value: analysis.collection.count(state) for state in RunState},
        "unplanned_logs": list(analysis.collection.unplanned),
        "missing_languages": list(experiment.missing_languages),
        "texts": [
            {**row._asdict(), "texts": {key.value: n for key, n in row.texts.items()}}
            for row in text_evidence(experiment)
        ],
        "tables": {name: rows.to_dicts() for name, rows in analysis.tables.items()},
    }
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _plan(collection: Collection) -> list[PlanCount]:
    states: dict[Condition, list[RunState]] = {}
    for run in collection.experiment.runs():
        state = collection.states[run.run_id]
        states.setdefault(Condition(*run.cell), []).append(state)
    return [
        PlanCount(where, len(found), *(found.count(state) for state in RunState))
        for where, found in states.items()
    ]


def _legality(collection: Collection) -> list[CellLegality]:
    speech: dict[Condition, list[Speech]] = {}
    for run in collection.runs:
        where = Condition(*(getattr(run.header, name) for name in Condition._fields))
        speech.setdefault(where, []).append(run.speech)
    return [CellLegality(where, reduce(add, said).legality) for where, said in speech.items()]


def _drift(collection: Collection) -> Iterator[CellDrift]:
    spoken: dict[Condition, Counter[str]] = {}
    lines: Counter[Condition] = Counter()
    for run in collection.runs:
        where = Condition(*(getattr(run.header, name) for name in Condition._fields))
        lines[where] += run.speech.total.lines
        elsewhere = spoken.setdefault(where, Counter())
        for agent in run.agents:
            for (_, language), number in agent.away.items():
                elsewhere[language] += number
    for where, elsewhere in spoken.items():
        words = ", ".join(f"{language} {number}" for language, number in elsewhere.most_common())
        yield CellDrift(where, lines[where], elsewhere.total(), words)


def _outcomes(rows: pl.DataFrame) -> tuple[CellOutcome, ...]:
    counts: dict[tuple[Condition, str, str], int] = {}
    for row in rows.iter_rows(named=True):
        key = (condition(row), row["channel"], row["outcome"])
        counts[key] = counts.get(key, 0) + row["number"]
    return tuple(CellOutcome(*key, count) for key, count in counts.items())


def _indices(runs: pl.DataFrame) -> pl.DataFrame:
    rows = runs.to_dicts()
    tables = [
        runs.select(list(frames.IDENTITY)).with_columns(
            pl.lit(scoring.reference.value).alias("reference"),
            pl.lit(scoring.unit.value).alias("unit"),
            pl.lit(scoring.no_echo).alias("without_echo"),
            *(
                pl.Series(name, column, dtype=pl.String if name == "undefined" else pl.Float64)
                for name, column in _columns(
                    indices(rows, scoring.reference, unit=scoring.unit, no_echo=scoring.no_echo)
                )
            ),
        )
        for scoring in SCORINGS
    ]
    return pl.concat(tables)


def _columns(rows: Sequence[Indices]) -> list[tuple[str, list[float | str | None]]]:
    return [(name, [getattr(row, name) for row in rows]) for name in Indices._fields]


class _VerdictRow(NamedTuple):
    claim: str
    study: str
    statement: str
    languages: str
    outcome: str
    quantity: Quantity
    published_estimate: float | None
    published_p: str | None
    published_low: float | None
    published_high: float | None
    published_n: int | None
    model_family: str
    source: str
    confidence: str
    rule: Rule
    margin: float | None
    verdict: Verdict
    reason: str
    model: str | None
    ours: Estimate


def _verdict(judgement: Judgement) -> _VerdictRow:
    claim = judgement.claim
    return _VerdictRow(
        claim.id,
        claim.study,
        claim.statement,
        " ".join(claim.languages) or "all",
        claim.outcome,
        claim.quantity,
        claim.estimate,
        f"{claim.p.relation} {claim.p.value}" if claim.p else None,
        claim.interval.low if claim.interval else None,
        claim.interval.high if claim.interval else None,
        claim.n,
        claim.model_family,
        " ".join(claim.source),
        claim.confidence,
        claim.rule,
        claim.margin,
        judgement.verdict,
        judgement.reason,
        judgement.model,
        judgement.ours or not_testable("this folder holds no such number"),
    )
