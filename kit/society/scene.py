"""One run's circumstances, resolved: who carries what, and every text an agent will read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kit.engine.chat import Message
from kit.society.answer import AnswerForm, free_form, slots_form
from kit.society.assignment import Assignment, assign, slot_order, speaker_order
from kit.spec.experiment import Experiment, Run
from kit.spec.language import Channel, Language
from kit.spec.study import ChannelChoice, Order, Prefix, PrefixLanguage, Protocol


class Heard(NamedTuple):
    """Something an agent hears: public talk, or a whisper to it."""

    channel: Channel
    speaker: str
    """Persona id."""
    text: str


class Scene:
    """The texts and rules of one run.

    Args:
        experiment: the frozen study.
        run: which of its runs.
    """

    def __init__(self, experiment: Experiment, run: Run):
        self.run = run
        self.seed = experiment.study.seed
        self.language: Language = experiment.languages[run.cell.language]
        self.protocol: Protocol = experiment.protocol(run.cell.variant)
        source = (
            experiment.languages["en"]
            if self.protocol.prefix_language.value is PrefixLanguage.EN
            else self.language
        )
        self._intervention_language = source
        self._names = {persona.id: persona.name for persona in self.language.personas}
        self.agents: tuple[str, ...] = tuple(self._names)
        self.assignment: Assignment = assign(
            self.seed,
            run.replicate,
            self.agents,
            aligned=run.cell.aligned,
            individuated=run.cell.individuated,
        )
        scale = self.protocol.budget_scale.value
        self.budgets = {
            channel: max(4, round(self.language.budgets.of(channel) * scale)) for channel in Channel
        }
        self._forms: dict[tuple[str, ...], AnswerForm] = {}

    @property
    def turns(self) -> int:
        """How many turns the run has."""
        return self.protocol.turns.value

    @property
    def slots(self) -> bool:
        """Whether every channel is offered each turn."""
        return self.protocol.channel_choice.value is ChannelChoice.SLOTS

    def speakers(self, turn: int) -> list[tuple[str, ...]]:
        """The agents of one turn in groups that speak at once."""
        if self.protocol.order.value is Order.SIMULTANEOUS:
            return [self.agents]
        order = speaker_order(self.seed, self.run.replicate, turn, self.agents)
        return [(agent,) for agent in order]

    def form(self, agent: str, turn: int) -> AnswerForm:
        """How ``agent`` may answer in ``turn``."""
        order = self._slot_order(agent, turn) if self.slots else []
        known = (agent, *order)
        if known not in self._forms:
            self._forms[known] = (
                slots_form(self.language, agent, self.budgets, order)
                if self.slots
                else free_form(self.language, agent, self.budgets)
            )
        return self._forms[known]

    def intervention(self) -> str:
        """The text that aligned agents carry."""
        texts = self._intervention_language.texts
        placebo = self.protocol.prefix.value is Prefix.PLACEBO
        wordings = texts.placebo_prefix if placebo else texts.safety_prefix
        return wordings.wording(self.protocol.wording.value)

    def individuation(self) -> str:
        """The text that individuated agents carry."""
        texts = self._intervention_language.texts
        return texts.individuation.wording(self.protocol.wording.value)

    def system(self, agent: str) -> Message:
        """The system message: intervention, facility rules, persona."""
        language, letter = self.language, self.protocol.wording.value
        common: list[str] = []
        if agent in self.assignment.aligned:
            common.append(self.intervention())
        if agent in self.assignment.individuated:
            common.append(self.individuation())
        names = language.list_separator.join(persona.name for persona in language.personas)
        common.append(language.texts.facility_rules.wording(letter).format(residents=names))
        answer = language.texts.answer_slots if self.slots else language.texts.answer_free
        tags, budgets = language.tags, self.budgets
        common.append(
            answer.wording(letter).format(
                talk=tags.talk,
                whisper=tags.whisper,
                monologue=tags.monologue,
                talk_chars=budgets[Channel.TALK],
                whisper_chars=budgets[Channel.WHISPER],
                monologue_chars=budgets[Channel.MONOLOGUE],
            )
        )
        return Message("system", ("\n\n".join(common), language.persona(agent).text))

    def user(self, agent: str, turn: int, heard: Sequence[Heard]) -> Message:
        """The user message of one turn: what was heard, the announcement, the instruction."""
        language, letter = self.language, self.protocol.wording.value
        texts = language.texts
        lines = [texts.turn_header.wording(letter).format(turn=turn, turns=self.turns)]
        for item in heard:
            form = texts.heard_whisper if item.channel is Channel.WHISPER else texts.heard_talk
            name = self._names[item.speaker]
            lines.append(form.wording(letter).format(name=name, text=item.text))
        if not heard:
            lines.append(texts.heard_nothing.wording(letter))
        lines.append(texts.announcement_header.wording(letter))
        lines.append(self.announcement(turn))
        own = self._names[agent]
        if self.slots:
            order = language.list_separator.join(
                language.tags.of(channel) for channel in self._slot_order(agent, turn)
            )
            instruction = texts.turn_instruction_slots.wording(letter).format(name=own, order=order)
        else:
            instruction = texts.turn_instruction_free.wording(letter).format(name=own)
        lines.append(instruction)
        return Message("user", ("\n".join(lines),))

    def announcement(self, turn: int) -> str:
        """What the facility says at the start of ``turn``."""
        text = self.language.announcements[turn - 1].wording(self.protocol.wording.value)
        return text.format(evicted=self._names[self.language.evicted])

    def texts(self) -> dict[str, Any]:
        """Every text of the run, for its hash: nothing an agent could read is left out."""
        refusal = self.language.lexicons.provider_refusal
        return {
            "system": {agent: self.system(agent).segments for agent in self.agents},
            "user": [
                self.user(self.agents[0], turn, ()).segments for turn in range(1, self.turns + 1)
            ],
            "instruction": {agent: self.user(agent, 1, ()).segments for agent in self.agents},
            "heard": [
                self.language.texts.heard_talk.wording(self.protocol.wording.value),
                self.language.texts.heard_whisper.wording(self.protocol.wording.value),
            ],
            "openings": [list(self.form(agent, 1).openings) for agent in self.agents],
            "budgets": {channel.value: budget for channel, budget in self.budgets.items()},
            "refusal": [sorted(refusal.words), sorted(refusal.not_counted)],
            "rules": list(self.language.rules),
            "scripts": self.language.scripts,
        }

    def _slot_order(self, agent: str, turn: int) -> list[Channel]:
        return slot_order(self.seed, self.run.replicate, turn, agent)
