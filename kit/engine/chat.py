"""Dialogues as text the model was trained to read: its own chat template, one turn at a time.

A template is rendered over the whole dialogue with a mark in place of every content, and the text
between the marks is what it wraps around them. That text is tokenised with special tokens on, the
contents with special tokens off, so nobody's words can open or close a turn. Each turn yields only
what is new; a template that rewrites what was already said is refused.

An answer stands where the template's own history puts one: the dialogue is rendered as if it had
gone on, and the text up to the answer's mark is the prompt. What a model answers is then, token for
token, what it will read as its own words later. Many templates ask for an answer in another form
than they remember it: gpt-oss remembers the channel ``final`` only, reasoning models drop their
thoughts. Such models are asked for the part that stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from typing import Literal, NamedTuple

from kit.engine.rendering import LIMITS, Limits, Renderer
from kit.errors import EngineError

_OPEN, _CLOSE = "\ue000", "\ue001"
_JOINT = "\n\n"


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
        limits: what the template may take; it runs in a process of its own.

    Raises:
        EngineError: the source is not valid, or takes too much.
    """

    def __init__(
        self,
        source: str,
        *,
        bos: str = "",
        eos: str = "",
        add_bos: bool = False,
        limits: Limits = LIMITS,
    ):
        self.source = source
        self._first = bos if add_bos else ""
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._rendered: dict[tuple[tuple[str, int], ...], str] = {}
        self._renderer = Renderer(source, limits=limits)
        self._renderer.check()

    def opening(self, messages: Sequence[Message]) -> list[Piece]:
        """The text from the start of a dialogue to where the model answers.

        Raises:
            EngineError: the template fails or drops a message.
        """
        text = self._up_to_answer(messages)
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
        said = len(messages) - 2
        spoken = self._up_to_answer(messages[:said]) + _mark(said, 0)
        text = self._up_to_answer(messages)
        if not text.startswith(spoken):
            raise EngineError(
                "the model's chat template rewrites earlier turns: a dialogue cannot be continued",
                hint="use a model whose template only appends, or 'chat_template: plain'",
            )
        return _split(text[len(spoken) :], messages, said + 1)

    def _up_to_answer(self, messages: Sequence[Message]) -> str:
        """The template's history of the dialogue gone on, up to the answer to ``messages``.

        Marks stand for all contents, so dialogues of one shape are rendered once.
        """
        shape = tuple((message.role, len(message.segments)) for message in messages)
        if shape not in self._rendered:
            self._rendered[shape] = self._render_up_to_answer(messages)
        return self._rendered[shape]

    def _render_up_to_answer(self, messages: Sequence[Message]) -> str:
        answered = [*messages, Message("assistant")]
        shown = _shown([*answered, Message("user")])
        if messages[0].role == "system" and self._misplaces_system:
            shown = _folded(shown)
        text = self._render(shown)
        for index, message in enumerate(answered):
            if _mark(index, 0) not in text:
                raise _left_out(message.role)
        return text.partition(_mark(len(messages), 0))[0]

    @cached_property
    def _misplaces_system(self) -> bool:
        """Whether the system message has a place in a single turn only, inside the user message.

        Some templates (Mistral's before 2025) write it into the last user message, so that it moves
        with every turn. It then stays where a single turn has it, in the first user message.
        """
        single = _shown([Message("system"), Message("user")])
        grown = _shown([Message("system"), Message("user"), Message("assistant"), Message("user")])
        if _mark(0, 0) in self._render(grown).partition(_mark(2, 0))[0]:
            return False
        return self._render(single) == self._render(_folded(single))

    def _render(self, shown: Sequence[_Shown]) -> str:
        messages = [message._asdict() for message in shown]
        return self._renderer.render(
            {"messages": messages, "add_generation_prompt": False, **self._tokens}
        )


class _Shown(NamedTuple):
    """A message as a template sees it."""

    role: str
    content: str


def _shown(messages: Sequence[Message]) -> list[_Shown]:
    """``messages`` with a mark for every part of their contents."""
    return [
        _Shown(
            message.role,
            _JOINT.join(_mark(index, part) for part in range(max(1, len(message.segments)))),
        )
        for index, message in enumerate(messages)
    ]


def _folded(shown: Sequence[_Shown]) -> list[_Shown]:
    """The system message as the beginning of the first user message."""
    system, user, *others = shown
    return [_Shown(user.role, system.content + _JOINT + user.content), *others]


def _mark(message: int, part: int) -> str:
    return f"{_OPEN}{message}.{part}{_CLOSE}"


def _split(text: str, messages: Sequence[Message], first: int) -> list[Piece]:
    pieces: list[Piece] = []
    for index in range(first, len(messages)):
        for part, segment in enumerate(messages[index].segments):
            wrapped, found, text = text.partition(_mark(index, part))
            if not found:
                raise _left_out(messages[index].role)
            if _OPEN in wrapped:
                raise _repeated()
            if wrapped:
                pieces.append(Piece(wrapped, special=True))
            pieces.append(Piece(segment, special=False, shareable=messages[index].role == "system"))
    if _OPEN in text:
        raise _repeated()
    if text:
        pieces.append(Piece(text, special=True))
    return pieces


def _left_out(role: str) -> EngineError:
    return EngineError(
        f"the model's chat template leaves out the {role} message",
        hint="pin the model with 'chat_template: plain' in models.yaml",
    )


def _repeated() -> EngineError:
    return EngineError(
        "the model's chat template repeats a message",
        hint="pin the model with 'chat_template: plain' in models.yaml",
    )
