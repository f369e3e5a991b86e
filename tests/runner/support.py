"""Result folders made by the scripted engine: whole studies in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kit.engine.protocol import Engine, Request
from kit.engine.scripted import ScriptedEngine
from kit.runner.folder import ResultFolder
from kit.runner.plan import Portion, plan
from kit.runner.study import Progress, run_portions
from kit.spec.experiment import Experiment
from kit.spec.language import Channel


def talks(experiment: Experiment) -> Callable[[Request], str]:
    """A script by which everyone says who they are."""
    tag = experiment.languages["en"].tags.of(Channel.TALK)
    return lambda request: f"{tag}: I am {request.key[3]}"


def talker(experiment: Experiment) -> ScriptedEngine:
    """An engine that speaks it."""
    return ScriptedEngine(talks(experiment))


def simulate(
    experiment: Experiment, folder: ResultFolder, engine: Engine, *, cohort: int = 2
) -> list[Progress]:
    """Everything the folder lacks."""
    steps: list[Progress] = []
    folder.freeze(experiment)
    for cell in plan(experiment, folder, kind=engine.identity["kind"]).cells:
        portions = [
            Portion(cell.runs[start : start + cohort]) for start in range(0, len(cell.runs), cohort)
        ]
        run_portions(experiment, portions, engine, folder, steps.append)
    return steps


def contents(folder: ResultFolder) -> dict[str, bytes]:
    """Every log, complete or not."""
    return {path.name: path.read_bytes() for path in sorted(folder.runs.iterdir())}


def result_folder(path: Path) -> ResultFolder:
    """A folder below a test's own."""
    return ResultFolder(path / "results")
