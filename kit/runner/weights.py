"""From a pinned model to an engine that is ready to answer."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kit.engine.environment import bit_class
from kit.engine.library import load_library
from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
from kit.engine.trial import try_model
from kit.models.store import Store, home
from kit.spec.experiment import content_hash
from kit.spec.pins import ModelPin
from kit.spec.study import EngineSettings


class Weights(NamedTuple):
    """A model in memory."""

    pin: ModelPin
    model: LlamaModel
    sha256: str
    """Hash of the file, or of the list of part hashes of a split model."""

    def bit_class(self, settings: EngineSettings, *, threads: int | None = None) -> str:
        """The class of this machine's bits, measured once and then remembered."""
        return bit_class(
            self.model,
            model_sha256=self.sha256,
            settings=settings,
            cache=home() / "bit-classes",
            threads=threads,
        )

    def engine(
        self,
        settings: EngineSettings,
        *,
        capacity: int,
        threads: int | None = None,
        room: int | None = None,
        with_bit_class: bool = True,
    ) -> LlamaEngine:
        """A context for ``capacity`` dialogues.

        Raises:
            EngineError: the context cannot be made.
        """
        found = self.bit_class(settings, threads=threads) if with_bit_class else None
        return LlamaEngine(
            self.model,
            model_sha256=self.sha256,
            settings=settings,
            capacity=capacity,
            threads=threads,
            plain=self.pin.chat_template == "plain",
            bit_class=found,
            room=room,
        )


def model_sha256(pin: ModelPin) -> str:
    """The identity of a pinned model's bytes."""
    hashes = [file.sha256 for file in pin.files]
    return hashes[0] if len(hashes) == 1 else content_hash(hashes)


def load_weights(
    pin: ModelPin,
    *,
    fast: bool = False,
    store: Store | None = None,
    settings: EngineSettings | None = None,
    outline: bool = False,
) -> Weights:
    """Load a pinned model after checking its bytes against their receipt.

    Bytes that were never loaded on this machine are loaded by another process first.

    Args:
        pin: which model.
        fast: accept a build whose bits depend on batch and chunk.
        store: where it lies; the user's store unless given.
        settings: where its layers are computed.
        outline: sizes and vocabulary only.

    Raises:
        ModelError: it is not in the store, or no sound GGUF file.
        ModelCorrupt: its bytes are not the pinned ones.
        BuildError, EngineError: the library refuses, or ends on it.
    """
    shelf = store or Store()
    shelf.verify(pin)
    path: Path = shelf.path(pin)
    placement = settings or EngineSettings()
    _, build = load_library(fast=fast, gpu=placement.gpu_layers > 0)
    sha256 = model_sha256(pin)
    try_model(
        path,
        sha256=sha256,
        build_sha256=build.sha256,
        settings=placement,
        fast=fast,
        plain=pin.chat_template == "plain",
        outline=outline,
        cache=home() / "loads",
    )
    model = LlamaModel(path, fast=fast, settings=placement, outline=outline)
    return Weights(pin, model, sha256)
