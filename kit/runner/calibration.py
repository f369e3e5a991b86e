"""How fast this machine reads and speaks, measured in seconds, and what a plan will take."""

from __future__ import annotations

import time
from typing import NamedTuple

from kit.engine.grammar import Grammar, Line
from kit.engine.llama import LlamaEngine
from kit.engine.protocol import Prompt, Request
from kit.spec.seeds import key
from kit.spec.study import Sampling

_READ = 256
_SPOKEN = 8
_DEPTH_PENALTY = 2.5
"""Reading at a depth of several thousand tokens is up to this much slower than at the start."""
_LEAST_USED = 0.25
"""Answers use between this share of their ceiling and all of it."""


class Speed(NamedTuple):
    """Measured at the start of a context."""

    read: float
    """Prompt tokens per second."""
    speak: float
    """Answer tokens per second, all dialogues together."""


class Estimate(NamedTuple):
    """Seconds, from best to worst case."""

    low: float
    likely: float
    high: float


def measure(engine: LlamaEngine) -> Speed:
    """Time a short prompt and a few tokens of every dialogue.

    The engine's dialogues are cleared before and after.
    """
    engine.clear()
    text = [index for index, piece in enumerate(engine.vocabulary.pieces) if piece]
    prompt = tuple(text[key("speed", place) % len(text)] for place in range(_READ))
    started = time.perf_counter()
    engine.logits_after(0, prompt)
    read = _READ / (time.perf_counter() - started)
    engine.clear()
    form = Grammar({"line": Line(100 * _SPOKEN, "end", may_end=False)}, "line", engine.vocabulary)
    requests = [
        Request(
            sequence, Prompt(prompt[:4]), form, Sampling(max_tokens=_SPOKEN), ("speed", sequence)
        )
        for sequence in range(engine.capacity)
    ]
    started = time.perf_counter()
    answers = engine.generate(requests)
    seconds = time.perf_counter() - started - 4 * engine.capacity / read
    engine.clear()
    spoken = sum(len(answer.tokens) for answer in answers)
    return Speed(read, spoken / max(seconds, 1e-3))


def estimate(speed: Speed, *, answers: int, prompt_tokens: int, ceiling: int) -> Estimate:
    """Seconds a plan will take.

    Args:
        speed: this machine's.
        answers: agent turns to make.
        prompt_tokens: what all agents read together, if every answer were as long as it may be.
        ceiling: tokens of one answer, at most.
    """

    def seconds(used: float, depth: float) -> float:
        # Most of what an agent reads is what others said, so prompts shrink with the answers.
        read = prompt_tokens * (0.3 + 0.7 * used) / speed.read * depth
        return read + answers * ceiling * used / speed.speak * depth

    return Estimate(seconds(_LEAST_USED, 1.0), seconds(0.5, 1.4), seconds(1.0, _DEPTH_PENALTY))
