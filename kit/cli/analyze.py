"""``kit analyze``: every effect of a result folder, in the terminal and as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from kit.analysis.culture import load_scores
from kit.analysis.multiverse import with_multiverse
from kit.analysis.replication import Verdict
from kit.analysis.results import LONG, RESULTS, TABLES, Analysis, analyze, write
from kit.cli import console, findings
from kit.errors import ExitCode
from kit.spec.library import library_file
from kit.spec.published import load_published


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--country",
    "choices",
    metavar="LANG=CODE",
    multiple=True,
    help="Country that stands for a language in the culture scores, such as 'en=GBR'.",
)
@click.option(
    "--multiverse",
    is_flag=True,
    help="Also compute CPI and DI under every combination of the choices that the paper leaves "
    "open; takes longer.",
)
@click.option(
    "--with",
    "beside",
    metavar="DIR",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Hold the models of another result folder beside this one's.",
)
@click.option(
    "--expect",
    is_flag=True,
    help="End with status 2 if a published claim is not replicated, or reversed.",
)
def command(
    folder: Path,
    choices: tuple[str, ...],
    beside: tuple[Path, ...],
    *,
    multiverse: bool,
    expect: bool,
) -> int:
    """Measure the runs in the result folder DIR and compute every effect.

    Prints the main tables, and writes all of them to DIR/tables and DIR/results.json.
    """
    analysis = analyze_folder(folder, chosen=_chosen(choices), beside=beside, multiverse=multiverse)
    refuted = {Verdict.NOT_REPLICATED, Verdict.REVERSED}
    found = any(judgement.verdict in refuted for judgement in analysis.judgements)
    return ExitCode.MISMATCH if expect and found else ExitCode.OK


def _chosen(choices: Sequence[str]) -> dict[str, str]:
    """``en=GBR`` as a language and a country."""
    chosen = {}
    for choice in choices:
        language, equal, country = choice.partition("=")
        if not (language and equal and country):
            raise click.BadParameter(f"'{choice}' is not LANG=CODE, such as 'en=GBR'")
        chosen[language] = country
    return chosen


def analyze_folder(
    folder: Path,
    *,
    chosen: Mapping[str, str] | None = None,
    beside: Sequence[Path] = (),
    multiverse: bool = False,
) -> Analysis:
    """Analyse ``folder``, write every table, print the main ones."""
    published = load_published(library_file("studies", "published.yaml"))
    scores = load_scores(library_file("studies", "hofstede.csv"))
    analysis = analyze(folder, published, scores, chosen=chosen, beside=beside)
    if multiverse:
        analysis = with_multiverse(analysis, scores, chosen=chosen)
    files = write(analysis, folder)
    findings.show(analysis)
    console.say()
    console.say(f"{len(files) - 1} tables as CSV in {folder / TABLES}")
    long = sorted(name for name in LONG & analysis.tables.keys() if analysis.tables[name].height)
    without = f" but {', '.join(long)}" if long else ""
    console.say(f"all of them{without} in {folder / RESULTS}")
    console.say(f"as a page: kit report {folder}")
    return analysis
