"""The form of an answer: one object gives grammar and parser, so they cannot drift apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kit.engine.grammar import END, Choice, Line, Node
from kit.runlog.records import Outcome, Utterance
from kit.society.outcome import Judge
from kit.spec.language import Channel, Language

COLON = ":"


@dataclass(frozen=True)
class AnswerForm:
    """How one agent may answer in one turn."""

    nodes: Mapping[str, Node]
    start: str
    openings: Mapping[str, tuple[Channel, str | None]]
    """Text that opens a line, to its channel and, for a whisper, the addressee's persona id."""
    budgets: Mapping[Channel, int]
    """Characters per line."""

    @cached_property
    def rules(self) -> str:
        """The nodes as text: forms with equal rules have equal grammars."""
        return repr((self.start, self.nodes))


def free_form(language: Language, agent: str, budgets: Mapping[Channel, int]) -> AnswerForm:
    """One to three lines, each channel at most once, in the agent's own order."""
    openings = _openings(language, agent)
    nodes: dict[str, Node] = {}
    todo: list[tuple[Channel, ...]] = [()]
    while todo:
        used = todo.pop()
        words: dict[str, str] = {}
        for word, (channel, _) in openings.items():
            if channel in used:
                continue
            line = _name("line", (*used, channel))
            words[word] = line
            after = (*used, channel)
            if line not in nodes:
                last = len(after) == len(Channel)
                nodes[line] = Line(budgets[channel], END if last else _name("tag", after))
                if not last:
                    todo.append(after)
        nodes[_name("tag", used)] = Choice(words, may_end=bool(used), decision=True)
    return AnswerForm(nodes, _name("tag", ()), openings, budgets)


def slots_form(
    language: Language, agent: str, budgets: Mapping[Channel, int], order: Sequence[Channel]
) -> AnswerForm:
    """One line per channel in ``order``; any may stay empty."""
    openings = dict(_openings(language, agent))
    openings[language.tags.whisper + COLON] = (Channel.WHISPER, None)
    nodes: dict[str, Node] = {}
    for place, channel in enumerate(order):
        last = place == len(order) - 1
        following = END if last else f"tag {place + 1}"
        words = {
            word: f"line {place}"
            for word, (opened, addressee) in openings.items()
            if opened is channel and (addressee is not None or channel is not Channel.WHISPER)
        }
        if channel is Channel.WHISPER:
            words[language.tags.whisper + COLON] = f"skip {place}"
            nodes[f"skip {place}"] = Choice({"\n": following}, may_end=last)
        nodes[f"tag {place}"] = Choice(words, decision=True)
        nodes[f"line {place}"] = Line(budgets[channel], following, min_chars=0, may_end=last)
    return AnswerForm(nodes, "tag 0", openings, budgets)


def _name(kind: str, used: Sequence[Channel]) -> str:
    return " ".join([kind, *used])


def _openings(language: Language, agent: str) -> dict[str, tuple[Channel, str | None]]:
    tags = language.tags
    found: dict[str, tuple[Channel, str | None]] = {
        tags.talk + COLON: (Channel.TALK, None),
        tags.monologue + COLON: (Channel.MONOLOGUE, None),
    }
    for persona in language.personas:
        if persona.id != agent:
            found[f"{tags.whisper} {persona.name}{COLON}"] = (Channel.WHISPER, persona.id)
    return found


def parse(form: AnswerForm, text: str, *, cut: bool, judge: Judge) -> tuple[Utterance, ...]:
    """The lines of an answer.

    Args:
        form: the form the answer was made under.
        text: the answer.
        cut: the token ceiling ended it, so its last line is unfinished.
        judge: types each line's outcome.

    Returns:
        One utterance per line whose opening is complete. A whisper slot left without an addressee
        says nothing and yields none.
    """
    utterances: list[Utterance] = []
    lines = text.split("\n")
    for place, line in enumerate(lines):
        opening, colon, words = line.partition(COLON)
        found = form.openings.get(opening + colon)
        if found is None:
            continue
        channel, addressee = found
        if channel is Channel.WHISPER and addressee is None:
            continue
        unfinished = cut and place == len(lines) - 1
        full = len(words) >= form.budgets[channel]
        utterances.append(
            Utterance(
                channel=channel,
                to=addressee,
                text=words.strip(),
                outcome=judge.line(words, cut=unfinished or full),
            )
        )
    return tuple(utterances)


def answer_outcome(utterances: Sequence[Utterance], *, cut: bool) -> Outcome:
    """The outcome of a whole answer: the gravest of its lines."""
    outcomes = {utterance.outcome for utterance in utterances}
    for outcome in (Outcome.PROVIDER_REFUSAL, Outcome.OFF_LANGUAGE):
        if outcome in outcomes:
            return outcome
    if cut or Outcome.TRUNCATED in outcomes:
        return Outcome.TRUNCATED
    return Outcome.OK if Outcome.OK in outcomes else Outcome.EMPTY
