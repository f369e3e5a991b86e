"""One run measured, agent by agent."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

from kit.errors import RunLogError
from kit.measure.drift import ENGLISH, Drift
from kit.measure.echo import Reading
from kit.measure.overlap import interventions
from kit.measure.speech import Speech
from kit.measure.tally import Hits, Line, Registers, counted, hits, tally
from kit.runlog.reader import RunLog
from kit.runlog.records import Header, Outcome, Turn, Utterance
from kit.spec.language import Channel, Language
from kit.spec.study import Protocol


@dataclass(frozen=True, slots=True)
class AgentMeasures:
    """One agent in one run."""

    agent: str
    """Persona id."""
    aligned: bool
    individuated: bool
    evicted: bool
    """Whether the facility names this agent for eviction."""
    speech: Speech
    line_outcomes: Mapping[tuple[Channel, Outcome], int]
    """How many lines of each channel ended how; lines that are not counted are included."""
    turn_outcomes: Mapping[Outcome, int]
    """How many whole answers ended how."""
    away: Mapping[tuple[Channel, str], int]
    """How many counted lines of each channel are in which other language."""


@dataclass(frozen=True)
class RunMeasures:
    """One complete run."""

    header: Header
    agents: tuple[AgentMeasures, ...]
    """In the order of the language file."""

    @cached_property
    def speech(self) -> Speech:
        """What the group said."""
        return reduce(add, (agent.speech for agent in self.agents))


class Measurer:
    """Measures runs of one experiment.

    Args:
        languages: by code, every language that runs are in or that a prefix is in.
        individuated: whether any agent of the experiment is told to think independently.
    """

    def __init__(self, languages: Mapping[str, Language], *, individuated: bool = False):
        self._languages = languages
        self._individuated = individuated
        self._registers: dict[str, Registers] = {}
        self._readers: dict[str, _Reader] = {}

    def run(self, log: RunLog, protocol: Protocol) -> RunMeasures:
        """Measure ``log``.

        Args:
            log: a complete run; an incomplete one would be compared with longer ones.
            protocol: the protocol it was made under.

        Raises:
            RunLogError: the run is incomplete, or of a language or agent that the experiment does
                not hold.
        """
        header = log.header
        if log.footer is None:
            raise RunLogError("an incomplete run is not measured", where=header.run_id)
        if header.language not in self._languages:
            raise RunLogError(f"the language '{header.language}' is unknown", where=header.run_id)
        language = self._languages[header.language]
        registers = self.registers(header.language)
        if header.language not in self._readers:
            english = self.registers(ENGLISH) if ENGLISH in self._languages else None
            self._readers[header.language] = _Reader(language, registers, english)
        reader = self._readers[header.language]
        lines = reader.lines(log.turns)
        carried = interventions(
            protocol, header.language, self._languages, individuated=self._individuated
        )
        reading = Reading(
            language,
            protocol,
            interventions=[found.text for found in carried],
            registers=registers,
            lines=lines,
        )
        spoken: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            if counted(line.utterance):
                spoken[line.turn.agent].append(line)
        turns: dict[str, list[Turn]] = {persona.id: [] for persona in language.personas}
        for turn in log.turns:
            if turn.agent not in turns:
                raise RunLogError(f"the agent '{turn.agent}' is unknown", where=header.run_id)
            turns[turn.agent].append(turn)
        return RunMeasures(
            header,
            tuple(_agent(agent, header, turns[agent], spoken[agent], reading) for agent in turns),
        )

    def registers(self, code: str) -> Registers:
        """The compiled lexicons of a language, built once."""
        if code not in self._registers:
            self._registers[code] = Registers(self._languages[code])
        return self._registers[code]


class _Reader:
    """Reads the lines of one language."""

    def __init__(self, language: Language, registers: Registers, english: Registers | None):
        self._registers = registers
        self._english = english if language.language != ENGLISH else None
        self._drift = Drift(language)

    def lines(self, turns: Sequence[Turn]) -> list[Line]:
        """Every line that holds text."""
        spoken = [
            (turn, utterance)
            for turn in turns
            for utterance in turn.utterances
            if utterance.text.strip()
        ]
        elsewhere = self._drift.languages_of([utterance.text for _, utterance in spoken])
        return [
            self._line(turn, utterance, away)
            for (turn, utterance), away in zip(spoken, elsewhere, strict=True)
        ]

    def _line(self, turn: Turn, utterance: Utterance, away: str | None) -> Line:
        text = utterance.text
        return Line(
            turn,
            utterance,
            self._registers.forms(text),
            len(unicodedata.normalize("NFC", text.strip())),
            self._registers.words(text),
            away,
            hits(self._english.forms(text)) if self._english and away == ENGLISH else Hits(),
        )


def _agent(
    agent: str, header: Header, turns: list[Turn], lines: list[Line], reading: Reading
) -> AgentMeasures:
    spoken: dict[Channel, list[Line]] = {channel: [] for channel in Channel}
    said: Counter[int] = Counter()
    said_away: Counter[int] = Counter()
    for line in lines:
        spoken[line.utterance.channel].append(line)
        said[line.turn.turn] += line.characters
        said_away[line.turn.turn] += line.characters if line.away else 0
    inward = {line.turn.turn for line in spoken[Channel.MONOLOGUE]}
    return AgentMeasures(
        agent=agent,
        aligned=agent in header.aligned_agents,
        individuated=agent in header.individuated_agents,
        evicted=agent == header.evicted,
        speech=Speech(
            turns=len(turns),
            turns_with_monologue=len(inward),
            turns_away=sum(2 * said_away[turn] > number for turn, number in said.items()),
            channels={channel: tally(spoken[channel], reading.holds) for channel in Channel},
            legal_mass=tuple(mass for turn in turns for mass in turn.legal_mass),
        ),
        line_outcomes=Counter(
            (line.channel, line.outcome) for turn in turns for line in turn.utterances
        ),
        turn_outcomes=Counter(turn.outcome for turn in turns),
        away=Counter((line.utterance.channel, line.away) for line in lines if line.away),
    )
