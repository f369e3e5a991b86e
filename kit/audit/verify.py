"""Verifying a recorded run without generating: every token is read back, none is made.

Nothing in a log is believed but the tokens of its answers. Who carries what, every prompt and every
text is made again from the spec and the answers before it, and each answer is then held against the
logits of exactly that dialogue.

On a machine of the recording's bit class the logits are the recording's own: the digest chain and
every draw must be equal (:attr:`Mode.BITS`). Elsewhere the recorded tokens are scored
(:attr:`Mode.SCORES`): the same keyed noise is added to the logits computed here, and a recorded
token that is not the winner has a margin, by how many logits it loses. Margins up to a calibrated
tolerance are near ties, which honest machines of another kind produce; larger ones are not
(Karvonen et al. 2025, Token-DiFR, arXiv 2511.20621).

What this proves, and what it does not, stands in ``docs/verify.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from kit.audit.replay import find_run
from kit.audit.tolerance import Tolerance
from kit.engine.llama import LlamaEngine
from kit.engine.reading import Reading, Recorded, plan_reading
from kit.engine.vocabulary import Vocabulary
from kit.errors import GrammarError, RunLogError
from kit.runlog.reader import RunLog, read
from kit.runlog.records import Turn
from kit.runner import size
from kit.runner.weights import Weights
from kit.society.group import Retraced, retrace
from kit.society.identity import header, run_hash
from kit.society.scene import Scene
from kit.spec.experiment import Experiment

_BRIEF = 16
"""Characters of a value in a message."""


class Mode(StrEnum):
    """How answers are held against logits."""

    BITS = "bits"
    """The same bit class: everything must be equal."""
    SCORES = "scores"
    """Another one: near ties are expected."""


class Problem(NamedTuple):
    """Something about a log that does not follow from its spec."""

    what: str
    turn: int | None = None
    agent: str | None = None


class Fork(NamedTuple):
    """A recorded token that would not have been drawn here."""

    turn: int
    agent: str
    token: int
    """Index in the answer."""
    text: str
    """The recorded token's text; empty for the end of the turn."""
    runner_up: str
    """The text of what would have been drawn here."""
    margin: float
    """Logits by which the recorded token loses; more than the tolerance is divergent."""


class Tally(NamedTuple):
    """One agent's share of a verification."""

    agent: str
    decisions: int
    """Tokens drawn, ends of turns included."""
    near_ties: int
    divergent: int
    chain_holds: bool
    """The digest chain over the logits is the recorded one; only :attr:`Mode.BITS` asks for it."""

    @property
    def exact(self) -> int:
        """Tokens that would have been drawn here too."""
        return self.decisions - self.near_ties - self.divergent


class Verification(NamedTuple):
    """What came of verifying one run."""

    run_id: str
    mode: Mode
    tolerance: Tolerance | None
    recorded_class: str | None
    class_here: str | None
    tallies: tuple[Tally, ...]
    """One per agent that was verified."""
    problems: tuple[Problem, ...]
    forks: tuple[Fork, ...]
    """In the order of the log; the first is where a free rerun would leave the recording."""

    @property
    def decisions(self) -> int:
        """Tokens that were held against logits."""
        return sum(tally.decisions for tally in self.tallies)

    @property
    def near_ties(self) -> int:
        """Tokens that lose by no more than the tolerance."""
        return sum(tally.near_ties for tally in self.tallies)

    @property
    def divergent(self) -> int:
        """Tokens that lose by more."""
        return sum(tally.divergent for tally in self.tallies)

    @property
    def too_many_near_ties(self) -> bool:
        """Single tokens pass, but together they lose more often than honest paths do."""
        return (
            self.tolerance is not None
            and self.decisions > 0
            and self.near_ties > self.tolerance.most_near_ties(self.decisions)
        )

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the recording."""
        return (
            not self.problems
            and not self.divergent
            and not self.too_many_near_ties
            and all(tally.chain_holds for tally in self.tallies)
        )


class Verifier:
    """Verifies the runs of one study with one model.

    Args:
        experiment: the spec that is believed.
        weights: the pinned model that is believed.
        threads: worker threads.
    """

    def __init__(self, experiment: Experiment, weights: Weights, *, threads: int | None = None):
        self._experiment = experiment
        self._weights = weights
        self._threads = threads

    def verify(
        self,
        path: Path,
        *,
        agents: Sequence[str] | None = None,
        tolerance: Tolerance | None = None,
        scores: bool = False,
        report: Callable[[int], None] = lambda _: None,
    ) -> Verification:
        """Verify one log.

        Args:
            path: a complete log.
            agents: persona ids whose dialogues are read; None: all. Prompts are rebuilt for all.
            tolerance: margins of honest machines; needed where the bit class is another.
            scores: score even where bits could be compared.
            report: called with the number of answers read.

        Raises:
            RunLogError: the log is incomplete or damaged, its study has no such run, or it needs a
                tolerance.
        """
        log = read(path)
        scene = Scene(self._experiment, find_run(self._experiment, log.header.run_id, path))
        engine = self._engine(scene, capacity=len(agents or scene.agents))
        try:
            same = log.header.bit_class is not None and log.header.bit_class == engine.bit_class
            mode = Mode.BITS if same and not scores else Mode.SCORES
            if mode is Mode.SCORES and tolerance is None:
                classes = (
                    "recorded in this machine's bit class"
                    if same
                    else f"recorded in bit class {str(log.header.bit_class)[:12]}, this machine's "
                    f"is {str(engine.bit_class)[:12]}"
                )
                raise RunLogError(
                    f"{classes}; scoring its tokens needs a tolerance for honest differences",
                    where=path,
                    hint="kit verify DIR --calibrate on a machine of the recording's class, "
                    "or --tau 1.0 to choose one",
                )
            problems = _header_problems(log, self._experiment, scene, engine, mode)
            retraced = list(_in_vocabulary(log.turns, engine, problems))
            followed = list(retrace(scene, engine, retraced))
            problems += _text_problems(log, followed, scene)
            spoke = tuple(agents or scene.agents)
            readings = read_back(followed, engine, spoke, problems, report=report)
            problems += _reading_problems(followed, readings, mode)
            tau = tolerance.tau if tolerance is not None and mode is Mode.SCORES else 0.0
            return Verification(
                log.header.run_id,
                mode,
                tolerance if mode is Mode.SCORES else None,
                log.header.bit_class,
                engine.bit_class,
                tuple(_tally(agent, followed, readings, mode, tau) for agent in spoke),
                tuple(problems),
                tuple(_forks(followed, readings, engine.vocabulary)),
            )
        finally:
            engine.close()

    def _engine(self, scene: Scene, *, capacity: int) -> LlamaEngine:
        model = self._weights.model
        settings = scene.protocol.engine.value
        template = model.template(plain=self._weights.pin.chat_template == "plain")
        worst = size.worst_case(scene, model, template).total
        room = size.room_for(
            worst, settings.context, model.context_length, what=scene.run.cell.language
        )
        return self._weights.engine(settings, capacity=capacity, threads=self._threads, room=room)


def read_back(
    followed: Sequence[Retraced],
    engine: LlamaEngine,
    agents: Sequence[str],
    problems: list[Problem],
    *,
    report: Callable[[int], None] = lambda _: None,
) -> dict[tuple[int, str], Reading]:
    """Read the dialogues of ``agents`` and say what is drawn at every token.

    An agent's dialogue is read up to its first answer that does not keep its form, which becomes a
    problem.

    Returns:
        Readings by turn and agent.
    """
    dialogues: dict[str, list[Retraced]] = {agent: [] for agent in agents}
    broken: set[str] = set()
    for each in followed:
        agent = each.recorded.agent
        if agent not in dialogues or agent in broken:
            continue
        try:
            plan_reading(_recorded(each), engine.vocabulary.ends)
        except GrammarError as error:
            problems.append(Problem(error.message, each.recorded.turn, agent))
            broken.add(agent)
            continue
        dialogues[agent].append(each)
    engine.clear()
    found: dict[tuple[int, str], Reading] = {}
    readings = engine.read_back(
        {
            sequence: [_recorded(each) for each in dialogues[agent]]
            for sequence, agent in enumerate(agents)
        },
        report,
    )
    for sequence, agent in enumerate(agents):
        for each, reading in zip(dialogues[agent], readings.get(sequence, ()), strict=True):
            found[each.recorded.turn, agent] = reading
    return found


def _recorded(each: Retraced) -> Recorded:
    return Recorded(each.request, each.recorded.tokens)


def _header_problems(
    log: RunLog, experiment: Experiment, scene: Scene, engine: LlamaEngine, mode: Mode
) -> list[Problem]:
    """Fields of the header that do not follow from the spec and the model."""
    expected = header(experiment, scene, engine).model_dump()
    recorded = log.header.model_dump()
    if mode is Mode.SCORES:
        # The build is a fact of the recording's machine; everything else about it is checked.
        kept = {"build": recorded["engine"].get("build")}
        expected["engine"] |= kept
        expected["bit_class"] = recorded["bit_class"]
        expected["run_hash"] = run_hash(scene, expected["engine"])
    return [
        Problem(f"header field '{name}': recorded {_brief(recorded[name])}, not {_brief(value)}")
        for name, value in expected.items()
        if recorded[name] != value
    ]


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1]}\N{HORIZONTAL ELLIPSIS}"


def _in_vocabulary(
    turns: Sequence[Turn], engine: LlamaEngine, problems: list[Problem]
) -> Sequence[Turn]:
    """The turns up to the first with a token the model does not have."""
    size_of = len(engine.vocabulary)
    for index, turn in enumerate(turns):
        if any(not 0 <= token < size_of for token in turn.tokens):
            problems.append(Problem("a token the model does not have", turn.turn, turn.agent))
            return turns[:index]
    return turns


def _text_problems(log: RunLog, followed: Sequence[Retraced], scene: Scene) -> list[Problem]:
    """Prompts, texts and outcomes that do not follow from the tokens."""
    problems = []
    for each in followed:
        recorded, rebuilt = each.recorded, each.rebuilt
        for name in ("position", "prompt", "text", "utterances", "outcome"):
            if getattr(recorded, name) != getattr(rebuilt, name):
                problems.append(
                    Problem(f"'{name}' does not follow from what came before", *_place(recorded))
                )
    expected = scene.turns * len(scene.agents)
    if len(followed) != len(log.turns) or len(followed) != expected:
        place = _place(log.turns[len(followed)]) if len(followed) < len(log.turns) else (None, None)
        what = f"{len(followed)} of {expected} turns follow; the log holds {len(log.turns)}"
        problems.append(Problem(what, *place))
    return problems


def _place(turn: Turn) -> tuple[int, str]:
    return turn.turn, turn.agent


def _reading_problems(
    followed: Sequence[Retraced], readings: dict[tuple[int, str], Reading], mode: Mode
) -> list[Problem]:
    """What the readings give besides tokens."""
    problems = []
    for each in followed:
        reading = readings.get(_place(each.recorded))
        if reading is None:
            continue
        if reading.stop != each.recorded.stop:
            problems.append(Problem("'stop' is not how the answer ends", *_place(each.recorded)))
        if mode is Mode.BITS and reading.legal_mass != each.recorded.legal_mass:
            problems.append(
                Problem("'legal_mass' does not follow from the logits", *_place(each.recorded))
            )
    return problems


def _tally(
    agent: str,
    followed: Sequence[Retraced],
    readings: dict[tuple[int, str], Reading],
    mode: Mode,
    tau: float,
) -> Tally:
    decisions = near = divergent = 0
    chain = True
    for each in followed:
        reading = readings.get(_place(each.recorded))
        if reading is None or each.recorded.agent != agent:
            continue
        decisions += reading.decisions
        near += sum(found.margin <= tau for found in reading.disagreements)
        divergent += sum(found.margin > tau for found in reading.disagreements)
        if mode is Mode.BITS:
            chain = chain and reading.digest == each.recorded.digest
    return Tally(agent, decisions, near, divergent, chain)


def _forks(
    followed: Sequence[Retraced],
    readings: dict[tuple[int, str], Reading],
    vocabulary: Vocabulary,
) -> Iterator[Fork]:
    for each in followed:
        recorded = each.recorded
        reading = readings.get(_place(recorded))
        for found in reading.disagreements if reading else ():
            stood = recorded.tokens[found.token : found.token + 1]
            yield Fork(
                recorded.turn,
                recorded.agent,
                found.token,
                vocabulary.decode(stood),
                vocabulary.decode((found.drawn,)),
                found.margin,
            )
