"""From a pinned model to an engine that is ready to answer."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kit.engine.environment import bit_class
from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
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

    Args:
        pin: which model.
        fast: accept a build whose bits depend on batch and chunk.
        store: where it lies; the user's store unless given.
        settings: where its layers are computed.
        outline: sizes and vocabulary only.

    Raises:
        ModelError: it is not in the store.
        ModelCorrupt: its bytes are not the pinned ones.
        BuildError, EngineError: the library refuses.
    """
    shelf = store or Store()
    shelf.verify(pin)
    path: Path = shelf.path(pin)
    model = LlamaModel(path, fast=fast, settings=settings, outline=outline)
    return Weights(pin, model, model_sha256(pin))
