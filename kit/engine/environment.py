"""The bit class: which recordings replay byte for byte on this machine with this model.

Two machines of one class compute the same golden logits, bit for bit, so everything sampled from
them is the same. The class is measured, never inferred from names of processors.
"""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from kit.engine.build import cpu_flags
from kit.engine.grammar import Grammar, Line
from kit.engine.llama import LlamaEngine, LlamaModel
from kit.engine.protocol import Prompt, Request
from kit.spec.seeds import key
from kit.spec.study import EngineSettings, Sampling

PROBE_VERSION = 1
PROBE_TOKENS = 2112
"""Past 2,048, where some kernels change."""
_PROBE_CONTEXT = 2304
_SAMPLED = 16


def bit_class(
    model: LlamaModel,
    *,
    model_sha256: str,
    settings: EngineSettings,
    cache: Path | None = None,
    threads: int | None = None,
) -> str:
    """Hash of golden logits and golden sampled tokens of ``model`` on this machine.

    Args:
        model: the weights.
        model_sha256: their hash.
        settings: the K cache type is part of the class.
        cache: folder of earlier measurements; the measurement reads about two thousand tokens.
        threads: worker threads.
    """
    name = _cache_name(model, model_sha256, settings)
    if cache is not None:
        try:
            known = json.loads((cache / f"{name}.json").read_text())
            return str(known["bit_class"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not measured yet, or unreadable: measure
    found = measure(model, model_sha256=model_sha256, settings=settings, threads=threads)
    if cache is not None:
        record = {"bit_class": found, "processor": platform.processor(), "model": model_sha256}
        try:
            cache.mkdir(parents=True, exist_ok=True)
            (cache / f"{name}.json").write_text(json.dumps(record))
        except OSError:
            pass  # a read-only store only costs the next measurement
    return found


def measure(
    model: LlamaModel,
    *,
    model_sha256: str,
    settings: EngineSettings,
    threads: int | None = None,
) -> str:
    """Compute the golden logits and hash them."""
    length = min(PROBE_TOKENS, max(64, model.context_length - 64))
    engine = LlamaEngine(
        model,
        model_sha256=model_sha256,
        settings=EngineSettings(context=_PROBE_CONTEXT, k_type=settings.k_type),
        capacity=1,
        threads=threads,
        plain=True,
    )
    try:
        text = [index for index, piece in enumerate(model.vocabulary.pieces) if piece]
        tokens = tuple(text[key("golden", place) % len(text)] for place in range(length))
        digest = hashlib.sha256(str(PROBE_VERSION).encode())
        for start in range(0, length - 64, 512):
            digest.update(
                engine.logits_after(0, tokens[start : min(start + 512, length - 64)]).tobytes()
            )
        form = Grammar({"line": Line(4 * _SAMPLED, "end", may_end=False)}, "line", model.vocabulary)
        [sampled] = engine.generate(
            [
                Request(
                    0,
                    Prompt(tokens[length - 64 :]),
                    form,
                    Sampling(max_tokens=_SAMPLED),
                    ("golden",),
                )
            ]
        )
        digest.update(bytes.fromhex(sampled.digest))
        digest.update(np.array(sampled.tokens, dtype="<i8").tobytes())
    finally:
        engine.close()
    return digest.hexdigest()


def _cache_name(model: LlamaModel, model_sha256: str, settings: EngineSettings) -> str:
    """Everything that could move a bit between two starts on what looks like the same machine."""
    facts: list[Any] = [
        PROBE_VERSION,
        model_sha256,
        settings.k_type,
        model.build.sha256,
        sorted(cpu_flags()),
        platform.libc_ver(),
        platform.machine(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
