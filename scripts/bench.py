"""Speed of the kit beside other ways to answer ten agents, in one run on one machine.

Every measurement is a process of its own (scripts/bench_contenders.py) and a file in the result
folder, so that a second start measures only what is missing. What was measured stands in
docs/speed.md between two marks; the text around them is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.engine.build import inspect_build
from kit.engine.llama import cores

CONTENDERS = Path(__file__).with_name("bench_contenders.py")
SMOLLM = "smollm2-135m-instruct-q4_1"
GEMMA = "gemma-3-270m-base-q4_k_m"
PARTS = ("kit", "limit", "server", "apart", "loop", "stock", "texts", "share", "trials")
REPEATED = {"kit", "limit", "server", "apart", "stock"}
BEGIN, END = "<!-- measured by scripts/bench -->", "<!-- end of what was measured -->"
TEXT = 48
"""Tokens in each text that is compared between companies."""
TRIALS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "as it is": ({}, {}),
    "K cache in Q8_0": ({"k_type": "q8_0"}, {}),
    "prefill in chunks of 256": ({"chunk": 256}, {}),
    "prefill in chunks of 128": ({"chunk": 128}, {}),
    "all of a turn's prefill in one call": ({"joined": True}, {}),
    "room for 512 rows of logits": ({"outputs": 512}, {}),
    "flash attention": ({"flash": True}, {}),
    "threads bound to cores": ({}, {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}),
    "waiting threads spin": ({}, {"OMP_WAIT_POLICY": "active"}),
    "waiting threads sleep": ({}, {"OMP_WAIT_POLICY": "passive"}),
}
"""What was tried on llama.cpp's own share of the time: changes to the job and the environment."""

Result = dict[str, Any]


class Bench:
    """Where results are, and how to get those that are missing.

    Args:
        options: the command line.
        model: id in models.yaml.
    """

    def __init__(self, options: argparse.Namespace, model: str):
        self.options = options
        self.model = model
        self.turns: int = options.turns
        self.folder: Path = options.out / f"{model}-{options.turns}"

    def measure(
        self,
        name: str,
        contender: str,
        *,
        python: str = sys.executable,
        environment: dict[str, str] | None = None,
        **job: Any,
    ) -> None:
        """Make the result ``name`` unless it is there."""
        path = self.folder / f"{name}.json"
        if path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        options = self.options
        asked = {
            "study": "study1",
            "profile": "smoke",
            "run": "en-a10-r1",
            "model": self.model,
            "turns": options.turns,
            "threads": options.threads,
            "plan": str((self.folder / "plan.json").resolve()),
            **job,
        }
        print(f"{self.model}, {options.turns} turns: {name}", flush=True)
        variables = {**os.environ, **(environment or {})}
        # The tiled path chooses its kernel by the number of rows: off, except on a stock build.
        if python == sys.executable:
            variables["GGML_CPU_TILED_MM"] = "0"
        command = [*shlex.split(options.under), python, str(CONTENDERS), contender]
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            stdout=subprocess.PIPE,
            env=variables,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"kit: {name} failed with exit status {done.returncode}")
        path.write_text(json.dumps(json.loads(done.stdout)), encoding="utf-8")

    def run(self, part: str) -> None:
        """Measure one part of the comparison, ``--repeat`` times where it is quick."""
        options = self.options
        for turn in range(options.repeat if part in REPEATED else 1):
            if part == "kit":
                self.measure(f"kit {turn}", "kit")
            elif part == "limit":
                self.measure(f"limit {turn}", "limit")
            elif part == "stock" and options.stock:
                self.measure(f"stock {turn}", "limit", python=options.stock)
            elif part == "server" and options.server:
                self.measure(f"server {turn}", "server", python=options.server)
            elif part == "apart" and options.server:
                self.measure(f"server apart {turn}", "server", python=options.server, apart=True)
            elif part == "loop":
                self.measure("loop", "loop", agents=options.loop_agents, every=options.loop_every)
            elif part == "share":
                self.measure("share", "share", replicates=options.replicates, share_room=1024)
            elif part == "texts":
                self._texts()
            elif part == "trials":
                for name, (job, environment) in TRIALS.items():
                    self.measure(
                        f"trial {name}",
                        "limit",
                        environment=environment,
                        bits=True,
                        dialogues=options.dialogues,
                        **job,
                    )

    def _texts(self) -> None:
        self.measure("texts loop", "loop", texts=TEXT)
        if self.options.server:
            for name, company in (
                ("texts server", "twice"),
                ("texts server again", "once"),
                ("texts server alone", "alone"),
                ("texts server others", "others"),
            ):
                self.measure(
                    name, "server", python=self.options.server, texts=TEXT, company=company
                )


class Measured:
    """The results of one model and length."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.model, _, turns = folder.name.rpartition("-")
        self.turns = int(turns)

    def all(self, name: str) -> list[Result]:
        """Every repetition of ``name``, quickest first."""
        found = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in self.folder.glob(f"{name} [0-9].json")
        ]
        return sorted(found, key=lambda result: sum(result["seconds"]))

    def one(self, name: str) -> Result | None:
        """The result ``name``, or the middle one of its repetitions."""
        path = self.folder / f"{name}.json"
        if path.exists():
            found: Result = json.loads(path.read_text(encoding="utf-8"))
            return found
        every = self.all(name)
        return every[(len(every) - 1) // 2] if every else None

    def total(self, name: str) -> float | None:
        """Seconds for all ten agents; the loop's are scaled where it answered fewer."""
        if name == "loop":
            loop = self.one("loop")
            return sum(_filled(loop)) if loop else None
        every = [sum(result["seconds"]) for result in self.all(name)]
        return statistics.median(every) if every else None

    def seconds(self, name: str) -> list[float]:
        """Seconds of every turn, the median of the repetitions; the loop's for all ten agents."""
        if name == "loop":
            loop = self.one("loop")
            return _filled(loop) if loop else []
        every = [result["seconds"] for result in self.all(name)]
        return [statistics.median(turn) for turn in zip(*every, strict=True)]

    def rate(self, name: str, kind: str) -> float | None:
        """Tokens a second of one kind, the median of the repetitions."""
        results = self.all(name) or [found for found in [self.one(name)] if found]
        rates = [
            result["tokens"][kind] / result["shares"][kind]
            for result in results
            if result["shares"].get(kind)
        ]
        return statistics.median(rates) if rates else None


def _filled(loop: Result) -> list[float]:
    """Seconds of every turn for ten agents; turns left out lie on the line between neighbours."""
    asked = [turn for turn, seconds in enumerate(loop["seconds"]) if seconds is not None]
    known = [10 / loop["agents"] * loop["seconds"][turn] for turn in asked]
    return [float(each) for each in np.interp(range(len(loop["seconds"])), asked, known)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose first column is text and whose others are numbers."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        padded = [first.ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return [line(head), f"| {' | '.join(rule)} |", *(line(row) for row in rows), ""]


def _number(value: float | None, form: str = ",.0f") -> str:
    return "–" if value is None else format(value, form)


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


WAYS = {
    "kit": "the kit",
    "limit": "llama.cpp alone, same batches",
    "stock": "the same on a stock build",
    "server": "llama-server, ten slots",
    "loop": "high-level loop with reset()",
}


def ways(found: Measured) -> list[str]:
    """Every way's time, rates and memory."""
    rows = []
    kit = found.total("kit")
    for name, label in WAYS.items():
        result = found.one(name)
        if result is None:
            continue
        total = found.total(name)
        rates = "server apart" if name == "server" else name
        rows.append(
            [
                label,
                _number(total, ",.1f"),
                _number(_ratio(total, kit), ".2f"),
                _number(found.rate(rates, "prefill")),
                _number(found.rate(rates, "decode")),
                _number(result["megabytes"]),
            ]
        )
    return _table(["way", "seconds", "x kit", "read/s", "speak/s", "MB"], rows)


def shares(found: Measured) -> list[str]:
    """Where the kit's time goes."""
    kit = found.one("kit")
    if kit is None:
        return []
    spent, total = kit["shares"], sum(kit["seconds"])
    inside = ["prefill", "decode", "draw", "legal mass", "form", "digest"]
    parts = {name: spent.get(name, 0.0) for name in inside}
    parts["rest of the engine"] = spent["engine"] - sum(parts.values())
    parts["prompts and log"] = total - spent["engine"]
    spoken = sum(len(turn["tokens"]) for turn in _plan(found)["turns"] for turn in turn)
    rows = [
        [name, f"{seconds:,.2f}", f"{seconds / total:.1%}", f"{1000 * seconds / spoken:.2f}"]
        for name, seconds in parts.items()
    ]
    return _table(["the kit's time", "seconds", "share", "ms/spoken token"], rows)


def overhead(found: Measured) -> float | None:
    """Share of the kit's time outside llama.cpp."""
    every = [
        1 - (kit["shares"]["prefill"] + kit["shares"]["decode"]) / sum(kit["seconds"])
        for kit in found.all("kit")
    ]
    return statistics.median(every) if every else None


def _plan(found: Measured) -> Result:
    plan: Result = json.loads((found.folder / "plan.json").read_text(encoding="utf-8"))
    return plan


def _lengths(found: Measured) -> list[int]:
    """Tokens of the average dialogue after each turn."""
    lengths, total = [], 0
    for turn in _plan(found)["turns"]:
        total += sum(len(each["prompt"]) + len(each["tokens"]) for each in turn)
        lengths.append(total // len(turn))
    return lengths


def curve(found: Measured) -> list[str]:
    """Seconds per turn, medians of the repetitions."""
    columns = {
        name: seconds
        for name in ("kit", "limit", "server", "loop")
        if (seconds := found.seconds(name))
    }
    if found.turns < 4 or "kit" not in columns:
        return []
    names = list(columns)
    rows = [
        [str(turn + 1), f"{length:,}", *(f"{columns[name][turn]:,.1f}" for name in names)]
        for turn, length in enumerate(_lengths(found))
    ]
    return _table(["turn", "tokens so far", *names], rows)


def linear(found: Measured) -> float | None:
    """R² of the kit's seconds per turn as a line over the length of the dialogues.

    The first turn reads the system messages and is left out.
    """
    kit = found.seconds("kit")
    if not kit or found.turns < 4:
        return None
    return statistics.correlation(_lengths(found)[1:], kit[1:]) ** 2


def computed(found: Measured) -> list[int]:
    """Tokens of prompts and answers computed in each turn, over all dialogues."""
    turns = [0]
    for step in _plan(found)["schedule"]:
        if step[0] == "turn":
            turns.append(0)
        elif step[0] in ("prefill", "decode"):
            turns[-1] += len(step[2])
    return turns[: found.turns]


def linear_per_token(found: Measured) -> float | None:
    """R² of the kit's seconds per computed token as a line over the length of the dialogues.

    Turns differ in how much is said in them, which is no property of the engine: a turn in which
    a tenth less was said takes a tenth less time at any length of the dialogue.
    """
    kit = found.seconds("kit")
    if not kit or found.turns < 4:
        return None
    each = [seconds / tokens for seconds, tokens in zip(kit, computed(found), strict=True)]
    return statistics.correlation(_lengths(found)[1:], each[1:]) ** 2


def texts(found: Measured) -> list[str]:
    """Whether the other ways give the same text again."""
    rows = []
    loop = found.one("texts loop")
    if loop:
        rows.append(["high-level loop", _count(loop["again"]), "–", _count(loop["alone"]), "–"])
    first = found.one("texts server")
    if first:

        def same(name: str) -> str:
            other = found.one(name)
            pairs = zip(first["said"], other["said"], strict=True) if other else ()
            return _count([one == two for one, two in pairs])

        twice = zip(first["said"], first["again"], strict=True)
        rows.append(
            [
                "llama-server",
                _count([one == two for one, two in twice]),
                same("texts server again"),
                same("texts server alone"),
                same("texts server others"),
            ]
        )
    head = ["same text of 3 agents", "again", "new start", "alone", "other company"]
    return _table(head, rows) if rows else []


def _count(same: Sequence[bool]) -> str:
    return f"{sum(same)} of {len(same)}" if same else "–"


def trials(found: Measured) -> list[str]:
    """What changed settings of llama.cpp gave."""
    base = found.one("trial as it is")
    if base is None:
        return []
    rows = []
    for name in TRIALS:
        result = found.one(f"trial {name}")
        if result is not None:
            spent, tokens = result["shares"], result["tokens"]
            rows.append(
                [
                    name,
                    f"{sum(result['seconds']):,.1f}",
                    f"{tokens['prefill'] / spent['prefill']:,.0f}",
                    f"{tokens['decode'] / spent['decode']:,.0f}",
                    f"{result['megabytes']:,.0f}",
                    "same" if result["bits"] == base["bits"] else "other",
                ]
            )
    return _table(["tried on llama.cpp", "seconds", "read/s", "speak/s", "MB", "bits"], rows)


class Promise(NamedTuple):
    """Something the kit should reach, and what was measured."""

    what: str
    asked: str
    measured: str
    met: bool | None


def promises(found: Measured) -> list[Promise]:
    """What was measured against what the kit should reach."""

    def promise(what: str, value: float | None, form: str, bound: float, *, most: bool) -> Promise:
        met = None if value is None else value <= bound if most else value >= bound
        asked = f"{'at most' if most else 'at least'} {bound:{form}}"
        return Promise(what, asked, _number(value, form), met)

    loop = _ratio(found.total("loop"), found.total("kit"))
    read = _ratio(found.rate("kit", "prefill"), found.rate("server apart", "prefill"))
    speak = _ratio(found.rate("kit", "decode"), found.rate("server apart", "decode"))
    shared = found.one("share")
    cost = None
    if shared:
        one, many = (shared[name] for name in sorted(set(shared) - {"megabytes"}, key=int))
        cost = many["seconds"] / one["seconds"]
    every = [
        promise("times quicker than the loop", loop, ".1f", 4, most=False),
        promise("reading, times the server's", read, ".2f", 1, most=False),
        promise("speaking, times the server's", speak, ".2f", 1, most=False),
        promise("time outside llama.cpp", overhead(found), ".1%", 0.08, most=True),
        promise("time per turn is a line: R²", linear(found), ".3f", 0.95, most=False),
        promise("time per token is a line: R²", linear_per_token(found), ".3f", 0.95, most=False),
        promise("15 replicates' first prompts", cost, ".2f", 1.3, most=True),
    ]
    return [each for each in every if each.met is not None]


def section(found: Measured) -> list[str]:
    """Everything measured of one model and length."""
    lines = [f"## {found.model}, {found.turns} turns", ""]
    repeats = len(found.all("kit"))
    if repeats > 1:
        digests = {result["digest"] for result in found.all("kit")}
        same = "the same bits" if len(digests) == 1 else "OTHER BITS"
        lines += [f"The kit was started {repeats} times and gave {same} each time.", ""]
    loop = found.one("loop")
    if loop and (loop["agents"] < 10 or None in loop["seconds"]):
        turns = sum(seconds is not None for seconds in loop["seconds"])
        lines += [
            f"The loop answered for {loop['agents']} of ten agents in {turns} of {found.turns} "
            "turns, spread evenly; its time is scaled to all.",
            "",
        ]
    makers: list[Callable[[Measured], list[str]]] = [ways, shares, curve, texts, trials]
    for make in makers:
        lines += make(found)
    rows = [
        [each.what, each.asked, each.measured, "yes" if each.met else "no"]
        for each in promises(found)
    ]
    return lines + (_table(["promise", "asked", "measured", "met"], rows) if rows else [])


def measured(out: Path) -> list[str]:
    """Everything in the result folder."""
    build = inspect_build()
    lines = [
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, glibc "
        f"{platform.libc_ver()[1]}, Python {platform.python_version()};",
        f"llama-cpp-python {build.version}, {build.kind} build.",
        "",
    ]
    for folder in sorted(out.glob("*-*"), key=lambda path: (-len(path.name), path.name)):
        if folder.is_dir():
            lines += section(Measured(folder))
    return lines


def write(page: Path, lines: Sequence[str]) -> None:
    """Put the measurement between the marks of the page."""
    old = page.read_text(encoding="utf-8") if page.exists() else f"# Speed\n\n{BEGIN}\n{END}\n"
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + "\n".join([BEGIN, "", *lines]) + END + after, encoding="utf-8")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 turns, once, one model; no page")
    parser.add_argument("--turns", type=int, default=15, help="turns of the run [15]")
    parser.add_argument("--repeat", type=int, default=3, help="times; the median counts [3]")
    parser.add_argument("--models", default=f"{SMOLLM},{GEMMA}", help="ids in models.yaml")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--threads", type=int, default=cores(), help="worker threads [all cores]")
    parser.add_argument("--loop-agents", type=int, default=10, help="agents in the loop [10]")
    parser.add_argument("--loop-every", type=int, default=1, help="loop in every n-th turn [1]")
    parser.add_argument("--dialogues", type=int, default=10, help="agents in the trials [10]")
    parser.add_argument("--replicates", type=int, default=15, help="that share a beginning [15]")
    parser.add_argument("--server", help="a Python that has xllamacpp")
    parser.add_argument("--stock", help="a Python that has a stock build of llama-cpp-python")
    parser.add_argument("--under", default="", help="a command to start every process with")
    parser.add_argument("--out", type=Path, default=Path("results/bench"), help="result folder")
    parser.add_argument("--page", type=Path, default=Path("docs/speed.md"), help="page to write")
    found = parser.parse_args()
    if found.quick:
        found.turns, found.repeat, found.models = 2, 1, SMOLLM
        found.loop_agents, found.replicates = 2, 3
        found.out /= "quick"
    unknown = set(found.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return found


def main() -> int:
    """Measure what is missing, print everything, write the page."""
    asked = options()
    for model in asked.models.split(","):
        bench = Bench(asked, model)
        # The batches of the kit's first run are what the others compute.
        for part in dict.fromkeys(["kit", *asked.parts.split(",")]):
            bench.run(part)
    lines = measured(asked.out)
    print("\n".join(lines))
    if not asked.quick:
        write(asked.page, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
