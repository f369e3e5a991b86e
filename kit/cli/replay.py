"""``kit replay``: simulate one run again and compare bytes."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import click

from kit.audit.judgements import replay_judgements
from kit.audit.replay import replay
from kit.cli import console
from kit.cli.run import DEFAULT_RESULTS
from kit.errors import Mismatch, RunLogError
from kit.judge.log import is_judgement_log


def run_path(text: str) -> Path:
    """A log given as a path, or as a run id of a study in ``results``.

    Raises:
        RunLogError: neither exists.
    """
    path = Path(text)
    if path.suffix == ".jsonl" or os.path.exists(path):  # noqa: PTH110 - never raises
        return path
    study, _, name = (glob.escape(part) for part in text.partition("/"))
    found = sorted(DEFAULT_RESULTS.glob(f"{study}*/runs/{name}*.jsonl"))
    exact = [file for file in found if file.name in (f"{name}.jsonl", f"{name}.partial.jsonl")]
    if len(exact) == 1:
        return exact[0]
    if exact:
        raise RunLogError(
            f"'{text}' stands in {len(exact)} result folders",
            hint=f"name the file, such as {exact[0]}",
        )
    raise RunLogError("no such run log", where=text, hint="ls results/*/runs shows what there is")


@click.command(help="Make RUN (a log, a run id, or a log of judgements) again and compare bytes.")
@click.argument("run")
@click.option("--threads", type=click.IntRange(1), help="Worker threads [all cores].")
def command(run: str, threads: int | None) -> None:
    """Parse, call, print."""
    path = run_path(run)
    judged = is_judgement_log(path)
    result = (replay_judgements if judged else replay)(path, threads=threads)
    if result.divergence is None:
        console.say(f"identical: {result.run_id}, {result.bytes_compared:,} bytes")
        return
    found = result.divergence
    place = f"turn {found.turn}, agent {found.agent}: " if found.turn is not None else ""
    hint = "the log or its study was changed, or this build is not the one that made it: kit doctor"
    if result.recorded_class != result.class_here:
        hint = (
            f"bit class here {str(result.class_here)[:12]}, recorded "
            f"{str(result.recorded_class)[:12]}: this machine computes other bits"
        )
    raise Mismatch(f"{place}{found.what}", where=path, hint=hint)
