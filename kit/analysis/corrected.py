"""A judge's means corrected for its error, where people rated a sample of what it read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from kit.analysis.cells import Condition
from kit.analysis.tables import table
from kit.judge.calibration import consensus
from kit.judge.comparison import Judged
from kit.spec.experiment import Cell, Experiment
from kit.spec.judge import Scale, ScaleKind
from kit.spec.language import AGENTS
from kit.stats.misclassification import Tally, corrected_prevalence
from kit.stats.prediction_powered import prediction_powered_difference, prediction_powered_mean
from kit.stats.rectifier import JudgedSample
from kit.stats.result import Estimate


class Corrected(NamedTuple):
    """One number of one cell, as people would have given it."""

    condition: Condition
    """Of the cell; of the one with ten aligned agents where it is a contrast."""
    measure: str
    contrast: bool
    """Whether it is the difference between ten aligned agents and none."""
    excerpts: int
    """Scored by the judge."""
    labelled: int
    """Of them rated by people."""
    judged: float | None
    """What the judge alone says."""
    result: Estimate


class _Unit(NamedTuple):
    """One excerpt that the judge scored."""

    run_id: str
    judge: str
    score: float | None
    human: str | None
    weight: float


def corrected(
    experiment: Experiment,
    judged: Judged,
    scale: Scale,
    labels: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float],
) -> pl.DataFrame:
    """Every cell and every contrast of one scale, as a table of `Corrected`.

    Means are prediction-powered with runs as clusters. The share of excerpts at or above each value
    is Rogan and Gladen's, with the judge's errors taken from all labelled excerpts of the study.

    Args:
        experiment: tells the cells of the runs.
        judged: what the judge said.
        scale: one of its scales.
        labels: by excerpt and rater.
        weights: by excerpt of the sample, how many it stands for.
    """
    cells = _cells(experiment, judged, scale, labels, weights)
    rows = [*_means(cells, scale), *_prevalences(cells, scale)]
    return table(Corrected, rows)


def _cells(
    experiment: Experiment,
    judged: Judged,
    scale: Scale,
    labels: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, float],
) -> dict[Condition, list[_Unit]]:
    conditions = {run.run_id: _condition(run.cell) for run in experiment.runs()}
    cells: dict[Condition, list[_Unit]] = defaultdict(list)
    for log, score in judged.scores(scale.id):
        if score.category is None:
            continue
        people = labels.get(score.excerpt)
        numbers = score.numbers.get(scale.id)
        cells[conditions[log.header.run_id]].append(
            _Unit(
                log.header.run_id,
                score.category,
                numbers.score if numbers else None,
                consensus(people, scale) if people else None,
                weights.get(score.excerpt, 1.0),
            )
        )
    return cells


def _condition(cell: Cell) -> Condition:
    return Condition(cell.model, cell.language, cell.variant, cell.individuated, cell.aligned)


class _Number(NamedTuple):
    """One number of a scale."""

    name: str
    value: str | None
    """The value whose share it is; None: the mean of an ordinal scale."""

    def by_judge(self, unit: _Unit) -> float:
        if self.value is not None:
            return float(unit.judge == self.value)
        return float(unit.judge) if unit.score is None else unit.score

    def by_people(self, human: str) -> float:
        return float(human) if self.value is None else float(human == self.value)


def _numbers(scale: Scale) -> list[_Number]:
    if scale.kind is ScaleKind.ORDINAL:
        return [_Number(scale.id, None)]
    return [_Number(f"{scale.id}_{value}", value) for value in scale.values]


def _means(cells: Mapping[Condition, Sequence[_Unit]], scale: Scale) -> Iterator[Corrected]:
    for number in _numbers(scale):
        samples = {condition: _sample(units, number) for condition, units in cells.items()}
        for condition, units in cells.items():
            found = prediction_powered_mean(samples[condition])
            yield Corrected(
                condition,
                number.name,
                False,
                len(units),
                found.labelled,
                found.judge_mean,
                found.result,
            )
        for condition, units in cells.items():
            without = condition._replace(aligned=0)
            if condition.aligned != AGENTS or without not in cells:
                continue
            pair = prediction_powered_difference(samples[condition], samples[without])
            judged = [
                sum(map(number.by_judge, each)) / len(each) for each in (units, cells[without])
            ]
            yield Corrected(
                condition,
                number.name,
                True,
                len(units) + len(cells[without]),
                sum(unit.human is not None for unit in (*units, *cells[without])),
                judged[0] - judged[1],
                pair.result,
            )


def _sample(units: Sequence[_Unit], number: _Number) -> JudgedSample:
    known = [(place, unit) for place, unit in enumerate(units) if unit.human is not None]
    return JudgedSample(
        judge=[number.by_judge(unit) for unit in units],
        clusters=[unit.run_id for unit in units],
        labelled=[place for place, _ in known],
        human=[number.by_people(unit.human) for _, unit in known if unit.human is not None],
        weights=[unit.weight for _, unit in known] if known else None,
    )


def _prevalences(cells: Mapping[Condition, Sequence[_Unit]], scale: Scale) -> Iterator[Corrected]:
    known = [unit for units in cells.values() for unit in units if unit.human is not None]
    for name, holds in _thresholds(scale):
        positives = [unit for unit in known if unit.human is not None and holds(unit.human)]
        negatives = [unit for unit in known if unit.human is not None and not holds(unit.human)]
        found = Tally(sum(holds(unit.judge) for unit in positives), len(positives))
        passed = Tally(sum(not holds(unit.judge) for unit in negatives), len(negatives))
        for condition, units in cells.items():
            positive = Tally(sum(holds(unit.judge) for unit in units), len(units))
            yield Corrected(
                condition,
                name,
                False,
                len(units),
                sum(unit.human is not None for unit in units),
                positive.share,
                corrected_prevalence(positive, found, passed).result,
            )


def _thresholds(scale: Scale) -> Iterator[tuple[str, Callable[[str], bool]]]:
    if scale.kind is ScaleKind.ORDINAL:
        for place, value in enumerate(scale.values[1:], start=1):
            yield f"share at {value} or more", frozenset(scale.values[place:]).__contains__
        return
    for value in scale.values:
        yield f"share of {value}", frozenset([value]).__contains__
