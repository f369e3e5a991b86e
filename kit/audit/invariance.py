"""Does a token's logits depend on its prefix alone? Measured on this machine, with this model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from kit.engine.grammar import Grammar, Line
from kit.engine.llama import LlamaEngine, LlamaModel
from kit.engine.protocol import Completion, Prompt, Request, Tokens
from kit.spec.seeds import key
from kit.spec.study import EngineSettings, Sampling

_ANSWER = 12


class Invariance(NamedTuple):
    """One change of circumstances that must not change a bit."""

    name: str
    holds: bool


class Probe:
    """Answers the same question under different circumstances.

    Args:
        model: the weights.
        settings: the K cache type matters; the context is the probe's own.
        length: tokens of the prompt.
        threads: worker threads of the reference.
    """

    def __init__(
        self, model: LlamaModel, settings: EngineSettings, *, length: int = 600, threads: int = 2
    ):
        self._model = model
        self._settings = EngineSettings(context=length + 256, k_type=settings.k_type)
        self._threads = threads
        text = [index for index, piece in enumerate(model.vocabulary.pieces) if piece]
        self._prompt: Tokens = tuple(
            text[key("probe", place) % len(text)] for place in range(length)
        )
        self._form = Grammar(
            {"line": Line(4 * _ANSWER, "end", may_end=False)}, "line", model.vocabulary
        )
        self._reference = self._ask()

    def check(self) -> Iterator[Invariance]:
        """Compare every circumstance with the reference: alone, in chunks of 512."""
        changes: dict[str, Callable[[], Completion]] = {
            "the same again": self._ask,
            "1 thread": lambda: self._ask(threads=1),
            "read in chunks of 64": lambda: self._ask(batch=64),
            "read in chunks of 33": lambda: self._ask(batch=33),
            "beside 4 other dialogues": lambda: self._ask(others=4),
            "beginning copied from another dialogue": lambda: self._ask(copied=True),
            "answer read back instead of made": self._read_back,
        }
        for name, ask in changes.items():
            yield Invariance(name, ask() == self._reference)

    def _engine(self, *, threads: int, batch: int, capacity: int) -> LlamaEngine:
        return LlamaEngine(
            self._model,
            model_sha256="",
            settings=self._settings,
            capacity=capacity,
            threads=threads,
            plain=True,
            batch=batch,
        )

    def _request(self, sequence: int, prompt: Tokens, marks: tuple[int, ...] = ()) -> Request:
        return Request(
            sequence, Prompt(prompt, marks), self._form, Sampling(max_tokens=_ANSWER), ("probe",)
        )

    def _ask(
        self, *, threads: int = 0, batch: int = 512, others: int = 0, copied: bool = False
    ) -> Completion:
        engine = self._engine(
            threads=threads or self._threads, batch=batch, capacity=1 + others + copied
        )
        try:
            requests = []
            for other in range(others):
                length = 40 + 60 * other
                requests.append(self._request(other, self._prompt[5 : 5 + length]))
            marks: tuple[int, ...] = ()
            if copied:
                marks = (300,)
                requests.append(
                    self._request(others, (*self._prompt[:300], *self._prompt[:50]), marks)
                )
            requests.append(self._request(others + copied, self._prompt, marks))
            return engine.generate(requests)[-1]
        finally:
            engine.close()

    def _read_back(self) -> Completion:
        """Put half of the prompt and a made-up answer back, then go on as if it were said."""
        engine = self._engine(threads=self._threads, batch=512, capacity=1)
        try:
            engine.append(0, Prompt(self._prompt[:200]), self._prompt[200:350])
            return engine.generate([self._request(0, self._prompt[350:])])[0]
        finally:
            engine.close()
