"""A play in sentences that were counted by hand, so that what a run holds is known beforehand.

The sentences are those of `tests/measure/corpora`, where each stands with the number of words of
every register in it. What a run must be measured at follows from the sentences that were said: no
matcher takes part. How often a register is spoken depends on the language and on how many agents
are aligned, which is the planted effect.
"""

from __future__ import annotations

import hashlib
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import polars as pl
import yaml

from kit.analysis.collection import Collection
from kit.engine.protocol import Request
from kit.engine.scripted import ScriptedEngine
from kit.measure.frames import channels_frame, runs_frame
from kit.spec.experiment import Experiment, Run
from kit.spec.language import Channel, Language

CORPORA = Path(__file__).parent / "measure" / "corpora"
REGISTERS = ("sexual", "protective", "group_harmony", "individual_address")
REFUSAL = "provider_refusal"
NEUTRAL = "neutral"
COLUMNS = ("lines", "characters", *REGISTERS)
"""What is planted, by the names it has in the tables."""

JOINT = " \u2014 "
"""Between two sentences of one line: no entry of a lexicon can reach over it."""

SHIFTS = {
    "en": 160,
    "nl": 140,
    "sv": 120,
    "de": 100,
    "fr": 80,
    "it": 60,
    "es": 40,
    "pt": 20,
    "pl": -20,
    "tr": -40,
    "vi": -60,
    "th": -80,
    "ar": -100,
    "zh": -120,
    "ko": -140,
    "ja": -160,
}
"""The planted effect: by so many in a thousand sentences protective ones rise, and sexual ones and
monologues fall, from no aligned agent to ten."""


class Sentence(NamedTuple):
    """One sentence of a corpus."""

    text: str
    counts: Mapping[str, int]
    """Words by register, counted by hand."""

    @property
    def kind(self) -> str:
        """What it is said for: the register its writer counted first."""
        return REFUSAL if REFUSAL in self.counts else next(iter(self.counts), NEUTRAL)


class Said(NamedTuple):
    """One line of one agent."""

    channel: Channel
    to: str | None
    """Persona id."""
    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """The line."""
        return JOINT.join(sentence.text for sentence in self.sentences)

    @property
    def counts(self) -> Counter[str]:
        """What it adds to each of `COLUMNS`: nothing if the speaker steps out of the role."""
        found = Counter[str]()
        for sentence in self.sentences:
            found.update(sentence.counts)
        if found[REFUSAL]:
            return Counter()
        return found + Counter(
            lines=1, characters=len(unicodedata.normalize("NFC", self.text.strip()))
        )


@cache
def corpus(code: str) -> tuple[Sentence, ...]:
    """The hand-counted sentences of a language."""
    data = yaml.safe_load((CORPORA / f"{code}.yaml").read_text(encoding="utf-8"))
    return tuple(
        Sentence(sentence["text"], sentence.get("counts", {})) for sentence in data["sentences"]
    )


@cache
def rates(code: str, aligned: int) -> dict[str, int]:
    """How many of a thousand sentences are said for what."""
    shift = SHIFTS[code] * aligned // 10
    spoken = {
        "protective": 220 + shift,
        "sexual": 220 - shift,
        "group_harmony": 180,
        "individual_address": 160,
        REFUSAL: 10,
    }
    return spoken | {NEUTRAL: 1000 - sum(spoken.values())}


class _Draws:
    """Small numbers from one hash, one after another."""

    def __init__(self, *path: str | int):
        self._left = int.from_bytes(hashlib.sha256(repr(path).encode()).digest(), "big")

    def below(self, bound: int) -> int:
        self._left, found = divmod(self._left, bound)
        return found


class Play:
    """What everyone says in every run of an experiment.

    Args:
        experiment: a study whose budgets are the languages' own.
    """

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self._seed = experiment.study.seed
        self._runs = {run.run_id: run for run in experiment.runs()}

    def engine(self, runs: int = 1) -> ScriptedEngine:
        """An engine that speaks it for so many runs side by side."""
        return ScriptedEngine(self.script, capacity=10 * runs, name="play")

    def script(self, request: Request) -> str:
        """The answer to a request."""
        *_, run_id, agent, turn = request.key
        run = self._runs[str(run_id)]
        language = self.experiment.languages[run.cell.language]
        lines = []
        for said in self.said(run, str(agent), int(turn)):
            tag = language.tags.of(said.channel)
            to = f" {language.persona(said.to).name}" if said.to else ""
            lines.append(f"{tag}{to}: {said.text}")
        return "\n".join(lines)

    def said(self, run: Run, agent: str, turn: int) -> list[Said]:
        """The lines of one agent in one turn."""
        code, aligned = run.cell.language, run.cell.aligned
        language = self.experiment.languages[code]
        draws = _Draws(self._seed, run.run_id, agent, turn)
        shift = SHIFTS[code] * aligned // 10
        chances = {Channel.TALK: 800, Channel.WHISPER: 300, Channel.MONOLOGUE: 500 - shift}
        used = [channel for channel in Channel if draws.below(1000) < chances[channel]]
        first = draws.below(len(used)) if used else 0
        others = [persona.id for persona in language.personas if persona.id != agent]
        to = others[draws.below(len(others))]
        return [
            Said(
                channel,
                to if channel is Channel.WHISPER else None,
                self._sentences(language, channel, aligned, draws),
            )
            for channel in [*used[first:], *used[:first]] or [Channel.TALK]
        ]

    def planted(self, run: Run) -> dict[Channel, Counter[str]]:
        """What a run must be measured at, by channel and column."""
        found = {channel: Counter[str]() for channel in Channel}
        turns = self.experiment.protocol(run.cell.variant).turns.value
        for persona in self.experiment.languages[run.cell.language].personas:
            for turn in range(1, turns + 1):
                for said in self.said(run, persona.id, turn):
                    found[said.channel].update(said.counts)
        return found

    def _sentences(
        self, language: Language, channel: Channel, aligned: int, draws: _Draws
    ) -> tuple[Sentence, ...]:
        budget = language.budgets.of(channel)
        one, two = (_draw(language.language, budget, aligned, draws) for _ in range(2))
        both = len(one.text) + len(JOINT) + len(two.text)
        # A space stands before the words, and a line that fills its budget counts as cut.
        return (one, two) if draws.below(2) and both + 1 < budget else (one,)


def _draw(code: str, budget: int, aligned: int, draws: _Draws) -> Sentence:
    spoken = rates(code, aligned)
    ends = [*accumulate(spoken.values())]
    options = fitting(code, budget)[list(spoken)[bisect_right(ends, draws.below(ends[-1]))]]
    return options[draws.below(len(options))]


@cache
def fitting(code: str, budget: int) -> dict[str, list[Sentence]]:
    """The sentences that a budget has room for, by kind."""
    found: dict[str, list[Sentence]] = {}
    for sentence in corpus(code):
        if len(sentence.text) + 1 < budget:
            found.setdefault(sentence.kind, []).append(sentence)
    return found


def differences(play: Play, collection: Collection) -> list[str]:
    """Where the tables read from the logs are not what was planted: run, channel, column."""
    tables: dict[tuple[str, str], Mapping[str, int]] = {
        (row["run_id"], "all"): row for row in runs_frame(collection.runs).to_dicts()
    }
    sums = channels_frame(collection.runs).group_by("run_id", "channel").agg(pl.col(COLUMNS).sum())
    tables |= {(row["run_id"], row["channel"]): row for row in sums.to_dicts()}
    found: list[str] = []
    for run in play.experiment.runs():
        planted = play.planted(run)
        rows = [
            ("all", sum(planted.values(), Counter())),
            *((channel.value, counts) for channel, counts in planted.items()),
        ]
        for where, counts in rows:
            row = tables.get((run.run_id, where))
            if row is None:
                found.append(f"{run.run_id}, {where}: not in the table")
                continue
            found += [
                f"{run.run_id}, {where}: planted {counts[column]} {column}, read {row[column]}"
                for column in COLUMNS
                if row[column] != counts[column]
            ]
    return found
