"""Slow proofs: the demo with its replays, and whole fifteen-turn runs on both test models.

Every row of the table is a command that was run, its exit status, its wall-clock seconds and the
most memory it held. Results stay in ``results/proofs``, so that a second start continues.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import NamedTuple

from kit.engine.build import inspect_build

OUT = Path("results/proofs")
PAGE = Path("docs/proofs.md")
SMOLLM = "smollm2-135m-instruct-q4_1"
GEMMA = "gemma-3-270m-base-q4_k_m"
DEMO_RUNS = [f"{language}-a{level}-r{replicate}" for language in ("en", "ja")
             for level in (0, 10) for replicate in (1, 2)]  # fmt: skip


class Row(NamedTuple):
    """One command and what came of it."""

    proof: str
    command: str
    status: int
    seconds: float
    megabytes: float


def measured(proof: str, *arguments: str) -> Row:
    """Run one ``kit`` command."""
    print(f"kit {' '.join(arguments)}", flush=True)
    started = time.monotonic()
    child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", "kit", *arguments])
    _, status, usage = os.wait4(child, 0)
    return Row(
        proof,
        f"kit {' '.join(arguments)}",
        os.waitstatus_to_exitcode(status),
        time.monotonic() - started,
        usage.ru_maxrss / 1000,
    )


def demo() -> list[Row]:
    """The whole road."""
    return [measured("the whole road, two languages", "demo", "--out", f"{OUT}/demo")]


def replay() -> list[Row]:
    """Every demo run, made in company on all cores, again alone on one thread."""
    return [
        measured("made together, replayed alone on 1 thread",
                 "replay", f"{OUT}/demo/runs/{name}.jsonl", "--threads", "1")
        for name in DEMO_RUNS
    ]  # fmt: skip


def long() -> list[Row]:
    """Fifteen turns in English on SmolLM2, and in Japanese on Gemma."""
    rows = []
    for language, model in (("en", SMOLLM), ("ja", GEMMA)):
        folder = f"{OUT}/study1-{language}"
        rows += [
            measured(f"15 turns, {language}", "run", "study1", "--profile", "smoke", "--model",
                     model, "--only", f"{language}-a10-r1", "--out", folder),
            measured(f"15 turns, {language}, replayed", "replay",
                     f"{folder}/runs/{language}-a10-r1.jsonl"),
        ]  # fmt: skip
    return rows


def sequential() -> list[Row]:
    """Ten agents one after another."""
    folder = f"{OUT}/sequential"
    run = "en-a10-vsequential-r1"
    return [
        measured("15 turns, one speaker after another", "run", "study1_sensitivity", "--profile",
                 "smoke", "--model", SMOLLM, "--only", run, "--out", folder),
        measured("the same, replayed", "replay", f"{folder}/runs/{run}.jsonl"),
    ]  # fmt: skip


def page(rows: list[Row]) -> str:
    """The table."""
    build = inspect_build()
    lines = [
        "# Slow proofs",
        "",
        "Made by `scripts/prove`. A replay that exits 0 compared every byte.",
        "The models are tiny: nothing here says anything about the paper's findings.",
        "",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, glibc "
        f"{platform.libc_ver()[1]}, Python {platform.python_version()}; llama-cpp-python "
        f"{build.version}, {build.kind} build.",
        "",
        "| proof | command | exit | seconds | MB |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {row.proof} | `{row.command}` | {row.status} | {row.seconds:,.0f} "
        f"| {row.megabytes:,.0f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


PARTS = {"demo": demo, "replay": replay, "long": long, "sequential": sequential}


def main() -> int:
    """Make the chosen parts and write the page."""
    rows: list[Row] = []
    for name in sys.argv[1:] or PARTS:
        rows += PARTS[name]()
        PAGE.write_text(page(rows), encoding="utf-8")
    failed = [row for row in rows if row.status]
    print(f"{PAGE}: {len(rows)} commands, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
