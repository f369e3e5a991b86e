"""``kit doctor``: check this machine, the library and the model."""

from __future__ import annotations

from pathlib import Path

import click

from kit.audit.doctor import Finding, Grade, examine
from kit.audit.invariance import Rows
from kit.cli import console
from kit.cli.run import DEFAULT_RESULTS
from kit.errors import ExitCode
from kit.spec.library import library_file
from kit.spec.pins import find_pin, load_pins

DEFAULT_MODEL = "smollm2-135m-instruct-q4_1"


@click.command(
    help="Check this machine, the library and a model; says what to do about each finding."
)
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Measure bits with it.")
@click.option("--k-type", type=click.Choice(["f16", "q8_0"]), default="f16", show_default=True)
@click.option(
    "--rows",
    type=click.Choice([one.value for one in Rows]),
    default=Rows.QUICK.value,
    show_default=True,
    help="How many circumstances to measure that must not change a bit.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Say which finished logs in or below this folder replay here [./results].",
)
def command(model: str, k_type: str, rows: str, results: tuple[Path, ...]) -> int:
    """Parse, call, print."""
    pin = find_pin(load_pins(library_file("models.yaml")), model)
    if not results and DEFAULT_RESULTS.is_dir():
        results = (DEFAULT_RESULTS,)
    findings: list[Finding] = []
    for finding in examine(pin, k_type=k_type, rows=Rows(rows), results=results):
        findings.append(finding)
        console.say(f"{finding.grade:<5} {finding.text}")
        if finding.hint:
            console.say(f"      next: {finding.hint}")
    failed = sum(finding.grade is Grade.FAIL for finding in findings)
    console.say(f"{len(findings)} findings, {failed} to mend" if failed else "All is well.")
    return ExitCode.ERROR if failed else ExitCode.OK
