"""From answers to numbers: scores of excerpts and runs, with what was not scored counted.

An unscored answer is never a number. It is counted by what became of it, and the least and the most
that it could have been give bounds.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kit.judge.log import JudgementLog
from kit.judge.records import Answer, Judgement, JudgementOutcome
from kit.spec.judge import Judge, Scale, ScaleKind, Scoring


class Target(NamedTuple):
    """One number that a judge gives: the mean of an ordinal scale, or the share of a value."""

    scale: str
    value: str | None
    """None: an ordinal scale."""
    low: float
    high: float
    """The least and the most it can be."""

    @property
    def name(self) -> str:
        """How the number is called, after its judge."""
        return self.scale if self.value is None else f"{self.scale}_{self.value}"


class Bounded(NamedTuple):
    """A mean over what was scored, and what it could be if all had been."""

    score: float | None
    """None: nothing was scored."""
    low: float | None
    high: float | None
    """With the unscored at the least and at the most of the scale; None: nothing was asked."""


class ExcerptScore(NamedTuple):
    """One excerpt on one scale, over orders, wordings and repeats."""

    excerpt: str
    subject: str
    first_turn: int
    last_turn: int
    scale: str
    numbers: Mapping[str, Bounded]
    """By the name of the target."""
    category: str | None
    """The value that most answers hold, the first of the scale among equals; None: unscored."""
    outcomes: Counter[JudgementOutcome]
    entropy: float | None
    """Bits of the mean distribution over the values; None where none is known."""
    order_gap: float | None
    """Number at the last order less that at the first: what the place of an option does."""
    legal_mass: float | None
    """Mean share of the model's own probability on any option."""


def targets(judge: Judge) -> tuple[Target, ...]:
    """Every number that ``judge`` gives, scale by scale."""
    found: list[Target] = []
    for scale in judge.scales:
        if scale.kind is ScaleKind.ORDINAL:
            low, *_, high = scale.numbers
            found.append(Target(scale.id, None, float(low), float(high)))
        else:
            found += [Target(scale.id, value, 0.0, 1.0) for value in scale.values]
    return tuple(found)


def number(answer: Answer, scale: Scale, target: Target, scoring: Scoring) -> float | None:
    """One answer as a number; None unless it is scored.

    By the sample it is the value that was drawn; by probabilities the mean over the values, each
    weighted by the model's own probability of it, declining left out.
    """
    if answer.outcome is not JudgementOutcome.SCORED:
        return None
    worth = [
        float(value) if target.value is None else float(value == target.value)
        for value in scale.values
    ]
    if scoring is Scoring.PROBABILITIES and answer.shares is not None:
        known = sum(answer.shares)
        if known > 0:
            pairs = zip(answer.shares, worth, strict=True)
            return math.fsum(share * each for share, each in pairs) / known
    assert answer.value is not None  # it is scored
    return worth[scale.values.index(answer.value)]


def bounded(numbers: Sequence[float | None], low: float, high: float) -> Bounded:
    """The mean of the numbers that are there, and its least and most with the others at a bound."""
    if not numbers:
        return Bounded(None, None, None)
    there = [each for each in numbers if each is not None]
    missing, total = len(numbers) - len(there), math.fsum(there)
    return Bounded(
        statistics.fmean(there) if there else None,
        (total + missing * low) / len(numbers),
        (total + missing * high) / len(numbers),
    )


def excerpt_scores(judgements: Iterable[Judgement], judge: Judge) -> list[ExcerptScore]:
    """Every excerpt on every scale, in the order of the log."""
    groups: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        groups[judgement.excerpt].append(judgement)
    return [
        _excerpt_score(group, place, scale, judge)
        for group in groups.values()
        for place, scale in enumerate(judge.scales)
    ]


def _excerpt_score(
    group: Sequence[Judgement], place: int, scale: Scale, judge: Judge
) -> ExcerptScore:
    answers = [judgement.answers[place] for judgement in group]
    of_scale = [target for target in targets(judge) if target.scale == scale.id]
    numbers = {
        target.name: bounded(
            [number(answer, scale, target, judge.scoring) for answer in answers],
            target.low,
            target.high,
        )
        for target in of_scale
    }
    first = group[0]
    masses = [answer.legal_mass for answer in answers if answer.legal_mass is not None]
    return ExcerptScore(
        first.excerpt,
        first.subject,
        first.first_turn,
        first.last_turn,
        scale.id,
        numbers,
        _category(answers, scale, judge.scoring),
        Counter(answer.outcome for answer in answers),
        _entropy(answers),
        _order_gap(group, place, scale, of_scale[0], judge.scoring),
        statistics.fmean(masses) if masses else None,
    )


def _category(answers: Sequence[Answer], scale: Scale, scoring: Scoring) -> str | None:
    scored = [answer for answer in answers if answer.outcome is JudgementOutcome.SCORED]
    if not scored:
        return None
    weights = dict.fromkeys(scale.values, 0.0)
    for answer in scored:
        if scoring is Scoring.PROBABILITIES and answer.shares is not None:
            for value, share in zip(scale.values, answer.shares, strict=True):
                weights[value] += share
        else:
            assert answer.value is not None  # it is scored
            weights[answer.value] += 1
    return max(weights, key=lambda value: weights[value])


def _entropy(answers: Sequence[Answer]) -> float | None:
    shares = [
        answer.shares
        for answer in answers
        if answer.shares is not None and answer.outcome is JudgementOutcome.SCORED
    ]
    if not shares:
        return None
    mean = [statistics.fmean(column) for column in zip(*shares, strict=True)]
    total = math.fsum(mean)
    if total == 0:
        return None
    return -math.fsum(part / total * math.log2(part / total) for part in mean if part > 0)


def _order_gap(
    group: Sequence[Judgement], place: int, scale: Scale, target: Target, scoring: Scoring
) -> float | None:
    last = max(judgement.order for judgement in group)
    if target.value is not None or last == 0:
        return None
    ends = []
    for order in (0, last):
        found = [
            number(judgement.answers[place], scale, target, scoring)
            for judgement in group
            if judgement.order == order
        ]
        there = [each for each in found if each is not None]
        if not there:
            return None
        ends.append(statistics.fmean(there))
    return ends[1] - ends[0]


def run_scores(log: JudgementLog, judge: Judge) -> dict[str, Bounded]:
    """A run's numbers: the mean over its subjects of the means over their excerpts.

    Returns:
        By the name of the target. A subject without a scored excerpt is left out of the score and
        stands at both ends of its bounds.
    """
    by_subject = subject_scores(log, judge)
    return {
        target.name: _means([numbers[target.name] for numbers in by_subject.values()])
        for target in targets(judge)
    }


def subject_scores(log: JudgementLog, judge: Judge) -> dict[str, dict[str, Bounded]]:
    """Every subject's numbers by the name of the target: the means over its excerpts."""
    parts: dict[str, dict[str, list[Bounded]]] = defaultdict(lambda: defaultdict(list))
    for score in excerpt_scores(log.judgements, judge):
        for name, each in score.numbers.items():
            parts[score.subject][name].append(each)
    return {
        subject: {name: _means(each) for name, each in numbers.items()}
        for subject, numbers in parts.items()
    }


def _means(parts: Sequence[Bounded]) -> Bounded:
    def mean(numbers: Iterator[float | None]) -> float | None:
        there = [each for each in numbers if each is not None]
        return statistics.fmean(there) if there else None

    return Bounded(
        mean(part.score for part in parts),
        mean(part.low for part in parts),
        mean(part.high for part in parts),
    )


def run_outcomes(log: JudgementLog) -> Counter[tuple[str, JudgementOutcome]]:
    """Answers by scale and outcome."""
    return Counter(
        (answer.scale, answer.outcome)
        for judgement in log.judgements
        for answer in judgement.answers
    )
