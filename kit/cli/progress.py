"""How far a long command is, and how long it will take."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kit.cli import console
from kit.runner.study import Progress as Step

_LINE_SECONDS = 60.0
"""Without a terminal, a line is written this often at most."""


def progress() -> Progress:
    """A bar with counts and the time that is left, on stderr."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
    )


class StudyProgress:
    """A bar on a terminal; elsewhere a line per minute at most, and one at the end.

    Args:
        runs: how many there are to simulate.
        answers: how many they will give.
    """

    def __init__(self, runs: int, answers: int):
        self._runs = runs
        self._complete = 0
        self._answers = answers
        self._made = 0
        self._worked = 0
        """Answers that were made, not read back: what speed is measured by."""
        self._began = self._said = time.monotonic()
        self._bar = progress()
        self._task = self._bar.add_task("answers", total=answers)
        self._drawn = self._bar.console.is_terminal

    def __enter__(self) -> Self:
        if self._drawn:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._drawn:
            self._bar.stop()
        elif self._complete:
            self._say()

    def advance(self, step: Step) -> None:
        """Count a round of any worker."""
        self._complete += len(step.finished)
        self._made += step.answers
        if not step.restored:
            self._worked += max(0, step.answers)
        if self._drawn:
            self._bar.update(self._task, advance=step.answers)
            for run_id in step.finished:
                self._bar.console.print(f"  complete: {run_id}", highlight=False, markup=False)
        elif time.monotonic() - self._said >= _LINE_SECONDS:
            self._say()

    def note(self, line: str) -> None:
        """Say something above the bar."""
        if self._drawn:
            self._bar.console.print(line, highlight=False, markup=False)
        else:
            console.note(line)

    def _say(self) -> None:
        self._said = time.monotonic()
        line = f"  {self._complete:,} of {self._runs:,} runs"
        if self._worked and self._made < self._answers:
            left = (self._answers - self._made) * (self._said - self._began) / self._worked
            line += f", about {duration(left)} left"
        console.note(line)


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are two."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} seconds"
