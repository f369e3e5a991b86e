"""``kit freeze``: the registration document of a plan, before its runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from kit.analysis.registration import registration, write
from kit.cli import console
from kit.cli.run import default_folder
from kit.runner.folder import ResultFolder
from kit.runner.resolve import resolve, study_path
from kit.spec.library import library_file
from kit.spec.published import load_published


@click.command(
    help="Write down what STUDY will run and how it will be judged, before it is run. Runs then "
    "carry the document's hash, and 'kit run' refuses any other plan in that folder."
)
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), help="Result folder [results/STUDY].")
@click.option("--model", help="Plan with this model of models.yaml instead of the study's.")
@click.option("--profile", help="One of the study's profiles, such as 'smoke'.")
def command(study: str, out: Path | None, model: str | None, profile: str | None) -> None:
    """Parse, call, print."""
    experiment = resolve(study_path(study), model=model, profile=profile)
    folder = ResultFolder(out or default_folder(experiment))
    published = load_published(library_file("studies", "published.yaml"))
    document = registration(experiment, published)
    with folder.writing():
        path = write(document, folder.path)
    runs = experiment.runs()
    begun = sum(folder.is_done(run) or folder.partial(run).exists() for run in runs)
    console.say(f"{path}")
    console.say(f"  plan      {document.digest}")
    console.say(f"  document  {hashlib.sha256(document.text).hexdigest()}")
    console.say(f"  {len(runs)} runs planned, {begun} begun")
    if begun:
        console.note(f"note: {begun} runs were begun before; finished ones do not carry its hash")
