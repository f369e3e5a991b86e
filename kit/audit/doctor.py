"""What this machine can do, found out rather than assumed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from kit.audit.bit_classes import Recording, load_known, recordings
from kit.audit.invariance import DEEP, Probe, Rows
from kit.engine.build import BuildKind, check_cpu, inspect_build
from kit.engine.environment import surroundings
from kit.engine.llama import cores
from kit.errors import KitError
from kit.models.store import State, Store, home
from kit.runner.size import free_disk, free_memory
from kit.runner.weights import Weights, load_weights
from kit.spec.pins import ModelPin
from kit.spec.study import EngineSettings

_LEAST_MEMORY = 2_000_000_000
_LEAST_DISK = 1_000_000_000
_LEAST_PYTHON = (3, 11)
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_HELD = (State.PRESENT, State.UNKNOWN)
"""In the store; loading a file without a receipt hashes it first."""


class Grade(StrEnum):
    """How a finding stands."""

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


class Finding(NamedTuple):
    """One thing that was looked at."""

    id: str
    """Stable, for scripts."""
    grade: Grade
    text: str
    hint: str | None = None
    """What to do, where something is to be done."""


def examine(
    pin: ModelPin, *, k_type: str = "f16", rows: Rows = Rows.QUICK, results: Sequence[Path] = ()
) -> Iterator[Finding]:
    """Look at everything a run depends on.

    Args:
        pin: the model to measure bits with.
        k_type: type of the K cache.
        rows: which circumstances to measure.
        results: folders whose finished logs are held against this machine's bit class.

    Raises:
        SpecError: a result folder does not exist.
    """
    yield _python()
    yield from _machine()
    library = list(_library())
    yield from library
    store = Store()
    yield from _storage(store, pin)
    yield _offline()
    if any(finding.grade is Grade.FAIL for finding in library):
        yield Finding("bits", Grade.FAIL, "bits were not measured: the library is not usable")
    elif store.state(pin) in _HELD:
        settings = EngineSettings.model_validate({"k_type": k_type})
        yield from _bits(pin, settings, rows=rows, results=results)
    else:
        yield Finding(
            "bits",
            Grade.FAIL,
            f"bits were not measured: {pin.id} is not in the store",
            f"kit models pull {pin.id}",
        )


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _LEAST_PYTHON:
        return Finding("python", Grade.FAIL, f"Python {version}", "install Python 3.11 or newer")
    return Finding("python", Grade.OK, f"Python {version}")


def _machine() -> Iterator[Finding]:
    system = f"{platform.system()} on {platform.machine()}, {cores()} cores"
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        yield Finding("platform", Grade.OK, system)
    else:
        yield Finding("platform", Grade.NOTE, f"{system}: untested, a bit class of its own")
    memory = free_memory()
    if memory is None:
        yield Finding("memory", Grade.NOTE, "free memory is unknown")
    elif memory < _LEAST_MEMORY:
        yield Finding(
            "memory", Grade.NOTE, f"{memory / 1e9:.1f} GB of memory free", "the demo needs 2 GB"
        )
    else:
        yield Finding("memory", Grade.OK, f"{memory / 1e9:.1f} GB of memory free")
    disk = free_disk(Path.cwd())
    if disk is not None and disk < _LEAST_DISK:
        yield Finding("disk", Grade.NOTE, f"{disk / 1e9:.1f} GB of disk free here", "free some")
    elif disk is not None:
        yield Finding("disk", Grade.OK, f"{disk / 1e9:.1f} GB of disk free here")


def _library() -> Iterator[Finding]:
    try:
        check_cpu()
        info = inspect_build()
    except KitError as error:
        yield Finding("library", Grade.FAIL, error.message, error.hint)
        return
    flags = ", ".join(sorted(info.features))
    if info.kind is BuildKind.INVARIANT:
        yield Finding("library", Grade.OK, f"llama-cpp-python {info.version}, invariant: {flags}")
    else:
        yield Finding(
            "library",
            Grade.FAIL,
            f"llama-cpp-python {info.version} is a {info.kind} build: {flags}",
            "scripts/build-llama, or accept what does not replay with 'kit run --fast'",
        )


def _storage(store: Store, pin: ModelPin) -> Iterator[Finding]:
    root = home()
    writable = os.access(root if root.exists() else root.parent, os.W_OK)
    if writable:
        yield Finding("store", Grade.OK, f"model store {root}")
    else:
        yield Finding("store", Grade.NOTE, f"model store {root} is read-only: pull will not work")
    state = store.state(pin)
    if state in _HELD:
        yield Finding("model", Grade.OK, f"{pin.id} is in the store")
    else:
        yield Finding("model", Grade.FAIL, f"{pin.id} is {state}", f"kit models pull {pin.id}")


def _offline() -> Finding:
    on = [name for name in _OFFLINE if os.environ.get(name)]
    said = f"set: {', '.join(on)}" if on else "not set"
    return Finding(
        "offline", Grade.OK, f"nothing here opened a connection (offline switches {said})"
    )


def _bits(
    pin: ModelPin, settings: EngineSettings, *, rows: Rows, results: Sequence[Path]
) -> Iterator[Finding]:
    try:
        weights = load_weights(pin)
    except KitError as error:
        yield Finding("bits", Grade.FAIL, error.message, error.hint)
        return
    found = weights.bit_class(settings)
    yield Finding("bit-class", Grade.OK, f"bit class {found[:16]} ({pin.id}, K {settings.k_type})")
    yield _known(weights, settings, found)
    for folder in results:
        yield from _recordings(folder, weights, settings, found)
    for depth in (0, DEEP):
        probe = Probe(weights.model, settings, depth=depth, threads=min(2, cores()), rows=rows)
        for result in probe.check():
            where = f"{result.name}, {result.tokens:,} tokens before it"
            if result.holds:
                yield Finding("invariance", Grade.OK, f"same bits: {where}")
            else:
                yield Finding(
                    "invariance",
                    Grade.FAIL,
                    f"OTHER bits: {where} (logits differ by up to {result.difference:.2g})",
                    "runs of this machine will not replay byte for byte: scripts/build-llama",
                )


def _known(weights: Weights, settings: EngineSettings, found: str) -> Finding:
    """Whether this machine's class was met before."""
    known = load_known().of(weights.sha256, settings)
    same = [each for each in known if each.bit_class == found]
    here = surroundings(weights.model)
    if same:
        where = "; ".join(processor for each in same for processor in each.processors)
        return Finding("bit-class-known", Grade.OK, f"a known class, measured on {where}")
    if not known:
        return Finding(
            "bit-class-known",
            Grade.NOTE,
            f"no class of {weights.pin.id} with K {settings.k_type} was measured before",
        )
    return Finding(
        "bit-class-known",
        Grade.NOTE,
        f"not a known class: {here.processor}, {here.compiler}, {here.c_library}",
        "recordings of the known machines are read back and scored here: kit verify",
    )


def _recordings(
    folder: Path, weights: Weights, settings: EngineSettings, found: str
) -> Iterator[Finding]:
    """How many of a folder's finished logs replay here."""
    logs = recordings(
        folder,
        pin=weights.pin,
        model_sha256=weights.sha256,
        settings=settings,
        bit_class=found,
    )
    counts = logs.counts
    here, elsewhere = counts[Recording.HERE], counts[Recording.ELSEWHERE]
    text = f"{folder}: {here} finished {_logs(here)} of this bit class, {elsewhere} of another"
    if elsewhere:
        yield Finding(
            "recordings",
            Grade.NOTE,
            text,
            "logs of another class do not replay here byte for byte; kit verify scores them",
        )
    else:
        yield Finding("recordings", Grade.OK, text)
    if others := counts[Recording.NOT_ASKED]:
        models = f" ({', '.join(logs.other_models)})" if logs.other_models else ""
        yield Finding(
            "recordings",
            Grade.NOTE,
            f"{folder}: {others} finished {_logs(others)} of another model or K type{models}",
            "kit doctor --model ID --k-type TYPE",
        )
    if unreadable := counts[Recording.UNREADABLE]:
        yield Finding(
            "recordings",
            Grade.NOTE,
            f"{folder}: {unreadable} {_logs(unreadable)} without a header",
            "the files were changed after they were written; simulate these runs again",
        )


def _logs(count: int) -> str:
    return "log" if count == 1 else "logs"
