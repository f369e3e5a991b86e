"""All of it at once, as tables and as files.

Same logs, same bytes: nothing here depends on the clock, the machine's paths or the order of a
folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from kit.analysis.across import Combined, Pooled, Signs, pooled, signs, syntheses
from kit.analysis.agents import Gap, gaps
from kit.analysis.arms import Contrast, contrasts
from kit.analysis.cells import Cell, cells, values
from kit.analysis.checks import Check
from kit.analysis.classes import Chance, Classified, classes, planned_chances
from kit.analysis.collection import Collection, RunState, collect
from kit.analysis.conduct import (
    CellDrift,
    CellLegality,
    CellOutcome,
    PlanCount,
    drift,
    legality,
    outcomes,
    plan_counts,
)
from kit.analysis.culture import (
    Correlation,
    CultureLine,
    CulturePoint,
    LeftOut,
    Scores,
    correlations,
    countries,
    left_out,
    lines,
    points,
)
from kit.analysis.design import DesignValue, design, text_evidence
from kit.analysis.effects import Effect, effects, not_testable, pooled_slopes
from kit.analysis.indices import SCORINGS, Indices, indices
from kit.analysis.interactions import Interaction, interaction_candidates
from kit.analysis.judged import (
    JudgedBound,
    JudgedCell,
    JudgedExcerpt,
    Judgements,
    judgements,
)
from kit.analysis.models import (
    ModelDifference,
    ModelHeterogeneity,
    differences,
    heterogeneity,
)
from kit.analysis.power import Detectable, Power, detectable, powers
from kit.analysis.registered import Registered, registered
from kit.analysis.replication import Verdict
from kit.analysis.tables import table
from kit.analysis.verdicts import Findings, Judgement, judge
from kit.errors import OutputError
from kit.measure import frames
from kit.measure.overlap import overlaps
from kit.runlog.writer import write_atomically
from kit.spec.experiment import Experiment
from kit.spec.published import Published, Quantity, Rule
from kit.stats.result import Estimate

TABLES = "tables"
RESULTS = "results.json"
RESULTS_VERSION = 1
LONG = frozenset({"multiverse", "judged_excerpts"})
"""Tables of so many rows that they are files only."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything a report needs."""

    collection: Collection
    published: Published
    registered: Registered
    plan: tuple[PlanCount, ...]
    cells: tuple[Cell, ...]
    effects: tuple[Effect, ...]
    gaps: tuple[Gap, ...]
    pooled: tuple[Pooled, ...]
    syntheses: tuple[Combined, ...]
    signs: tuple[Signs, ...]
    classes: tuple[Classified, ...]
    arms: tuple[Contrast, ...]
    models: tuple[ModelHeterogeneity, ...]
    correlations: tuple[Correlation, ...]
    left_out: tuple[LeftOut, ...]
    culture_points: tuple[CulturePoint, ...]
    culture_lines: tuple[CultureLine, ...]
    detectable: tuple[Detectable, ...]
    judgements: tuple[Judgement, ...]
    legality: tuple[CellLegality, ...]
    outcomes: tuple[CellOutcome, ...]
    drift: tuple[CellDrift, ...]
    judged: Judgements
    tables: dict[str, pl.DataFrame]
    """Every table by the name of its file."""


def analyze(
    folder: Path,
    published: Published,
    scores: Scores,
    *,
    chosen: Mapping[str, str] | None = None,
    beside: Sequence[Path] = (),
) -> Analysis:
    """Measure and analyse a result folder.

    Args:
        folder: what ``kit run`` wrote.
        published: the claims to hold the results against.
        scores: culture scores by country.
        chosen: the country that stands for a language, where it is not the language file's own.
        beside: result folders of other models, whose runs at this study's levels are held beside
            this study's models; nothing else of them is used.

    Raises:
        OutputError: not a result folder, or its registration document cannot be read; or one
            beside it holds a model of this study.
        RunLogError: a complete log is damaged.
        SpecError: ``chosen`` names a language or country that is not there.
    """
    collection = collect(folder)
    experiment = collection.experiment
    languages = experiment.languages
    seed = experiment.study.seed
    standing = countries(languages, chosen or {}, scores)
    runs = frames.runs_frame(collection.runs)
    agents = frames.agents_frame(collection.runs)
    judgements_of = judgements(folder, collection)
    found = [*values(runs.to_dicts()), *judgements_of.values]
    summary = tuple(cells(found))
    within = effects(found, seed)
    every = (*within, *pooled_slopes(found))
    apart = tuple(gaps(agents.to_dicts(), judgements_of.agents))
    culture = tuple(correlations(within, standing, scores, seed))
    over = tuple(pooled(found))
    verdicts = tuple(judge(published, collection, Findings(summary, every, over, apart, culture)))
    combined = tuple(syntheses(within))
    directions = tuple(signs(within))
    classified = tuple(classes(within))
    arms = tuple(contrasts(found))
    by_model = [*within, *(effect for other in beside for effect in _of_others(other, experiment))]
    over_models = tuple(heterogeneity(by_model))
    without = tuple(left_out(within, standing, scores))
    scattered = tuple(points(within, standing, scores))
    fitted = tuple(lines(scattered))
    limits = tuple(detectable(experiment))
    plan = tuple(plan_counts(collection))
    legal = tuple(legality(collection))
    per_cell = outcomes(frames.outcomes_frame(collection.runs))
    spoken = tuple(dict.fromkeys(run.header.language for run in collection.runs))
    tables = {
        "plan": table(PlanCount, plan),
        "runs": runs,
        "agents": agents,
        "channels": frames.channels_frame(collection.runs),
        "outcomes": table(CellOutcome, per_cell),
        "judged": table(JudgedCell, judgements_of.cells),
        "judged_excerpts": table(JudgedExcerpt, judgements_of.excerpts),
        "judged_bounds": table(JudgedBound, judgements_of.bounds),
        "drift": frames.drift_frame(collection.runs),
        "legality": table(CellLegality, legal),
        "overlap": frames.overlap_frame(overlaps(languages, spoken)),
        "indices": _indices(runs),
        "cells": table(Cell, summary),
        "effects": table(Effect, every),
        "agent_gaps": table(Gap, apart),
        "arms": table(Contrast, arms),
        "across": table(Pooled, over),
        "synthesis": table(Combined, combined),
        "signs": table(Signs, directions),
        "classes": table(Classified, classified),
        "models": table(ModelHeterogeneity, over_models),
        "model_differences": table(ModelDifference, differences(by_model)),
        "culture": table(Correlation, culture),
        "culture_left_out": table(LeftOut, without),
        "culture_points": table(CulturePoint, scattered),
        "culture_lines": table(CultureLine, fitted),
        "chances": table(Chance, planned_chances(experiment)),
        "power": table(Power, powers(experiment)),
        "detectable": table(Detectable, limits),
        "interaction_candidates": table(
            Interaction, interaction_candidates(found, languages, standing, scores)
        ),
        "verdicts": table(_VerdictRow, map(_verdict, verdicts)),
        "checks": table(_CheckRow, _checks(verdicts)),
        "design": table(DesignValue, design(experiment)),
    }
    return Analysis(
        collection,
        published,
        registered(folder, collection, published),
        plan,
        summary,
        every,
        apart,
        over,
        combined,
        directions,
        classified,
        arms,
        over_models,
        culture,
        without,
        scattered,
        fitted,
        limits,
        verdicts,
        legal,
        per_cell,
        tuple(drift(collection)),
        judgements_of,
        tables,
    )


def write(analysis: Analysis, folder: Path) -> list[Path]:
    """Write every table as ``tables/NAME.csv`` and all but `LONG` ones as ``results.json``.

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
        "registration": analysis.registered._asdict(),
        "texts": [
            {**row._asdict(), "texts": {key.value: n for key, n in row.texts.items()}}
            for row in text_evidence(experiment)
        ],
        "tables": {
            name: rows.to_dicts() for name, rows in analysis.tables.items() if name not in LONG
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _of_others(folder: Path, experiment: Experiment) -> list[Effect]:
    """Effects of another folder's models, from its runs at the levels of ``experiment``."""
    study = experiment.study
    other = collect(folder)
    if shared := set(study.models.value) & set(other.experiment.study.models.value):
        raise OutputError(
            f"holds runs of {', '.join(sorted(shared))}, which this study has itself",
            where=folder,
            hint="name a folder of other models with --with",
        )
    rows = [
        row
        for row in frames.runs_frame(other.runs).to_dicts()
        if row["aligned"] in study.aligned.value and row["individuated"] in study.individuated.value
    ]
    return effects(values(rows), study.seed)


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
    published_per_cell: int | None
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
        claim.per_cell.value if claim.per_cell else None,
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


class _CheckRow(NamedTuple):
    claim: str
    model: str | None
    verdict: Verdict
    decides: bool
    """Whether this check is the claim's rule."""
    check: Check


def _checks(judgements: Sequence[Judgement]) -> Iterator[_CheckRow]:
    for claim, verdict, _, model, _, checks in judgements:
        for check in checks:
            yield _CheckRow(claim.id, model, verdict, check.check is claim.rule, check)
