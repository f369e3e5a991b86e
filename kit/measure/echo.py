"""What an agent had read before it spoke, reduced to the register words in it.

A hit is an echo when the same words (not merely the same lexicon entry) stand in an intervention
text of the study, in an announcement up to that turn, or in what its speaker heard in the last
turns. Words of the intervention are left out for every agent, marked or not: leaving them out for
the marked ones alone would by itself make an intervention look as if it silenced its own words.

That is strict: a word that was read and would have been used anyway is lost as well, and a group
that uses a word often hears it often. Counts without echo are a lower bound, and counts with it an
upper one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from kit.measure.tally import Line, Register, Registers
from kit.runlog.records import Turn, Utterance
from kit.spec.language import Channel, Language
from kit.spec.study import Order, Protocol

HEARD_TURNS = 2
"""How many turns back heard lines count as just read."""


class Reading:
    """Who had read which register words when.

    Args:
        language: the run's language.
        protocol: how the run was made.
        interventions: the texts that marked agents of the study carry.
        registers: the words searched for, those of the run's language.
        lines: the run's lines with their matched words.
    """

    def __init__(
        self,
        language: Language,
        protocol: Protocol,
        *,
        interventions: Iterable[str],
        registers: Registers,
        lines: list[Line],
    ):
        self._sequential = protocol.order.value is Order.SEQUENTIAL
        evicted = language.persona(language.evicted).name
        # An English prefix of a Japanese run is searched for Japanese words, and holds none.
        texts = [(0, text) for text in interventions] + [
            (number, text.wording(protocol.wording.value).format(evicted=evicted))
            for number, text in enumerate(language.announcements, start=1)
        ]
        self._since: dict[tuple[Register, str], int] = {}
        for number, text in texts:
            for register, forms in registers.forms_of_fixed(text).items():
                for form in forms:
                    self._since.setdefault((register, form), number)
        self._said: dict[tuple[int, Register, str], list[Line]] = defaultdict(list)
        for line in lines:
            for register, forms in line.found.items():
                for form in forms:
                    self._said[line.turn.turn, register, form].append(line)

    def holds(self, turn: Turn, register: Register, form: str) -> bool:
        """Whether the speaker of ``turn`` had just read the word ``form`` of ``register``."""
        if self._since.get((register, form), math.inf) <= turn.turn:
            return True
        return any(
            self._hears(turn, line.turn, line.utterance)
            for number in range(turn.turn - HEARD_TURNS, turn.turn + 1)
            for line in self._said.get((number, register, form), ())
        )

    def _hears(self, turn: Turn, spoken: Turn, utterance: Utterance) -> bool:
        if spoken.agent == turn.agent:
            return False
        if spoken.turn == turn.turn and not (self._sequential and spoken.position < turn.position):
            return False
        match utterance.channel:
            case Channel.TALK:
                return True
            case Channel.WHISPER:
                return utterance.to == turn.agent
            case Channel.MONOLOGUE:
                return False
