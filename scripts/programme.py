"""The four studies with scripted agents: seconds and memory of simulating and of analysing them.

The agents speak the play of tests/play.py in every language, through the same road as a model's
answers: form, parser, prompts of what was heard, logs made durable round by round. Logs go to
``results/programme``; a new start makes them anew. What was measured stands in docs/programme.md
between two marks; the text around them is kept.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from kit.analysis.collection import collect
from kit.engine.scripted import ScriptedEngine
from kit.measure import frames
from kit.runner.folder import ResultFolder
from kit.runner.plan import Portion
from kit.runner.resolve import resolve, study_path
from kit.runner.study import run_portions
from kit.spec.experiment import FILE_NAME, Experiment, load_experiment
from tests.play import Play

STUDIES = ("study1", "study2", "study3", "study4")
PAGE = Path("docs/programme.md")
COHORT = 15
"""Runs side by side."""
PARTS = (4, 2)
"""The largest study is also analysed by a quarter and by a half of its runs."""

Result = dict[str, Any]


class Done(NamedTuple):
    """Runs that were simulated side by side."""

    runs: int
    megabytes: float
    """The most memory that the process has held so far."""


@cache
def stage(folder: Path) -> tuple[Play, ScriptedEngine]:
    """The play of a result folder and an engine that speaks it, made once per process."""
    play = Play(load_experiment(folder))
    return play, play.engine(COHORT)


def perform(folder: Path, run_ids: Sequence[str]) -> Done:
    """Simulate some runs side by side."""
    play, engine = stage(folder)
    runs = tuple(run for run in play.experiment.runs() if run.run_id in run_ids)
    run_portions(play.experiment, [Portion(runs)], engine, ResultFolder(folder), lambda _: None)
    return Done(len(runs), peak())


def peak() -> float:
    """Megabytes that this process has held at most."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise OSError("the system does not tell how much memory a process held")


def portions(experiment: Experiment) -> list[list[str]]:
    """Run ids, cell by cell."""
    cells: dict[Any, list[str]] = {}
    for run in experiment.runs():
        cells.setdefault(run.cell, []).append(run.run_id)
    return [
        ids[start : start + COHORT]
        for ids in cells.values()
        for start in range(0, len(ids), COHORT)
    ]


def simulate(asked: argparse.Namespace) -> Result:
    """All studies, in so many processes."""
    started = time.monotonic()
    finished: list[tuple[float, int]] = []
    most = 0.0
    context = multiprocessing.get_context("spawn")
    with ExitStack() as locks, ProcessPoolExecutor(asked.processes, mp_context=context) as pool:
        futures: list[Future[Done]] = []
        for name in asked.studies:
            experiment = _shortened(resolve(study_path(name)), asked.replicates)
            shutil.rmtree(asked.out / name, ignore_errors=True)
            folder = ResultFolder(asked.out / name)
            locks.enter_context(folder.writing())
            folder.freeze(experiment)
            futures += [pool.submit(perform, folder.path, ids) for ids in portions(experiment)]
        for future in as_completed(futures):
            done = future.result()
            finished.append((time.monotonic() - started, done.runs))
            most = max(most, done.megabytes)
    return {
        "processes": asked.processes,
        "seconds": time.monotonic() - started,
        "megabytes": most,
        "finished": finished,
    }


def _shortened(experiment: Experiment, replicates: int | None) -> Experiment:
    if replicates is None:
        return experiment
    study = experiment.study
    fewer = study.replicates.model_copy(update={"value": replicates})
    return experiment.model_copy(update={"study": study.model_copy(update={"replicates": fewer})})


def durability(out: Path) -> Result:
    """What it costs to make one cell's logs durable after every round."""
    place = ResultFolder(out / "durability")
    shutil.rmtree(place.path, ignore_errors=True)
    experiment = resolve(study_path(STUDIES[0]))
    place.freeze(experiment)
    sync, spent = os.fsync, []

    def timed(descriptor: int) -> None:
        started = time.perf_counter()
        sync(descriptor)
        spent.append(time.perf_counter() - started)

    started = time.perf_counter()
    with patch("os.fsync", timed):
        done = perform(place.path, portions(experiment)[0])
    seconds = time.perf_counter() - started
    shutil.rmtree(place.path)
    return {"runs": done.runs, "seconds": seconds, "calls": len(spent), "waited": sum(spent)}


def read(folder: Path) -> Result:
    """Read a folder's logs and make every table of measures."""
    started = time.perf_counter()
    runs = collect(folder).runs
    tables = (
        frames.runs_frame,
        frames.agents_frame,
        frames.channels_frame,
        frames.outcomes_frame,
        frames.drift_frame,
    )
    rows = sum(table(runs).height for table in tables)
    return {"seconds": time.perf_counter() - started, "rows": rows, "runs": len(runs)}


class Child(NamedTuple):
    """A process that has ended."""

    output: str
    seconds: float
    megabytes: float


def child(*arguments: str | Path) -> Child:
    """Start Python with ``arguments``; the whole process counts."""
    command = [sys.executable, "-m", *map(str, arguments)]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"kit: {' '.join(command)} failed with exit status {process.returncode}")
    return Child(output, time.monotonic() - started, usage.ru_maxrss / 1000)


def analyse(folder: Path) -> Result:
    """Seconds and memory of reading a folder, and of the whole of 'kit analyze'."""
    print(f"analysing {folder}", flush=True)
    reading = child("scripts.programme", "--read", folder)
    whole = child("kit", "analyze", folder)
    found: Result = json.loads(reading.output)
    logs = [path.stat().st_size for path in (folder / "runs").glob("*.jsonl")]
    return {
        "runs": found["runs"],
        "log_megabytes": sum(logs) / 1e6,
        "read": found["seconds"],
        "seconds": whole.seconds,
        "megabytes": max(reading.megabytes, whole.megabytes),
    }


def part(folder: Path, of: int, place: Path) -> Path:
    """A result folder that holds every ``of``-th run of ``folder``."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "runs").mkdir(parents=True)
    shutil.copy(folder / FILE_NAME, place)
    logs = ResultFolder(folder)
    for run in load_experiment(folder).runs()[::of]:
        (place / "runs" / logs.log(run).name).hardlink_to(logs.log(run))
    return place


def table(titles: str, rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table; all columns but the first are set flush right."""
    heads = titles.split("|")
    return [
        f"| {' | '.join(heads)} |",
        "|" + "|".join(["---", *["---:"] * (len(heads) - 1)]) + "|",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
        "",
    ]


def machine() -> str:
    """What measured, in a line."""
    return (
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}."
    )


def page(measured: Result) -> list[str]:
    """Everything that was measured."""
    studies: dict[str, Result] = measured["studies"]
    said = measured["simulated"]
    runs = sum(found["runs"] for found in studies.values())
    read_seconds = sum(found["read"] for found in studies.values())
    seconds = sum(found["seconds"] for found in studies.values())
    most = max(found["megabytes"] for found in [said, *studies.values()])
    durable = measured["durability"]
    parts: list[Result] = measured["parts"]
    per_run = [1000 * found["seconds"] / found["runs"] for found in parts]
    promises = [
        ("simulating, seconds", 300, said["seconds"]),
        ("analysing, seconds", 60, seconds),
        ("of it reading and counting, seconds", 25, read_seconds),
        ("memory of the largest process, MB", 1500, most),
        ("time per run, whole study over a quarter of it", 1.1, per_run[-1] / per_run[0]),
    ]
    return [
        machine(),
        "",
        f"{runs:,} runs, {measured['answers']:,} answers, "
        f"{sum(found['log_megabytes'] for found in studies.values()):,.0f} MB of logs.",
        "",
        *table(
            "promise|at most|measured|met",
            [
                (what, f"{bound:,}", _short(value), "yes" if value <= bound else "no")
                for what, bound, value in promises
            ],
        ),
        "## Simulating",
        "",
        f"{said['processes']} processes, {COHORT} runs side by side in each; at most "
        f"{said['megabytes']:,.0f} MB in one process.",
        "",
        *table(
            "runs complete|seconds|seconds per 100 runs",
            [
                (f"{done:,}", f"{at:,.1f}", f"{100 * at / done:.2f}")
                for at, done in milestones(said["finished"])
            ],
        ),
        f"Logs are made durable after every round: {durable['runs']} runs in one process waited "
        f"{durable['calls']:,} times,",
        f"{1000 * durable['waited'] / durable['calls']:.2f} ms each, "
        f"{durable['waited']:.2f} of {durable['seconds']:.2f} seconds.",
        "",
        "## Analysing",
        "",
        "`kit analyze`, the whole command; one process for each study. Reading is checking every "
        "line of the logs",
        "and counting every word, and is timed on its own.",
        "",
        *table(
            "study|runs|logs, MB|reading, s|whole, s|memory, MB",
            [(name, *_figures(found)) for name, found in studies.items()],
        ),
        *table(
            f"part of {measured['largest']}|runs|logs, MB|reading, s|whole, s|memory, MB"
            "|whole, ms per run",
            [
                (name, *_figures(found), f"{each:.1f}")
                for name, found, each in zip(
                    [*(f"1/{of}" for of in PARTS), "all"], parts, per_run, strict=True
                )
            ],
        ),
    ]


def _figures(found: Result) -> tuple[str, ...]:
    return (
        f"{found['runs']:,}",
        f"{found['log_megabytes']:,.0f}",
        f"{found['read']:.1f}",
        f"{found['seconds']:.1f}",
        f"{found['megabytes']:,.0f}",
    )


def _short(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def milestones(finished: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """When a quarter, a half, three quarters and all runs were complete, and how many those are."""
    total = sum(runs for _, runs in finished)
    found: list[tuple[float, int]] = []
    done = 0
    for at, runs in finished:
        done += runs
        while len(found) < 4 and done * 4 >= total * (len(found) + 1):
            found.append((at, done))
    return found


def put(path: Path, script: str, lines: Sequence[str]) -> None:
    """Put what a script measured between its marks on a page."""
    begin = f"<!-- measured by scripts/{script} -->"
    end = f"<!-- end of what scripts/{script} measured -->"
    title = "# The whole programme, with scripted agents\n"
    old = path.read_text(encoding="utf-8") if path.exists() else title
    before, found, rest = old.partition(begin)
    if not found:
        before, rest = f"{old.rstrip()}\n\n", f"{end}\n"
    _, _, after = rest.partition(end)
    path.write_text(before + "\n".join([begin, "", *lines]) + end + after, encoding="utf-8")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/programme", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one replicate a cell; no page")
    parser.add_argument("--processes", type=int, default=2, help="that simulate [2]")
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=STUDIES)
    parser.add_argument("--out", type=Path, default=Path("results/programme"), help="folder")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to write")
    parser.add_argument("--read", type=Path, metavar="DIR", help="time reading one folder; no more")
    found = parser.parse_args()
    found.replicates = 1 if found.quick else None
    if found.quick:
        found.out /= "quick"
    return found


def main() -> int:
    """Simulate, analyse, write the page."""
    asked = options()
    if asked.read:
        print(json.dumps(read(asked.read)))
        return 0
    print("simulating", flush=True)
    measured: Result = {"simulated": simulate(asked), "durability": durability(asked.out)}
    measured["studies"] = {name: analyse(asked.out / name) for name in asked.studies}
    largest = max(asked.studies, key=lambda name: measured["studies"][name]["runs"])
    measured["largest"] = largest
    measured["parts"] = [
        *(analyse(part(asked.out / largest, of, asked.out / f"part-{of}")) for of in PARTS),
        measured["studies"][largest],
    ]
    measured["answers"] = sum(
        experiment.protocol(run.cell.variant).turns.value
        * len(experiment.languages[run.cell.language].personas)
        for experiment in (load_experiment(asked.out / name) for name in asked.studies)
        for run in experiment.runs()
    )
    (asked.out / "measured.json").write_text(json.dumps(measured), encoding="utf-8")
    lines = page(measured)
    print("\n".join(lines))
    if not asked.quick:
        put(asked.page, "programme", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
