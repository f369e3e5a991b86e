"""Judgements gathered for a comparison: with people, with another judge, with themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kit.errors import PlanError
from kit.judge.calibration import Rated
from kit.judge.folder import JudgementFolder
from kit.judge.gold import DISARMED, GoldSet
from kit.judge.log import JudgementLog, read_judgements
from kit.judge.panel import Panel
from kit.judge.scores import ExcerptScore, excerpt_scores, number, targets
from kit.spec.judge import Scale, ScaleKind
from kit.stats.result import Undefined
from kit.stats.variance_components import VarianceComponents, variance_components


class Judged(NamedTuple):
    """Everything one panel said."""

    panel: Panel
    paths: tuple[Path, ...]
    """Of the logs: all judgements of a large study at once would fill the memory."""

    @property
    def logs(self) -> Iterator[JudgementLog]:
        """Every log, read one after another.

        Raises:
            RunLogError: a log is damaged.
        """
        return map(read_judgements, self.paths)

    def scores(self, scale: str) -> Iterator[tuple[JudgementLog, ExcerptScore]]:
        """Every excerpt on one scale, with the log it stands in."""
        for log in self.logs:
            for score in excerpt_scores(log.judgements, self.panel.judge):
                if score.scale == scale:
                    yield log, score


def gather(folder: JudgementFolder) -> Judged:
    """Read everything a panel said.

    Raises:
        OutputError: there is no such panel.
        PlanError: nothing is judged yet.
    """
    panel = folder.panel()
    paths = tuple(folder.logs())
    if not paths:
        raise PlanError(
            "nothing is judged yet",
            where=folder.path,
            hint=f"kit judge run {folder.results} --judge {panel.judge.judge}",
        )
    return Judged(panel, paths)


def rated(
    judged: Judged,
    scale: Scale,
    labels: Mapping[str, Mapping[str, str]],
    *,
    each_alone: bool = False,
) -> list[Rated]:
    """The excerpts that people rated, with what the judge said of them.

    Args:
        judged: the judge.
        scale: one of its scales.
        labels: by excerpt and rater.
        each_alone: every excerpt is a cluster of its own, as in the gold set.
    """
    found = []
    for log, score in judged.scores(scale.id):
        people = labels.get(score.excerpt)
        if not people:
            continue
        numbers = score.numbers.get(scale.id)
        found.append(
            Rated(
                score.excerpt,
                log.header.language,
                score.excerpt if each_alone else log.header.run_id,
                score.category,
                numbers.score if numbers else None,
                max(score.outcomes, key=lambda outcome: score.outcomes[outcome]),
                people,
            )
        )
    return found


def against(one: Judged, other: Judged, scale: Scale) -> list[Rated]:
    """The excerpts that two judges both read; the second takes the place of a person.

    Raises:
        PlanError: the second has no such scale, or they read no excerpt in common.
    """
    labels: dict[str, dict[str, str]] = {}
    if scale.id in {each.id for each in other.panel.judge.scales}:
        if other.panel.judge.scale(scale.id).values != scale.values:
            raise PlanError(f"the two judges' scales '{scale.id}' have other values")
        for _, score in other.scores(scale.id):
            if score.category is not None:
                labels[score.excerpt] = {other.panel.name: score.category}
    found = rated(one, scale, labels)
    if not found:
        raise PlanError(
            f"'{one.panel.name}' and '{other.panel.name}' have no excerpt in common on "
            f"'{scale.id}'",
            hint="judges agree or not on the same scale and windows",
        )
    return found


class Injected(NamedTuple):
    """One excerpt of the gold set in which someone tells the reader how to rate."""

    excerpt: str
    told: str | None
    untold: str | None
    """The judge's value with and without it; None: unscored."""
    move: float | None
    """Its number with it less that without; None for names and for the unscored."""


def injections(judged: Judged, gold: GoldSet, scale: Scale) -> list[Injected]:
    """What a judge says with and without an injection that it is shown."""
    scores = {score.excerpt: score for _, score in judged.scores(scale.id)}
    found = []
    for _, excerpt in gold.excerpts():
        told, untold = scores.get(excerpt.id), scores.get(excerpt.id + DISARMED)
        if told is None or untold is None:
            continue
        ends = [
            each.numbers[scale.id].score if scale.id in each.numbers else None
            for each in (told, untold)
        ]
        move = None if ends[0] is None or ends[1] is None else ends[0] - ends[1]
        found.append(Injected(excerpt.id, told.category, untold.category, move))
    return found


class Stability(NamedTuple):
    """Where the variance of an ordinal score comes from."""

    scale: str
    judges: tuple[str, ...]
    """Each panel in each order and wording: what could have been asked instead."""
    repeats: int
    excerpts: int
    """Scored by all of them every time."""
    left_out: int
    """Excerpts that somebody left unscored."""
    components: VarianceComponents | Undefined
    first_option: float | None
    """Mean number with the options descending less that with them ascending; None: one order."""


def stability(judged: Sequence[Judged]) -> list[Stability]:
    """Variance between excerpts, between ways to ask, and of asking again, per ordinal scale."""
    scales = [scale for scale in judged[0].panel.judge.scales if scale.kind is ScaleKind.ORDINAL]
    return [_stability(judged, scale) for scale in scales]


def _stability(judged: Sequence[Judged], scale: Scale) -> Stability:
    cells: dict[str, dict[tuple[str, int], float | None]] = {}
    names: dict[str, None] = {}
    for each in judged:
        judge = each.panel.judge
        place = next((index for index, own in enumerate(judge.scales) if own.id == scale.id), None)
        if place is None:
            continue
        target = next(one for one in targets(judge) if one.scale == scale.id)
        for log in each.logs:
            for judgement in log.judgements:
                name = f"{each.panel.name}, order {judgement.order}, wording {judgement.wording}"
                names[name] = None
                cells.setdefault(judgement.excerpt, {})[name, judgement.repeat] = number(
                    judgement.answers[place], judge.scales[place], target, judge.scoring
                )
    repeats = min(each.panel.repeats for each in judged)
    rows = [
        [[found.get((name, repeat)) for repeat in range(1, repeats + 1)] for name in names]
        for found in cells.values()
    ]
    whole = [row for row in rows if all(each is not None for cell in row for each in cell)]
    ratings: NDArray[np.float64] = np.array(whole, dtype=np.float64).reshape(
        len(whole), len(names), repeats
    )
    components: VarianceComponents | Undefined = Undefined.TOO_FEW
    if len(whole) > 1 and len(names) > 1:
        components = variance_components(ratings if repeats > 1 else ratings[:, :, 0])
    return Stability(
        scale.id,
        tuple(names),
        repeats,
        len(whole),
        len(rows) - len(whole),
        components,
        _first_option(ratings, tuple(names)),
    )


def _first_option(ratings: NDArray[np.float64], names: Sequence[str]) -> float | None:
    ascending = [place for place, name in enumerate(names) if ", order 0," in name]
    descending = [place for place, name in enumerate(names) if ", order 1," in name]
    if not len(ratings) or not ascending or not descending:
        return None
    return float(ratings[:, descending].mean() - ratings[:, ascending].mean())
