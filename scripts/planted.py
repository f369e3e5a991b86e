"""Twenty sets of study 1 whose every word is known: do the tables say what was said?

The agents speak the play of tests/play.py, whose sentences were counted by hand. Each set has a
seed of its own, so other assignments, other lines and other answers. Ends with 1 if any number of
any run or channel is not the planted one. The result stands in docs/programme.md between two marks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from kit.analysis.collection import collect
from kit.runner.folder import ResultFolder
from kit.runner.resolve import resolve, study_path
from kit.spec.experiment import Experiment
from scripts.programme import PAGE, machine, perform, portions, put, table
from tests.play import COLUMNS, SHIFTS, Play, differences

STUDY = "study1"
SETS = 20
SHOWN = 20
"""Differences that are printed."""


class Checked(NamedTuple):
    """One set, simulated, read and compared."""

    seed: int
    runs: int
    numbers: int
    """Numbers compared: of each run and each of its channels, every column."""
    differences: tuple[str, ...]
    planted: dict[tuple[str, int], tuple[int, dict[str, int]]]
    """By language and number of aligned agents: runs, and the sum of each column."""


def experiment(number: int, *, replicates: int | None = None) -> Experiment:
    """The study with another seed."""
    found = resolve(study_path(STUDY))
    changed: dict[str, object] = {"seed": found.study.seed + number}
    if replicates is not None:
        fewer = found.study.replicates.model_copy(update={"value": replicates})
        changed["replicates"] = fewer
    return found.model_copy(update={"study": found.study.model_copy(update=changed)})


def check(number: int, place: Path, replicates: int | None = None) -> Checked:
    """Simulate one set, read its logs, compare."""
    play = Play(experiment(number, replicates=replicates))
    folder = ResultFolder(place / f"set-{number}")
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.freeze(play.experiment)
    for ids in portions(play.experiment):
        perform(folder.path, ids)
    found = tuple(differences(play, collect(folder.path)))
    shutil.rmtree(folder.path)
    runs = play.experiment.runs()
    sums: dict[tuple[str, int], tuple[int, dict[str, int]]] = {}
    for run in runs:
        where = (run.cell.language, run.cell.aligned)
        count, before = sums.get(where, (0, dict.fromkeys(COLUMNS, 0)))
        for counts in play.planted(run).values():
            before = {column: before[column] + counts[column] for column in COLUMNS}
        sums[where] = (count + 1, before)
    return Checked(play.experiment.study.seed, len(runs), 4 * len(COLUMNS) * len(runs), found, sums)


def page(sets: list[Checked], seconds: float) -> list[str]:
    """What was compared, and how it ended."""
    runs = sum(one.runs for one in sets)
    numbers = sum(one.numbers for one in sets)
    wrong = sum(len(one.differences) for one in sets)
    means: list[tuple[str | int, ...]] = []
    for where in sets[0].planted:
        count = sum(one.planted[where][0] for one in sets)
        totals = [sum(one.planted[where][1][column] for one in sets) for column in COLUMNS]
        means.append((*where, *(f"{total / count:,.1f}" for total in totals)))
    codes = dict.fromkeys(code for code, _ in sets[0].planted)
    shifts = ", ".join(f"{SHIFTS[code]:+} in {code}" for code in codes)
    return [
        machine(),
        "",
        f"{len(sets)} sets, {runs:,} runs of the study's own length, seeds {sets[0].seed} to "
        f"{sets[-1].seed}; {seconds:,.0f} seconds.",
        "",
        f"**{wrong} of {numbers:,} numbers differ** from the planted ones: "
        f"{', '.join(f'`{column}`' for column in COLUMNS)},",
        "of every run and of each of its three channels.",
        "",
        "Planted means per run, and read as such. From no aligned agent to ten the share of "
        "protective sentences",
        f"changes by so many in a thousand: {shifts}; that of sexual ones, and the use of the "
        "monologue, change the other way.",
        "",
        *table("language|aligned|" + "|".join(COLUMNS), means),
    ]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/planted", description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS, help=f"sets to make [{SETS}]")
    parser.add_argument("--replicates", type=int, help="of each cell [the study's own]; no page")
    parser.add_argument("--processes", type=int, default=2, help="that work side by side [2]")
    parser.add_argument("--out", type=Path, default=Path("results/planted"), help="folder")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to write")
    return parser.parse_args()


def main() -> int:
    """Check every set, write the page."""
    asked = options()
    started = time.monotonic()
    sets: list[Checked] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.processes, mp_context=context) as pool:
        futures = [
            pool.submit(check, number, asked.out, asked.replicates) for number in range(asked.sets)
        ]
        for future in futures:
            found = future.result()
            sets.append(found)
            print(f"seed {found.seed}: {len(found.differences)} differences", flush=True)
    lines = page(sets, time.monotonic() - started)
    print("\n".join(lines))
    wrong = [line for one in sets for line in one.differences]
    for line in wrong[:SHOWN]:
        print(line, file=sys.stderr)
    if asked.replicates is None:
        put(asked.page, "planted", lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
