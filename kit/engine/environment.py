"""The bit class: which recordings replay byte for byte on this machine with this model.

Two machines of one class compute the same golden logits, bit for bit, so everything sampled from
them is the same. The class is measured, never inferred from names of processors.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.engine.build import cpu_flags
from kit.engine.grammar import Grammar, Line
from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
from kit.engine.protocol import Prompt, Request, Tokens
from kit.spec.seeds import key
from kit.spec.study import EngineSettings, Sampling

PROBE_VERSION = 1
PROBE_TOKENS = 2112
"""Past 2,048, where some kernels change."""
_PROBE_CONTEXT = 2304
_SAMPLED = 16
_COMPILER = re.compile(rb"GCC: \([^)\0]*\) [\d.]+|clang version [\d.]+")
_VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
"""Instruction sets from the widest down."""


class Surroundings(NamedTuple):
    """What a bit class was measured on, in words; nothing of it decides the class."""

    library: str
    features: tuple[str, ...]
    compiler: str
    c_library: str
    processor: str


def surroundings(model: LlamaModel) -> Surroundings:
    """What this machine and the installed library say of themselves."""
    build = model.build
    return Surroundings(
        f"llama-cpp-python {build.version}",
        tuple(sorted(build.features)),
        _compiler(model),
        " ".join(platform.libc_ver()).strip() or "unknown",
        _processor(),
    )


def _compiler(model: LlamaModel) -> str:
    """The compiler's own words, which it leaves in the library that computes."""
    folder = model.library._base_path  # noqa: SLF001 - where the bindings loaded it from
    for path in sorted(folder.glob("*ggml-cpu*")):
        if found := _COMPILER.search(path.read_bytes()):
            return found[0].decode()
    return "unknown"


def _processor() -> str:
    """Its name and its widest vector instructions."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        field, _, value = line.partition(":")
        if field.strip() == "model name":
            name = value.strip()
            break
    flags = cpu_flags()
    widest = next((words for flag, words in _VECTORS.items() if flag in flags), None)
    return f"{name}, {widest}" if widest else name


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
        settings: the K cache's type, flash attention and the GPU are part of the class.
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
    golden = measure(model, model_sha256=model_sha256, settings=settings, threads=threads)
    found = golden.bit_class
    if cache is not None:
        record = {"bit_class": found, "processor": platform.processor(), "model": model_sha256}
        try:
            cache.mkdir(parents=True, exist_ok=True)
            (cache / f"{name}.json").write_text(json.dumps(record))
        except OSError:
            pass  # a read-only store only costs the next measurement
    return found


class Golden(NamedTuple):
    """What a bit class is the hash of."""

    bit_class: str
    places: tuple[int, ...]
    """How many tokens stood before each row of logits that is hashed, in ascending order."""
    tokens: Tokens
    """What was drawn from the last of them."""


def measure(
    model: LlamaModel,
    *,
    model_sha256: str,
    settings: EngineSettings,
    threads: int | None = None,
) -> Golden:
    """Compute the golden logits, draw from the last of them, and hash both."""
    length = min(PROBE_TOKENS, max(64, model.context_length - 64))
    engine = LlamaEngine(
        model,
        model_sha256=model_sha256,
        settings=settings.model_copy(update={"context": _PROBE_CONTEXT}),
        capacity=1,
        threads=threads,
        plain=True,
    )
    try:
        text = [index for index, piece in enumerate(model.vocabulary.pieces) if piece]
        tokens = tuple(text[key("golden", place) % len(text)] for place in range(length))
        digest = hashlib.sha256(str(PROBE_VERSION).encode())
        places: list[int] = []
        for start in range(0, length - 64, 512):
            end = min(start + 512, length - 64)
            digest.update(engine.logits_after(0, tokens[start:end]).tobytes())
            places.append(end)
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
    places += range(length, length + len(sampled.tokens))
    return Golden(digest.hexdigest(), tuple(places), sampled.tokens)


def _cache_name(model: LlamaModel, model_sha256: str, settings: EngineSettings) -> str:
    """Everything that could move a bit between two starts on what looks like the same machine."""
    facts: list[Any] = [
        PROBE_VERSION,
        model_sha256,
        settings.model_dump(mode="json", exclude={"context"}),
        model.build.sha256,
        sorted(cpu_flags()),
        platform.libc_ver(),
        platform.machine(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
