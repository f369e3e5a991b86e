"""A study with everything it refers to, frozen: what a result folder keeps as ``spec.json``.

Replay, analysis and report read this copy, never the files a researcher may have edited since.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from kit.errors import OutputError
from kit.spec.language import Language
from kit.spec.loading import Frozen
from kit.spec.pins import ModelPin
from kit.spec.study import Protocol, Study

PROTOCOL_VERSION = 1
"""Raised when the kit itself changes what an agent reads or how a token is drawn."""

FILE_NAME = "spec.json"


class Cell(NamedTuple):
    """One condition: everything about a run except its replicate."""

    model: str
    language: str
    variant: str | None
    individuated: int
    aligned: int


class Run(NamedTuple):
    """One planned simulation."""

    run_id: str
    """``<study>/<language>-a<aligned>[-i<individuated>][-v<variant>][-m<model>]-r<replicate>``."""
    cell: Cell
    replicate: int
    """From 1."""


class Experiment(Frozen):
    """One study, resolved."""

    protocol_version: int = PROTOCOL_VERSION
    study: Study
    profile: str | None
    languages: dict[str, Language]
    """By code; holds English too where an English prefix is read."""
    missing_languages: tuple[str, ...] = ()
    """Languages the study names that have no file yet."""
    models: dict[str, ModelPin]

    def protocol(self, variant: str | None) -> Protocol:
        """The protocol of one variant under this experiment's profile."""
        overrides = []
        if variant is not None:
            overrides.append(self.study.variants[variant])
        if self.profile is not None:
            overrides.append(self.study.profiles[self.profile])
        return self.study.protocol_of(*overrides)

    def runs(self) -> tuple[Run, ...]:
        """Every planned run whose language exists, cell by cell, in the order of the study file."""
        study = self.study
        runs: list[Run] = []
        for model in study.models.value:
            for language in study.languages.value:
                if language in self.missing_languages:
                    continue
                for variant in study.variants or (None,):
                    for individuated in study.individuated.value:
                        for aligned in study.aligned.value:
                            cell = Cell(model, language, variant, individuated, aligned)
                            for replicate in range(1, study.replicates.value + 1):
                                runs.append(Run(self.run_id(cell, replicate), cell, replicate))
        return tuple(runs)

    def run_id(self, cell: Cell, replicate: int) -> str:
        """The name of a run; parts that the study does not vary are left out."""
        parts = [cell.language, f"a{cell.aligned}"]
        if self.study.individuated.value != (0,):
            parts.append(f"i{cell.individuated}")
        if cell.variant is not None:
            parts.append(f"v{cell.variant}")
        if len(self.study.models.value) > 1:
            parts.append(f"m{cell.model}")
        parts.append(f"r{replicate}")
        return f"{self.study.id}/{'-'.join(parts)}"

    def to_json(self) -> bytes:
        """The experiment as canonical JSON."""
        data = self.model_dump(mode="json")
        return canonical_json(data) + b"\n"


def canonical_json(data: Any) -> bytes:
    """JSON that depends on values alone."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_hash(data: Any) -> str:
    """SHA-256 of ``data`` as canonical JSON."""
    return hashlib.sha256(canonical_json(data)).hexdigest()


def load_experiment(folder: Path) -> Experiment:
    """Read the frozen experiment of a result folder.

    Raises:
        OutputError: the folder holds none, or one of another release.
    """
    path = folder / FILE_NAME
    try:
        return Experiment.model_validate_json(path.read_bytes())
    except OSError as error:
        raise OutputError(
            "is not a result folder: it holds no spec.json",
            where=folder,
            hint="name the folder that 'kit run' wrote (its --out)",
        ) from error
    except ValidationError as error:
        raise OutputError(
            "was written by another release, or edited", where=path, hint="run the study again"
        ) from error
