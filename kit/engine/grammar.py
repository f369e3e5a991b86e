"""The form of an answer: a graph of fixed words and free lines, read token by token.

An answer is a path through nodes. A :class:`Choice` offers fixed words (a channel's tag, a scale's
label); a :class:`Line` holds free text up to a number of characters and ends with a newline. A
token lies within one node, except that the newline ending a line may be glued to its last word.

The graph is compiled against a vocabulary. Because a choice admits few tokens and a line's rule
needs only three cached facts per token, legality costs microseconds, and the legal set of a choice
is known exactly: no call into the inference library, nothing that can abort the process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kit.engine.vocabulary import BOUNDARY, Flags, Ids, Utf8, Vocabulary, advance
from kit.errors import GrammarError

END = "end"
"""The name of the node where an answer is complete."""

_NO_TEXT = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
"""Characters that `kit.engine.vocabulary.advance` refuses where they lie within one piece."""


class Choice(NamedTuple):
    """Fixed words, each leading to a node."""

    options: Mapping[str, str]
    """Word to the name of the next node."""
    may_end: bool = False
    """The turn may end here instead."""
    decision: bool = False
    """Record how much of the model's own probability is legal here."""
    scored: bool = False
    """Record how the legal probability divides over the words, which begin with different bytes."""


class Line(NamedTuple):
    """Free text up to the end of a line."""

    max_chars: int
    next: str
    """The node after the newline."""
    min_chars: int = 1
    may_end: bool = True
    """The turn may end here instead of the line."""


Node = Choice | Line


class State(NamedTuple):
    """A place in the graph."""

    node: str
    written: bytes = b""
    """Bytes of the fixed word so far."""
    chars: int = 0
    """Characters of the line so far."""
    utf8: Utf8 = BOUNDARY


@dataclass(frozen=True, slots=True)
class Mask:
    """Which tokens are legal in one state."""

    grammar: Grammar
    state: State
    listed: Ids | None
    """All legal ids in ascending order, where they are few; None inside a line."""

    def legal(self, ids: Ids) -> Flags:
        """For each of ``ids``, whether it is legal."""
        if self.listed is not None:
            return np.isin(ids, self.listed)
        return self.grammar.legal_in_line(self.state, ids)


class Grammar:
    """An answer form over one vocabulary.

    Args:
        nodes: the graph by node name; ``END`` is implied.
        start: where an answer begins.
        vocabulary: the model's tokens.

    Raises:
        GrammarError: a node leads nowhere, words are empty or one begins another, a budget is not
            positive, no path ends, or the vocabulary cannot spell a word.
    """

    def __init__(self, nodes: Mapping[str, Node], start: str, vocabulary: Vocabulary):
        self.nodes = dict(nodes)
        self.start = State(start)
        self.vocabulary = vocabulary
        self._ends = np.array(vocabulary.ends, dtype=np.int64)
        self._listed: dict[tuple[str, bytes], Ids] = {}
        self.scores = any(isinstance(node, Choice) and node.scored for node in nodes.values())
        self._check(start)

    def _check(self, start: str) -> None:
        reached: set[str] = set()
        spelled: set[str] = set()
        todo = [start]
        ends = False
        while todo:
            name = todo.pop()
            if name == END:
                ends = True
            if name == END or name in reached:
                continue
            reached.add(name)
            node = self.nodes.get(name)
            if node is None:
                raise GrammarError(f"the form leads to '{name}', which does not exist")
            ends = ends or node.may_end
            if isinstance(node, Line):
                if node.max_chars < 1 or not 0 <= node.min_chars <= node.max_chars:
                    raise GrammarError(f"line '{name}' has no room: {node.max_chars} characters")
                todo.append(node.next)
                continue
            if not node.options:
                raise GrammarError(f"choice '{name}' offers nothing")
            words = sorted(node.options)
            for word, after in zip(words, [*words[1:], None], strict=True):
                if not word:
                    raise GrammarError(f"choice '{name}' offers an empty word")
                if after is not None and after.startswith(word):
                    raise GrammarError(f"in choice '{name}', '{word}' begins '{after}'")
                if node.scored and after and after.encode()[0] == word.encode()[0]:
                    raise GrammarError(
                        f"in choice '{name}', whose words are scored, '{word}' and '{after}' begin "
                        "alike"
                    )
                if word not in spelled:
                    self._spell(name, word)
                    spelled.add(word)
            todo.extend(node.options.values())
        if not ends:
            raise GrammarError("no path through the form ends")

    def _spell(self, name: str, word: str) -> None:
        data = word.encode()
        reachable = {0}
        for at in range(len(data)):
            if at in reachable:
                reachable |= {
                    end
                    for end in range(at + 1, len(data) + 1)
                    if data[at:end] in self.vocabulary.ids
                }
        if len(data) not in reachable:
            raise GrammarError(f"the model's vocabulary cannot spell '{word}' of choice '{name}'")

    def mask(self, state: State) -> Mask:
        """The legal tokens of ``state``."""
        node = self.nodes[state.node]
        if isinstance(node, Line):
            return Mask(self, state, None)
        key = (state.node, state.written)
        if key not in self._listed:
            self._listed[key] = self._list(node, state.written)
        return Mask(self, state, self._listed[key])

    def _list(self, node: Choice, written: bytes) -> Ids:
        found: set[int] = set()
        for word in node.options:
            data = word.encode()
            if data.startswith(written):
                rest = data[len(written) :]
                for length in range(1, len(rest) + 1):
                    found.update(self.vocabulary.ids.get(rest[:length], ()))
        if node.may_end and not written:
            found.update(self.vocabulary.ends)
        return np.array(sorted(found), dtype=np.int64)

    def legal_in_line(self, state: State, ids: Ids) -> Flags:
        """For each of ``ids``, whether the line of ``state`` may go on with it."""
        node = self.nodes[state.node]
        assert isinstance(node, Line)  # a programming error, not the user's
        row = self.vocabulary.row(state.utf8)
        chars = row.chars[ids]
        after = state.chars + chars
        legal: Flags = row.legal[ids] & (after <= node.max_chars)
        ending = row.newline[ids] & (after < node.min_chars)
        legal &= ~ending
        if node.may_end and state.utf8 == BOUNDARY and state.chars >= node.min_chars:
            legal |= np.isin(ids, self._ends)
        return legal

    def next(self, state: State, token: int) -> State | None:
        """The state after ``token``; None when the token ended the turn or completed the form.

        Raises:
            GrammarError: the token is not legal in ``state``.
        """
        node = self.nodes[state.node]
        if token in self.vocabulary.ends:
            if not bool(self.mask(state).legal(np.array([token]))[0]):
                raise GrammarError(f"the turn may not end in '{state.node}'")
            return None
        piece = self.vocabulary.pieces[token]
        if isinstance(node, Line):
            if not bool(self.legal_in_line(state, np.array([token]))[0]):
                raise GrammarError(f"token {token} is not legal in '{state.node}'")
            step = advance(state.utf8, piece)
            assert step is not None  # legal_in_line said so
            if step.newline:
                return self._enter(node.next)
            return State(state.node, b"", state.chars + step.chars, step.state)
        written = state.written + piece
        for word, following in node.options.items():
            data = word.encode()
            if data == written:
                return self._enter(following)
            if data.startswith(written) and piece:
                return State(state.node, written)
        raise GrammarError(f"token {token} is not legal in '{state.node}'")

    def may_end(self, state: State) -> bool:
        """Whether the turn may end in ``state``."""
        ends = self._ends
        return bool(len(ends)) and bool(self.mask(state).legal(ends[:1])[0])

    def holds(self, text: str) -> bool:
        """Whether ``text`` is a whole answer, after which the turn may end or has ended.

        It is what `next` and `may_end` say when the text is read token by token, told from a whole
        word or line at a time. Only a line with a character that some readers break lines at is
        never held, although bytes can spell it.
        """
        name, at = self.start.node, 0
        while name != END:
            node = self.nodes[name]
            if isinstance(node, Choice):
                word = next((word for word in node.options if text.startswith(word, at)), None)
                if word is None:
                    return at == len(text) and node.may_end and bool(self.vocabulary.ends)
                name, at = node.options[word], at + len(word)
                continue
            stop = text.find("\n", at)
            end = len(text) if stop < 0 else stop
            if not node.min_chars <= end - at <= node.max_chars or _NO_TEXT.search(text, at, end):
                return False
            if stop < 0:
                return node.may_end and bool(self.vocabulary.ends)
            name, at = node.next, stop + 1
        return at == len(text)

    def _enter(self, name: str) -> State | None:
        return None if name == END else State(name)

    def scored(self, state: State) -> tuple[Ids, ...]:
        """The tokens that begin each word, in the order of the words; none where none is scored.

        The words begin with different bytes, so that the first token tells the word.
        """
        node = self.nodes[state.node]
        if not isinstance(node, Choice) or not node.scored or state.written:
            return ()
        return tuple(self._list(Choice({word: END}), b"") for word in node.options)

    def is_decision(self, state: State) -> bool:
        """Whether ``state`` is the start of a choice whose legal mass is recorded."""
        node = self.nodes[state.node]
        return isinstance(node, Choice) and node.decision and not state.written
