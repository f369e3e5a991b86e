"""What an engine is: tokens in, tokens out, for many dialogues side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

from kit.engine.chat import ChatTemplate, Piece
from kit.engine.grammar import Grammar
from kit.engine.vocabulary import Vocabulary
from kit.spec.seeds import Part
from kit.spec.study import Sampling

Tokens = tuple[int, ...]
NO_DIGEST = "0" * 64
"""Where a digest chain starts."""


class Prompt(NamedTuple):
    """Token ids to append to a dialogue."""

    tokens: Tokens
    marks: tuple[int, ...] = ()
    """Ascending positions up to which another fresh dialogue may hold the same tokens."""


class Request(NamedTuple):
    """One answer asked for."""

    sequence: int
    """Which dialogue, from 0."""
    prompt: Prompt
    grammar: Grammar
    sampling: Sampling
    key: tuple[Part, ...]
    """Path that names the answer's random draws; the token's index is appended."""
    digest: str = NO_DIGEST
    """The dialogue's digest chain so far."""


class Completion(NamedTuple):
    """One answer."""

    tokens: Tokens
    stop: Literal["end", "ceiling"]
    legal_mass: tuple[float, ...]
    """At each decision of the form, the share of the model's own probability on legal tokens."""
    digest: str
    """The chain after this answer."""
    shares: tuple[tuple[float, ...], ...] = ()
    """At each scored choice of the form, each word's share of the legal probability."""


class Engine(Protocol):
    """A source of answers.

    An engine holds ``capacity`` dialogues. What a dialogue answers depends on its own tokens and
    the request's key, never on the other dialogues or on the order of calls.
    """

    @property
    def capacity(self) -> int:
        """How many dialogues it holds at once."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The model's tokens."""

    @property
    def template(self) -> ChatTemplate:
        """The model's chat template."""

    @property
    def identity(self) -> dict[str, Any]:
        """What about the engine can change an answer, as it stands in a run's header."""

    @property
    def bit_class(self) -> str | None:
        """Hash of golden logits on this machine; None where there are no logits."""

    def tokenize(self, pieces: Sequence[Piece]) -> Prompt:
        """Token ids of ``pieces``, each tokenised on its own."""

    def clear(self) -> None:
        """Forget every dialogue."""

    def append(self, sequence: int, prompt: Prompt, answer: Tokens) -> None:
        """Put a prompt and an answer that were recorded into a dialogue."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer ``requests``, in their order.

        Raises:
            ContextFull: a dialogue would outgrow its context.
            EngineError: the library failed.
        """
