"""The page: turn by turn, agent by agent, one run or two beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from kit import __version__
from kit.measure.tally import Register
from kit.report.html import environment, style
from kit.report.transcript.difference import Difference, first_difference
from kit.report.transcript.filters import by_agent, by_hit, rules
from kit.report.transcript.opinion import Opinion, opinions
from kit.report.transcript.recording import Recording
from kit.report.transcript.speech import Line, Speech
from kit.runlog.records import Turn
from kit.spec.language import Channel

_ALIGNED = "aligned"
_INDIVIDUATED = "individuated"
_STYLE = Path(__file__).parents[1].joinpath("templates", "transcript.css")


class Resident(NamedTuple):
    """One agent of one run."""

    name: str
    marks: tuple[str, ...]
    """The conditions it is under, in words."""


class Answer(NamedTuple):
    """What one agent said in one turn of one run."""

    side: _Side
    lines: tuple[Line, ...]
    outcome: str
    """What became of the answer; empty where the run does not have it."""
    legal: str
    """Share of the model's probability on legal tags, at each tag in order; empty if not logged."""
    opinions: tuple[Opinion, ...]
    differs: str
    """What differs first between two runs, where it is in this answer but in no line of it."""


class Agent(NamedTuple):
    """One agent in one turn, in each run."""

    id: str
    names: tuple[str, ...]
    classes: tuple[str, ...]
    answers: tuple[Answer, ...]


class Announced(NamedTuple):
    """What the facility says, in the language of one run or of both."""

    text: str
    language: str
    direction: str


class Session(NamedTuple):
    """One turn."""

    number: int
    announcements: tuple[Announced, ...]
    opinions: tuple[tuple[_Side, Opinion], ...]
    """About the group, from this turn on."""
    agents: tuple[Agent, ...]


def render(recording: Recording, other: Recording | None = None) -> bytes:
    """The page as UTF-8 HTML: the same bytes for the same logs.

    Args:
        recording: the run.
        other: a run to be shown beside it, such as the same replicate under another condition, or
            the same run made again.
    """
    difference = first_difference(recording.log, other.log) if other is not None else None
    both = (recording,) if other is None else (recording, other)
    letters = ("",) if other is None else ("A", "B")
    sides = [_Side(one, letter, difference) for one, letter in zip(both, letters, strict=True)]
    first = sides[0]
    agents = by_agent(
        [(agent, resident.name) for agent, resident in first.residents.items()], _mixed(sides)
    )
    page = environment().get_template("transcript.html.jinja")
    return page.render(
        version=__version__,
        style=style() + _own_style() + rules(agents),
        sides=sides,
        difference=difference,
        who=first.residents[difference.agent].name if difference else "",
        agents=agents,
        channels=tuple(Channel),
        hits=by_hit(),
        registers=[(register.value, register.replace("_", " ")) for register in Register],
        sessions=_sessions(sides),
        judged=any(side.recording.judged for side in sides),
    ).encode()


def _own_style() -> Markup:
    return Markup(_STYLE.read_text(encoding="utf-8"))  # noqa: S704 - the kit's own file


def _mixed(sides: Sequence[_Side]) -> list[str]:
    """The conditions that divide the agents of a run."""
    found = []
    for mark in (_ALIGNED, _INDIVIDUATED):
        marked = [mark in one.marks for side in sides for one in side.residents.values()]
        if any(marked) and not all(marked):
            found.append(mark)
    return found


def _sessions(sides: Sequence[_Side]) -> list[Session]:
    numbers = sorted({turn for side in sides for turn, _ in side.answers})
    return [
        Session(
            number,
            tuple(dict.fromkeys(side.announced(number) for side in sides)),
            tuple(
                (side, one) for side in sides for one in side.opinions.get((number, "group"), ())
            ),
            tuple(_agent(number, agent, sides) for agent in _order(number, sides)),
        )
        for number in numbers
    ]


def _order(number: int, sides: Sequence[_Side]) -> list[str]:
    """Who speaks in a turn, in the order of the first run."""
    return list(
        dict.fromkeys(agent for side in sides for turn, agent in side.answers if turn == number)
    )


def _agent(number: int, agent: str, sides: Sequence[_Side]) -> Agent:
    residents = [side.residents[agent] for side in sides]
    classes = {f"is-{agent}"}
    for mark in (_ALIGNED, _INDIVIDUATED):
        classes |= {f"is-{mark}" if mark in one.marks else f"is-not-{mark}" for one in residents}
    return Agent(
        agent,
        tuple(dict.fromkeys(one.name for one in residents)),
        tuple(sorted(classes)),
        tuple(side.answer(number, agent) for side in sides),
    )


class _Side:
    """One run of the page."""

    def __init__(self, recording: Recording, letter: str, difference: Difference | None):
        head = recording.log.header
        language = recording.language
        self.recording = recording
        self.head = head
        self.language = language
        self.letter = letter
        self.answers = {(turn.turn, turn.agent): turn for turn in recording.log.turns}
        self.opinions = opinions(recording.judged)
        marks = {
            _ALIGNED: head.aligned_agents,
            _INDIVIDUATED: head.individuated_agents,
            "named for eviction": (head.evicted,),
        }
        self.residents = {
            persona.id: Resident(
                persona.name, tuple(mark for mark, those in marks.items() if persona.id in those)
            )
            for persona in language.personas
        }
        self._difference = difference
        self._speech = Speech(language)
        self._evicted = language.persona(language.evicted).name

    def announced(self, number: int) -> Announced:
        """What the facility says in a turn."""
        wording = str(self.head.protocol.get("wording", "a"))
        text = self.language.announcements[number - 1].wording(wording)
        return Announced(
            text.format(evicted=self._evicted), self.language.language, self.language.direction
        )

    def answer(self, number: int, agent: str) -> Answer:
        """What an agent says in a turn; nothing where the run does not have it."""
        said = self.answers.get((number, agent))
        opinions = tuple(self.opinions.get((number, agent), ()))
        found = self._difference
        here = found if found and (found.turn, found.agent) == (number, agent) else None
        line = here.line if here else None
        shown = line is not None and said is not None and line < len(said.utterances)
        differs = here.what if here and not shown else ""
        if said is None:
            return Answer(self, (), "", "", opinions, differs)
        lines = self._speech.lines(said, differs=line, character=here.character if here else None)
        return Answer(self, lines, said.outcome.value, _legal(said), opinions, differs)


def _legal(turn: Turn) -> str:
    return ", ".join(f"{share:.1%}" for share in turn.legal_mass)
