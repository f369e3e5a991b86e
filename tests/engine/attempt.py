"""A changed model file taken the way a user's goes: pinned, pulled, loaded, asked."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import os
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.errors import EngineError, KitError, ModelError
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import Store
from kit.runner.weights import load_weights
from kit.spec.pins import ModelPin
from kit.spec.study import EngineSettings

_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER``: whoever is left alone becomes a child of this process."""
_PATIENCE = 60.0
"""Seconds in which a process whose parent has ended must end too."""
NAME = "mutant.gguf"


class Outcome(StrEnum):
    """How a file ended."""

    HEADER = "refused by the check of the header"
    LLAMA = "refused by llama.cpp"
    ENDED = "llama.cpp ended its process, which was not the kit's"
    USELESS = "loads, and is refused for its template, vocabulary or numbers"
    WORKS = "loads and computes"


class Attempt(NamedTuple):
    """What became of a file."""

    outcome: Outcome
    message: str
    faults: tuple[str, ...]
    """What must not happen: a file changed or written, a process left, another kind of error."""


def pin_of(data: bytes) -> ModelPin:
    """A pin by which the changed bytes are the right ones."""
    return ModelPin.model_validate(
        {
            "id": "mutant",
            "family": "mutant",
            "tier": "test",
            "size": "tiny",
            "license": "mit",
            "instruct": False,
            "context_length": None,
            "source": {"kind": "folder"},
            "files": [
                {"name": NAME, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            ],
        }
    )


def attempt(data: bytes, place: Path) -> Attempt:
    """Pin ``data``, pull it into a store in ``place``, and load it from there.

    ``KIT_HOME`` must be ``place / "home"``, and this process an :func:`adopting` one.
    """
    carried = place / "carried"
    carried.mkdir(parents=True)
    (carried / NAME).write_bytes(data)
    pin, store = pin_of(data), Store(place / "home")
    pull(pin, store, source=source_of(pin, carried))
    store.path(pin)
    before, running = _contents(place), children()
    faults: list[str] = []
    try:
        _use(pin, store)
        outcome, message = Outcome.WORKS, ""
    except KitError as error:
        outcome, message = _kind(error), str(error)
    except Exception as error:  # noqa: BLE001 - any other is a fault, and is told
        outcome, message = Outcome.USELESS, repr(error)
        faults.append(f"not an error of the kit: {error!r}")
    after = _contents(place)
    faults += [f"changed: {name}" for name in before if after.get(name) != before[name]]
    receipts = {f"home/loads/{path.name}" for path in (place / "home" / "loads").glob("*.json")}
    allowed = receipts if outcome is Outcome.WORKS else set()
    faults += [f"written: {name}" for name in after.keys() - before.keys() - allowed]
    faults += [f"left running: {pid}" for pid in stragglers(running)]
    return Attempt(outcome, message, tuple(faults))


def _use(pin: ModelPin, store: Store) -> None:
    weights = load_weights(pin, store=store)
    try:
        engine = weights.engine(
            EngineSettings(context=256), capacity=1, threads=1, with_bit_class=False
        )
        words = [token for token, piece in enumerate(engine.vocabulary.pieces) if piece][:8]
        assert not np.isnan(engine.logits_after(0, tuple(words))).any()
        engine.close()
    finally:
        weights.model.close()


def _kind(error: KitError) -> Outcome:
    if isinstance(error, ModelError) and "no sound GGUF model file: byte" in error.message:
        return Outcome.HEADER
    if isinstance(error, EngineError):
        if error.message.startswith("llama.cpp refuses"):
            return Outcome.LLAMA
        if error.message.startswith("llama.cpp ended"):
            return Outcome.ENDED
    return Outcome.USELESS


def _contents(place: Path) -> dict[str, tuple[str, int]]:
    """Hash and time of every file."""
    return {
        path.relative_to(place).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """While this lasts, processes that lose their parent become children of this one."""
    library = ctypes.CDLL(None)
    library.prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(_SUBREAPER, 0, 0, 0, 0)


def children(parent: int | None = None) -> set[int]:
    """Processes whose parent is this one, or ``parent``."""
    wanted = os.getpid() if parent is None else parent
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == wanted:
                found.add(int(stat.parent.name))
    return found


def stragglers(before: set[int]) -> set[int]:
    """Children that came since, and do not end."""
    gc.collect()
    deadline = time.monotonic() + _PATIENCE
    while left := children() - before:
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            return left
        time.sleep(0.01)
    return set()
