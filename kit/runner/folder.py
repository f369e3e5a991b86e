"""A result folder: the frozen study, one log per run, and a lock while someone writes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kit.errors import OutputError, PlanError
from kit.runlog.reader import COMPLETE, PARTIAL
from kit.runlog.writer import output_error, write_atomically
from kit.spec.experiment import FILE_NAME, Experiment, Run, canonical_json, load_experiment


class Cohort(BaseModel, frozen=True):
    """The company a run was made in; on the invariant build it changes nothing."""

    cohort: tuple[str, ...]
    """Run ids, in their order."""
    capacity: int | None = None
    """Dialogues the context held."""
    room: int | None = None
    """Tokens each of them could hold."""
    threads: int | None = None


class ResultFolder:
    """Where a study's results live.

    Args:
        path: the folder; made when something is first written.
    """

    def __init__(self, path: Path):
        self.path = path
        self.runs = path / "runs"
        self.sidecars = path / "sidecars"

    def log(self, run: Run) -> Path:
        """The complete log of ``run``."""
        return self.runs / f"{run.run_id.partition('/')[2]}{COMPLETE}"

    def partial(self, run: Run) -> Path:
        """The log of ``run`` while it is being written."""
        return self.runs / f"{run.run_id.partition('/')[2]}{PARTIAL}"

    def is_done(self, run: Run) -> bool:
        """Whether ``run`` has a complete log."""
        return self.log(run).is_file()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for one writer.

        Raises:
            OutputError: another process holds it, or it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise output_error(error, self.path) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
                raise OutputError(
                    f"another 'kit run' (process {holder}) is writing here",
                    where=self.path,
                    hint="wait for it, or choose another folder with --out",
                ) from error
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(lock)

    def freeze(self, experiment: Experiment) -> None:
        """Keep the study with everything it refers to.

        A folder may grow (more replicates, a language that was missing), since run hashes guard
        each finished run by itself; it may not change its study, model set or profile.

        Raises:
            PlanError: the folder holds another study.
        """
        if (self.path / FILE_NAME).exists():
            there = load_experiment(self.path)
            for what, old, new in (
                ("study", there.study.id, experiment.study.id),
                ("profile", there.profile, experiment.profile),
                ("models", list(there.models), list(experiment.models)),
            ):
                if old != new:
                    raise PlanError(
                        f"the folder holds results of {what} {old!r}, not {new!r}",
                        where=self.path,
                        hint="choose another folder with --out",
                    )
        write_atomically(self.path / FILE_NAME, experiment.to_json())

    def cohort(self, run: Run) -> Cohort:
        """What was computed together with a finished run, as its sidecar tells.

        A run whose sidecar is missing or damaged counts as made alone.
        """
        path = self.sidecars / f"{run.run_id.partition('/')[2]}.json"
        try:
            return Cohort.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return Cohort(cohort=(run.run_id,))

    def write_sidecar(self, run: Run, facts: dict[str, Any]) -> None:
        """Keep what must not be in a log: times, host, threads."""
        name = run.run_id.partition("/")[2]
        write_atomically(self.sidecars / f"{name}.json", canonical_json(facts) + b"\n")
