"""``kit judge sample``, ``calibrate``, ``agree`` and ``stability``: how far to trust a judge."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import click
import polars as pl
from pydantic import ValidationError

from kit.analysis.cells import values
from kit.analysis.collection import collect
from kit.analysis.corrected import corrected
from kit.analysis.judged import against_measure, run_measures
from kit.cli import console
from kit.errors import OutputError, PlanError
from kit.judge import labelling
from kit.judge.calibration import Rated, Reliability, by_excerpt, reliability
from kit.judge.comparison import Judged, Stability, against, gather, injections, rated
from kit.judge.comparison import stability as variances
from kit.judge.drawing import FILE, Candidate, Sample, draw, sheets
from kit.judge.folder import AGREEMENT, JudgementFolder, panels
from kit.judge.gold import GoldSet
from kit.judge.judging import run_source
from kit.judge.panel import Panel
from kit.measure import frames
from kit.runlog.reader import read
from kit.runlog.writer import write_atomically
from kit.runner.folder import ResultFolder
from kit.spec.experiment import load_experiment
from kit.spec.judge import Scale
from kit.stats.result import Estimate, Undefined

LABELS = "labels"


def say_agreement(results: Path, panel: Panel, gold: GoldSet) -> None:
    """How a judge agrees with the gold labels."""
    judged = gather(JudgementFolder(results, panel.name))
    console.say(f"agreement of {panel.name} ({panel.model.id}) with the gold set")
    console.say("  its labels are its authors', not those of independent raters")
    every: list[Reliability] = []
    for scale in panel.judge.scales:
        labels = {
            excerpt: {"gold": value}
            for excerpt, value in gold.labels(panel.judge.judge, scale.id).items()
        }
        pairs = rated(judged, scale, labels, each_alone=True)
        found = reliability(pairs, scale, panel.seed)
        every += found
        say_reliability(found)
        _say_apart("clear", [pair for pair in pairs if gold.is_clear(pair.excerpt)])
        _say_injections(judged, gold, scale)
    _keep(JudgementFolder(results, panel.name), every)


def _say_injections(judged: Judged, gold: GoldSet, scale: Scale) -> None:
    """What it does to a judge that someone in an excerpt says how to rate."""
    found = injections(judged, gold, scale)
    if not found:
        return
    changed = sum(one.told != one.untold for one in found)
    line = f"    told how to rate: {changed} of {len(found)} judged otherwise than untold"
    moves = [one.move for one in found if one.move is not None]
    if moves:
        line += f", by {sum(map(abs, moves)) / len(moves):.2f} on average"
    console.say(line)


def _say_apart(what: str, pairs: Sequence[Rated]) -> None:
    agreed = sum(pair.judge == next(iter(pair.people.values())) for pair in pairs)
    if pairs:
        console.say(f"    {what}: {agreed} of {len(pairs)} as labelled")


def say_reliability(found: Sequence[Reliability]) -> None:
    """One scale over all languages, then in each."""
    for each in found:
        if each.language is None:
            unscored = each.excerpts - each.scored
            console.say(
                f"  {each.scale}: {each.excerpts} excerpts, {unscored} unscored, "
                f"{each.raters} rater(s)"
            )
            for what, estimate in (
                ("agreed", each.raw),
                ("kappa", each.kappa),
                ("alpha", each.alpha),
                ("alpha of people", each.alpha_people),
                ("ICC(2,1)", each.icc),
            ):
                if estimate.estimate is not None:
                    console.say(f"    {what:<16}{interval(estimate)}")
            for line in textwrap.wrap(each.sentence, 74):
                console.say(f"    {line}")
        else:
            console.say(f"      {each.language}: {each.excerpts:>3}, kappa {interval(each.kappa)}")


def interval(found: Estimate) -> str:
    """An estimate with its interval."""
    if found.estimate is None:
        return "undefined"
    if found.conf_low is None or found.conf_high is None:
        return f"{found.estimate:.2f}"
    return f"{found.estimate:.2f} [{found.conf_low:.2f}, {found.conf_high:.2f}]"


@click.command(name="sample")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the judgements in DIR.")
@click.option("--size", "number", type=click.IntRange(1), default=120, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder [DIR/labels/NAME].")
def sample(folder: Path, name: str, number: int, out: Path | None) -> None:
    """Draw excerpts for people to rate: a page for the browser and a spreadsheet."""
    judged = gather(JudgementFolder(folder, name))
    experiment = load_experiment(folder)
    place = out or folder / LABELS / name
    if (place / FILE).exists():
        raise OutputError(
            "a sample was drawn here before; its labels belong to it",
            where=place,
            hint="choose another folder with --out",
        )
    drawn = draw(_candidates(folder, judged), number, experiment.study.seed)
    found = sheets(judged.panel, drawn, experiment.languages)
    write_atomically(place / FILE, found.model_dump_json(indent=1).encode() + b"\n")
    write_atomically(place / "labels.html", labelling.page(found.assignment).encode())
    write_atomically(place / "labels.csv", labelling.csv(found.assignment).encode())
    console.say(f"{len(drawn)} excerpts of {len({one.run_id for one in found.drawn})} runs")
    console.say(f"rate in a browser:      {place / 'labels.html'}")
    console.say(f"or in a spreadsheet:    {place / 'labels.csv'}")
    console.say(f"then: kit judge calibrate {folder} --name {name} --labels FILE")


def _candidates(folder: Path, judged: Judged) -> list[Candidate]:
    experiment = load_experiment(folder)
    results = ResultFolder(folder)
    by_run = {run.run_id: run for run in experiment.runs()}
    scale = judged.panel.judge.scales[0].id
    said = {score.excerpt: score.category for _, score in judged.scores(scale)}
    found: list[Candidate] = []
    for log in judged.logs:
        run = by_run[log.header.run_id]
        language = experiment.languages[run.cell.language]
        path = results.log(run)
        source = run_source(path, read(path), language, judged.panel)
        for place, excerpt in enumerate(source.excerpts):
            stratum = (*map(str, run.cell), str(said.get(excerpt.id)))
            found.append(Candidate(source, place, stratum))
    return found


@click.command(name="calibrate")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the judgements in DIR.")
@click.option(
    "--labels",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="A rater's file: the page's export, or the spreadsheet filled in. Again for others.",
)
@click.option("--sample", "place", type=click.Path(path_type=Path), help="[DIR/labels/NAME].")
def calibrate(folder: Path, name: str, files: tuple[Path, ...], place: Path | None) -> None:
    """Hold a judge against raters, and correct the means of the cells for its error."""
    judgements = JudgementFolder(folder, name)
    judged = gather(judgements)
    kept = _sample(place or folder / LABELS / name)
    excerpt_of = {one.sheet: one.excerpt for one in kept.drawn}
    answers = [label for path in files for label in labelling.read_labels(path, kept.assignment)]
    seed = load_experiment(folder).study.seed
    every: list[Reliability] = []
    console.say(f"{name} ({judged.panel.model.id}) and {len(files)} file(s) of labels")
    for scale in judged.panel.judge.scales:
        labels = by_excerpt(
            (excerpt_of[label.excerpt], label.rater, label.value)
            for label in answers
            if label.question == scale.id and label.value is not None
        )
        found = reliability(rated(judged, scale, labels), scale, seed)
        every += found
        say_reliability(found)
        weights = {one.excerpt: one.weight for one in kept.drawn}
        rows = corrected(load_experiment(folder), judged, scale, labels, weights)
        path = judgements.path / f"corrected_{scale.id}.csv"
        write_atomically(path, rows.write_csv().encode())
        console.say(f"    means corrected for its error: {path}")
    _keep(judgements, every)


def _sample(place: Path) -> Sample:
    path = place / FILE
    try:
        return Sample.model_validate_json(path.read_bytes())
    except OSError as error:
        raise OutputError(
            "no sample was drawn here",
            where=place,
            hint="kit judge sample DIR --name NAME, or name its folder with --sample",
        ) from error
    except ValidationError as error:
        raise OutputError("is no sample of this release", where=path) from error


def _keep(folder: JudgementFolder, every: Sequence[Reliability]) -> None:
    """Write what was found beside the judgements."""
    rows = [
        {
            "scale": each.scale,
            "language": each.language,
            "statistic": what,
            "excerpts": each.excerpts,
            "scored": each.scored,
            "raters": each.raters,
            "usability": each.usability.value,
            "estimate": estimate.estimate,
            "conf_low": estimate.conf_low,
            "conf_high": estimate.conf_high,
            "method": estimate.method,
        }
        for each in every
        for what, estimate in _statistics(each)
    ]
    agreement = pl.DataFrame(rows, infer_schema_length=None).write_csv()
    write_atomically(folder.path / AGREEMENT, agreement.encode())
    cells = [
        {
            "scale": each.scale,
            "language": each.language,
            "judge": crossing.judge,
            "people": crossing.people,
            "excerpts": crossing.excerpts,
            "share": crossing.share.estimate,
            "conf_low": crossing.share.conf_low,
            "conf_high": crossing.share.conf_high,
        }
        for each in every
        for crossing in each.confusion
    ]
    confusion = pl.DataFrame(cells, infer_schema_length=None).write_csv()
    write_atomically(folder.path / "confusion.csv", confusion.encode())
    console.say(f"in full: {folder.path / 'agreement.csv'}, confusion.csv")


def _statistics(each: Reliability) -> list[tuple[str, Estimate]]:
    found = [
        ("raw_agreement", each.raw),
        ("kappa", each.kappa),
        ("alpha", each.alpha),
        ("alpha_people", each.alpha_people),
        ("icc", each.icc),
    ]
    for one in each.detections:
        found += [
            (f"precision at {one.what}", one.precision),
            (f"recall at {one.what}", one.recall),
            (f"specificity at {one.what}", one.specificity),
        ]
    return found


@click.command(name="agree")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("one")
@click.argument("other")
def agree(folder: Path, one: str, other: str) -> None:
    """Hold judgements ONE against judgements OTHER, or against a keyword measure such as cpi."""
    judged = gather(JudgementFolder(folder, one))
    seed = load_experiment(folder).study.seed
    if other in panels(folder):
        second = gather(JudgementFolder(folder, other))
        shared = _shared(judged.panel, second.panel)
        console.say(f"{one} ({judged.panel.model.id})")
        console.say(f"and {other} ({second.panel.model.id})")
        for scale in shared:
            say_reliability(reliability(against(judged, second, scale), scale, seed))
        return
    rows = frames.runs_frame(collect(folder).runs).to_dicts()
    known = [value for value in values(rows) if value.measure == other]
    if not known:
        raise PlanError(
            f"neither judgements nor a measure '{other}'",
            where=folder,
            hint=f"judgements: {', '.join(panels(folder))}; measures: cpi, di, sexual and others",
        )
    found = list(against_measure(run_measures(judged), known))
    if not found:
        console.say(f"no run has both a number of {one} and {other}")
    for line in found:
        console.say(
            f"{line.target} and {other} ({line.reference or 'plain'}): {line.runs} runs, "
            f"rho {interval(line.result)}"
        )


def _shared(one: Panel, other: Panel) -> list[Scale]:
    ids = {scale.id for scale in other.judge.scales}
    found = [scale for scale in one.judge.scales if scale.id in ids]
    if not found:
        raise PlanError(f"'{one.name}' and '{other.name}' have no scale in common")
    return found


@click.command(name="stability")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, required=True)
def stability(folder: Path, names: tuple[str, ...]) -> None:
    """Split the variance of scores: excerpts, ways to ask (NAMES, orders, wordings), draws."""
    judged = [gather(JudgementFolder(folder, name)) for name in names]
    for found in variances(judged):
        say_stability(found)


def say_stability(found: Stability) -> None:
    """The shares of one scale."""
    console.say(
        f"{found.scale}: {found.excerpts} excerpts, {len(found.judges)} ways to ask, "
        f"{found.repeats} draw(s) each; {found.left_out} left out as unscored"
    )
    if isinstance(found.components, Undefined):
        console.say(f"  no variances: {found.components}")
        return
    parts = found.components
    for what, part in (
        ("between excerpts", parts.unit),
        ("between ways to ask", parts.judge),
        ("excerpts by ways", parts.interaction),
        ("residual", parts.residual),
    ):
        if part is not None:
            console.say(f"  {what:<20}{part.share:6.1%}")
    if found.first_option is not None:
        console.say(f"  options descending less ascending: {found.first_option:+.2f}")
