"""Judges' numbers as measures of runs, with what was not scored counted and bounded."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kit.analysis.cells import Condition, Value
from kit.analysis.collection import Collection, log_path
from kit.analysis.measures import JUDGED
from kit.judge.comparison import Judged
from kit.judge.folder import JudgementFolder, panels
from kit.judge.log import JudgementLog
from kit.judge.panel import Panel
from kit.judge.records import JudgementOutcome
from kit.judge.scores import (
    Bounded,
    Target,
    excerpt_scores,
    run_outcomes,
    run_scores,
    subject_scores,
    targets,
)
from kit.spec.judge import Subject
from kit.spec.language import AGENTS
from kit.spec.pins import ModelPin
from kit.stats.correlation import spearman
from kit.stats.result import Estimate


class RunMeasure(NamedTuple):
    """One number that a judge gave one run."""

    run_id: str
    panel: str
    target: Target
    bounds: Bounded

    @property
    def name(self) -> str:
        """The measure's name in every table."""
        return f"{JUDGED}{self.panel}_{self.target.name}"


class JudgedCell(NamedTuple):
    """How the answers of one judge ended in one cell, on one scale."""

    condition: Condition
    panel: str
    judge_model: str
    scale: str
    runs: int
    """Complete runs of the cell."""
    judged: int
    """Of them judged as they are now; the others are not in the numbers."""
    asked: int
    """Answers asked for."""
    scored: int
    refused: int
    unparsable: int
    truncated: int
    too_long: int


class JudgedExcerpt(NamedTuple):
    """One excerpt on one scale, over all orders, wordings and draws."""

    run_id: str
    panel: str
    excerpt: str
    subject: str
    """A persona id, or the group."""
    first_turn: int
    last_turn: int
    scale: str
    score: float | None
    """Of an ordinal scale."""
    category: str | None
    """The value that most answers hold."""
    asked: int
    unscored: int
    entropy: float | None
    """Bits of the distribution over the values."""
    order_gap: float | None
    """Score with the options in their last order less that in their first: the bias of place."""
    legal_mass: float | None
    """Share of the model's own probability on any option."""


class JudgedBound(NamedTuple):
    """What the unscored answers could do to ten marked agents against none, or to one cell."""

    condition: Condition
    """Of the cell, or of the cell with ten aligned agents."""
    measure: str
    contrast: bool
    """Whether it is the difference between ten aligned agents and none."""
    runs: int
    scored: float | None
    """By the scored answers alone."""
    low: float | None
    high: float | None
    """If all unscored answers were at one end of the scale, at the other end in the other cell."""


class Judgements(NamedTuple):
    """Everything that judges said of a result folder."""

    values: tuple[Value, ...]
    agents: Mapping[tuple[str, str], Mapping[str, float | None]]
    """By run and persona id: numbers of judges of single residents."""
    cells: tuple[JudgedCell, ...]
    bounds: tuple[JudgedBound, ...]
    models: Mapping[str, ModelPin]
    """By panel, the model that judged."""
    excerpts: tuple[JudgedExcerpt, ...]


class AgreementWithMeasure(NamedTuple):
    """A judge's number and a measure of words, run by run."""

    target: str
    reference: str | None
    runs: int
    result: Estimate


def judgements(folder: Path, collection: Collection) -> Judgements:
    """What judges said of the complete runs of a folder.

    A log of judgements counts only if it is of the run as it is now.

    Raises:
        OutputError: a panel is of another release.
        RunLogError: a judgement log is damaged.
    """
    names = panels(folder)
    if not names:
        return Judgements((), {}, (), (), {}, ())
    digests = {
        run.header.run_id: hashlib.sha256(
            log_path(folder, run.header.run_id).read_bytes()
        ).hexdigest()
        for run in collection.runs
    }
    found: list[RunMeasure] = []
    agents: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
    models: dict[str, ModelPin] = {}
    excerpts: list[JudgedExcerpt] = []
    cells: list[JudgedCell] = []
    for name in names:
        place = JudgementFolder(folder, name)
        judged = Judged(place.panel(), tuple(place.logs()))
        models[name] = judged.panel.model
        outcomes: dict[str, Counter[tuple[str, JudgementOutcome]]] = {}
        # One log at a time: those of a large study together would fill the memory.
        for log in judged.logs:
            run_id = log.header.run_id
            if digests.get(run_id) != log.header.run_digest:
                continue
            found += _run_measures(judged.panel, log)
            for key, numbers in _agents(judged.panel, log):
                agents[key] |= numbers
            excerpts += _excerpts(judged.panel, log)
            outcomes[run_id] = run_outcomes(log)
        cells += _cells(collection, judged.panel, outcomes)
    return Judgements(
        tuple(_values(collection, found)),
        agents,
        tuple(cells),
        tuple(_bounds(collection, found)),
        models,
        tuple(excerpts),
    )


def run_measures(judged: Judged) -> list[RunMeasure]:
    """Every number of every judged run."""
    return [each for log in judged.logs for each in _run_measures(judged.panel, log)]


def _run_measures(panel: Panel, log: JudgementLog) -> Iterator[RunMeasure]:
    bounds = run_scores(log, panel.judge)
    for target in targets(panel.judge):
        yield RunMeasure(log.header.run_id, panel.name, target, bounds[target.name])


def _agents(
    panel: Panel, log: JudgementLog
) -> Iterator[tuple[tuple[str, str], dict[str, float | None]]]:
    """Numbers of every resident, of a judge that looks at residents."""
    if panel.judge.subject is not Subject.AGENT:
        return
    for agent, numbers in subject_scores(log, panel.judge).items():
        yield (
            (log.header.run_id, agent),
            {
                f"{JUDGED}{panel.name}_{target.name}": numbers[target.name].score
                for target in targets(panel.judge)
            },
        )


def _excerpts(panel: Panel, log: JudgementLog) -> Iterator[JudgedExcerpt]:
    for score in excerpt_scores(log.judgements, panel.judge):
        numbers = score.numbers.get(score.scale)
        asked = score.outcomes.total()
        yield JudgedExcerpt(
            log.header.run_id,
            panel.name,
            score.excerpt,
            score.subject,
            score.first_turn,
            score.last_turn,
            score.scale,
            numbers.score if numbers else None,
            score.category,
            asked,
            asked - score.outcomes[JudgementOutcome.SCORED],
            score.entropy,
            score.order_gap,
            score.legal_mass,
        )


def against_measure(
    measured: Iterable[RunMeasure], known: Iterable[Value]
) -> Iterator[AgreementWithMeasure]:
    """Rank correlations of a judge's numbers with one measure of words, run by run."""
    by_reference: dict[str | None, dict[str, float]] = defaultdict(dict)
    for value in known:
        if value.value is not None:
            by_reference[value.reference][value.run_id] = value.value
    by_target: dict[str, dict[str, float]] = defaultdict(dict)
    for each in measured:
        if each.bounds.score is not None:
            by_target[each.target.name][each.run_id] = each.bounds.score
    for target, scores in by_target.items():
        for reference, numbers in by_reference.items():
            both = [run for run in scores if run in numbers]
            result = spearman([scores[run] for run in both], [numbers[run] for run in both])
            yield AgreementWithMeasure(target, reference, len(both), result)


def _condition(collection: Collection) -> dict[str, Condition]:
    return {
        run.header.run_id: Condition(*(getattr(run.header, name) for name in Condition._fields))
        for run in collection.runs
    }


def _values(collection: Collection, found: Sequence[RunMeasure]) -> Iterator[Value]:
    """Every measure of every complete run; None where it is not judged or not scored."""
    numbers = {(each.name, each.run_id): each.bounds.score for each in found}
    for measure in dict.fromkeys(each.name for each in found):
        for run in collection.runs:
            header = run.header
            where = Condition(*(getattr(header, name) for name in Condition._fields))
            number = numbers.get((measure, header.run_id))
            yield Value(header.run_id, where, measure, None, number, header.evicted_aligned)


def _cells(
    collection: Collection,
    panel: Panel,
    outcomes: Mapping[str, Counter[tuple[str, JudgementOutcome]]],
) -> Iterator[JudgedCell]:
    """How the answers ended, from those of every judged run."""
    where = _condition(collection)
    runs = Counter(where.values())
    done = Counter(where[run_id] for run_id in outcomes)
    counts: dict[tuple[Condition, str], Counter[JudgementOutcome]] = {}
    for run_id, ended in outcomes.items():
        for (name, outcome), number in ended.items():
            counts.setdefault((where[run_id], name), Counter())[outcome] += number
    for condition, planned in runs.items():
        for scale in panel.judge.scales:
            of_cell = counts.get((condition, scale.id), Counter())
            yield JudgedCell(
                condition,
                panel.name,
                panel.model.id,
                scale.id,
                planned,
                done[condition],
                of_cell.total(),
                *(of_cell[outcome] for outcome in JudgementOutcome),
            )


def _bounds(collection: Collection, found: Sequence[RunMeasure]) -> Iterator[JudgedBound]:
    where = _condition(collection)
    groups: dict[str, dict[Condition, list[Bounded]]] = {}
    for each in found:
        cells = groups.setdefault(each.name, {})
        cells.setdefault(where[each.run_id], []).append(each.bounds)
    for measure, by_cell in groups.items():
        means = {condition: _mean(bounds) for condition, bounds in by_cell.items()}
        for condition, mean in means.items():
            yield JudgedBound(condition, measure, False, len(by_cell[condition]), *mean)
        for condition, full in means.items():
            none = means.get(condition._replace(aligned=0))
            if condition.aligned == AGENTS and none is not None:
                runs = len(by_cell[condition]) + len(by_cell[condition._replace(aligned=0)])
                yield JudgedBound(condition, measure, True, runs, *_difference(full, none))


def _mean(bounds: Sequence[Bounded]) -> Bounded:
    def mean(numbers: Iterable[float | None]) -> float | None:
        there = [each for each in numbers if each is not None]
        return sum(there) / len(there) if there else None

    return Bounded(
        mean(each.score for each in bounds),
        mean(each.low for each in bounds),
        mean(each.high for each in bounds),
    )


def _difference(full: Bounded, none: Bounded) -> Bounded:
    def less(one: float | None, other: float | None) -> float | None:
        return None if one is None or other is None else one - other

    return Bounded(
        less(full.score, none.score), less(full.low, none.high), less(full.high, none.low)
    )
