"""``kit judge run`` and ``kit judge gold``: asking a judge about runs and about gold excerpts."""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import click

from kit.cli import console
from kit.cli.progress import duration, progress
from kit.engine.llama import MAX_SEQUENCES, cores
from kit.errors import PlanError
from kit.judge.folder import JudgementFolder
from kit.judge.gold import gold_sources, load_gold_set
from kit.judge.judging import (
    Judging,
    Pending,
    Size,
    Source,
    Step,
    judge_source,
    run_source,
)
from kit.judge.log import read_judgements
from kit.judge.panel import Panel
from kit.judge.records import JudgementOutcome
from kit.judge.scores import ExcerptScore, excerpt_scores, run_outcomes
from kit.judge.setup import Choices, assemble, judge_path
from kit.runlog.reader import read
from kit.runner import calibration, size
from kit.runner.folder import ResultFolder
from kit.runner.weights import Weights, load_weights
from kit.spec.experiment import Experiment, load_experiment
from kit.spec.judge import PromptLanguage, ReasonPlace, Scoring
from kit.spec.language import Language

GOLD_RESULTS = Path("results/gold")
_ROOM = 256
"""Room per dialogue is a multiple of this many tokens."""
_SIDE_BY_SIDE = 16
_LOOKED_AT = 24
"""Runs whose prompts are counted for the estimate; of a larger study an even sample."""
_QUICK, _DEEP = 0.6, 1.5
"""Long prompts are read up to this much quicker than the short one measured, or slower at depth."""
Command = TypeVar("Command", bound=Callable[..., object])

_OPTIONS = (
    click.option("--judge", "judge_id", required=True, help="A name in judges/, or a YAML file."),
    click.option("--model", help="Judge with this model of models.yaml instead of the judge's."),
    click.option("--name", help="Name of the judgements [the judge's]."),
    click.option("--orders", type=click.IntRange(1, 24), help="Orders of options [the judge's]."),
    click.option("--wordings", default="a", help="Wordings of the rubric, such as 'a,b' [a]."),
    click.option("--repeats", type=click.IntRange(1, 100), default=1, help="Draws of each [1]."),
    click.option("--temperature", type=click.FloatRange(0, 5), help="Instead of the judge's."),
    click.option("--scoring", type=click.Choice([each.value for each in Scoring])),
    click.option("--ask-in", type=click.Choice([each.value for each in PromptLanguage])),
    click.option("--threads", type=click.IntRange(1), help="Worker threads [all cores]."),
    click.option("--dry-run", is_flag=True, help="Say what it would take; judge nothing."),
)


def _judge_options(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _choices(asked: dict[str, Any]) -> Choices:
    return Choices(
        asked["model"],
        asked["name"],
        asked["orders"],
        tuple(asked["wordings"].split(",")),
        asked["repeats"],
        asked["temperature"],
        Scoring(asked["scoring"]) if asked["scoring"] else None,
        PromptLanguage(asked["ask_in"]) if asked["ask_in"] else None,
    )


@click.command(name="run")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_judge_options
@click.option("--only", metavar="GLOB", help="Only runs whose id matches, such as 'en-a0-*'.")
def run(folder: Path, judge_id: str, only: str | None, **asked: Any) -> None:
    """Judge the complete runs of DIR. Continues where it stopped."""
    experiment = load_experiment(folder)
    panel = assemble(
        judge_path(judge_id), _choices(asked), experiment.languages, experiment.study.seed
    )
    judge_all(
        panel,
        _runs(folder, experiment, panel, only),
        folder,
        threads=asked["threads"],
        dry_run=asked["dry_run"],
    )


@click.command(name="gold")
@_judge_options
@click.option("--out", type=click.Path(path_type=Path), default=GOLD_RESULTS, show_default=True)
@click.option("--set", "place", type=click.Path(path_type=Path), help="Another set [judges/gold].")
def gold(judge_id: str, out: Path, place: Path | None, **asked: Any) -> None:
    """Judge the excerpts with labels that come with the kit, and say how often it agrees."""
    from kit.cli.raters import say_agreement

    path = judge_path(judge_id)
    choices = _choices(asked)
    found = load_gold_set(assemble(path, choices, (), 0).judge, place)
    panel = assemble(path, choices, [gold.gold for _, gold in found.files], 0)
    sources = [
        Pending(source.run_id, source.digest, partial(_itself, source))
        for source in gold_sources(found, panel.judge)
    ]
    judge_all(panel, sources, out, threads=asked["threads"], dry_run=asked["dry_run"])
    if not asked["dry_run"]:
        say_agreement(out, panel, found)


def _itself(source: Source) -> Source:
    return source


def _runs(folder: Path, experiment: Experiment, panel: Panel, only: str | None) -> list[Pending]:
    results = ResultFolder(folder)
    found = []
    for planned in experiment.runs():
        name = planned.run_id.partition("/")[2]
        if only is not None and not fnmatch.fnmatchcase(name, only):
            continue
        path = results.log(planned)
        if path.is_file():
            language = experiment.languages[planned.cell.language]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found.append(Pending(planned.run_id, digest, partial(_open, path, language, panel)))
    if not found:
        raise PlanError(
            "no complete run to judge" + (f" matches '{only}'" if only else ""),
            where=folder,
            hint=f"kit run {experiment.study.id}",
        )
    return found


def _open(path: Path, language: Language, panel: Panel) -> Source:
    return run_source(path, read(path), language, panel)


def judge_all(
    panel: Panel,
    sources: Sequence[Pending],
    results: Path,
    *,
    threads: int | None,
    dry_run: bool,
) -> None:
    """Judge what is missing, saying what is being done."""
    folder = JudgementFolder(results, panel.name)
    folder.check(panel)
    todo = [source for source in sources if not folder.is_done(source.run_id, source.digest)]
    _say_plan(panel, folder, sources, todo)
    if not todo:
        console.say("Nothing to do: everything is judged.")
        _say_outcomes(folder, sources)
        return
    weights = load_weights(panel.model, settings=panel.judge.engine)
    # A context of one dialogue is enough to count tokens.
    counting = weights.engine(panel.judge.engine, capacity=1, room=_ROOM, with_bit_class=False)
    looked_at = todo[:: -(-len(todo) // _LOOKED_AT)]
    counter = Judging(panel, counting)
    sizes = [counter.size(source.open(), _SIDE_BY_SIDE) for source in looked_at]
    counting.close()
    room = panel.judge.engine.context
    if len(looked_at) == len(todo):
        longest = max(found.longest for found in sizes)
        room = min(room, -(-max(longest, 1) // _ROOM) * _ROOM)
    capacity = _capacity(weights, panel, room, max(found.judgements for found in sizes))
    scale = len(todo) / len(looked_at)
    total = Size(
        round(scale * sum(found.judgements for found in sizes)),
        round(scale * sum(found.prompt_tokens for found in sizes)),
        room,
        round(scale * sum(found.too_long for found in sizes)),
    )
    _say_cost(panel, weights, total, capacity=capacity, threads=threads)
    if dry_run:
        return
    results.mkdir(parents=True, exist_ok=True)
    with ResultFolder(results).writing():
        folder.freeze(panel)
        engine = weights.engine(panel.judge.engine, capacity=capacity, threads=threads, room=room)
        try:
            _judge(Judging(panel, engine), todo, folder, total.judgements)
        finally:
            engine.close()
    console.say(f"Complete: {len(sources)} judged in {folder.path}")
    _say_outcomes(folder, sources)


def _capacity(weights: Weights, panel: Panel, room: int, most: int) -> int:
    """Dialogues side by side: as many as half of the free memory holds."""
    each = weights.model.cache_bytes(panel.judge.engine.k_type) * room
    free = size.free_memory()
    fitting = most if free is None else max(1, free // 2 // max(1, each))
    return max(1, min(most, fitting, _SIDE_BY_SIDE, MAX_SEQUENCES))


def _say_plan(
    panel: Panel, folder: JudgementFolder, sources: Sequence[Pending], todo: Sequence[Pending]
) -> None:
    judge = panel.judge
    console.say(f"{judge.judge}, version {judge.version}: {judge.title}")
    console.say(f"  model {panel.model.id}")
    console.say(f"  judgements in {folder.path}")
    console.say(
        f"  {len(sources)} runs, {len(sources) - len(todo)} judged before, {len(todo)} to do; "
        f"{panel.orders} orders, wordings {', '.join(panel.wordings)}, {panel.repeats} draws"
    )
    if panel.model.size in ("tiny", "small"):
        console.say(f"  {panel.model.id} is too small to judge anything:")
        console.say("  its judgements are a smoke test of the kit")


def _say_cost(
    panel: Panel,
    weights: Weights,
    total: Size,
    *,
    capacity: int,
    threads: int | None,
) -> None:
    judgements, tokens, room, too_long = total
    console.say(f"  {judgements:,} judgements, {tokens:,} tokens to read, at most {room:,} in one")
    if too_long:
        console.say(f"  {too_long:,} of them are too long for the window or the context")
    engine = weights.engine(
        panel.judge.engine, capacity=capacity, threads=threads, room=1024, with_bit_class=False
    )
    speed = calibration.measure(engine)
    engine.close()
    # A letter and a line break for each question; a reason of one to four characters a token.
    letters = 2 * len(panel.judge.scales)
    reason = panel.judge.reason
    characters = 0 if reason.place is ReasonPlace.NONE else reason.characters
    reading = tokens / speed.read
    low = _QUICK * reading + judgements * (letters + characters / 4) / speed.speak
    high = _DEEP * reading + judgements * (letters + characters) / speed.speak
    console.say(
        f"  {threads or cores()} threads, {capacity} side by side: between {duration(low)} and "
        f"{duration(high)}"
    )


def _judge(judging: Judging, todo: Sequence[Pending], folder: JudgementFolder, total: int) -> None:
    with progress() as bar:
        task = bar.add_task("judgements", total=total)

        def report(step: Step) -> None:
            bar.update(task, advance=step.judgements)
            if step.finished:
                bar.console.print(f"  complete: {step.finished}", highlight=False)

        for source in todo:
            judge_source(judging, source.open(), folder, report)


def _say_outcomes(folder: JudgementFolder, sources: Sequence[Pending]) -> None:
    """How the answers ended, over all runs."""
    judge = folder.panel().judge
    counts: Counter[tuple[str, JudgementOutcome]] = Counter()
    scores: list[ExcerptScore] = []
    for source in sources:
        log = read_judgements(folder.log(source.run_id))
        counts += run_outcomes(log)
        scores += excerpt_scores(log.judgements, judge)
    for scale in dict.fromkeys(scale for scale, _ in counts):
        asked = sum(count for (of, _), count in counts.items() if of == scale)
        parts = [
            f"{counts[scale, outcome]:,} {outcome.replace('_', ' ')}"
            for outcome in JudgementOutcome
            if counts[scale, outcome]
        ]
        console.say(f"  {scale}: {asked:,} asked, {', '.join(parts)}")
        of_scale = [each for each in scores if each.scale == scale]
        gaps = [each.order_gap for each in of_scale if each.order_gap is not None]
        if gaps:
            console.say(
                f"    options in their last order less those in the first: {fmean(gaps):+.2f} "
                "on average"
            )
        masses = [each.legal_mass for each in of_scale if each.legal_mass is not None]
        if masses:
            console.say(f"    {fmean(masses):.0%} of the model's own probability is on the options")
