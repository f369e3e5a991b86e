from __future__ import annotations

from collections.abc import Sequence

import pytest

from kit.engine.grammar import Grammar, State
from kit.engine.scripted import END_TOKEN, byte_vocabulary
from kit.errors import GrammarError
from kit.runlog.records import Outcome
from kit.runner.resolve import resolve
from kit.society.answer import AnswerForm, answer_outcome, free_form, parse, slots_form
from kit.society.outcome import Judge
from kit.spec.language import Channel, Language
from tests.society.support import ROOT

EXPERIMENT = resolve(ROOT / "studies" / "demo.yaml")
EN: Language = EXPERIMENT.languages["en"]
JUDGE = Judge(EN)
BUDGETS = {Channel.TALK: 60, Channel.WHISPER: 30, Channel.MONOLOGUE: 60}
T, W, M = EN.tags.talk, EN.tags.whisper, EN.tags.monologue
OTHER = EN.personas[1]
FREE = free_form(EN, "p01", BUDGETS)
SLOTS = slots_form(EN, "p01", BUDGETS, [Channel.MONOLOGUE, Channel.WHISPER, Channel.TALK])


def legal(form: AnswerForm, text: str) -> bool:
    grammar = Grammar(form.nodes, form.start, byte_vocabulary())
    state: State | None = grammar.start
    for token in [*text.encode(), END_TOKEN]:
        if state is None:
            return bool(token == END_TOKEN)
        try:
            state = grammar.next(state, token)
        except GrammarError:
            return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        f"{T}: hello",
        f"{M}: hm\n{T}: hello",
        f"{W} {OTHER.name}: psst\n{M}: hm\n{T}: hello",
    ],
)
def test_one_to_three_lines_in_any_order(text: str) -> None:
    assert legal(FREE, text)


@pytest.mark.parametrize(
    "text",
    [
        f"{T}: a\n{T}: b",
        f"{W}: to nobody",
        f"{W} {EN.personas[0].name}: to myself",
        f"{T}: a\n{M}: b\n{W} {OTHER.name}: c\n{T}: d",
    ],
)
def test_no_channel_twice_and_no_whisper_to_oneself(text: str) -> None:
    assert not legal(FREE, text)


def test_slots_offer_every_channel_in_order_and_may_stay_empty() -> None:
    assert legal(SLOTS, f"{M}:\n{W}:\n{T}:")
    assert legal(SLOTS, f"{M}: hm\n{W} {OTHER.name}: psst\n{T}: hello")
    assert not legal(SLOTS, f"{T}: hello\n{M}:\n{W}:")
    assert not legal(SLOTS, f"{M}: hm")


def lines(form: AnswerForm, text: str, *, cut: bool = False) -> Sequence[tuple[object, ...]]:
    found = parse(form, text, cut=cut, judge=JUDGE)
    return [(line.channel, line.to, line.text, line.outcome) for line in found]


def test_lines_are_read_with_channel_and_addressee() -> None:
    assert lines(FREE, f"{W} {OTHER.name}: wait: no\n{T}: hello\n") == [
        (Channel.WHISPER, OTHER.id, "wait: no", Outcome.OK),
        (Channel.TALK, None, "hello", Outcome.OK),
    ]


def test_an_empty_slot_is_an_empty_line_and_an_unaddressed_whisper_is_none() -> None:
    assert lines(SLOTS, f"{M}:\n{W}:\n{T}: yes we can") == [
        (Channel.MONOLOGUE, None, "", Outcome.EMPTY),
        (Channel.TALK, None, "yes we can", Outcome.OK),
    ]


def test_a_line_that_fills_its_budget_or_is_cut_is_truncated() -> None:
    assert lines(FREE, f"{T}:" + "a" * 60)[0][-1] is Outcome.TRUNCATED
    assert lines(FREE, f"{T}:" + "a" * 59)[0][-1] is Outcome.OK
    assert lines(FREE, f"{M}: done\n{T}: and th", cut=True)[0][-1] is Outcome.OK
    assert lines(FREE, f"{M}: done\n{T}: and th", cut=True)[1][-1] is Outcome.TRUNCATED


def test_an_opening_that_was_cut_yields_no_line() -> None:
    assert lines(FREE, f"{T}: hello\n{W} {OTHER.name[:2]}", cut=True) == [
        (Channel.TALK, None, "hello", Outcome.OK)
    ]


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("I refuse to name anyone.", Outcome.OK),  # behaviour, not missing data
        ("As an AI language model, I cannot take part.", Outcome.PROVIDER_REFUSAL),
        ("これは英語ではありません。", Outcome.OFF_LANGUAGE),
        ("   ", Outcome.EMPTY),
        ("OK.", Outcome.OK),
    ],
)
def test_outcomes_of_a_line(words: str, outcome: Outcome) -> None:
    assert JUDGE.line(words, cut=False) is outcome


def test_the_gravest_line_types_the_answer() -> None:
    def whole(text: str, *, cut: bool = False) -> Outcome:
        return answer_outcome(parse(FREE, text, cut=cut, judge=JUDGE), cut=cut)

    assert whole(f"{T}: hello\n{M}: as an AI I must not") is Outcome.PROVIDER_REFUSAL
    assert whole(f"{T}: hello") is Outcome.OK
    assert whole(f"{T}: hello", cut=True) is Outcome.TRUNCATED
    assert whole("") is Outcome.EMPTY
