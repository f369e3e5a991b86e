"""What a study will cost, and in which portions it is simulated; nothing is written here."""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from kit.engine.llama import LlamaEngine
from kit.errors import PlanError, RunLogError
from kit.runlog.reader import read_any
from kit.runlog.records import Header
from kit.runner import size
from kit.runner.folder import ResultFolder
from kit.runner.weights import Weights, model_sha256
from kit.society.identity import run_hash
from kit.society.scene import Scene
from kit.spec.experiment import Cell, Experiment, Run
from kit.spec.study import EngineSettings


class CellPlan(NamedTuple):
    """One condition of the plan."""

    cell: Cell
    runs: tuple[Run, ...]
    """Runs still to do."""
    done: int
    """Runs that have a complete log."""


class Portion(NamedTuple):
    """Runs that are simulated side by side."""

    runs: tuple[Run, ...]


class Plan(NamedTuple):
    """What is asked for and what is left to do."""

    experiment: Experiment
    cells: tuple[CellPlan, ...]
    agent_turns: int
    """Answers still to be made."""

    @property
    def todo(self) -> tuple[Run, ...]:
        """Runs still to do."""
        return tuple(run for cell in self.cells for run in cell.runs)

    @property
    def done(self) -> int:
        """Runs that have a complete log."""
        return sum(cell.done for cell in self.cells)


class Cost(NamedTuple):
    """Size of a model's share of a plan, at worst."""

    model: str
    tokens: dict[str, int]
    """Longest dialogue per language."""
    room: int
    """Tokens to allocate per dialogue."""
    weights_bytes: int
    run_bytes: int
    """KV cache of one run's ten dialogues."""
    cohort: int
    """Runs side by side."""
    log_bytes: int
    """All logs still to be written."""
    jobs: int = 1
    """Processes, each with a cohort of its own."""

    @property
    def memory_bytes(self) -> int:
        """Weights, which all processes share, and caches together."""
        return self.weights_bytes + self.run_bytes * self.cohort * self.jobs


def plan(
    experiment: Experiment,
    folder: ResultFolder,
    *,
    only: str | None = None,
    kind: str = LlamaEngine.KIND,
) -> Plan:
    """Compare what is asked for with what is there.

    Args:
        experiment: the resolved study.
        folder: where results are and will be.
        only: a pattern on run ids (or on the part after the study's name).
        kind: the kind of engine that finished runs must come from.

    Raises:
        PlanError: the pattern matches nothing, or a finished run is not of this plan.
    """
    chosen = [run for run in experiment.runs() if only is None or _matches(run, only)]
    if not chosen:
        raise PlanError(
            f"no run matches '{only}'",
            hint=f"run ids look like {experiment.runs()[0].run_id}",
        )
    by_cell: dict[Cell, list[Run]] = {}
    for run in chosen:
        by_cell.setdefault(run.cell, []).append(run)
    cells = []
    turns = 0
    for cell, runs in by_cell.items():
        done = [run for run in runs if folder.is_done(run)]
        for run in done:
            check_finished(experiment, run, folder, kind)
        todo = tuple(run for run in runs if run not in done)
        if todo:
            scene = Scene(experiment, todo[0])
            turns += len(todo) * scene.turns * len(scene.agents)
        cells.append(CellPlan(cell, todo, len(done)))
    return Plan(experiment, tuple(cells), turns)


def _matches(run: Run, pattern: str) -> bool:
    return fnmatch.fnmatchcase(run.run_id, pattern) or fnmatch.fnmatchcase(
        run.run_id.partition("/")[2], pattern
    )


def check_finished(
    experiment: Experiment, run: Run, folder: ResultFolder, kind: str = LlamaEngine.KIND
) -> Header:
    """Make sure a finished run is the run of this plan.

    Raises:
        PlanError: it was made from other texts, settings or another model.
        RunLogError: its log is damaged.
    """
    path = folder.log(run)
    log = read_any(path)
    if log.footer is None:
        raise RunLogError("a complete log has lost its footer", where=path, hint=f"remove {path}")
    header = log.header
    bytes_of_model = model_sha256(experiment.models[run.cell.model])
    scene = Scene(experiment, run)
    same = (
        header.run_id == run.run_id
        and header.engine.get("kind") == kind
        and (kind != LlamaEngine.KIND or header.model_sha256 == bytes_of_model)
        and header.run_hash == run_hash(scene, header.engine)
    )
    if not same:
        raise PlanError(
            f"{run.run_id} is finished, but was made from other texts, settings or another model",
            where=path,
            hint="choose another folder with --out; finished runs are never overwritten",
        )
    return header


def placement(planned: Plan, model: str) -> EngineSettings:
    """Where one model's layers are computed, which its runs must agree on.

    Raises:
        PlanError: variants of the study place them differently.
    """
    found: dict[str, EngineSettings] = {}
    for run in planned.todo:
        if run.cell.model == model:
            settings = Scene(planned.experiment, run).protocol.engine.value
            found[repr((settings.gpu_layers, settings.main_gpu, settings.tensor_split))] = settings
    if len(found) > 1:
        raise PlanError(
            f"variants of the study put {model} on different devices",
            hint="run them one by one: --only",
        )
    return next(iter(found.values()), EngineSettings())


def cost(
    planned: Plan,
    weights: Weights,
    *,
    cohort: int | None = None,
    jobs: int = 1,
    free: int | None = None,
    gpu_free: int | None = None,
) -> Cost:
    """What one model's share of the plan needs.

    Args:
        planned: the plan.
        weights: the model, for its tokenizer and shape; an outline is enough.
        cohort: runs side by side; None chooses by memory.
        jobs: processes, each with a context of its own; they share the weights.
        free: bytes of memory available.
        gpu_free: bytes of memory available on all GPUs together.

    Raises:
        PlanError: a dialogue cannot fit its context, or not even one run fits in memory.
    """
    experiment = planned.experiment
    model = weights.model
    template = model.template(plain=weights.pin.chat_template == "plain")
    tokens: dict[str, int] = {}
    room = 0
    logs = 0
    per_token = 0
    replicates = 1
    for cell in planned.cells:
        if cell.cell.model != weights.pin.id or not cell.runs:
            continue
        scene = Scene(experiment, _fullest(cell.runs[0], experiment))
        settings = scene.protocol.engine.value
        worst = size.worst_case(scene, model, template).total
        language = cell.cell.language
        tokens[language] = max(worst, tokens.get(language, 0))
        room = max(
            room,
            size.room_for(
                worst, settings.context, model.context_length, what=f"language '{language}'"
            ),
        )
        answers = scene.turns * len(scene.agents)
        logs += len(cell.runs) * size.log_bytes(worst * len(scene.agents), answers)
        per_token = max(per_token, model.cache_bytes(settings.k_type))
        replicates = max(replicates, len(cell.runs))
    run_bytes = per_token * room * 10
    weights_bytes = weights.pin.total_bytes
    on_gpu = placement(planned, weights.pin.id).gpu_layers / (model.layers + 1)
    shares = {"memory": (max(0.0, 1 - on_gpu), free), "GPU memory": (min(1.0, on_gpu), gpu_free)}
    fitting = [
        size.default_cohort(
            replicates, int(run_bytes * jobs * share), int(there - weights_bytes * share)
        )
        for share, there in shares.values()
        if share and there is not None
    ]
    chosen = cohort or min(fitting, default=1)
    for name, (share, there) in shares.items():
        need = (weights_bytes + run_bytes * chosen * jobs) * share
        if share and there is not None and need > there:
            raise PlanError(
                f"{weights.pin.id} needs {need / 1e9:,.1f} GB of {name} for {chosen * jobs} run(s) "
                f"side by side ({weights_bytes * share / 1e9:,.1f} GB of weights), "
                f"{there / 1e9:,.1f} GB are free",
                hint="lower --jobs or --cohort, set engine.k_type to q8_0, or use --profile smoke",
            )
    return Cost(weights.pin.id, tokens, room, weights_bytes, run_bytes, chosen, logs, jobs)


def _fullest(run: Run, experiment: Experiment) -> Run:
    """``run`` with every text it carries given to all agents: its longest system messages."""
    every = len(experiment.languages[run.cell.language].personas)
    cell = run.cell._replace(
        aligned=every if run.cell.aligned else 0,
        individuated=every if run.cell.individuated else 0,
    )
    return run._replace(cell=cell)


def portions(planned: Plan, model: str, cohort: int) -> list[Portion]:
    """The runs of one model in the order they are simulated, side by side within a cell."""
    found: list[Portion] = []
    for cell in planned.cells:
        if cell.cell.model == model:
            found.extend(
                Portion(cell.runs[start : start + cohort])
                for start in range(0, len(cell.runs), cohort)
            )
    return found
