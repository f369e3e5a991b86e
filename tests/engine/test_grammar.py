from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.engine.grammar import END, Choice, Grammar, Line, Node, State
from kit.engine.scripted import END_TOKEN, byte_vocabulary
from kit.engine.vocabulary import BOUNDARY, Vocabulary, advance
from kit.errors import GrammarError

BYTES = byte_vocabulary()
FORM: dict[str, Node] = {
    "tag": Choice({"TALK:": "line", "THOUGHT:": "line"}, decision=True),
    "line": Line(5, "more"),
    "more": Choice({"WHISPER Noah:": "last", "WHISPER Zoe:": "last"}, may_end=True, decision=True),
    "last": Line(3, END),
}


def accepts(form: dict[str, Node], text: str) -> bool:
    """Whether a whole answer, spelled in bytes and ended by the end token, is legal."""
    grammar = Grammar(form, "tag", BYTES)
    state: State | None = grammar.start
    for token in [*text.encode(), END_TOKEN]:
        if state is None:
            return bool(token == END_TOKEN)
        try:
            state = grammar.next(state, token)
        except GrammarError:
            return False
        if state is None and token == END_TOKEN:
            return True
    return False


@pytest.mark.parametrize(
    "text",
    ["TALK:hi", "TALK: hi\n", "THOUGHT:x", "TALK:a\nWHISPER Zoe:b", "TALK:a\nWHISPER Noah:abc\n"],
)
def test_answers_in_the_form_are_legal(text: str) -> None:
    assert accepts(FORM, text)


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing is said
        "TALK:",  # a line of no characters
        "SHOUT:hi",  # no such tag
        "TALK:123456",  # over the budget
        "TALK:a\nTALK:b",  # not offered a second time
        "TALK:a\nWHISPER Ann:b",  # nobody of that name
        "TALK:a\n\nWHISPER Zoe:b",  # an empty line
        "TALK:a\rb",  # a control character
    ],
)
def test_answers_out_of_the_form_are_not(text: str) -> None:
    assert not accepts(FORM, text)


TAGS = st.sampled_from(["TALK:", "THOUGHT:", "WHISPER Zoe:", "WHISPER Noah:", "WHISPER", ""])
LINES = st.text("a日é𝄞 :", max_size=6) | st.text("a\r\x85\u2028\x7f\n", max_size=3)
ANSWERS = st.lists(st.tuples(TAGS, LINES).map("".join), max_size=3).map("\n".join)


@settings(max_examples=1000)
@given(ANSWERS | ANSWERS.map("{}\n".format), st.booleans())
def test_a_text_is_held_whole_if_it_is_legal_token_by_token(text: str, may_end: bool) -> None:
    form = FORM | {"line": Line(5, "more", min_chars=2, may_end=may_end)}
    broken = re.search("[\x85\u2028]", text) is not None
    assert Grammar(form, "tag", BYTES).holds(text) == (accepts(form, text) and not broken)


@pytest.mark.parametrize("char", ["\x00", "\x1f", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_character_that_breaks_a_line_is_never_held(char: str) -> None:
    grammar = Grammar(FORM, "tag", BYTES)
    assert grammar.holds("TALK:a b")
    assert not grammar.holds(f"TALK:a{char}b")


def test_an_answer_may_not_be_held_in_a_vocabulary_that_cannot_end_it() -> None:
    endless = Vocabulary([bytes([byte]) for byte in range(256)], [])
    assert not Grammar(FORM, "tag", endless).holds("TALK:hi")
    assert Grammar(FORM, "tag", endless).holds("TALK:hi\nWHISPER Zoe:a\n")


def test_a_budget_counts_characters_and_not_bytes() -> None:
    assert accepts(FORM, "TALK:日本語日本")
    assert not accepts(FORM, "TALK:日本語日本語")


def test_a_turn_cannot_end_inside_a_character() -> None:
    grammar = Grammar(FORM, "tag", BYTES)
    state: State | None = grammar.start
    for byte in b"TALK:\xe6\x97":
        assert state is not None
        state = grammar.next(state, byte)
    assert state is not None
    ids = np.arange(len(BYTES), dtype=np.int64)
    legal = set(ids[grammar.mask(state).legal(ids)].tolist())
    assert legal == set(range(0x80, 0xC0))


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ({"tag": Choice({})}, "offers nothing"),
        ({"tag": Choice({"": END})}, "empty word"),
        ({"tag": Choice({"a": END, "ab": END})}, "begins"),
        ({"tag": Choice({"a": "nowhere"})}, "does not exist"),
        ({"tag": Line(0, END)}, "no room"),
        ({"tag": Line(3, "tag", may_end=False)}, "no path"),
    ],
)
def test_a_form_that_cannot_work_is_refused(nodes: dict[str, Node], why: str) -> None:
    with pytest.raises(GrammarError, match=why):
        Grammar(nodes, "tag", BYTES)


def test_a_word_that_the_vocabulary_cannot_spell_is_refused() -> None:
    with pytest.raises(GrammarError, match="cannot spell"):
        Grammar(FORM, "tag", Vocabulary([b"T", b"A"], [2]))


def test_a_token_may_end_a_line_but_not_reach_into_the_next() -> None:
    glued = Vocabulary([b"TALK:", b"a", b".\n", b".\nW", b"\n\n", b""], [5])
    grammar = Grammar({"tag": Choice({"TALK:": "line"}), "line": Line(9, END)}, "tag", glued)
    state = grammar.next(grammar.start, 0)
    assert state is not None
    state = grammar.next(state, 1)
    assert state is not None
    ids = np.arange(6, dtype=np.int64)
    assert grammar.mask(state).legal(ids).tolist() == [True, True, True, False, False, True]


@given(st.text(max_size=12))
def test_text_is_read_as_utf_8_whatever_the_cut(text: str) -> None:
    """Reading byte by byte and reading at once agree, and count Unicode characters."""
    data = text.encode()
    whole = advance(BOUNDARY, data)
    state, chars, alive = BOUNDARY, 0, True
    for index in range(len(data)):
        step = advance(state, data[index : index + 1])
        if step is None or (step.newline and index < len(data) - 1):
            alive = False
            break
        state, chars = step.state, chars + step.chars
    if whole is not None:
        assert alive
        assert whole.chars + whole.newline == len(text)
        assert chars == whole.chars
        assert state == BOUNDARY
    else:
        assert any(char < " " or char in "\x7f\x85\u2028\u2029" for char in text)


@given(st.binary(max_size=6))
def test_only_valid_utf_8_is_text(data: bytes) -> None:
    step = advance(BOUNDARY, data)
    if step is not None and step.state == BOUNDARY:
        data.decode()  # raises if it is not


def test_a_scored_choice_tells_the_tokens_that_begin_each_word() -> None:
    pieces = [b"A", b"An", b"B", b"nd", b"Bo"]
    grammar = Grammar(
        {"tag": Choice({"And": END, "Bo": END}, scored=True)},
        "tag",
        Vocabulary([*pieces, b"d"], []),
    )
    first, second = grammar.scored(grammar.start)
    assert first.tolist() == [0, 1]
    assert second.tolist() == [2, 4]
    assert grammar.scores
    following = grammar.next(grammar.start, 1)
    assert following is not None
    assert grammar.scored(following) == ()


def test_words_that_are_scored_begin_differently() -> None:
    with pytest.raises(GrammarError, match="begin alike"):
        Grammar({"tag": Choice({"é": END, "è": END}, scored=True)}, "tag", BYTES)


def test_a_choice_that_is_not_scored_tells_nothing() -> None:
    grammar = Grammar(FORM, "tag", BYTES)
    assert grammar.scored(grammar.start) == ()
    assert not grammar.scores
