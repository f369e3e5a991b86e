"""``kit verify``: read recorded runs back, and compare or score every token."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kit.audit.judgements import verify_judgements
from kit.audit.perturbation import calibrate
from kit.audit.replay import find_run
from kit.audit.tolerance import FILE_NAME, Tolerance, load_tolerances
from kit.audit.verify import Mode, Verification, Verifier
from kit.cli import console
from kit.cli.replay import run_path
from kit.errors import Mismatch, RunLogError
from kit.judge.folder import PANEL, JudgementFolder
from kit.judge.log import is_judgement_log, read_judgements
from kit.runlog.reader import PARTIAL, read
from kit.runlog.writer import write_atomically
from kit.runner.resolve import resolve, study_path
from kit.runner.weights import load_weights
from kit.spec.experiment import Experiment, Run, load_experiment

AT_MOST = 5
"""Differences of one run that are printed."""


class _Wanted(NamedTuple):
    """What was asked for on the command line."""

    agents: int | None
    tolerance: Tolerance | None
    scores: bool
    threads: int | None


@click.command(help="Read recorded runs back, making none: RUN is a log, a run id or a folder.")
@click.argument("run", metavar="RUN|DIR")
@click.option("--agents", type=click.IntRange(1, 10), help="Read only so many, drawn by lot [all].")
@click.option("--study", help="Believe this study of yours, not the one beside the logs.")
@click.option("--scores", is_flag=True, help="Score tokens even where bits could be compared.")
@click.option("--tau", type=click.FloatRange(0, min_open=True), help="Largest near tie, in logits.")
@click.option("--calibrate", "measure", is_flag=True, help="Measure tau on disturbed paths.")
@click.option("--threads", type=click.IntRange(1), help="Worker threads [all cores].")
def command(
    run: str,
    agents: int | None,
    study: str | None,
    tau: float | None,
    threads: int | None,
    *,
    scores: bool,
    measure: bool,
) -> None:
    """Parse, call, print."""
    paths = _logs(run)
    if is_judgement_log(paths[0]):
        _verify_judgements(paths, run, _Wanted(None, _chosen(tau), scores, threads))
        return
    folder = paths[0].absolute().parent.parent
    recorded = load_experiment(folder)
    experiment = recorded if study is None else _own(study, recorded)
    if measure:
        _calibrate(experiment, paths, folder, threads)
        return
    wanted = _Wanted(agents, _chosen(tau), scores, threads)
    verified = _verified(experiment, paths, folder, wanted)
    failed = [result for result in verified if not result.holds]
    if failed:
        raise Mismatch(
            f"{len(failed)} of {len(paths)} runs do not follow from their study",
            where=run,
            hint=f"kit replay {failed[0].run_id} shows whether this machine can make it again",
        )


def _chosen(tau: float | None) -> Tolerance | None:
    return Tolerance(tau=tau) if tau is not None else None


def _verify_judgements(paths: Sequence[Path], what: str, wanted: _Wanted) -> None:
    """Read logs of judgements back; all are of one panel."""
    panel = JudgementFolder(paths[0].absolute().parents[2], paths[0].absolute().parent.name).panel()
    weights = load_weights(panel.model, settings=panel.judge.engine)
    failed = []
    for path in paths:
        with _bar(path.stem, len(read_judgements(path).judgements)) as bar:
            result = verify_judgements(
                path,
                weights,
                tolerance=wanted.tolerance,
                scores=wanted.scores,
                threads=wanted.threads,
                report=partial(_step, bar),
            )
        _say(result, alone=False)
        if not result.holds:
            failed.append(path)
    weights.model.close()
    if failed:
        raise Mismatch(
            f"{len(failed)} of {len(paths)} logs of judgements do not follow from what they judge",
            where=what,
            hint=f"kit replay {failed[0]} shows whether this machine can make it again",
        )


def _own(study: str, recorded: Experiment) -> Experiment:
    """The reader's own copy of the study, with the model and profile of the recording."""
    own = resolve(study_path(study), profile=recorded.profile)
    models = recorded.study.models.value
    if own.study.models.value != models and len(models) == 1:
        own = resolve(study_path(study), profile=recorded.profile, model=models[0])
    return own


def _logs(text: str) -> list[Path]:
    """The logs that are meant.

    Raises:
        RunLogError: there is none.
    """
    folder = Path(text)
    if not folder.is_dir():
        return [run_path(text)]
    judged = (folder / PANEL).is_file()
    place = folder if judged else folder / "runs"
    found = sorted(path for path in place.glob("*.jsonl") if not path.name.endswith(PARTIAL))
    if not found:
        raise RunLogError("holds no complete run", where=folder, hint="kit run STUDY")
    return found


def _verified(
    experiment: Experiment, paths: Sequence[Path], folder: Path, wanted: _Wanted
) -> Iterator[Verification]:
    tolerances = load_tolerances(folder)
    for model, logs in _by_model(experiment, paths).items():
        weights = load_weights(experiment.models[model])
        verifier = Verifier(experiment, weights, threads=wanted.threads)
        for path, run in logs:
            every = [persona.id for persona in experiment.languages[run.cell.language].personas]
            names = every
            if wanted.agents is not None:
                # Drawn afresh, so that who forges a log cannot know which agents are looked at.
                names = secrets.SystemRandom().sample(every, wanted.agents)
            k_type = str(read(path).header.engine.get("k_type"))
            with _bar(run.run_id, len(names)) as bar:
                result = verifier.verify(
                    path,
                    agents=names,
                    tolerance=wanted.tolerance or tolerances.find(weights.sha256, k_type),
                    scores=wanted.scores,
                    report=partial(_step, bar),
                )
            _say(result, alone=wanted.agents is not None)
            yield result
        weights.model.close()


def _calibrate(
    experiment: Experiment, paths: Sequence[Path], folder: Path, threads: int | None
) -> None:
    tolerances = load_tolerances(folder)
    for model, logs in _by_model(experiment, paths).items():
        weights = load_weights(experiment.models[model])
        with _bar(model, len(logs)) as bar:
            found = calibrate(
                experiment,
                weights,
                [path for path, _ in logs],
                threads=threads,
                report=partial(_step, bar),
            )
        weights.model.close()
        tolerances = tolerances.with_one(found)
        console.say(f"{model}: tau {found.tau:.3f} logits")
        console.say(
            f"  {found.dialogues} dialogues, {found.decisions:,} tokens on {len(found.paths)} ways"
        )
        console.say(
            f"  {found.near_tie_share or 0:.2%} lost, by {found.largest_margin or 0:.3f} at most"
        )
    write_atomically(folder / FILE_NAME, tolerances.to_json())
    console.say(f"kept in {folder / FILE_NAME}")


def _by_model(experiment: Experiment, paths: Sequence[Path]) -> dict[str, list[tuple[Path, Run]]]:
    found: dict[str, list[tuple[Path, Run]]] = {}
    for path in paths:
        run = find_run(experiment, read(path).header.run_id, path)
        found.setdefault(run.cell.model, []).append((path, run))
    return found


def _bar(name: str, total: int) -> Progress:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task(name, total=total)
    return bar


def _step(bar: Progress, _: int) -> None:
    bar.advance(bar.task_ids[0])


def _say(result: Verification, *, alone: bool) -> None:
    verdict = "follows" if result.holds else "DOES NOT FOLLOW"
    how = "bits compared" if result.mode is Mode.BITS else "tokens scored"
    console.say(f"{result.run_id}: {verdict} ({how})")
    if alone:
        console.say(f"  agents read: {', '.join(tally.agent for tally in result.tallies)}")
    share = sum(tally.exact for tally in result.tallies) / max(1, result.decisions)
    line = f"  {result.decisions:,} tokens: {share:.2%} exact"
    if result.tolerance is not None:
        line += f", {result.near_ties} near ties (tau {result.tolerance.tau:.3f})"
    console.say(f"{line}, {result.divergent} divergent")
    if broken := [tally.agent for tally in result.tallies if not tally.chain_holds]:
        console.say(f"  other logits than recorded: {', '.join(broken)}")
    if result.too_many_near_ties and result.tolerance is not None:
        most = result.tolerance.most_near_ties(result.decisions)
        console.say(f"  more near ties than honest machines have (at most {most:.0f})")
    for problem in result.problems[:AT_MOST]:
        place = f"turn {problem.turn}, {problem.agent}: " if problem.turn is not None else ""
        console.say(f"  {place}{problem.what}")
    _more(len(result.problems))
    if result.forks:
        first = result.forks[0]
        console.say(
            f"  a rerun here would fork at turn {first.turn}, {first.agent}, token {first.token}"
        )
    tau = result.tolerance.tau if result.tolerance is not None else 0.0
    divergent = [fork for fork in result.forks if fork.margin > tau]
    for fork in divergent[:AT_MOST]:
        console.say(
            f"  turn {fork.turn}, {fork.agent}, token {fork.token}: {fork.text!r} loses to "
            f"{fork.runner_up!r} by {fork.margin:.2f}"
        )
    _more(len(divergent))


def _more(count: int) -> None:
    if count > AT_MOST:
        console.say(f"  and {count - AT_MOST} more")
