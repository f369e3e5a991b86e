"""Reading recorded answers back on both real models."""

from __future__ import annotations

import pytest

from kit.engine.chat import Message
from kit.engine.grammar import END, Choice, Grammar, Line, Node
from kit.engine.llama import LlamaEngine
from kit.engine.protocol import Completion, Request
from kit.engine.reading import Reading, Recorded, plan_reading
from kit.errors import ContextFull, GrammarError
from kit.runner.weights import Weights
from kit.spec.study import Sampling
from tests.conftest import engine_of

FORM: dict[str, Node] = {
    "tag": Choice({"TALK:": "line", "THOUGHT:": "line"}, decision=True),
    "line": Line(90, "more", min_chars=60),
    "more": Choice({"WHISPER Noah:": "last"}, may_end=True, decision=True),
    "last": Line(20, END),
}
RULES = "You live in a closed facility with nine others. Answer with one or two tagged lines. "
TURNS, SPEAKERS = 5, 3


@pytest.fixture(scope="module", params=["smollm", "gemma"])
def loaded(request: pytest.FixtureRequest) -> Weights:
    weights: Weights = request.getfixturevalue(request.param)
    return weights


def plain(loaded: Weights) -> bool:
    return loaded.pin.chat_template == "plain"


def dialogue(engine: LlamaEngine, speaker: int, turn: int, digest: str) -> Request:
    """What one speaker is asked in one turn."""
    again = Message("user", (f"The facility announces rule {turn}. Speak.",))
    messages = [Message("system", (RULES, f"You are resident number {speaker}.")), again]
    template = engine.template
    pieces = template.opening(messages)
    if turn:
        pieces = template.continuation([*messages, Message("assistant"), again])
    grammar = Grammar(FORM, "tag", engine.vocabulary)
    sampling = Sampling(max_tokens=18)
    return Request(
        speaker, engine.tokenize(pieces), grammar, sampling, ("r", speaker, turn), digest
    )


@pytest.fixture(scope="module")
def spoken(loaded: Weights) -> dict[int, list[tuple[Recorded, Completion]]]:
    """Three dialogues of five turns, made together; more rows of logits than one batch may ask."""
    engine = engine_of(loaded.model, capacity=SPEAKERS, plain=plain(loaded))
    said: dict[int, list[tuple[Recorded, Completion]]] = {who: [] for who in range(SPEAKERS)}
    for turn in range(TURNS):
        requests = [
            dialogue(engine, who, turn, said[who][-1][1].digest if turn else "0" * 64)
            for who in said
        ]
        for request, answer in zip(requests, engine.generate(requests), strict=True):
            said[request.sequence].append((Recorded(request, answer.tokens), answer))
    engine.close()
    assert sum(len(answer.tokens) for _, answer in said[0]) > 64
    return said


def recorded(spoken: dict[int, list[tuple[Recorded, Completion]]], who: int) -> list[Recorded]:
    return [each for each, _ in spoken[who]]


@pytest.mark.parametrize(("threads", "batch"), [(2, 512), (1, 33)])
def test_answers_read_back_have_the_bits_of_having_been_made(
    loaded: Weights,
    spoken: dict[int, list[tuple[Recorded, Completion]]],
    threads: int,
    batch: int,
) -> None:
    engine = engine_of(
        loaded.model, capacity=SPEAKERS, plain=plain(loaded), threads=threads, batch=batch
    )
    steps: list[int] = []
    found = engine.read_back({who: recorded(spoken, who) for who in spoken}, steps.append)
    again = engine.read_back({0: recorded(spoken, 0)})  # the dialogues are fresh once more
    engine.close()
    assert steps == [TURNS] * SPEAKERS
    assert again[0] == found[0]
    for who, readings in found.items():
        for reading, (each, answer) in zip(readings, spoken[who], strict=True):
            ended = answer.stop == "end" and len(reading_states(each)) > len(answer.tokens)
            assert reading == Reading(
                answer.stop,
                len(answer.tokens) + ended,
                answer.legal_mass,
                answer.digest,
                (),
            )


def reading_states(each: Recorded) -> range:
    vocabulary = each.request.grammar.vocabulary
    return range(plan_reading(each, vocabulary.ends).decisions)


def test_a_changed_token_is_seen_where_it_is_and_nowhere_else(
    loaded: Weights, spoken: dict[int, list[tuple[Recorded, Completion]]]
) -> None:
    """What comes after it is drawn from other logits, but is not blamed wholesale."""
    steps = recorded(spoken, 1)
    changed = steps[2].tokens
    vocabulary = loaded.model.vocabulary
    other = next(
        token
        for token, piece in enumerate(vocabulary.pieces)
        if len(piece) == len(vocabulary.pieces[changed[5]]) and piece.isalpha()
        and token != changed[5]
    )  # fmt: skip
    steps[2] = steps[2]._replace(tokens=(*changed[:5], other, *changed[6:]))
    engine = engine_of(loaded.model, plain=plain(loaded))
    found = engine.read_back({0: steps})[0]
    engine.close()
    assert found[:2] == [
        Reading(answer.stop, one.decisions, answer.legal_mass, answer.digest, ())
        for one, (_, answer) in zip(found[:2], spoken[1][:2], strict=True)
    ]
    first = found[2].disagreements[0]
    assert (first.token, first.drawn) == (5, changed[5])
    assert first.margin > 0
    assert found[2].digest != spoken[1][2][1].digest


def test_an_answer_that_breaks_its_form_is_refused_before_anything_is_computed(
    loaded: Weights, spoken: dict[int, list[tuple[Recorded, Completion]]]
) -> None:
    first = recorded(spoken, 0)[0]
    ends = loaded.model.vocabulary.ends
    for tokens, words in (
        (first.tokens[:1], "stops where its form may not end"),
        ((*first.tokens[:3], ends[0]), "cannot stand in an answer"),
        ((*first.tokens[:3], -1), "cannot stand in an answer"),
        (first.tokens[1:], "not legal"),
        (first.tokens[:4] * 9, "not legal|longer than its ceiling"),
    ):
        with pytest.raises(GrammarError, match=words):
            plan_reading(first._replace(tokens=tokens), ends)


def test_a_recorded_dialogue_too_long_for_its_context_is_refused(
    loaded: Weights, spoken: dict[int, list[tuple[Recorded, Completion]]]
) -> None:
    engine = engine_of(loaded.model, context=256, plain=plain(loaded))
    with pytest.raises(ContextFull, match="its context holds 256"):
        engine.read_back({0: recorded(spoken, 0) * 3})
    engine.close()
