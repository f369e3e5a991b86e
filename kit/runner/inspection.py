"""Checking every file that a study's runs are made of; nothing is written here.

A finished run is believed if all of its log is: each line is a record, the footer is that of these
lines, there are as many answers as planned, and the run hash is that of the study beside it.
Whether the words follow from the model takes the model, and is asked by :mod:`kit.audit.verify`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from kit.engine.llama import LlamaEngine
from kit.errors import OutputError, PlanError, RunLogError
from kit.runlog.reader import COMPLETE, PARTIAL, read_any
from kit.runlog.records import Header
from kit.runner.folder import Cohort, ResultFolder
from kit.runner.plan import check_finished
from kit.runner.survey import footer_count, stem
from kit.runner.untrusted import Entry, entries, frozen_experiment, holder, open_plain, read_plain
from kit.society.identity import run_hash
from kit.society.scene import Scene
from kit.spec.experiment import FILE_NAME, Experiment, Run

QUARANTINE = "quarantine"
_RESULTS = "results.json"
_HEAD = 65_536
"""Bytes in which the header of a log, or the counts of an analysis, end."""
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp", re.DOTALL)
_COUNTED = re.compile(rb'"runs": \{\s*"complete": (\d+),')
_WRITTEN = frozenset({"tables", "figures", "export", "judgements", "labels"})
"""Folders of other commands, which are looked through for links and temporary files only."""
_DEPTH = 3


class Kind(StrEnum):
    """What is not as it should be."""

    SPEC = "damaged study"
    LOG = "damaged log"
    OTHER_RUN = "log of another run"
    SECOND_LOG = "second log of a run"
    TORN = "torn last line"
    UNFINISHED = "unusable unfinished log"
    SIDECAR = "sidecar without a log"
    DAMAGED_SIDECAR = "damaged sidecar"
    TEMPORARY = "temporary file"
    FOREIGN = "foreign file"
    LINK = "link"
    NO_SIDECAR = "no sidecar"
    STALE = "older analysis"


class Remedy(StrEnum):
    """What a repair does about it."""

    MOVE = "move it to quarantine"
    CUT = "cut the torn line off"
    NONE = "nothing"
    """The finding is a note: no run is damaged."""


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    kind: Kind
    path: Path
    """Below the result folder."""
    what: str
    remedy: Remedy = Remedy.MOVE


class Inspection(NamedTuple):
    """What came of looking at a folder."""

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    """What no repair changes."""
    sound: int
    """Complete runs that are as they should be."""
    unfinished: int
    """Runs that can be continued."""
    planned: int
    """Runs of the plan; 0 where the study cannot be read."""
    holder: str | None
    """Process that is writing here; what it has not finished was left out."""


def inspect(folder: Path, *, held: bool = False) -> Inspection:
    """Check every file that ``kit run`` wrote into a folder.

    Args:
        folder: the result folder.
        held: this process holds its lock.

    Raises:
        OutputError: not a result folder, or it cannot be read.
    """
    writer = None if held else holder(folder)
    try:
        experiment = frozen_experiment(folder)
    except OutputError as error:
        if not os.path.lexists(folder / FILE_NAME):
            raise
        what = f"{error.message}; the logs were not checked"
        return Inspection((Finding(Kind.SPEC, Path(FILE_NAME), what),), (), 0, 0, 0, writer)
    inspector = _Inspector(folder.resolve(), experiment, alone=writer is None)
    found = tuple(inspector.findings())
    return Inspection(
        tuple(finding for finding in found if finding.remedy is not Remedy.NONE),
        tuple(finding for finding in found if finding.remedy is Remedy.NONE),
        len(inspector.sound),
        len(inspector.unfinished),
        len(inspector.planned),
        writer,
    )


class _Inspector:
    """Looks at one folder.

    Args:
        folder: its real path.
        experiment: the study in it.
        alone: nobody is writing, so that temporary files are left over from somebody.
    """

    def __init__(self, folder: Path, experiment: Experiment, *, alone: bool):
        self.folder = folder
        self.experiment = experiment
        self.alone = alone
        self.planned = {stem(run.run_id): run for run in experiment.runs()}
        self.sound: set[str] = set()
        self.unfinished: set[str] = set()
        # Sidecars first: a run that ends meanwhile has its log before its sidecar.
        self.sidecars = entries(folder / "sidecars")
        self.logs = entries(folder / "runs")
        self.kind = self._engine_kind()

    def findings(self) -> Iterator[Finding]:
        """Everything, logs first."""
        for name, entry in self.logs.items():
            if not name.endswith(PARTIAL):
                yield from self._finished(name, entry)
        for name, entry in self.logs.items():
            if name.endswith(PARTIAL):
                yield from self._partial(name.removesuffix(PARTIAL), entry)
        yield from self._beside()
        yield from self._elsewhere(self.folder, Path())
        yield from self._analysis()

    def _finished(self, name: str, entry: Entry) -> Iterator[Finding]:
        path = Path("runs", name)
        run = self.planned.get(name.removesuffix(COMPLETE)) if name.endswith(COMPLETE) else None
        if (misplaced := self._misplaced(path, entry)) is not None:
            yield from misplaced
        elif run is None:
            yield self._unplanned(path, entry)
        elif (wrong := self._damage(path, entry, run)) is not None:
            yield wrong
        else:
            self.sound.add(stem(run.run_id))

    def _damage(self, path: Path, entry: Entry, run: Run) -> Finding | None:
        try:
            open_plain(entry.path).close()
            check_finished(self.experiment, run, ResultFolder(self.folder), self.kind)
        except PlanError:
            return Finding(Kind.OTHER_RUN, path, "made from other texts, settings or model bytes")
        except RunLogError as error:
            return Finding(Kind.LOG, path, _placed(error, entry.path))
        except OutputError as error:
            return Finding(Kind.LOG, path, error.message)
        scene = Scene(self.experiment, run)
        if footer_count(entry) != scene.turns * len(scene.agents):
            return Finding(Kind.LOG, path, "has another number of answers than its study")
        return None

    def _partial(self, name: str, entry: Entry) -> Iterator[Finding]:
        path = Path("runs", f"{name}{PARTIAL}")
        run = self.planned.get(name)
        if (misplaced := self._misplaced(path, entry)) is not None:
            yield from misplaced
            return
        if run is None:
            yield self._unplanned(path, entry)
            return
        if not self.alone:
            self.unfinished.add(name)
            return
        if name in self.sound:
            yield Finding(Kind.SECOND_LOG, path, f"the run is complete in {name}{COMPLETE}")
            return
        try:
            open_plain(entry.path).close()
            header = read_any(entry.path).header
        except (RunLogError, OutputError) as error:
            yield Finding(Kind.UNFINISHED, path, _placed(error, entry.path))
            return
        expected = (run.run_id, run_hash(Scene(self.experiment, run), header.engine))
        if (header.run_id, header.run_hash) != expected:
            yield Finding(Kind.UNFINISHED, path, "made from other texts or settings")
            return
        self.unfinished.add(name)
        with open_plain(entry.path) as file:
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                what = "the last line was not written to its end"
                yield Finding(Kind.TORN, path, what, Remedy.CUT)

    def _beside(self) -> Iterator[Finding]:
        """Sidecars."""
        told: set[str] = set()
        for name, entry in self.sidecars.items():
            path = Path("sidecars", name)
            run = name.removesuffix(".json")
            if (misplaced := self._misplaced(path, entry)) is not None:
                yield from misplaced
            elif run == name or run not in self.planned:
                yield Finding(Kind.FOREIGN, path, "no run of this study has this name")
            elif run not in self.sound:
                yield Finding(Kind.SIDECAR, path, "its run has no sound complete log")
            else:
                try:
                    Cohort.model_validate_json(read_plain(entry.path))
                    told.add(run)
                except (ValidationError, OutputError):
                    yield Finding(Kind.DAMAGED_SIDECAR, path, "is no record of how a run was made")
        if self.alone and (without := len(self.sound - told)):
            what = f"{without} sound runs do not say when and beside which others they were made"
            yield Finding(Kind.NO_SIDECAR, Path("sidecars"), what, Remedy.NONE)

    def _elsewhere(self, folder: Path, path: Path, depth: int = _DEPTH) -> Iterator[Finding]:
        """Links and temporary files in the folder itself and in those of other commands."""
        top = depth == _DEPTH
        for name, entry in entries(folder).items():
            if top and name in {"runs", "sidecars"} and not (entry.is_folder or entry.is_link):
                yield Finding(Kind.FOREIGN, path / name, "is no folder")
            elif entry.is_link or (entry.is_file and _TEMPORARY.fullmatch(name)):
                yield from self._misplaced(path / name, entry) or ()
            elif entry.is_folder and depth and (not top or name in _WRITTEN):
                yield from self._elsewhere(entry.path, path / name, depth - 1)

    def _analysis(self) -> Iterator[Finding]:
        """Whether the tables count the runs that are here."""
        try:
            with open_plain(self.folder / _RESULTS, limit=None) as file:
                counted = _COUNTED.search(file.read(_HEAD))
        except OutputError:
            return
        if counted is not None and int(counted[1]) != len(self.sound):
            what = f"counts {int(counted[1])} complete runs, the folder holds {len(self.sound)}"
            yield Finding(Kind.STALE, Path(_RESULTS), what, Remedy.NONE)

    def _misplaced(self, path: Path, entry: Entry) -> tuple[Finding, ...] | None:
        """What an entry is if it cannot be a file of the kit; None if it can."""
        if entry.is_link:
            target = entry.path.readlink()
            return (Finding(Kind.LINK, path, f"points to {target} and was not followed"),)
        if not entry.is_file:
            return (Finding(Kind.FOREIGN, path, "is no plain file"),)
        if _TEMPORARY.fullmatch(path.name):
            left = Finding(Kind.TEMPORARY, path, "left by a command that did not end")
            return (left,) if self.alone else ()
        return None

    def _unplanned(self, path: Path, entry: Entry) -> Finding:
        header = _header(entry)
        own = stem(header.run_id) if header is not None else ""
        if own in self.planned:
            return Finding(Kind.SECOND_LOG, path, f"the log of this run is {own}{COMPLETE}")
        return Finding(Kind.FOREIGN, path, "no run of this study has this name")

    def _engine_kind(self) -> str:
        """The kind of engine that finished runs must come from: llama.cpp, unless none does."""
        kinds = {
            str(header.engine.get("kind"))
            for name in self.planned
            if (entry := self.logs.get(f"{name}{COMPLETE}")) is not None
            if (header := _header(entry)) is not None
        }
        if not kinds or LlamaEngine.KIND in kinds:
            return LlamaEngine.KIND
        return min(kinds)


def _header(entry: Entry) -> Header | None:
    """The header of a log; None where the first line is none."""
    try:
        with open_plain(entry.path) as file:
            return Header.model_validate_json(file.read(_HEAD).partition(b"\n")[0])
    except (OutputError, ValidationError):
        return None


def _placed(error: RunLogError | OutputError, path: Path) -> str:
    """An error's message with the line it is about."""
    line = (error.where or "").removeprefix(str(path)).lstrip(":")
    return f"line {line}: {error.message}" if line.isdecimal() else error.message
