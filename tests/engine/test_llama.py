"""The engine on both real models. Slow parts share one prompt and one set of answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.engine.chat import Message
from kit.engine.grammar import END, Choice, Grammar, Line, Node
from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
from kit.engine.protocol import Completion, Prompt, Request
from kit.errors import ContextFull, ModelError
from kit.runner.weights import Weights
from kit.spec.study import Sampling
from tests.conftest import engine_of

FORM: dict[str, Node] = {
    "tag": Choice({"TALK:": "line", "THOUGHT:": "line"}, decision=True),
    "line": Line(40, "more"),
    "more": Choice({"WHISPER Noah:": "last"}, may_end=True, decision=True),
    "last": Line(20, END),
}
RULES = "You live in a closed facility with nine others. Answer with one or two tagged lines. " * 3


@pytest.fixture(scope="module", params=["smollm", "gemma"])
def loaded(request: pytest.FixtureRequest) -> Weights:
    weights: Weights = request.getfixturevalue(request.param)
    return weights


def requests(engine: LlamaEngine, speakers: list[int], *, alone: bool = False) -> list[Request]:
    """One question each to some of six dialogues; the same question whatever the company."""
    grammar = Grammar(FORM, "tag", engine.vocabulary)
    found = []
    for speaker in speakers:
        opening = [
            Message("system", (RULES, f"You are resident number {speaker % 3}.")),
            Message("user", ("The facility announces a new rule. Speak.",)),
        ]
        prompt = engine.tokenize(engine.template.opening(opening))
        found.append(
            Request(
                0 if alone else speaker, prompt, grammar, Sampling(max_tokens=14), ("t", speaker)
            )
        )
    return found


def engine(loaded: Weights, **options: Any) -> LlamaEngine:
    return engine_of(loaded.model, plain=loaded.pin.chat_template == "plain", **options)


@pytest.fixture(scope="module")
def together(loaded: Weights) -> list[Completion]:
    """Six dialogues answered in one batch; three pairs begin with the very same prompt."""
    six = engine(loaded, capacity=6, context=512)
    answers = six.generate(requests(six, list(range(6))))
    six.close()
    return answers


def test_an_answer_alone_is_the_answer_in_company(
    loaded: Weights, together: list[Completion]
) -> None:
    alone = engine(loaded, capacity=1, context=512, threads=1, batch=33)
    for speaker in (1, 4):
        alone.clear()
        assert alone.generate(requests(alone, [speaker], alone=True)) == [together[speaker]]
    alone.close()


def test_company_and_order_do_not_matter(loaded: Weights, together: list[Completion]) -> None:
    some = engine(loaded, capacity=8, context=768)
    answers = some.generate(requests(some, [5, 2]))
    some.close()
    assert answers == [together[5], together[2]]


def test_answers_keep_the_form_and_differ_by_key(
    loaded: Weights, together: list[Completion]
) -> None:
    texts = [loaded.model.vocabulary.decode(answer.tokens) for answer in together]
    for text, answer in zip(texts, together, strict=True):
        assert text.startswith(("TALK:", "THOUGHT:")) or answer.stop == "ceiling"
        assert 0 < answer.legal_mass[0] < 1
    assert texts[0] != texts[3]  # the same prompt under another key


def test_a_dialogue_read_back_goes_on_as_if_it_had_been_made(
    loaded: Weights, together: list[Completion]
) -> None:
    again = Message("user", ("Speak once more.",))
    made = engine(loaded, capacity=1, context=512)
    [first] = requests(made, [1], alone=True)
    [answer] = made.generate([first])
    dialogue = [
        Message("system", (RULES, "x")),
        Message("user", ("y",)),
        Message("assistant"),
        again,
    ]
    second = made.tokenize(made.template.continuation(dialogue))
    follow = first._replace(prompt=second, key=("t", "again"), digest=answer.digest)
    expected = made.generate([follow])
    made.close()
    restored = engine(loaded, capacity=1, context=512, threads=1, batch=64)
    restored.append(0, first.prompt, answer.tokens)
    assert restored.generate([follow]) == expected
    restored.close()


def test_an_answer_depends_on_every_token_before_it(
    loaded: Weights, together: list[Completion]
) -> None:
    """The digest sees what the sampled words may hide."""
    changed = engine(loaded, capacity=1, context=512)
    [request] = requests(changed, [1], alone=True)
    tokens = list(request.prompt.tokens)
    tokens[5] += 1
    [answer] = changed.generate([request._replace(prompt=Prompt(tuple(tokens)))])
    changed.close()
    assert answer.digest != together[1].digest


def test_a_full_context_is_said_before_anything_is_computed(loaded: Weights) -> None:
    small = engine(loaded, capacity=1, context=256)
    [request] = requests(small, [0], alone=True)
    long = request._replace(prompt=Prompt(request.prompt.tokens * 9))
    with pytest.raises(ContextFull, match="its context holds 256"):
        small.generate([long])
    small.close()


def test_special_tokens_in_words_stay_words(smollm: Weights) -> None:
    small = engine(smollm, capacity=1, context=256)
    opening = [Message("system", ("s",)), Message("user", ("<|im_end|><|endoftext|>",))]
    tokens = small.tokenize(small.template.opening(opening)).tokens
    plain = small.tokenize(small.template.opening([opening[0], Message("user", ("",))])).tokens
    ends = set(small.vocabulary.ends)
    assert sum(token in ends for token in tokens) == sum(token in ends for token in plain)
    small.close()


def test_a_missing_model_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        LlamaModel(tmp_path / "none.gguf")


@pytest.mark.parametrize(
    "content", [b"", b"GG", b"PK\x03\x04 not a model", b"GGUF", b"GGUF" + b"\xff" * 99]
)
def test_a_foreign_or_broken_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"GGUF|refuses"):
        LlamaModel(path)


def test_a_truncated_model_is_a_clear_error(tmp_path: Path, smollm: Weights) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(smollm.model.path.read_bytes()[:60_000_000])
    with pytest.raises(ModelError, match="ends at byte"):
        LlamaModel(path)
