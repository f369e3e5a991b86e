"""What a result folder holds and what is left to do, told without reading its logs.

Of a finished log the last line is read, of an unfinished one its line breaks are counted. So a
folder of a thousand runs takes a second, and what is said rests on names and last lines:
:mod:`kit.runner.inspection` reads every record.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, FiniteFloat, ValidationError

from kit.errors import OutputError
from kit.runlog.reader import COMPLETE, PARTIAL
from kit.runlog.records import Footer
from kit.runner import size
from kit.runner.failures import FILE_NAME as FAILURES
from kit.runner.failures import Failure
from kit.runner.pace import Timed, pace, time_left
from kit.runner.standing import Disk, Registration, RunState, RunStatus, Share, Survey
from kit.runner.untrusted import Entry, entries, frozen_experiment, holder, open_plain, read_plain
from kit.spec.experiment import Experiment, Run
from kit.spec.registration import FILE_NAME as DOCUMENT
from kit.spec.registration import Document, read_document

_TAIL = 512
"""Bytes that a footer and the end of the line before it fit into."""
_CHUNK = 1 << 20
_DEPTH = 4
"""Folders below folders whose files count as used disk."""


class _Sidecar(BaseModel, frozen=True):
    started: FiniteFloat
    finished: FiniteFloat
    cohort: tuple[str, ...]
    registration: str | None = None


class _Length(NamedTuple):
    turns: int
    agents: int

    @property
    def answers(self) -> int:
        return self.turns * self.agents


def survey(folder: Path) -> Survey:
    """Look at a result folder; nothing is written.

    Raises:
        OutputError: not a result folder, of another release, or it cannot be read.
    """
    experiment = frozen_experiment(folder)
    logs = entries(folder / "runs")
    failures, unknown = _failures(folder)
    lengths: dict[tuple[str, str | None], _Length] = {}
    statuses = []
    for run in experiment.runs():
        cell = run.cell
        key = (cell.language, cell.variant)
        if key not in lengths:
            turns = experiment.protocol(cell.variant).turns.value
            lengths[key] = _Length(turns, len(experiment.languages[cell.language].personas))
        statuses.append(_status(run, logs, lengths[key], failed=run.run_id in failures))
    sidecars = _sidecars(folder, statuses)
    timed = _timed(sidecars, statuses)
    shares = _shares(experiment.runs(), statuses)
    return Survey(
        study=experiment.study.id,
        title=experiment.study.title,
        profile=experiment.profile,
        folder=str(folder),
        cells=len({run.cell for run in experiment.runs()}),
        states=_states(statuses),
        answers=sum(status.answers for status in statuses),
        planned=sum(status.planned for status in statuses),
        shares=shares,
        runs=tuple(statuses),
        failures=tuple(
            failures[status.run_id] for status in statuses if status.state is RunState.FAILED
        ),
        unknown_failures=unknown,
        pace=pace(timed),
        left=time_left(
            timed,
            {(share.model, share.language): share.planned - share.answers for share in shares},
        ),
        disk=_disk(folder, experiment, logs, statuses),
        holder=holder(folder),
        registration=_registration(folder, sidecars),
    )


def stem(run_id: str) -> str:
    """The part of a run id that its files are named after."""
    return run_id.partition("/")[2]


def footer_count(log: Entry) -> int | None:
    """Answers that the last line of a log counts; None if it is no whole footer."""
    try:
        with open_plain(log.path) as file:
            file.seek(max(0, log.size - _TAIL))
            lines = file.read(_TAIL).split(b"\n")
    except OutputError:
        return None
    if len(lines) < 3 or lines[-1]:  # a line before it, the footer, nothing after
        return None
    try:
        return Footer.model_validate_json(lines[-2]).turns
    except ValidationError:
        return None


def _status(run: Run, logs: Mapping[str, Entry], length: _Length, *, failed: bool) -> RunStatus:
    log = logs.get(f"{stem(run.run_id)}{COMPLETE}")
    partial = logs.get(f"{stem(run.run_id)}{PARTIAL}")
    answers = 0
    if log is not None and log.is_file:
        ends = footer_count(log) == length.answers
        state = RunState.COMPLETE if ends else RunState.DAMAGED
        answers = length.answers if ends else 0
    else:
        if partial is not None and partial.is_file:
            answers = min(_answers(partial), length.answers)
        begun = RunState.INCOMPLETE if partial is not None else RunState.MISSING
        state = RunState.FAILED if failed else begun
    return RunStatus(
        run_id=run.run_id,
        model=run.cell.model,
        language=run.cell.language,
        state=state,
        answers=answers,
        planned=length.answers,
        turn=answers // length.agents,
        turns=length.turns,
    )


def _answers(partial: Entry) -> int:
    """Whole lines of an unfinished log, without its header."""
    lines = 0
    try:
        with open_plain(partial.path) as file:
            while chunk := file.read(_CHUNK):
                lines += chunk.count(b"\n")
    except OutputError:
        return 0
    return max(0, lines - 1)


def _failures(folder: Path) -> tuple[dict[str, Failure], int]:
    """The last failure of each run, and how many lines are none."""
    if not os.path.lexists(folder / FAILURES):
        return {}, 0
    found: dict[str, Failure] = {}
    unknown = 0
    for line in read_plain(folder / FAILURES).splitlines():
        try:
            failure = Failure.model_validate_json(line)
        except ValidationError:
            unknown += 1
            continue
        found[failure.run_id] = failure
    return found, unknown


def _sidecars(folder: Path, statuses: Sequence[RunStatus]) -> dict[str, _Sidecar]:
    """Of complete runs; what is missing or damaged tells nothing."""
    there = entries(folder / "sidecars")
    found: dict[str, _Sidecar] = {}
    for status in statuses:
        entry = there.get(f"{stem(status.run_id)}.json")
        if status.state is RunState.COMPLETE and entry is not None and entry.is_file:
            try:
                found[status.run_id] = _Sidecar.model_validate_json(read_plain(entry.path))
            except (ValidationError, OutputError):
                continue
    return found


def _timed(sidecars: Mapping[str, _Sidecar], statuses: Sequence[RunStatus]) -> list[Timed]:
    """Whole cohorts; one of which a run is missing would seem faster than it was."""
    known = {status.run_id: status for status in statuses}
    cohorts: dict[tuple[float, tuple[str, ...]], list[_Sidecar]] = {}
    for run_id, sidecar in sidecars.items():
        if run_id in sidecar.cohort:
            cohorts.setdefault((sidecar.started, sidecar.cohort), []).append(sidecar)
    return [
        Timed(
            known[cohort[0]].model,
            known[cohort[0]].language,
            started,
            max(sidecar.finished for sidecar in found),
            sum(known[run_id].answers for run_id in cohort),
        )
        for (started, cohort), found in cohorts.items()
        if len(found) == len(cohort) and all(run_id in known for run_id in cohort)
    ]


def _shares(runs: Sequence[Run], statuses: Sequence[RunStatus]) -> tuple[Share, ...]:
    cells: dict[tuple[str, str], set[object]] = {}
    parts: dict[tuple[str, str], list[RunStatus]] = {}
    for run, status in zip(runs, statuses, strict=True):
        cells.setdefault((status.model, status.language), set()).add(run.cell)
        parts.setdefault((status.model, status.language), []).append(status)
    return tuple(
        Share(
            model=model,
            language=language,
            cells=len(cells[model, language]),
            runs=len(part),
            states=_states(part),
            answers=sum(status.answers for status in part),
            planned=sum(status.planned for status in part),
        )
        for (model, language), part in parts.items()
    )


def _states(statuses: Sequence[RunStatus]) -> dict[RunState, int]:
    counted = Counter(status.state for status in statuses)
    return {state: counted[state] for state in RunState}


def _disk(
    folder: Path, experiment: Experiment, logs: Mapping[str, Entry], statuses: Sequence[RunStatus]
) -> Disk:
    sizes: dict[tuple[str, str], list[int]] = {}
    for status in statuses:
        if status.state is RunState.COMPLETE:
            log = logs[f"{stem(status.run_id)}{COMPLETE}"]
            sizes.setdefault((status.model, status.language), []).append(log.size)
    expected = 0
    measured = True
    for run, status in zip(experiment.runs(), statuses, strict=True):
        if status.state is RunState.COMPLETE:
            continue
        known = sizes.get((status.model, status.language))
        measured = measured and known is not None
        context = experiment.protocol(run.cell.variant).engine.value.context
        agents = status.planned // status.turns
        whole = sum(known) // len(known) if known else size.log_bytes(context * agents, 1)
        # What is on disk of an unfinished log is used already.
        expected += whole * (status.planned - status.answers) // status.planned
    return Disk(
        used=_used(folder.resolve()),
        expected=expected,
        measured=measured,
        free=size.free_disk(folder),
    )


def _used(folder: Path, depth: int = _DEPTH) -> int:
    return sum(
        _used(entry.path, depth - 1) if entry.is_folder and depth else entry.size
        for entry in entries(folder).values()
    )


def _registration(folder: Path, sidecars: Mapping[str, _Sidecar]) -> Registration | None:
    if not os.path.lexists(folder / DOCUMENT):
        return None
    open_plain(folder / DOCUMENT).close()
    document: Document | None = read_document(folder)
    if document is None:
        return None
    return Registration(
        sha256=document.sha256,
        intact=document.intact,
        runs=sum(sidecar.registration == document.sha256 for sidecar in sidecars.values()),
    )
