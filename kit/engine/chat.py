"""Dialogues as text the model was trained to read: its own chat template, one turn at a time.

A template is rendered over the whole dialogue with a mark in place of every content, and the text
between the marks is what it wraps around them. That text is tokenised with special tokens on, the
contents with special tokens off, so nobody's words can open or close a turn. Each turn yields only
what is new; a template that rewrites what was already said is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Literal, NamedTuple, NoReturn

import jinja2
import jinja2.sandbox

from kit.errors import EngineError

_OPEN, _CLOSE = "\ue000", "\ue001"
_FROZEN_NOW = {"%d %b %Y": "01 Jan 2026", "%Y-%m-%d": "2026-01-01", "%B %d, %Y": "January 01, 2026"}


class Message(NamedTuple):
    """One message of a dialogue."""

    role: Literal["system", "user", "assistant"]
    segments: tuple[str, ...] = ()
    """The content in parts; equal leading parts of several dialogues are computed once.

    Empty for an assistant message: what the model said stays in its own tokens.
    """


class Piece(NamedTuple):
    """Text to tokenise on its own."""

    text: str
    special: bool
    """Whether it may hold special tokens: true for the template's own text only."""
    shareable: bool = False
    """Other dialogues may begin with the same text up to here."""


def plain_template() -> str:
    """The kit's template for models that carry none."""
    return resources.files("kit.engine").joinpath("templates/plain.jinja").read_text("utf-8")


class ChatTemplate:
    """A model's chat template.

    Args:
        source: Jinja source.
        bos, eos: the text of the model's begin and end tokens, which templates may write.
        add_bos: the model expects ``bos`` first, also where the template does not write it.

    Raises:
        EngineError: the source is not valid.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "", add_bos: bool = False):
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _frozen_now
        self.source = source
        self._first = bos if add_bos else ""
        self._tokens = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise EngineError(f"the model's chat template is not valid: {error}") from error

    def opening(self, messages: Sequence[Message]) -> list[Piece]:
        """The text from the start of a dialogue to where the model answers.

        Raises:
            EngineError: the template fails or drops a message.
        """
        text = self._render(messages)
        if not text.startswith(self._first):
            text = self._first + text
        return _split(text, messages, 0)

    def continuation(self, messages: Sequence[Message]) -> list[Piece]:
        """The text between the model's last answer and where it answers next.

        Args:
            messages: the whole dialogue; the last is the new user message, the one before it the
                assistant message it answers.

        Raises:
            EngineError: the template fails, or changes text that came before.
        """
        before = self._render(messages[:-2])
        after = self._render(messages)
        said = len(messages) - 2
        spoken = before + _mark(said, 0)
        if not after.startswith(spoken):
            raise EngineError(
                "the model's chat template rewrites earlier turns: a dialogue cannot be continued",
                hint="use a model whose template only appends, or 'chat_template: plain'",
            )
        return _split(after[len(spoken) :], messages, said + 1)

    def _render(self, messages: Sequence[Message]) -> str:
        shown = [
            {
                "role": message.role,
                "content": "\n\n".join(
                    _mark(index, part) for part in range(max(1, len(message.segments)))
                ),
            }
            for index, message in enumerate(messages)
        ]
        try:
            return self._template.render(messages=shown, add_generation_prompt=True, **self._tokens)
        except Exception as error:
            raise EngineError(f"the model's chat template fails: {error}") from error


def _mark(message: int, part: int) -> str:
    return f"{_OPEN}{message}.{part}{_CLOSE}"


def _split(text: str, messages: Sequence[Message], first: int) -> list[Piece]:
    pieces: list[Piece] = []
    for index in range(first, len(messages)):
        for part, segment in enumerate(messages[index].segments):
            wrapped, found, text = text.partition(_mark(index, part))
            if not found:
                raise EngineError(
                    f"the model's chat template leaves out the {messages[index].role} message",
                    hint="pin the model with 'chat_template: plain' in models.yaml",
                )
            if wrapped:
                pieces.append(Piece(wrapped, special=True))
            pieces.append(Piece(segment, special=False, shareable=messages[index].role == "system"))
    if _OPEN in text:
        raise EngineError("the model's chat template repeats a message")
    if text:
        pieces.append(Piece(text, special=True))
    return pieces


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _frozen_now(form: str) -> str:
    """A template's question for the date gets the same answer for ever."""
    return _FROZEN_NOW.get(form, "2026-01-01")
