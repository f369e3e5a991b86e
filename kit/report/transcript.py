"""One run as a page: who said what to whom, in the language's own direction, with counted words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from kit import __version__
from kit.measure.tally import Register
from kit.report.html import environment, printable, style
from kit.runlog.reader import RunLog
from kit.runlog.records import Outcome, Turn
from kit.spec.experiment import Experiment
from kit.spec.language import Channel, Language
from kit.spec.matcher import Hit, Matcher, compiled


class Segment(NamedTuple):
    """A piece of a line."""

    text: str
    register: str
    """The register that counts these words; empty if none does."""


class Line(NamedTuple):
    """One line of one agent."""

    channel: Channel
    to: str
    """Whom a whisper is for; empty otherwise."""
    outcome: str
    """What became of it, where that is not ``ok``."""
    segments: tuple[Segment, ...]


class Answer(NamedTuple):
    """What one agent said in one turn."""

    speaker: str
    marks: tuple[str, ...]
    lines: tuple[Line, ...]
    outcome: str


class Session(NamedTuple):
    """One turn."""

    number: int
    announcement: str
    answers: tuple[Answer, ...]


def render(log: RunLog, experiment: Experiment) -> bytes:
    """The page as UTF-8 HTML.

    Args:
        log: a run of ``experiment``.
        experiment: the frozen study.
    """
    language = experiment.languages[log.header.language]
    page = environment().get_template("transcript.html.jinja")
    return page.render(
        version=__version__,
        style=style(),
        head=log.header,
        language=language,
        names={persona.id: persona.name for persona in language.personas},
        registers=[(register.value, register.replace("_", " ")) for register in Register],
        sessions=_sessions(log, language),
    ).encode()


def _sessions(log: RunLog, language: Language) -> list[Session]:
    matcher = compiled(
        {register: getattr(language.lexicons, register) for register in Register}, language.rules
    )
    letter = log.header.protocol["wording"]
    evicted = language.persona(language.evicted).name
    return [
        Session(
            number,
            language.announcements[number - 1].wording(letter).format(evicted=evicted),
            tuple(_answer(turn, log, language, matcher) for turn in turns),
        )
        for number, turns in groupby(log.turns, key=lambda turn: turn.turn)
    ]


def _answer(turn: Turn, log: RunLog, language: Language, matcher: Matcher[Register]) -> Answer:
    head = log.header
    marks = {
        "aligned": turn.agent in head.aligned_agents,
        "individuated": turn.agent in head.individuated_agents,
        "named for eviction": turn.agent == head.evicted,
    }
    return Answer(
        language.persona(turn.agent).name,
        tuple(name for name, marked in marks.items() if marked),
        tuple(
            Line(
                said.channel,
                language.persona(said.to).name if said.to else "",
                "" if said.outcome is Outcome.OK else said.outcome.value.replace("_", " "),
                _marked(printable(said.text), matcher),
            )
            for said in turn.utterances
        ),
        turn.outcome.value,
    )


def _marked(text: str, matcher: Matcher[Register]) -> tuple[Segment, ...]:
    return segments(text, {register.value: hits for register, hits in matcher.find(text).items()})


def segments(text: str, hits: Mapping[str, Sequence[Hit]]) -> tuple[Segment, ...]:
    """``text`` cut where counted words begin and end.

    Words that two registers count are shown for the one whose match begins first, or is longer.
    """
    placed = sorted((hit.start, -hit.end, register) for register in hits for hit in hits[register])
    found: list[Segment] = []
    at = 0
    for start, negative_end, register in placed:
        if start < at:
            continue
        if start > at:
            found.append(Segment(text[at:start], ""))
        found.append(Segment(text[start:-negative_end], register))
        at = -negative_end
    if at < len(text):
        found.append(Segment(text[at:], ""))
    return tuple(found)
