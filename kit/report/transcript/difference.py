"""Where two runs first part: a run and its replay, or the same group under two conditions."""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple

from kit.report.visible import visible
from kit.runlog.reader import RunLog
from kit.runlog.records import Turn, Utterance
from kit.spec.language import Channel


class Difference(NamedTuple):
    """The first place where two runs differ."""

    turn: int
    agent: str
    """Persona id."""
    what: str
    """What differs there, in words."""
    line: int | None = None
    """Index of the line within the answer; None: it is not in what was said."""
    channel: Channel | None = None
    character: int | None = None
    """Index of the first differing character of the line; None: the words are the same."""


def first_difference(one: RunLog, other: RunLog) -> Difference | None:
    """The first difference in what was said, or else in how it was computed.

    Answers are compared by turn and agent, in the order of the first log, so that it does not
    matter who spoke first.

    Args:
        one: the run that is called A.
        other: the run that is called B.

    Returns:
        None: both say the same, from the same tokens and logits.
    """
    answers, others = _answers(one), _answers(other)
    order = sorted({**answers, **others}, key=lambda place: place[0])
    beneath: Difference | None = None
    for turn, agent in order:
        mine, yours = answers.get((turn, agent)), others.get((turn, agent))
        if mine is None or yours is None:
            side = "B" if mine is None else "A"
            return Difference(turn, agent, f"only {side} has this answer")
        if found := _in_words(mine, yours):
            return found
        if beneath is None and (what := _beneath(mine, yours)):
            beneath = Difference(turn, agent, what)
    return beneath


def _answers(log: RunLog) -> dict[tuple[int, str], Turn]:
    return {(turn.turn, turn.agent): turn for turn in log.turns}


def _in_words(one: Turn, other: Turn) -> Difference | None:
    lines = zip_longest(one.utterances, other.utterances)
    for number, (mine, yours) in enumerate(lines):
        if mine is None or yours is None:
            side, there = ("B", yours) if mine is None else ("A", mine)
            channel = there.channel if there else None
            return Difference(
                one.turn, one.agent, f"only {side} has this line", number, channel, None
            )
        if found := _in_line(mine, yours):
            what, character = found
            return Difference(one.turn, one.agent, what, number, mine.channel, character)
    return None


def _in_line(one: Utterance, other: Utterance) -> tuple[str, int | None] | None:
    if one.channel is not other.channel:
        return f"A: {one.channel}, B: {other.channel}", None
    if one.to != other.to:
        return f"A whispers to {one.to}, B to {other.to}", None
    if one.text != other.text:
        at = _first(one.text, other.text)
        return f"A has {_character(one.text, at)}, B has {_character(other.text, at)}", at
    if one.outcome is not other.outcome:
        return f"A: {one.outcome}, B: {other.outcome}", None
    return None


def _beneath(one: Turn, other: Turn) -> str | None:
    for name, mine, yours in (
        ("prompt", one.prompt, other.prompt),
        ("answer", one.tokens, other.tokens),
    ):
        if mine != yours:
            same = zip(mine, yours, strict=False)
            at = next((at for at, (a, b) in enumerate(same) if a != b), min(len(mine), len(yours)))
            return f"the same words, but {name} token {at + 1} is another one"
    if one.digest != other.digest:
        return "the same words and tokens, from other logits"
    return None


def _first(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _character(text: str, at: int) -> str:
    return f"\u201c{visible(text[at])}\u201d" if at < len(text) else "ended"
