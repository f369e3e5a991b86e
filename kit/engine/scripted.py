"""An engine that says what a script gives it: for planted truths, rehearsals and teaching.

Its vocabulary is the 256 bytes and one end token, so any text in any language can be said, and
every answer passes through the same form and the same parser as a model's. Character budgets bind;
the token ceiling does not, because a byte is not a token of any model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kit.engine.chat import ChatTemplate, Piece, plain_template
from kit.engine.grammar import Grammar, State
from kit.engine.protocol import Completion, Prompt, Request, Tokens
from kit.engine.vocabulary import Vocabulary
from kit.errors import EngineError, GrammarError

END_TOKEN = 256
Script = Callable[[Request], str] | Iterator[str]


def byte_vocabulary() -> Vocabulary:
    """One token per byte and an end token."""
    return Vocabulary([bytes([byte]) for byte in range(256)] + [b""], [END_TOKEN])


class ScriptedEngine:
    """Answers from a script.

    Args:
        script: a function of the request, or an iterator that is asked once per answer.
        capacity: how many dialogues it pretends to hold.
        name: enters the identity, so that two scripts are not taken for one another.
    """

    KIND = "scripted"

    def __init__(self, script: Script, *, capacity: int = 10, name: str = "scripted"):
        self.capacity = capacity
        self.vocabulary = byte_vocabulary()
        self.template = ChatTemplate(plain_template())
        self.identity: dict[str, Any] = {"kind": self.KIND, "name": name}
        self.bit_class: str | None = None
        self._script = script

    def tokenize(self, pieces: Sequence[Piece]) -> Prompt:
        """UTF-8 bytes."""
        return Prompt(tuple(b"".join(piece.text.encode() for piece in pieces)))

    def clear(self) -> None:
        """Nothing is held."""

    def append(self, sequence: int, prompt: Prompt, answer: Tokens) -> None:
        """Nothing is held."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """The script's answers.

        Raises:
            EngineError: the script has run out.
            GrammarError: an answer breaks the form.
        """
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Completion:
        if callable(self._script):
            text = self._script(request)
        else:
            try:
                text = next(self._script)
            except StopIteration as error:
                raise EngineError("the script has run out of answers") from error
        data = text.encode()
        tokens = tuple(data) if request.grammar.holds(text) else _read(request.grammar, text)
        chain = hashlib.sha256(bytes.fromhex(request.digest) + data).hexdigest()
        return Completion(tokens, "end", (), chain, _shares(request.grammar, tokens))


def _read(grammar: Grammar, text: str) -> Tokens:
    """The bytes of ``text`` up to where the form is complete.

    Raises:
        GrammarError: where and why the text breaks the form.
    """
    tokens: list[int] = []
    state = grammar.start
    for byte in text.encode():
        following = grammar.next(state, byte)
        tokens.append(byte)
        if following is None:
            break
        state = following
    else:
        if not grammar.may_end(state):
            raise GrammarError(f"the scripted answer stops in '{state.node}': {text!r}")
    return tuple(tokens)


def _shares(grammar: Grammar, tokens: Tokens) -> tuple[tuple[float, ...], ...]:
    """At each scored choice the word that is said has everything: a script is sure of itself."""
    found: list[tuple[float, ...]] = []
    if not grammar.scores:
        return ()
    state: State | None = grammar.start
    for token in tokens:
        assert state is not None  # the tokens are an answer of this form
        if words := grammar.scored(state):
            found.append(tuple(float(token in ids) for ids in words))
        state = grammar.next(state, token)
    return tuple(found)
