"""Ten agents in a facility: one run, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kit.engine.chat import Message
from kit.engine.grammar import Grammar
from kit.engine.protocol import NO_DIGEST, Completion, Engine, Prompt, Request
from kit.errors import RunLogError
from kit.runlog.records import Turn
from kit.society.answer import AnswerForm, answer_outcome, parse
from kit.society.outcome import Judge
from kit.society.scene import Heard, Scene
from kit.spec.language import Channel


class Event(NamedTuple):
    """One line that was said."""

    speaker: str
    """Persona id."""
    channel: Channel
    to: str | None
    text: str


def reaches(event: Event, agent: str) -> bool:
    """Talk reaches everyone else, a whisper its addressee, a monologue nobody."""
    if event.speaker == agent:
        return False
    if event.channel is Channel.TALK:
        return True
    return event.channel is Channel.WHISPER and event.to == agent


class _Agent:
    """One agent's dialogue."""

    def __init__(self, system: Message):
        self.messages: list[Message] = [system]
        self.heard = 0
        """How many of the group's events the agent has been told of, or never will be."""
        self.digest = NO_DIGEST


class Retraced(NamedTuple):
    """A recorded turn, and what follows from the spec and the answers before it."""

    recorded: Turn
    rebuilt: Turn
    """With the recorded tokens and digest; prompt, text and outcomes made anew."""
    request: Request


class Round(NamedTuple):
    """What the agents who spoke at once have said."""

    group: int
    """Index of the group among those simulated together."""
    turns: tuple[Turn, ...]


class Group:
    """The state of one run.

    Args:
        scene: the run's circumstances.
        engine: where answers come from.
        first_sequence: the engine's dialogue of the first agent; the others follow.
        grammars: compiled forms by their rules; groups on one engine may share them.
    """

    def __init__(
        self,
        scene: Scene,
        engine: Engine,
        first_sequence: int,
        grammars: dict[str, Grammar] | None = None,
    ):
        self.scene = scene
        self._engine = engine
        self._judge = Judge(scene.language)
        self._first = first_sequence
        self._agents = {agent: _Agent(scene.system(agent)) for agent in scene.agents}
        self._events: list[Event] = []
        self._grammars = {} if grammars is None else grammars

    def prompt(self, agent: str, turn: int) -> Prompt:
        """What ``agent`` reads now; it counts as told."""
        dialogue = self._agents[agent]
        heard = [
            Heard(event.channel, event.speaker, event.text)
            for event in self._events[dialogue.heard :]
            if reaches(event, agent)
        ]
        dialogue.heard = len(self._events)
        dialogue.messages.append(self.scene.user(agent, turn, heard))
        template = self._engine.template
        if len(dialogue.messages) == 2:
            pieces = template.opening(dialogue.messages)
        else:
            pieces = template.continuation(dialogue.messages)
        return self._engine.tokenize(pieces)

    def request(self, agent: str, turn: int, prompt: Prompt) -> Request:
        """The question to the engine."""
        scene = self.scene
        return Request(
            sequence=self.sequence(agent),
            prompt=prompt,
            grammar=self._grammar(scene.form(agent, turn)),
            sampling=scene.protocol.sampling.value,
            key=(scene.seed, "sample", scene.run.run_id, agent, turn),
            digest=self._agents[agent].digest,
        )

    def sequence(self, agent: str) -> int:
        """The engine's dialogue of ``agent``."""
        return self._first + self.scene.agents.index(agent)

    def record(
        self, agent: str, turn: int, position: int, prompt: Prompt, completion: Completion
    ) -> Turn:
        """One answer as a log record."""
        cut = completion.stop == "ceiling"
        text = self._engine.vocabulary.decode(completion.tokens)
        utterances = parse(self.scene.form(agent, turn), text, cut=cut, judge=self._judge)
        return Turn(
            turn=turn,
            agent=agent,
            position=position,
            prompt=prompt.tokens,
            tokens=completion.tokens,
            stop=completion.stop,
            text=text,
            utterances=utterances,
            outcome=answer_outcome(utterances, cut=cut),
            legal_mass=completion.legal_mass,
            digest=completion.digest,
        )

    def hear(self, turns: Sequence[Turn]) -> None:
        """Let the group know what was said."""
        for turn in turns:
            agent = self._agents[turn.agent]
            agent.messages.append(Message("assistant"))
            agent.digest = turn.digest
            self._events.extend(
                Event(turn.agent, utterance.channel, utterance.to, utterance.text)
                for utterance in turn.utterances
                if utterance.text
            )

    def retrace(self, agent: str, turn: int, position: int, recorded: Turn) -> Retraced:
        """Make everything about a recorded turn anew but the tokens of its answer."""
        prompt = self.prompt(agent, turn)
        request = self.request(agent, turn, prompt)
        completion = Completion(
            recorded.tokens, recorded.stop, recorded.legal_mass, recorded.digest
        )
        rebuilt = self.record(agent, turn, position, prompt, completion)
        return Retraced(recorded, rebuilt, request)

    def restore(self, agent: str, turn: int, position: int, recorded: Turn) -> Turn:
        """Put a recorded turn back, its prompt rebuilt from the spec and what was said before.

        Raises:
            RunLogError: the rebuilt turn is not the recorded one.
        """
        _, rebuilt, request = self.retrace(agent, turn, position, recorded)
        if rebuilt != recorded:
            raise RunLogError(
                f"turn {turn} of {agent} does not follow from the texts and the turns before it",
                where=self.scene.run.run_id,
                hint="the log or the kit's texts were changed: remove the partial log",
            )
        self._engine.append(self.sequence(agent), request.prompt, recorded.tokens)
        return rebuilt

    def _grammar(self, form: AnswerForm) -> Grammar:
        if form.rules not in self._grammars:
            self._grammars[form.rules] = Grammar(form.nodes, form.start, self._engine.vocabulary)
        return self._grammars[form.rules]


def simulate(
    scenes: Sequence[Scene],
    engine: Engine,
    recorded: Mapping[int, Sequence[Turn]] | None = None,
) -> Iterator[Round]:
    """Run groups side by side, turn by turn.

    What a group says depends on its scene alone, not on the groups beside it.

    Args:
        scenes: one per group; the engine must hold ten dialogues for each.
        engine: where answers come from; its dialogues are cleared first.
        recorded: by group, turns that are put back instead of asked for. A turn whose agents are
            not all recorded is asked for anew.

    Yields:
        Every round, in order of turn, speakers and group; recorded ones too.

    Raises:
        RunLogError: a recorded turn does not follow from the scene.
    """
    engine.clear()
    groups: list[Group] = []
    grammars: dict[str, Grammar] = {}
    for scene in scenes:
        first = sum(len(group.scene.agents) for group in groups)
        groups.append(Group(scene, engine, first, grammars))
    known = {
        (index, turn.turn, turn.agent): turn
        for index, turns in (recorded or {}).items()
        for turn in turns
    }
    for turn in range(1, max((scene.turns for scene in scenes), default=0) + 1):
        waves = [
            group.scene.speakers(turn) if turn <= group.scene.turns else [] for group in groups
        ]
        for wave in range(max(len(speakers) for speakers in waves)):
            yield from _wave(
                groups,
                [speakers[wave] if wave < len(speakers) else () for speakers in waves],
                turn=turn,
                wave=wave,
                known=known,
                engine=engine,
            )


def retrace(scene: Scene, engine: Engine, turns: Sequence[Turn]) -> Iterator[Retraced]:
    """Follow a recorded run without asking anything, in the order the agents spoke.

    Nothing in the log is believed but the tokens of the answers: what an agent was told is made
    from the spec and from the answers before it.

    Args:
        scene: the run's circumstances.
        engine: for its tokenizer and chat template; nothing is computed.
        turns: the recorded turns. Following ends at the first that is not the next of the scene.
    """
    group = Group(scene, engine, 0)
    rest = iter(turns)
    for number in range(1, scene.turns + 1):
        for wave, agents in enumerate(scene.speakers(number)):
            said: list[Retraced] = []
            for place, agent in enumerate(agents):
                recorded = next(rest, None)
                if recorded is None or (recorded.turn, recorded.agent) != (number, agent):
                    yield from said
                    return
                position = place if len(agents) > 1 else wave
                said.append(group.retrace(agent, number, position, recorded))
            yield from said
            group.hear([each.rebuilt for each in said])


def _wave(
    groups: Sequence[Group],
    speakers: Sequence[tuple[str, ...]],
    *,
    turn: int,
    wave: int,
    known: Mapping[tuple[int, int, str], Turn],
    engine: Engine,
) -> Iterator[Round]:
    """Let ``speakers`` of every group answer together."""
    asked: list[tuple[int, str, int, Prompt]] = []
    said: dict[int, list[Turn]] = {}
    for index, (group, agents) in enumerate(zip(groups, speakers, strict=True)):
        whole = all((index, turn, agent) in known for agent in agents)
        for place, agent in enumerate(agents):
            position = place if len(agents) > 1 else wave
            if whole:
                record = group.restore(agent, turn, position, known[index, turn, agent])
                said.setdefault(index, []).append(record)
            else:
                asked.append((index, agent, position, group.prompt(agent, turn)))
    requests = [groups[index].request(agent, turn, prompt) for index, agent, _, prompt in asked]
    for (index, agent, position, prompt), completion in zip(
        asked, engine.generate(requests), strict=True
    ):
        record = groups[index].record(agent, turn, position, prompt, completion)
        said.setdefault(index, []).append(record)
    for index, turns in sorted(said.items()):
        groups[index].hear(turns)
        yield Round(index, tuple(turns))
