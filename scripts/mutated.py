"""Five hundred model files with one thing changed: is every one refused clearly, or does it work?

Each is a small model of tests/zoo whose header, tables or weights were changed in one place. It is
pinned anew, so that its hash gives nothing away, pulled into a store of its own, and loaded as a
study would load it. Prints what became of them as a table. Ends with 1 if a file was changed or
written, a process was left running, or an error was not one of the kit's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from scripts.programme import machine, table
from tests.engine.attempt import Outcome, adopting, attempt
from tests.engine.mutation import BASES, CHANGES, mutate
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import write

CASES = 500


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/mutated", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help=f"files to change [{CASES}]")
    parser.add_argument("--first", type=int, default=0, help="number of the first change [0]")
    parser.add_argument("--verbose", action="store_true", help="print what is said of each file")
    return parser.parse_args()


def page(counts: Counter[tuple[str, Outcome]]) -> list[str]:
    """The table of outcomes by what was changed."""
    rows: list[tuple[str | int, ...]] = [
        (change, *(counts[change, outcome] for outcome in Outcome)) for change in CHANGES
    ]
    sums = [sum(counts[change, outcome] for change in CHANGES) for outcome in Outcome]
    return table("changed|" + "|".join(Outcome), [*rows, ("all", *sums)])


def main() -> int:
    """Try every file, print the table."""
    asked = options()
    started = time.monotonic()
    counts: Counter[tuple[str, Outcome]] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as folder, adopting():
        bases = [write(animal, Path(folder)) for animal in ANIMALS if animal.name in BASES]
        for number in range(asked.first, asked.first + asked.cases):
            mutant = mutate(bases[number % len(bases)], number)
            with tempfile.TemporaryDirectory() as place:
                os.environ["KIT_HOME"] = str(Path(place, "home"))
                found = attempt(mutant.data, Path(place))
            counts[mutant.change, found.outcome] += 1
            faults += len(found.faults)
            if asked.verbose:
                print(f"{number}: {mutant.change}: {found.message or found.outcome}", flush=True)
            for fault in found.faults:
                print(f"{number}: {mutant.change}: {fault}", file=sys.stderr, flush=True)
    seconds = time.monotonic() - started
    print(f"{machine()}\n\n{asked.cases} files, {faults} faults; {seconds:,.0f} seconds.\n")
    print("\n".join(page(counts)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
