"""How fast other models will be on this machine, judged by one that was measured on it.

Speaking is bound by how fast weights come out of memory, reading by arithmetic, of which each
weight asks the same. Both are taken to cost in proportion to the bytes of the weights that a token
is computed with.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kit.engine.build import BuildInfo, cpu_flags
from kit.engine.llama import cores
from kit.errors import OutputError
from kit.gguf import Header
from kit.runner.calibration import Speed, measure
from kit.runner.weights import Weights
from kit.spec.study import EngineSettings

AGENTS = 10
"""Dialogues that are answered together."""
SPREAD = 2.0
"""A predicted speed may be wrong by this factor either way: formats of weights, and how much of
them a processor's cache holds, differ between models."""
_ROOM = 1024
_EMBEDDING, _OUTPUT, _EXPERTS = "token_embd.weight", "output.weight", "_exps."


class ActiveWeights(NamedTuple):
    """Bytes of a model's weights that tokens are computed with."""

    prompt: int
    """For one token of a prompt: without the output layer, which prompts do not need."""
    answer: int
    """For one token of an answer."""
    together: int
    """For a token of every agent's answer at once. The same as for one, unless the model is a
    mixture of experts: then different tokens need different ones."""


class Measurement(NamedTuple):
    """What a model did on this machine."""

    sha256: str
    """The identity of the model's bytes."""
    weights: ActiveWeights
    speed: Speed


class SpeedRange(NamedTuple):
    """What to expect of a model."""

    slow: Speed
    likely: Speed
    fast: Speed


def active_weights(headers: Sequence[Header]) -> ActiveWeights | None:
    """The weights that tokens are computed with, or None where the files do not say.

    Args:
        headers: of all parts of one model.
    """
    tensors = [tensor for header in headers for tensor in header.tensors]
    experts = sum(tensor.size for tensor in tensors if _EXPERTS in tensor.name)
    tied = all(tensor.name != _OUTPUT for tensor in tensors)
    head = sum(t.size for t in tensors if t.name == (_EMBEDDING if tied else _OUTPUT))
    rest = sum(
        tensor.size
        for tensor in tensors
        # Of an embedding one row is looked up.
        if tensor.name not in {_EMBEDDING, _OUTPUT} and _EXPERTS not in tensor.name
    )
    share = together = 1.0
    if experts:
        name = headers[0].architecture
        count = headers[0].metadata.get(f"{name}.expert_count")
        used = headers[0].metadata.get(f"{name}.expert_used_count")
        if not (isinstance(count, int) and isinstance(used, int) and 0 < used <= count):
            return None
        share = used / count
        together = 1 - (1 - share) ** AGENTS
    if not rest + experts:
        return None
    return ActiveWeights(
        rest + round(experts * share),
        rest + head + round(experts * share),
        rest + head + round(experts * together),
    )


def is_busy() -> bool:
    """Whether other programs use half of the processors or more, by the last minute's load."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] >= max(1.0, cores() / 2)


def time_model(weights: Weights, active: ActiveWeights, settings: EngineSettings) -> Measurement:
    """Measure a loaded model, once to bring its weights into memory and once for the result.

    Raises:
        EngineError: ten dialogues of a thousand tokens cannot be held.
    """
    engine = weights.engine(settings, capacity=AGENTS, room=_ROOM, with_bit_class=False)
    try:
        measure(engine)
        return Measurement(weights.sha256, active, measure(engine))
    finally:
        engine.close()


def predict(
    known: Iterable[Measurement], sha256: str, weights: ActiveWeights | None
) -> SpeedRange | None:
    """The speed of a model, from its own measurement or the one nearest in size.

    Args:
        known: this machine's measurements.
        sha256: the identity of the model's bytes.
        weights: of the model; None where they are not known, which only its own measurement helps.

    Returns:
        None if nothing was measured that tells.
    """
    measured = {one.sha256: one for one in known}
    if (own := measured.get(sha256)) is not None:
        return SpeedRange(own.speed, own.speed, own.speed)
    if weights is None or not measured:
        return None
    near = min(
        measured.values(), key=lambda one: abs(math.log(one.weights.answer / weights.answer))
    )
    read = near.speed.read * near.weights.prompt / weights.prompt
    # Ten tokens need the arithmetic of ten, but most of a mixture's experts from memory.
    arithmetic = near.speed.speak * near.weights.answer / weights.answer
    memory = near.speed.speak * near.weights.together / weights.together
    slow, fast = sorted((arithmetic, memory))
    return SpeedRange(
        Speed(read / SPREAD, slow / SPREAD),
        Speed(read, math.sqrt(slow * fast)),
        Speed(read * SPREAD, fast * SPREAD),
    )


def record_path(home: Path, build: BuildInfo) -> Path:
    """The file of what was measured with ``build`` on processors like this machine's."""
    facts = [build.sha256, sorted(cpu_flags()), platform.machine(), cores()]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return home / "speed" / f"{name}.json"


def recall(path: Path) -> tuple[Measurement, ...]:
    """What was measured before; nothing where there is no record, or none that can be read."""
    try:
        rows = json.loads(path.read_bytes())["measured"]
        found = [
            Measurement(str(row["sha256"]), ActiveWeights(*row["weights"]), Speed(*row["speed"]))
            for row in rows
        ]
        usable = all(
            0 < number < math.inf for one in found for number in (*one.weights, *one.speed)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(found) if usable else ()


def remember(path: Path, measurement: Measurement) -> None:
    """Add ``measurement`` to a record in one step, in place of an earlier one of the same model.

    Raises:
        OutputError: the record cannot be written.
    """
    kept = [one for one in recall(path) if one.sha256 != measurement.sha256]
    rows = [one._asdict() for one in (*kept, measurement)]
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"measured": rows}, indent=1) + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            f"the measured speed cannot be kept: {error.strerror}",
            where=path.parent,
            hint="set KIT_HOME to a folder you may write",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
