"""Does a token's logits depend on its prefix alone? Measured on this machine, with this model.

One question is answered alone, and then again under changed circumstances: in a batch, beside
others, read in other chunks, on other threads, copied, or read back instead of made. The rows of
logits that its tokens are drawn from must stay the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from kit.engine.grammar import Grammar, Line
from kit.engine.llama import LlamaEngine, cores
from kit.engine.model import LlamaModel
from kit.engine.protocol import Prompt, Request, Tokens
from kit.engine.reading import Recorded
from kit.engine.sampler import Logits
from kit.spec.seeds import key
from kit.spec.study import EngineSettings, Sampling

DEEP = 2080
"""Tokens of a beginning that puts all that is compared past 2,048."""
_CHUNK = 512
_SLACK = 288
"""Tokens of context beyond the question, for neighbours and answers."""


class Rows(StrEnum):
    """How many circumstances to measure."""

    NONE = "none"
    QUICK = "quick"
    """What is worth a user's minute: the rest is all but implied."""
    FULL = "full"


_LARGEST = {Rows.NONE: 1, Rows.QUICK: 10, Rows.FULL: 16}
"""Dialogues in the largest batch."""


class Invariance(NamedTuple):
    """One change of circumstances that must not change a bit."""

    name: str
    """Stable: the same circumstance has the same name on every machine and at every depth."""
    tokens: int
    """Tokens before the answer."""
    holds: bool
    """Every row of logits and every token of the answer are the same, bit for bit."""
    difference: float | None
    """Largest difference of any logit where it does not hold, over the rows up to the first token
    that differs; None where every bit is the same."""


class _Answer(NamedTuple):
    """Tokens, and the rows of logits they were drawn from."""

    tokens: Tokens
    rows: tuple[Logits, ...]


class _Circumstance(NamedTuple):
    """A way of asking the same question."""

    name: str
    ask: Callable[[], _Answer]
    quick: bool = False
    """It is among the quick rows."""


class _Witness(LlamaEngine):
    """An engine that keeps the rows of logits which one dialogue's tokens are drawn from."""

    _watched: int | None = None
    _reading = False
    _seen: list[Logits]

    def make(self, requests: list[Request], watched: int) -> _Answer:
        """Answer ``requests`` together and keep what one of them was drawn from."""
        self._seen = []
        self._watched = watched
        answers = self.generate(requests)
        self._watched = None
        place = next(i for i, request in enumerate(requests) if request.sequence == watched)
        return _Answer(answers[place].tokens, tuple(self._seen))

    def read_at_once(self, request: Request, tokens: Tokens) -> _Answer:
        """Read an answer back as a verification does; it stands if nothing else were drawn."""
        self._seen = []
        self._reading = True
        [reading] = self.read_back({request.sequence: [Recorded(request, tokens)]})[
            request.sequence
        ]
        self._reading = False
        forked = reading.disagreements
        if forked:
            first = forked[0]
            tokens = (*tokens[: first.token], first.drawn, *tokens[first.token + 1 :])
        return _Answer(tokens, tuple(self._seen))

    def read_one_by_one(self, request: Request, tokens: Tokens) -> _Answer:
        """Read the question, then each token of an answer in a batch of its own."""
        rows = [self.logits_after(request.sequence, request.prompt.tokens)]
        rows += [self.logits_after(request.sequence, (token,)) for token in tokens[:-1]]
        return _Answer(tokens, tuple(rows))

    def work(self, *, threads: int, chunk: int) -> None:
        """Compute with so many threads and tokens at once from now on."""
        self._library.llama_set_n_threads(self._context, threads, threads)
        self._batch_size = chunk

    def seat(self, source: int, places: set[int]) -> None:
        """Give each of ``places`` a whole copy of what ``source`` holds."""
        for place in sorted(places):
            self._copy(source, place)

    def leave(self, places: range) -> None:
        """Forget what stands at ``places``."""
        for place in places:
            self._forget(place)

    def _decide(self, answer: Any, logits: Logits) -> None:
        if answer.request.sequence == self._watched:
            self._seen.append(logits.copy())
        super()._decide(answer, logits)

    def _logits(self, index: int) -> Logits:
        row = super()._logits(index)
        if self._reading:
            self._seen.append(row.copy())
        return row


class Probe:
    """Answers the same question under different circumstances.

    The reference is the dialogue alone, on two threads, read in chunks of 512.

    Args:
        model: the weights.
        settings: cache type and flash attention matter; the context is the probe's own.
        depth: tokens of a beginning that is read once and copied to where it is needed, so that
            every circumstance can be had far into a dialogue (:data:`DEEP`); 0: everything is read
            afresh under every circumstance, in a context of its own.
        question: tokens that are read under every circumstance.
        answer: tokens that are made.
        threads: worker threads of the reference.
        rows: which circumstances.
    """

    def __init__(
        self,
        model: LlamaModel,
        settings: EngineSettings,
        *,
        depth: int = 0,
        question: int = 160,
        answer: int = 8,
        threads: int = 2,
        rows: Rows = Rows.FULL,
    ):
        self._model = model
        self._threads = threads
        self._rows = rows
        self._sampling = Sampling(max_tokens=answer)
        self._room = depth + question + answer + _SLACK
        self._settings = settings.model_copy(update={"context": self._room})
        self._text = [index for index, piece in enumerate(model.vocabulary.pieces) if piece]
        self._beginning = self._tokens("beginning", depth)
        self._question = self._tokens("question", question)
        # No answer ends before its ceiling: a newline is legal only once the line is full.
        chars = 64 * answer
        line = Line(chars, "end", min_chars=chars, may_end=False)
        self._form = Grammar({"line": line}, "line", model.vocabulary)
        self._deep: _Witness | None = None
        self._reference: _Answer | None = None

    def check(self) -> Iterator[Invariance]:
        """Compare every circumstance with the reference.

        Raises:
            EngineError: there is not enough memory for the largest batch.
        """
        if self._rows is Rows.NONE:
            return
        try:
            reference = self._ask_reference()
            for circumstance in self._circumstances():
                if circumstance.quick or self._rows is Rows.FULL:
                    found = _compare(reference, circumstance.ask())
                    tokens = len(self._beginning) + len(self._question)
                    yield Invariance(circumstance.name, tokens, found is None, found)
        finally:
            if self._deep is not None:
                self._deep.close()
                self._deep = None

    def _circumstances(self) -> Iterator[_Circumstance]:
        yield _Circumstance("the same again", self._ask_afresh, quick=not self._beginning)
        yield _Circumstance("1 thread", lambda: self._ask(threads=1), quick=True)
        yield _Circumstance("every core", lambda: self._ask(threads=cores()))
        for size in (2, 5, 10, 16):
            yield _Circumstance(
                f"in a batch of {size}", self._in_batch(size), quick=size in (5, 10)
            )
        for where, place in (("first in", 0), ("in the middle of", 2), ("last in", 4)):
            yield _Circumstance(f"{where} a batch of 5", self._in_batch(5, place))
        yield _Circumstance(
            "beside other neighbours", lambda: self._ask(size=5, place=1, others=1), quick=True
        )
        for chunk in (64, 33, 7, 1):
            yield _Circumstance(
                f"prompt read in chunks of {chunk}", self._in_chunks(chunk), quick=chunk in (33, 7)
            )
        yield _Circumstance("beginning copied from another dialogue", self._copied, quick=True)
        yield _Circumstance("answer read back at once", self._read_at_once, quick=True)
        yield _Circumstance("answer read back token by token", self._read_one_by_one, quick=True)

    def _tokens(self, name: str, count: int) -> Tokens:
        text = self._text
        return tuple(text[key("probe", name, place) % len(text)] for place in range(count))

    def _engine(self, *, threads: int, chunk: int, capacity: int) -> _Witness:
        return _Witness(
            self._model,
            model_sha256="",
            settings=self._settings,
            capacity=capacity,
            threads=threads,
            plain=True,
            batch=chunk,
        )

    def _request(self, sequence: int, prompt: Prompt) -> Request:
        return Request(sequence, prompt, self._form, self._sampling, ("probe",))

    def _neighbour(self, sequence: int, others: int) -> Request:
        """A question of another text and length; ``others`` chooses between two sets of them."""
        tokens = self._tokens(f"neighbour {others}", 200)
        length = 4 + 2 * sequence if others == 0 else 10 + 20 * sequence
        request = self._request(sequence, Prompt(tokens[sequence : sequence + length]))
        # What a neighbour says does not matter: the most probable token is the cheapest draw.
        return request._replace(sampling=self._sampling.model_copy(update={"temperature": 0.0}))

    def _ask_reference(self) -> _Answer:
        """The answer that the others are held against; keeps the beginning for them."""
        if not self._beginning:
            self._reference = self._ask_afresh()
            return self._reference
        capacity = _LARGEST[self._rows] + 1
        self._deep = self._engine(threads=self._threads, chunk=_CHUNK, capacity=capacity)
        self._deep.logits_after(0, self._beginning)
        self._deep.seat(0, {capacity - 1})
        self._reference = self._deep.make([self._request(0, Prompt(self._question))], 0)
        self._deep.leave(range(1))
        return self._reference

    def _ask_afresh(self) -> _Answer:
        """Alone, in a context of its own, from the first token on."""
        engine = self._engine(threads=self._threads, chunk=_CHUNK, capacity=1)
        try:
            prompt = Prompt((*self._beginning, *self._question))
            return engine.make([self._request(0, prompt)], 0)
        finally:
            engine.close()

    @contextmanager
    def _seats(
        self, size: int, holding: set[int], *, threads: int, chunk: int
    ) -> Iterator[_Witness]:
        """``size`` fresh dialogues; those of ``holding`` have the beginning, if there is one."""
        if self._deep is None:
            engine = self._engine(threads=threads, chunk=chunk, capacity=size)
            try:
                yield engine
            finally:
                engine.close()
            return
        self._deep.work(threads=threads, chunk=chunk)
        self._deep.seat(self._deep.capacity - 1, holding)
        yield self._deep
        self._deep.leave(range(size))

    def _ask(
        self,
        *,
        threads: int | None = None,
        chunk: int = _CHUNK,
        size: int = 1,
        place: int = 0,
        others: int = 0,
    ) -> _Answer:
        """In a batch of ``size``, at ``place``; one neighbour has the beginning too."""
        holding = {place, (place + 1 + others) % size}
        with self._seats(size, holding, threads=threads or self._threads, chunk=chunk) as engine:
            requests = [
                self._request(sequence, Prompt(self._question))
                if sequence == place
                else self._neighbour(sequence, others)
                for sequence in range(size)
            ]
            return engine.make(requests, place)

    def _in_batch(self, size: int, place: int | None = None) -> Callable[[], _Answer]:
        where = size // 3 if place is None else place
        return lambda: self._ask(size=size, place=where)

    def _in_chunks(self, chunk: int) -> Callable[[], _Answer]:
        return lambda: self._ask(chunk=chunk)

    def _copied(self) -> _Answer:
        """From a beginning that another dialogue computed."""
        if self._beginning:
            return self._ask(size=2, place=1)
        half = len(self._question) // 2
        with self._seats(2, set(), threads=self._threads, chunk=_CHUNK) as engine:
            other = Prompt((*self._question[:half], *self._question[:9]), (half,))
            requests = [
                self._request(0, other),
                self._request(1, Prompt(self._question, (half,))),
            ]
            return engine.make(requests, 1)

    def _read_at_once(self) -> _Answer:
        assert self._reference is not None  # it is asked first
        with self._seats(1, {0}, threads=self._threads, chunk=_CHUNK) as engine:
            return engine.read_at_once(
                self._request(0, Prompt(self._question)), self._reference.tokens
            )

    def _read_one_by_one(self) -> _Answer:
        assert self._reference is not None  # it is asked first
        with self._seats(1, {0}, threads=self._threads, chunk=_CHUNK) as engine:
            return engine.read_one_by_one(
                self._request(0, Prompt(self._question)), self._reference.tokens
            )


def _compare(reference: _Answer, answer: _Answer) -> float | None:
    """The largest difference of any logit; None where rows and tokens are the same, bit for bit."""
    same = reference.tokens == answer.tokens and len(reference.rows) == len(answer.rows)
    largest = 0.0
    for index, (row, other) in enumerate(zip(reference.rows, answer.rows, strict=False)):
        if reference.tokens[:index] != answer.tokens[:index]:
            break
        if row.tobytes() != other.tobytes():
            same = False
            largest = max(largest, float(np.abs(row - other).max()))
    return None if same else largest
