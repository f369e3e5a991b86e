"""Recorded answers read back: at every token, what would have been drawn from these logits.

The noise of a draw is a function of its key (:mod:`kit.engine.sampler`), so a recorded token can be
held against the token that the same noise draws here. Where the logits are the same bits the two
are always equal; where they are not, the margin says how nearly (Karvonen et al. 2025, Token-DiFR).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from kit.engine.grammar import State
from kit.engine.protocol import Request, Tokens
from kit.engine.sampler import Logits, draw, legal_mass, margin, word_shares
from kit.engine.vocabulary import Ids
from kit.errors import GrammarError
from kit.spec.seeds import key


class Recorded(NamedTuple):
    """An answer that stands in a log, and the question it answers."""

    request: Request
    tokens: Tokens


class Disagreement(NamedTuple):
    """A place where another token would have been drawn."""

    token: int
    """Index of the recorded token; one past the last stands for the end of the turn."""
    drawn: int
    """The token drawn here."""
    margin: float
    """By how many logits the drawn token beats the recorded one, noise included."""


class Reading(NamedTuple):
    """What the model makes of one recorded answer."""

    stop: Literal["end", "ceiling"]
    decisions: int
    """Tokens that were drawn, the end of the turn among them."""
    legal_mass: tuple[float, ...]
    digest: str
    """The dialogue's digest chain after this answer."""
    disagreements: tuple[Disagreement, ...]
    shares: tuple[tuple[float, ...], ...] = ()
    """At each scored choice of the form, each word's share of the legal probability."""


class Reader:
    """Compares the rows of logits of one answer with what was recorded.

    Args:
        recorded: the answer.
        states: the place in the form at every decision.
        stop: how the recorded answer ended.
        ends: the tokens that end a turn.
    """

    def __init__(
        self,
        recorded: Recorded,
        states: Sequence[State],
        stop: Literal["end", "ceiling"],
        ends: Sequence[int],
    ):
        self._recorded = recorded
        self._states = states
        self._stop: Literal["end", "ceiling"] = stop
        self._ends: Ids = np.array(ends, dtype=np.int64)
        self._path = key(*recorded.request.key)
        self._digest = hashlib.sha256(bytes.fromhex(recorded.request.digest))
        self._legal_mass: list[float] = []
        self._shares: list[tuple[float, ...]] = []
        self._found: list[Disagreement] = []
        self._seen = 0

    @property
    def decisions(self) -> int:
        """Rows of logits this answer was drawn from."""
        return len(self._states)

    def see(self, logits: Logits) -> None:
        """Take the next row."""
        request, index = self._recorded.request, self._seen
        state = self._states[index]
        self._seen += 1
        self._digest.update(logits.tobytes())
        mask = request.grammar.mask(state)
        if request.grammar.is_decision(state):
            self._legal_mass.append(legal_mass(logits, mask))
        if words := request.grammar.scored(state):
            self._shares.append(word_shares(logits, words))
        noise = key(self._path, index)
        drawn = draw(logits, mask, request.sampling, noise).token
        tokens = self._recorded.tokens
        stood = self._ends if index == len(tokens) else np.array(tokens[index : index + 1])
        if drawn not in stood:
            gap = margin(logits, mask, request.sampling, noise, drawn=drawn, recorded=stood)
            self._found.append(Disagreement(index, drawn, gap))

    def close(self) -> Reading:
        """What was found."""
        return Reading(
            self._stop,
            self._seen,
            tuple(self._legal_mass),
            self._digest.hexdigest(),
            tuple(self._found),
            tuple(self._shares),
        )


def plan_reading(recorded: Recorded, ends: Sequence[int]) -> Reader:
    """Follow a recorded answer through its form.

    Args:
        recorded: the answer.
        ends: the tokens that end a turn.

    Raises:
        GrammarError: the answer does not keep its form, or goes past its token ceiling.
    """
    request = recorded.request
    ceiling = request.sampling.max_tokens
    state: State | None = request.grammar.start
    states: list[State] = []
    for index, token in enumerate(recorded.tokens):
        if state is None:
            raise GrammarError(f"the answer goes on after its form is complete (token {index})")
        if index == ceiling:
            raise GrammarError(f"the answer is longer than its ceiling of {ceiling} tokens")
        if token in ends or not 0 <= token < len(request.grammar.vocabulary):
            raise GrammarError(f"token {index} of the answer ({token}) cannot stand in an answer")
        states.append(state)
        state = request.grammar.next(state, token)
    if state is None:
        return Reader(recorded, states, "end", ends)
    if len(recorded.tokens) == ceiling:
        return Reader(recorded, states, "ceiling", ends)
    if not request.grammar.may_end(state):
        raise GrammarError(f"the answer stops where its form may not end ('{state.node}')")
    return Reader(recorded, [*states, state], "end", ends)
