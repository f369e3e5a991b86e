"""An engine that repeats recorded answers: to rebuild a run's prompts without its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kit.engine.chat import ChatTemplate, Piece
from kit.engine.protocol import Completion, Engine, Prompt, Request, Tokens
from kit.engine.vocabulary import Vocabulary
from kit.errors import EngineError


class RecordedEngine:
    """Repeats ``answers`` in order, and refuses a prompt that is not the recorded one.

    Args:
        answers: recorded prompts with their answers, in the order they will be asked for.
        like: the engine (or its vocabulary-only stand-in) that tokenises.
    """

    def __init__(self, answers: Iterator[tuple[Tokens, Completion]], like: Engine):
        self._answers = answers
        self._like = like

    @property
    def capacity(self) -> int:
        """As the engine it stands for."""
        return self._like.capacity

    @property
    def vocabulary(self) -> Vocabulary:
        """As the engine it stands for."""
        return self._like.vocabulary

    @property
    def template(self) -> ChatTemplate:
        """As the engine it stands for."""
        return self._like.template

    @property
    def identity(self) -> dict[str, Any]:
        """As the engine it stands for."""
        return self._like.identity

    @property
    def bit_class(self) -> str | None:
        """As the engine it stands for."""
        return self._like.bit_class

    def tokenize(self, pieces: Sequence[Piece]) -> Prompt:
        """As the engine it stands for."""
        return self._like.tokenize(pieces)

    def clear(self) -> None:
        """Nothing is held."""

    def append(self, sequence: int, prompt: Prompt, answer: Tokens) -> None:
        """Nothing is held."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """The recorded answers.

        Raises:
            EngineError: the recording has run out, or a prompt differs from the recorded one.
        """
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Completion:
        try:
            prompt, completion = next(self._answers)
        except StopIteration as error:
            raise EngineError("the recording holds no further answer") from error
        if prompt != request.prompt.tokens:
            raise EngineError("the rebuilt prompt differs from the recorded one")
        return completion
