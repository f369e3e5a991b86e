"""``kit demo``: the whole road on the embedded default model."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import analyze, console, report
from kit.cli.run import default_folder, simulate_study
from kit.cli.simulation import Means
from kit.runner.folder import ResultFolder
from kit.runner.resolve import resolve, study_path


@click.command(help="Simulate, measure, analyse and report a small study. Minutes on two cores.")
@click.option("--out", type=click.Path(path_type=Path), help="Result folder [results/demo].")
@click.option("--threads", type=click.IntRange(1), help="Worker threads [all cores].")
def command(out: Path | None, threads: int | None) -> None:
    """Parse, call, print."""
    experiment = resolve(study_path("demo"))
    folder = ResultFolder(out or default_folder(experiment))
    simulate_study(experiment, folder, means=Means(threads))
    analyze.analyze_folder(folder.path)
    page = report.write_report(folder.path)
    console.say("")
    console.say(f"report: {page}")
    console.say(f"read a run:   kit show {folder.runs / 'en-a10-r1.jsonl'}")
    console.say(f"replay a run: kit replay {folder.runs / 'en-a10-r1.jsonl'}")
