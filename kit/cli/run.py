"""``kit run``: plan, then simulate what is missing."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from kit.cli import console
from kit.cli.progress import duration
from kit.cli.simulation import Failures, Means, check_jobs, simulate
from kit.engine.devices import DeviceKind, devices
from kit.errors import OutputError
from kit.gguf import read_model
from kit.models.store import home
from kit.runner import calibration, size
from kit.runner.folder import ResultFolder
from kit.runner.plan import Cost, Plan, cost, placement, plan
from kit.runner.resolve import resolve, study_path
from kit.runner.speed import Measurement, active_weights, record_path, remember
from kit.runner.weights import Weights, load_weights
from kit.society.scene import Scene
from kit.spec.experiment import Experiment
from kit.spec.library import library_file
from kit.spec.published import load_published
from kit.spec.registration import SHORT, check_plan, read_document

DEFAULT_RESULTS = Path("results")


def default_folder(experiment: Experiment) -> Path:
    """``results/<study>``, with the profile's name where one is used."""
    name = experiment.study.id
    return DEFAULT_RESULTS / (f"{name}-{experiment.profile}" if experiment.profile else name)


@click.command(
    help="Simulate STUDY (a name in studies/, or a YAML file). Continues where it stopped."
)
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), help="Result folder [results/STUDY].")
@click.option("--model", help="Run with this model of models.yaml instead of the study's.")
@click.option("--only", metavar="GLOB", help="Only runs whose id matches, such as 'en-a0-*'.")
@click.option("--profile", help="One of the study's profiles, such as 'smoke'.")
@click.option("--dry-run", is_flag=True, help="Print the plan and its cost; simulate nothing.")
@click.option("--cohort", type=click.IntRange(1, 25), help="Runs side by side [by memory].")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, help="Processes [1].")
@click.option("--threads", type=click.IntRange(1), help="Threads of a process [all cores / jobs].")
@click.option(
    "--patience",
    type=click.FloatRange(1),
    metavar="SECONDS",
    help="End a process of --jobs that is silent for this long [by its speed, 300 at least].",
)
@click.option("--stop-on-failure", is_flag=True, help="End at the first run that fails.")
@click.option("--fast", is_flag=True, help="Accept a stock build: quicker, does not replay.")
def command(
    study: str,
    out: Path | None,
    model: str | None,
    only: str | None,
    profile: str | None,
    *,
    dry_run: bool,
    cohort: int | None,
    jobs: int,
    threads: int | None,
    patience: float | None,
    stop_on_failure: bool,
    fast: bool,
) -> None:
    """Parse, call, print."""
    experiment = resolve(study_path(study), model=model, profile=profile)
    simulate_study(
        experiment,
        ResultFolder(out or default_folder(experiment)),
        only=only,
        dry_run=dry_run,
        cohort=cohort,
        means=Means(threads, jobs, fast, patience, stop_on_failure),
    )


def simulate_study(
    experiment: Experiment,
    folder: ResultFolder,
    *,
    only: str | None = None,
    dry_run: bool = False,
    cohort: int | None = None,
    means: Means | None = None,
) -> None:
    """Plan and simulate, saying what is being done.

    Raises:
        EngineError: runs failed; all others are complete.
    """
    means = means or Means()
    registration = _registration(experiment, folder)
    planned = plan(experiment, folder, only=only)
    _say_plan(planned, folder)
    if registration is not None:
        console.say(f"  registered in advance: document {registration[:SHORT]}")
    if not planned.todo:
        console.say("Nothing to do: every run is complete.")
        return
    needed = list(dict.fromkeys(run.cell.model for run in planned.todo))
    for name in needed:
        check_jobs(placement(planned, name), means.jobs, fast=means.fast)
    if dry_run:
        for name in needed:
            counted = _cost(planned, name, cohort, means)
            weights = load_weights(
                experiment.models[name], fast=means.fast, settings=placement(planned, name)
            )
            _say_cost(planned, weights, counted, means.threads)
        return
    failures = Failures(folder, stop=means.stop_on_failure)
    with folder.writing():
        folder.freeze(experiment)
        for name in needed:
            counted = _cost(planned, name, cohort, means)
            _check_disk(folder, counted)
            weights = load_weights(
                experiment.models[name], fast=means.fast, settings=placement(planned, name)
            )
            simulate(
                planned,
                weights,
                counted,
                folder,
                means=means,
                failures=failures,
                registration=registration,
            )
    failures.check()
    console.say(f"Complete: {planned.done + len(planned.todo)} runs in {folder.path / 'runs'}")


def _registration(experiment: Experiment, folder: ResultFolder) -> str | None:
    """The hash of the folder's registration document, if there is one and it is of this plan."""
    if read_document(folder.path) is None:
        return None
    published = load_published(library_file("studies", "published.yaml"))
    return check_plan(experiment, published, folder.path)


def _say_plan(planned: Plan, folder: ResultFolder) -> None:
    experiment = planned.experiment
    study = experiment.study
    profile = f", profile {experiment.profile}" if experiment.profile else ""
    console.say(f"{study.id}: {study.title}{profile}")
    console.say(f"  results in {folder.path}")
    console.say(
        f"  {len(planned.cells)} cells, {planned.done + len(planned.todo)} runs: "
        f"{planned.done} complete, {len(planned.todo)} to do ({planned.agent_turns:,} answers)"
    )
    if experiment.missing_languages:
        console.say(f"  no file yet for: {', '.join(experiment.missing_languages)}")
    for name, pin in experiment.models.items():
        if pin.size in ("tiny", "small"):
            console.say(f"  {name} is too small to tell anything about people or policies:")
            console.say("  its numbers are a smoke test of the kit")


def _cost(planned: Plan, name: str, cohort: int | None, means: Means) -> Cost:
    """What one model's runs need, before its weights take any memory."""
    settings = placement(planned, name)
    outline = load_weights(
        planned.experiment.models[name], fast=means.fast, settings=settings, outline=True
    )
    on_gpu = settings.gpu_layers > 0
    gpus = [
        device
        for device in (devices(fast=means.fast, gpu=True) if on_gpu else ())
        if device.kind in (DeviceKind.GPU, DeviceKind.INTEGRATED_GPU)
    ]
    try:
        return cost(
            planned,
            outline,
            cohort=cohort,
            jobs=means.jobs,
            free=size.free_memory(),
            gpu_free=sum(device.free for device in gpus) if on_gpu else None,
        )
    finally:
        outline.model.close()


def _say_cost(planned: Plan, weights: Weights, counted: Cost, threads: int | None) -> None:
    console.say(f"  {counted.model}")
    for language, tokens in sorted(counted.tokens.items()):
        console.say(f"    longest dialogue in {language}: {tokens:,} tokens at worst")
    console.say(f"    context for each of ten agents: {counted.room:,} tokens")
    together = counted.cohort * counted.jobs
    console.say(
        f"    memory: {counted.memory_bytes / 1e9:,.2f} GB with {together} run(s) "
        f"side by side ({counted.weights_bytes / 1e9:,.2f} GB of it weights)"
    )
    console.say(f"    disk: {counted.log_bytes / 1e6:,.1f} MB of logs at most")
    first = next(run for run in planned.todo if run.cell.model == counted.model)
    settings = Scene(planned.experiment, first).protocol.engine.value
    engine = weights.engine(settings, capacity=10, threads=threads, room=1024, with_bit_class=False)
    speed = calibration.measure(engine)
    engine.close()
    if not settings.gpu_layers:
        _remember(weights, speed)
    runs = [run for run in planned.todo if run.cell.model == counted.model]
    answers = 0
    read = 0
    ceiling = 0
    for run in runs:
        scene = Scene(planned.experiment, run)
        answers += scene.turns * len(scene.agents)
        read += counted.tokens[run.cell.language] * len(scene.agents)
        ceiling = max(ceiling, scene.protocol.sampling.value.max_tokens)
    guess = calibration.estimate(speed, answers=answers, prompt_tokens=read, ceiling=ceiling)
    console.say(
        f"    speed here: reads {speed.read:,.0f}, speaks {speed.speak:,.0f} tokens a second"
    )
    console.say(
        f"    time: about {duration(guess.likely)} "
        f"(between {duration(guess.low)} and {duration(guess.high)})"
    )


def _remember(weights: Weights, speed: calibration.Speed) -> None:
    """Let ``kit models list`` know how fast this model is here."""
    active = active_weights(read_model(weights.model.path))
    if active is None:
        return
    with contextlib.suppress(OutputError):  # a read-only store only costs the next measurement
        measured = Measurement(weights.sha256, active, speed)
        remember(record_path(home(), weights.model.build), measured)


def _check_disk(folder: ResultFolder, counted: Cost) -> None:
    free = size.free_disk(folder.path)
    if free is not None and free < counted.log_bytes:
        raise OutputError(
            f"the logs can take {counted.log_bytes / 1e6:,.1f} MB, {free / 1e6:,.1f} MB are free",
            where=folder.path,
            hint="free some space, or choose another folder with --out",
        )
