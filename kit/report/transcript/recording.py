"""A run with all that lies beside it in its result folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from kit.errors import RunLogError
from kit.judge.folder import JudgementFolder, panels
from kit.judge.log import JudgementLog, read_judgements
from kit.judge.panel import Panel
from kit.runlog.reader import RunLog, read
from kit.spec.experiment import Experiment, load_experiment
from kit.spec.language import Language


class Judged(NamedTuple):
    """What one panel said about a run."""

    panel: Panel
    log: JudgementLog


class Recording(NamedTuple):
    """A run, its study, and the judgements of it."""

    log: RunLog
    experiment: Experiment
    judged: tuple[Judged, ...] = ()
    outdated: tuple[str, ...] = ()
    """Panels whose judgements are about other bytes than this log's."""

    @property
    def language(self) -> Language:
        """The language of the run, as its study keeps it."""
        return self.experiment.languages[self.log.header.language]


def open_recording(path: Path) -> Recording:
    """Read a run and what lies beside it.

    Args:
        path: a complete log in the ``runs`` folder of a result folder.

    Raises:
        RunLogError: the log is incomplete, damaged, or no run of the study beside it.
        OutputError: the study beside it, or a panel of judges, cannot be read.
    """
    log = read(path)
    folder = path.absolute().parent.parent
    experiment = load_experiment(folder)
    _check(log, experiment, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    judged: list[Judged] = []
    outdated: list[str] = []
    for name in panels(folder):
        there = JudgementFolder(folder, name)
        if not there.log(log.header.run_id).exists():
            continue
        found = read_judgements(there.log(log.header.run_id))
        if found.header.run_digest == digest:
            judged.append(Judged(there.panel(), found))
        else:
            outdated.append(name)
    return Recording(log, experiment, tuple(judged), tuple(outdated))


def _check(log: RunLog, experiment: Experiment, path: Path) -> None:
    """Refuse a log that names what its study does not have."""
    head = log.header
    hint = "keep logs in the folder that 'kit run' wrote"
    if head.run_id not in {run.run_id for run in experiment.runs()}:
        raise RunLogError(
            f"the study beside this log has no run '{head.run_id}'", where=path, hint=hint
        )
    language = experiment.languages.get(head.language)
    if language is None:
        raise RunLogError(
            f"the study beside this log has no language '{head.language}'", where=path, hint=hint
        )
    known = {persona.id for persona in language.personas}
    spoken = {turn.agent for turn in log.turns} | {
        said.to for turn in log.turns for said in turn.utterances if said.to is not None
    }
    marked = {*head.aligned_agents, *head.individuated_agents}
    if strangers := sorted((spoken | marked) - known):
        raise RunLogError(
            f"the study beside this log has no agent '{strangers[0]}'", where=path, hint=hint
        )
    turns = range(1, len(language.announcements) + 1)
    if wrong := [turn.turn for turn in log.turns if turn.turn not in turns]:
        raise RunLogError(
            f"the study beside this log has no turn {wrong[0]}", where=path, hint=hint
        )
