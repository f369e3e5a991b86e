"""Bit classes that were measured before, and which recordings are of this machine's class."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from kit.engine.build import BuildKind
from kit.engine.environment import PROBE_VERSION
from kit.errors import SpecError
from kit.runlog.reader import COMPLETE, MAX_LINE_BYTES, PARTIAL
from kit.runlog.records import Digest, Header
from kit.spec.loading import Frozen, load
from kit.spec.pins import ModelPin
from kit.spec.study import EngineSettings

TABLE = Path(__file__).with_name("bit_classes.yaml")


class KnownClass(Frozen):
    """What one kind of machine computes with one model."""

    model: str
    """Id of ``models.yaml``."""
    model_sha256: Digest
    k_type: Literal["f16", "q8_0"]
    flash_attention: bool = False
    bit_class: Digest
    build: BuildKind
    library: str
    """Package and version."""
    features: tuple[str, ...] = Field(min_length=1)
    """What the library says it was compiled with."""
    compiler: str
    c_library: str
    processors: tuple[str, ...] = Field(min_length=1)
    """Families that gave this class, with their widest vector instructions."""
    measured: str
    """On what kind of machine, and since when."""


class KnownClasses(Frozen):
    """The table that comes with the kit."""

    probe_version: int
    """Version of the golden logits; classes of another one compare with nothing."""
    classes: tuple[KnownClass, ...]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.probe_version != PROBE_VERSION:
            raise ValueError(
                f"the table is of probe version {self.probe_version}, the kit's is {PROBE_VERSION}"
            )
        seen = Counter(
            (known.model_sha256, known.k_type, known.flash_attention, known.bit_class)
            for known in self.classes
        )
        if twice := next((each for each, count in seen.items() if count > 1), None):
            raise ValueError(f"class {twice[-1][:16]} stands twice; list its processors together")
        return self

    def of(self, model_sha256: str, settings: EngineSettings) -> list[KnownClass]:
        """The classes that are known for one model and these settings."""
        wanted = (model_sha256, settings.k_type, settings.flash_attention)
        return [
            known
            for known in self.classes
            if (known.model_sha256, known.k_type, known.flash_attention) == wanted
        ]


class Recording(StrEnum):
    """What can be said of a finished log before it is replayed."""

    HERE = "here"
    """Recorded in this machine's bit class: it replays byte for byte."""
    ELSEWHERE = "elsewhere"
    """Recorded in another class: it is read back and scored, not replayed."""
    NOT_ASKED = "not asked"
    """Of another model or other engine settings: its class was not measured."""
    UNREADABLE = "unreadable"
    """Its first line is no header."""


class Recordings(NamedTuple):
    """The finished logs of one folder."""

    folder: Path
    counts: Counter[Recording]
    other_models: tuple[str, ...]
    """Models of the logs that were not asked about, sorted."""


def load_known(path: Path = TABLE) -> KnownClasses:
    """The table of known bit classes.

    Raises:
        SpecError: it cannot be read, or contradicts itself.
    """
    return load(KnownClasses, path)


def recordings(
    folder: Path, *, pin: ModelPin, model_sha256: str, settings: EngineSettings, bit_class: str
) -> Recordings:
    """Sort the finished logs in and below ``folder`` by whether they replay on this machine.

    Args:
        folder: a result folder, or one that holds several.
        pin: the model whose class was measured.
        model_sha256: its hash.
        settings: the settings it was measured with.
        bit_class: what was found.

    Raises:
        SpecError: there is no such folder.
    """
    if not folder.is_dir():
        raise SpecError(
            "no such result folder", where=folder, hint="'kit run STUDY' makes one in results"
        )
    counts: Counter[Recording] = Counter()
    others: set[str] = set()
    for path in sorted(folder.rglob(f"runs/*{COMPLETE}")):
        if path.name.endswith(PARTIAL):
            continue
        header = _header(path)
        if header is None:
            counts[Recording.UNREADABLE] += 1
            continue
        engine = header.engine
        asked = (
            header.model_sha256 == model_sha256
            and engine.get("k_type") == settings.k_type
            and engine.get("flash_attention", False) == settings.flash_attention
            and header.bit_class is not None
        )
        if not asked:
            counts[Recording.NOT_ASKED] += 1
            if header.model != pin.id:
                others.add(header.model)
        elif header.bit_class == bit_class:
            counts[Recording.HERE] += 1
        else:
            counts[Recording.ELSEWHERE] += 1
    return Recordings(folder, counts, tuple(sorted(others)))


def _header(path: Path) -> Header | None:
    """The first line of a log; whether the rest is whole is for replay to say."""
    try:
        with path.open("rb") as file:
            return Header.model_validate_json(file.readline(MAX_LINE_BYTES))
    except (OSError, ValidationError, ValueError):
        return None
