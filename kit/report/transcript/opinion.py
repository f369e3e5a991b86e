"""What judges said about a resident or the group, beside the turns it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kit.judge.records import Judgement, JudgementOutcome
from kit.judge.scores import ExcerptScore, excerpt_scores
from kit.report.transcript.recording import Judged
from kit.report.transcript.speech import Segment, segments
from kit.spec.judge import Judge, ScaleKind


class Score(NamedTuple):
    """One scale, over all askings."""

    scale: str
    value: str
    """A mean, the value that most answers hold, or why there is none."""


class Reply(NamedTuple):
    """One answer of a judge to one question."""

    asked: str
    """In which order of options, wording and repeat."""
    question: str
    value: str
    """The value that was given, or what became of the answer."""
    meaning: str
    """The value in the words of the scale; empty where there is none."""
    probability: str
    """The model's own probability of the value; empty where none is logged."""


class Opinion(NamedTuple):
    """What one panel said about one excerpt."""

    panel: str
    title: str
    model: str
    subject: str
    """A persona id, or ``group``."""
    first_turn: int
    last_turn: int
    scores: tuple[Score, ...]
    replies: tuple[Reply, ...]
    words: tuple[tuple[Segment, ...], ...]
    """Reasons, and answers that could not be read."""


def opinions(judged: Iterable[Judged]) -> dict[tuple[int, str], list[Opinion]]:
    """Every opinion by the first turn it is about and its subject, panel by panel."""
    found: dict[tuple[int, str], list[Opinion]] = defaultdict(list)
    for one in judged:
        groups: dict[str, list[Judgement]] = defaultdict(list)
        for judgement in one.log.judgements:
            groups[judgement.excerpt].append(judgement)
        scores: dict[str, list[ExcerptScore]] = defaultdict(list)
        for score in excerpt_scores(one.log.judgements, one.panel.judge):
            scores[score.excerpt].append(score)
        for excerpt, group in groups.items():
            first = group[0]
            found[first.first_turn, first.subject].append(_opinion(one, group, scores[excerpt]))
    return dict(found)


def _opinion(judged: Judged, group: Sequence[Judgement], scores: Sequence[ExcerptScore]) -> Opinion:
    panel, first = judged.panel, group[0]
    words = dict.fromkeys(filter(None, map(_words, group)))
    return Opinion(
        panel.name,
        panel.judge.title,
        panel.model.id,
        first.subject,
        first.first_turn,
        first.last_turn,
        tuple(Score(score.scale, _value(score, panel.judge)) for score in scores),
        tuple(reply for judgement in group for reply in _replies(judgement, panel.judge)),
        tuple(segments(each, {}) for each in words),
    )


def _words(judgement: Judgement) -> str:
    """The reason; where an answer could not be read, all that the judge said."""
    unread = {JudgementOutcome.UNPARSABLE, JudgementOutcome.TRUNCATED}
    if any(answer.outcome in unread for answer in judgement.answers):
        return judgement.text
    return judgement.reason or ""


def _value(score: ExcerptScore, judge: Judge) -> str:
    scale = judge.scale(score.scale)
    if scale.kind is ScaleKind.ORDINAL:
        [number] = score.numbers.values()
        if number.score is not None:
            return f"{number.score:.2f} of {scale.numbers[0]} to {scale.numbers[-1]}"
    elif score.category is not None:
        return _plain(score.category)
    return ", ".join(_plain(outcome) for outcome in score.outcomes)


def _replies(judgement: Judgement, judge: Judge) -> Iterable[Reply]:
    asked = f"order {judgement.order + 1}, wording {judgement.wording}"
    if judgement.repeat > 1:
        asked += f", repeat {judgement.repeat}"
    for answer in judgement.answers:
        text = judge.wordings[judgement.wording].scales[answer.scale]
        value, meaning, probability = _plain(answer.outcome), "", ""
        if answer.value is not None:
            value, meaning = _plain(answer.value), text.anchors.get(answer.value, "")
            values = judge.scale(answer.scale).values
            if answer.shares is not None and answer.value in values:
                probability = f"{answer.shares[values.index(answer.value)]:.0%}"
        yield Reply(asked, text.question, value, meaning, probability)


def _plain(value: str) -> str:
    return value.replace("_", " ")
