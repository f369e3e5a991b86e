"""From a pinned model to an engine that is ready to answer."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kit.engine.environment import bit_class
from kit.engine.llama import LlamaEngine, LlamaModel
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
        found = None
        if with_bit_class:
            found = bit_class(
                self.model,
                model_sha256=self.sha256,
                settings=settings,
                cache=home() / "bit-classes",
                threads=threads,
            )
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


def load_weights(pin: ModelPin, *, fast: bool = False, store: Store | None = None) -> Weights:
    """Load a pinned model after checking its bytes against their receipt.

    Raises:
        ModelError: it is not in the store.
        ModelCorrupt: its bytes are not the pinned ones.
        BuildError, EngineError: the library refuses.
    """
    shelf = store or Store()
    shelf.verify(pin)
    path: Path = shelf.path(pin)
    return Weights(pin, LlamaModel(path, fast=fast), model_sha256(pin))
