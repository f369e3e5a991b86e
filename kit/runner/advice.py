"""Which models this machine can hold, told before any of them is here.

What cannot be known of a model without its file stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from kit.engine.build import BuildInfo, BuildKind, inspect_build
from kit.engine.devices import DeviceKind, devices
from kit.engine.llama import BATCH
from kit.errors import BuildError
from kit.gguf import Header
from kit.models.store import Store
from kit.runner import size
from kit.runner.demand import Demand
from kit.runner.speed import AGENTS
from kit.spec.pins import Attention, KeyType, ModelPin

BASE_BYTES = 500_000_000
"""Memory for everything that grows neither with the weights nor with the context."""
STEP = 1024
"""Tokens that an agent's context is rounded down to."""
_MASKS = 2
"""Attention masks: one for full attention, one for a window."""


class Machine(NamedTuple):
    """What there is to run on. None where the system does not tell."""

    memory: int | None
    """Bytes free."""
    gpu: int | None
    """Bytes free on all GPUs together; None without a GPU that the library computes on."""
    disk: int | None
    """Bytes free where the store is."""
    build: BuildInfo | None
    """The installed library; None if it cannot be used."""

    @property
    def room(self) -> int | None:
        """Bytes for a model: a GPU's where there is one."""
        return self.memory if self.gpu is None else self.gpu


class Need(NamedTuple):
    """Memory that a model takes."""

    weights: int
    cache: int | None
    """KV cache of one token of one dialogue."""
    scratch: int | None
    """Attention scores of one batch, per token of context. Where the number of heads is not known,
    a tenth of all caches is allowed."""

    @property
    def fixed(self) -> int:
        """Bytes at any context."""
        return self.weights + BASE_BYTES

    @property
    def per_token(self) -> int | None:
        """Bytes per token of context that every agent is given."""
        if self.cache is None:
            return None
        caches = AGENTS * self.cache
        return caches + (caches // 10 if self.scratch is None else self.scratch)

    def total(self, context: int) -> int | None:
        """Bytes with ``context`` tokens for every agent."""
        return None if self.per_token is None else self.fixed + context * self.per_token


class Verdict(StrEnum):
    """Whether a study can be run with a model."""

    FITS = "fits"
    SHORTER = "shorter"
    """With less context per agent than the study may need."""
    WEIGHTS_ONLY = "weights only"
    """There is no room for ten agents."""
    TOO_LARGE = "too large"
    TOO_SHORT = "too short"
    """The model's own context cannot hold the study's longest dialogue."""
    UNKNOWN = "unknown"


class Fit(NamedTuple):
    """A verdict and its numbers."""

    verdict: Verdict
    tokens: int | None = None
    """Context for every agent that there is memory for."""
    lacking: int = 0
    """Bytes that the weights alone are too large by."""


def survey(store: Store) -> Machine:
    """Look at this machine. Loads the library, and no model."""
    try:
        build = inspect_build()
        found = devices(fast=True, gpu=True) if build.kind is BuildKind.GPU else ()
    except BuildError:
        build, found = None, ()
    gpus = [
        device.free
        for device in found
        if device.kind in (DeviceKind.GPU, DeviceKind.INTEGRATED_GPU)
    ]
    disk = size.free_disk(store.root)
    return Machine(size.free_memory(), sum(gpus) if gpus else None, disk, build)


def missing_bytes(store: Store, pin: ModelPin) -> int:
    """Bytes that pulling ``pin`` would still write."""

    def lacking(path: Path, length: int) -> int:
        return max(0, length - (path.stat().st_size if path.is_file() else 0))

    return sum(
        lacking(store.part_path(file), file.bytes)
        for file in pin.files
        if not store.object_path(file).is_file()
    )


def need(
    pin: ModelPin, attention: Attention | None, k_type: KeyType, headers: Sequence[Header] = ()
) -> Need:
    """Memory that ``pin`` takes.

    Args:
        pin: the model.
        attention: the shape of its cache, from the pin or from its file.
        k_type: type of the K cache.
        headers: of its files, where they are here.
    """
    cache = None if attention is None else attention.cache_bytes_per_token(k_type)
    heads = 0
    if headers:
        found = headers[0].metadata.get(f"{headers[0].architecture}.attention.head_count")
        values = found if isinstance(found, tuple) else (found,)
        heads = max((value for value in values if isinstance(value, int)), default=0)
    scratch = 4 * BATCH * (heads + _MASKS) if heads else None
    return Need(pin.total_bytes, cache, scratch)


def context_for(pin: ModelPin, asked: Demand) -> int:
    """Tokens that each agent is given: what the study allows, unless the model can read less."""
    return min(asked.context, pin.context_length or asked.context)


def fit(pin: ModelPin, needed: Need, asked: Demand, free: int | None) -> Fit:
    """Whether ten agents fit.

    Args:
        pin: the model.
        needed: its memory.
        asked: the study.
        free: bytes of memory to be had; None where that is not known.
    """
    context = context_for(pin, asked)
    if context < asked.floor:
        return Fit(Verdict.TOO_SHORT, context)
    if free is None:
        return Fit(Verdict.UNKNOWN)
    if needed.fixed > free:
        return Fit(Verdict.TOO_LARGE, 0, needed.fixed - free)
    if needed.per_token is None:
        return Fit(Verdict.UNKNOWN)
    tokens = (free - needed.fixed) // needed.per_token
    if tokens >= context:
        return Fit(Verdict.FITS, context)
    tokens -= tokens % STEP
    return Fit(Verdict.SHORTER if tokens else Verdict.WEIGHTS_ONLY, tokens)
