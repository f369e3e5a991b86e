"""A sample of judged excerpts for people to rate, drawn so that rare scores are in it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kit.errors import PlanError
from kit.judge import labelling
from kit.judge.judging import Source
from kit.judge.panel import Panel, Task, questionnaire
from kit.spec.experiment import content_hash
from kit.spec.language import Language
from kit.spec.loading import Frozen
from kit.spec.seeds import key, permutation

FILE = "sample.json"


class Candidate(NamedTuple):
    """An excerpt that may be drawn."""

    source: Source
    place: int
    """Its place in the source."""
    stratum: tuple[str, ...]
    """Condition and the judge's own value: the groups that are drawn from alike."""


class Drawn(Frozen):
    """One excerpt of the sample."""

    sheet: str
    """What the rater's file calls it."""
    excerpt: str
    run_id: str
    weight: float
    """Excerpts of the study that it stands for."""


class Sample(Frozen):
    """What is kept of a sample: the page's content and the weights."""

    panel: str
    assignment: labelling.Assignment
    drawn: tuple[Drawn, ...]


def draw(candidates: Sequence[Candidate], number: int, seed: int) -> list[tuple[Candidate, float]]:
    """``number`` excerpts, as equally over the strata as these allow, each with its weight.

    Raises:
        PlanError: there is nothing to draw from.
    """
    if not candidates:
        raise PlanError("no judged excerpt to draw from", hint="kit judge run DIR --judge ID")
    strata: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        strata[candidate.stratum].append(candidate)
    wanted = dict.fromkeys(sorted(strata), 0)
    left = min(number, len(candidates))
    while left:
        # One more from each stratum that has some left, in keyed order, until all are given out.
        for name in permutation(sorted(strata), seed, "strata", left):
            if left and wanted[name] < len(strata[name]):
                wanted[name] += 1
                left -= 1
    found: list[tuple[Candidate, float]] = []
    for name, count in wanted.items():
        ranked = permutation(strata[name], seed, "sample", *name)
        found += [(candidate, len(strata[name]) / count) for candidate in ranked[:count]]
    return permutation(found, seed, "sample")


def sheets(
    panel: Panel,
    drawn: Sequence[tuple[Candidate, float]],
    languages: Mapping[str, Language],
) -> Sample:
    """The sample as pages and weights: raters see what the judge saw, options ascending."""
    rows: list[Drawn] = []
    pages: list[labelling.Sheet] = []
    for (source, place, _), weight in drawn:
        excerpt = source.excerpts[place]
        asked = questionnaire(panel, source.language, Task(excerpt, 0, "a", 1))
        name = f"{key('sheet', panel.name, excerpt.id):016x}"
        lines: list[labelling.Line] = []
        turn = None
        for line in excerpt.lines:
            if line.turn != turn:
                turn = line.turn
                session = asked.framing.session.format(turn=turn)
                lines.append(labelling.Line(session, "session"))
            lines.append(labelling.Line(asked.line(line), line.says.value))
        about = None if excerpt.about is None else asked.framing.name(excerpt.about)
        direction = languages[source.language].direction
        pages.append(labelling.Sheet(name, source.language, direction, tuple(lines), about))
        rows.append(Drawn(sheet=name, excerpt=excerpt.id, run_id=source.run_id, weight=weight))
    rubric = panel.judge.wordings["a"]
    questions = tuple(
        labelling.Question(
            scale.id,
            rubric.scales[scale.id].question,
            tuple(
                labelling.Option(value, rubric.scales[scale.id].anchors[value])
                for value in scale.values
            ),
        )
        for scale in panel.judge.scales
    )
    identity = content_hash([row.model_dump(mode="json") for row in rows])
    identity = hashlib.sha256(f"{panel.name}{identity}".encode()).hexdigest()[:16]
    assignment = labelling.Assignment(
        identity, panel.judge.judge, panel.judge.title, rubric.task, questions, tuple(pages)
    )
    return Sample(panel=panel.name, assignment=assignment, drawn=tuple(rows))
