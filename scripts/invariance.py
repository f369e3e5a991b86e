"""The invariances as a page: the kit's build of llama.cpp, a stock build, emulated processors.

Every measurement is a process of its own, because a process can load one library only. What was
measured stays in ``results/invariance``; the page is made of what lies there, and what is missing
is measured first.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kit.audit.invariance import DEEP, Probe
from kit.engine.environment import surroundings
from kit.engine.grammar import Grammar, Line
from kit.engine.library import load_library
from kit.engine.llama import LlamaEngine
from kit.engine.protocol import Prompt, Request
from kit.models.store import Store
from kit.runner.weights import Weights, load_weights
from kit.spec.library import library_file
from kit.spec.pins import find_pin, load_pins
from kit.spec.seeds import key
from kit.spec.study import EngineSettings, Sampling

OUT = Path("results/invariance")
PAGE = Path("docs/invariance.md")
STOCK = Path("build/stock")
MODELS = {
    "SmolLM2 Q4_1": "smollm2-135m-instruct-q4_1",
    "Gemma Q4_K_M": "gemma-3-270m-base-q4_k_m",
}
K_TYPES = ("f16", "q8_0")
PROCESSORS = ("Haswell", "Skylake-Client", "EPYC")
NATIVE = "this processor"
EMULATOR = "qemu-x86_64"


class Column(NamedTuple):
    """One way to compute."""

    title: str
    stock: bool
    flash_attention: bool = False


COLUMNS = {
    "invariant": Column("kit's build", stock=False),
    "stock": Column("stock", stock=True),
    "stock-flash": Column("stock, flash attention", stock=True, flash_attention=True),
}


def stock_library(python: str | None) -> Path:
    """The folder of the stock library: of another Python's package, or compiled here once."""
    if python is not None:
        find = "import importlib.util as u; print(u.find_spec('llama_cpp').origin)"
        # Not in this folder, and not through PYTHONPATH: its own package is wanted.
        found = subprocess.run(
            [python, "-P", "-c", find], check=True, capture_output=True, text=True
        )
        return Path(found.stdout.strip()).parent / "lib"
    library = STOCK / "llama_cpp" / "lib"
    if not library.is_dir():
        STOCK.mkdir(parents=True, exist_ok=True)
        wanted = STOCK / "requirements.txt"
        wanted.write_text("\n".join(_locked("llama-cpp-python")) + "\n")
        plain = {
            name: value
            for name, value in os.environ.items()
            if name not in {"CMAKE_ARGS", "CFLAGS", "CXXFLAGS", "SKBUILD_CMAKE_ARGS"}
        }
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--no-binary",
             "llama-cpp-python", "--require-hashes", "--requirement", str(wanted),
             "--wheel-dir", str(STOCK)],
            check=True,
            env=plain,
        )  # fmt: skip
        with zipfile.ZipFile(next(STOCK.glob("*.whl"))) as wheel:
            wheel.extractall(STOCK)
    return library.absolute()


def _locked(package: str) -> Iterator[str]:
    """The lines of the lock that pin one package."""
    keep = False
    for line in Path("requirements.lock").read_text().splitlines():
        if line[:1].isalpha():
            keep = line.startswith(f"{package}==")
        if keep and not line.strip().startswith("#"):
            yield line


def weights_of(model: str) -> Weights:
    """A pinned model, on whatever build is installed."""
    pin = find_pin(load_pins(library_file("models.yaml")), model)
    return load_weights(pin, fast=True, store=Store())


def measure(model: str, settings: EngineSettings, *, own_switches: bool) -> dict[str, Any]:
    """Every circumstance, near the beginning and past 2,048 tokens."""
    started = time.monotonic()
    if own_switches:
        # Loading switches the tiled kernels off, and the library looks only when it first uses one.
        load_library(fast=True)
        os.environ.pop("GGML_CPU_TILED_MM", None)
    weights = weights_of(model)
    found: dict[str, dict[str, float | None]] = {}
    for depth in (0, DEEP):
        for row in Probe(weights.model, settings, depth=depth).check():
            found.setdefault("deep" if depth else "short", {})[row.name] = row.difference
            print(f"  {row.tokens:>5} {row.name}: {_shown(row.difference)}", file=sys.stderr)
    here = surroundings(weights.model)
    return {
        **here._asdict(),
        "kind": str(weights.model.build.kind),
        "bit_class": weights.bit_class(settings) if not own_switches else None,
        "rows": found,
        "seconds": round(time.monotonic() - started),
    }


def golden(model: str) -> dict[str, Any]:
    """A short prefill, three decodes, and what is drawn from them."""
    weights = weights_of(model)
    vocabulary = weights.model.vocabulary
    engine = LlamaEngine(
        weights.model,
        model_sha256=weights.sha256,
        settings=EngineSettings(context=256),
        capacity=1,
        threads=1,
        plain=True,
    )
    text = [index for index, piece in enumerate(vocabulary.pieces) if piece]
    prompt = tuple(text[key("processors", place) % len(text)] for place in range(9))
    form = Grammar({"line": Line(128, "end", min_chars=128, may_end=False)}, "line", vocabulary)
    request = Request(0, Prompt(prompt), form, Sampling(max_tokens=4), ("processors",))
    [made] = engine.generate([request])
    engine.close()
    return {"digest": made.digest, "tokens": list(made.tokens)}


def child(
    *arguments: str, before: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Start this script again and read what it found."""
    done = subprocess.run(
        [*before, sys.executable, str(Path(__file__)), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure_columns(names: Iterable[str], python: str | None, *, again: bool) -> None:
    """All models and cache types of some columns; those that are there only if ``again``."""
    for name in names:
        column = COLUMNS[name]
        for (title, model), k_type in itertools.product(MODELS.items(), K_TYPES):
            if not again and read(f"{name} {model} {k_type}") is not None:
                continue
            print(f"{column.title}, {title}, K {k_type}", file=sys.stderr, flush=True)
            arguments = ["measure", model, "--k-type", k_type]
            arguments += ["--flash-attention"] if column.flash_attention else []
            arguments += ["--own-switches"] if column.stock else []
            library = {"LLAMA_CPP_LIB_PATH": str(stock_library(python))} if column.stock else {}
            write(f"{name} {model} {k_type}", child(*arguments, environment=library))
            PAGE.write_text(page(), encoding="utf-8")


def measure_processors() -> bool:
    """The same logits here and on emulated processors."""
    found = {}
    for name in (NATIVE, *PROCESSORS):
        started = time.monotonic()
        before = () if name == NATIVE else (EMULATOR, "-cpu", name)
        made = child("golden", before=before)
        found[name] = {**made, "seconds": round(time.monotonic() - started)}
        print(f"{name}: {made['digest'][:16]}, {found[name]['seconds']} s", flush=True)
    here = surroundings(weights_of(MODELS["SmolLM2 Q4_1"]).model)
    write("processors", {"here": here._asdict(), "found": found})
    return len({each["digest"] for each in found.values()}) == 1


def write(name: str, found: Mapping[str, Any]) -> None:
    """Keep a measurement."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name.replace(' ', '--')}.json").write_text(json.dumps(found, indent=1) + "\n")


def read(name: str) -> dict[str, Any] | None:
    """A measurement that was kept."""
    path = OUT / f"{name.replace(' ', '--')}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _cell(rows: dict[str, float | None], row: str) -> str:
    """What the page shows of one measurement."""
    return _shown(rows[row]) if row in rows else "not measured"


def _shown(difference: float | None) -> str:
    return "same" if difference is None else f"{difference:.2g}"


class Measured(NamedTuple):
    """One column of the page for one model and cache type."""

    column: str
    title: str
    found: dict[str, Any]


def _measured(k_type: str) -> list[Measured]:
    return [
        Measured(name, title, found)
        for name in COLUMNS
        for title, model in MODELS.items()
        if (found := read(f"{name} {model} {k_type}")) is not None
    ]


def _failing(columns: list[Measured], depth: str, row: str) -> list[str]:
    """The stock models whose bits a circumstance changes, with the largest difference."""
    worst: dict[str, float] = {}
    for each in columns:
        difference = each.found["rows"][depth].get(row)
        if COLUMNS[each.column].stock and difference is not None:
            worst[each.title] = max(worst.get(each.title, 0.0), difference)
    return [f"{title} {_shown(difference)}" for title, difference in worst.items()]


def table(k_type: str, depth: str) -> list[str]:
    """One table, and the rows that no stock model fails."""
    columns = _measured(k_type)
    if not columns:
        return ["Not measured.", ""]
    heads = [f"{COLUMNS[each.column].title}, {each.title}" for each in columns]
    lines = [
        f"| circumstance | {' | '.join(heads)} | fails on stock |",
        f"|---|{'---|' * len(heads)}---|",
    ]
    held = []
    for row in columns[0].found["rows"][depth]:
        cells = [_cell(each.found["rows"][depth], row) for each in columns]
        failing = _failing(columns, depth, row)
        lines.append(f"| {row} | {' | '.join(cells)} | {', '.join(failing) or 'none'} |")
        if not failing:
            held.append(row)
    if any(COLUMNS[each.column].stock for each in columns):
        said = "; ".join(held) if held else "none"
        lines += ["", f"Rows that no stock model fails here: {said}."]
    return [*lines, ""]


def _build_lines() -> Iterator[str]:
    """What was measured on what."""
    for name, column in COLUMNS.items():
        found = next((each.found for each in _measured("f16") if each.column == name), None)
        if found is not None:
            yield (
                f"- {column.title}: {found['library']}, {found['kind']} build "
                f"({', '.join(found['features'])}), {found['compiler']}, {found['c_library']}, "
                f"{found['processor']}"
            )


def _classes() -> Iterator[str]:
    for title, model in MODELS.items():
        for k_type in K_TYPES:
            if found := read(f"invariant {model} {k_type}"):
                yield f"| {title} | {k_type} | `{found['bit_class']}` |"


def _processor_lines() -> Iterator[str]:
    """The check on emulated processors."""
    kept = read("processors")
    if kept is None:
        yield "Not measured; `scripts/other-processors` does it."
        return
    native = kept["found"][NATIVE]
    yield "| processor | digest of the logits | tokens drawn | same bits | seconds |"
    yield "|---|---|---|---|---:|"
    for name, each in kept["found"].items():
        shown = kept["here"]["processor"] if name == NATIVE else f"{name}, emulated"
        same = all(each[field] == native[field] for field in ("digest", "tokens"))
        drawn = ", ".join(map(str, each["tokens"]))
        yield (
            f"| {shown} | `{each['digest'][:16]}` | {drawn} | {'yes' if same else '**no**'} "
            f"| {each['seconds']} |"
        )


def page() -> str:
    """The page, of what lies in the results folder."""
    lines = [
        "# Invariance",
        "",
        "Made by `scripts/invariance` and `scripts/other-processors`. Numbers are of the machine",
        "named below; repeat them on yours before you quote them.",
        "",
        "A cell says `same` where the answer's tokens and every bit of the logits they were drawn",
        "from are those of the reference, else the largest difference of any logit. The reference",
        "is the dialogue alone, on two threads, its prompt read in chunks of 512. Eight tokens are",
        "made. Where another token was drawn, only rows up to it are compared.",
        "",
        *_build_lines(),
        "",
        "The stock library is what `pip install llama-cpp-python` compiles, with its own switches.",
        '"Flash attention" is the same library with flash attention on. KV streams are separate in',
        'all columns. On a machine with two cores, "every core" repeats the reference.',
        "",
    ]
    for k_type in K_TYPES:
        lines += [
            f"## K cache in {k_type.upper()}",
            "",
            "160 tokens before the answer, all of them read under the circumstance, in a context",
            "of its own:",
            "",
            *table(k_type, "short"),
            f"{DEEP + 160:,} tokens before the answer, the first {DEEP:,} read once and copied.",
            'The circumstance holds for the rest. "The same again" reads everything afresh, so its',
            "chunks end in other places than those of the copied beginning:",
            "",
            *table(k_type, "deep"),
        ]
    lines += [
        "## Bit classes",
        "",
        "What the kit's build gave on this machine. `kit doctor` compares its own with the table",
        "of known classes.",
        "",
        "| model | K | bit class |",
        "|---|---|---|",
        *_classes(),
        "",
        "## Other processors",
        "",
        "The kit's build, SmolLM2: nine tokens read, four drawn, three decodes. The emulator does",
        "IEEE arithmetic with the named processor's instruction set. Binary and C library are the",
        "same in all rows, so this shows that nothing in the path depends on the vendor. It does",
        "not replace a measurement on the processor itself.",
        "",
        *_processor_lines(),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure what was asked and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    whole = steps.add_parser("page")
    whole.add_argument("again", nargs="*", metavar="COLUMN", help=f"of {', '.join(COLUMNS)}")
    whole.add_argument("--stock", metavar="PYTHON", help="has a stock llama-cpp-python")
    one = steps.add_parser("measure")
    one.add_argument("model")
    one.add_argument("--k-type", choices=K_TYPES, default="f16")
    one.add_argument("--flash-attention", action="store_true")
    one.add_argument("--own-switches", action="store_true")
    steps.add_parser("processors")
    steps.add_parser("write", help="make the page of what lies in the results folder")
    steps.add_parser("golden")
    asked = parser.parse_args()
    if asked.step == "measure":
        settings = EngineSettings(k_type=asked.k_type, flash_attention=asked.flash_attention)
        print(json.dumps(measure(asked.model, settings, own_switches=asked.own_switches)))
        return 0
    if asked.step == "golden":
        print(json.dumps(golden(MODELS["SmolLM2 Q4_1"])))
        return 0
    same = True
    if asked.step == "processors":
        same = measure_processors()
    elif asked.step == "page":
        if unknown := [name for name in asked.again if name not in COLUMNS]:
            parser.error(f"no column '{unknown[0]}'; there are {', '.join(COLUMNS)}")
        rest = [name for name in COLUMNS if name not in asked.again]
        measure_columns(rest, asked.stock, again=False)
        if shutil.which(EMULATOR) and read("processors") is None:
            same = measure_processors()
        measure_columns(asked.again, asked.stock, again=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
    return 0 if same else 2


if __name__ == "__main__":
    sys.exit(main())
