"""What verification catches, what it blames wrongly, and what it costs.

``honest`` calibrates on some recordings and scores others on disturbed honest paths; ``forged``
makes recordings that lie and verifies them in both modes; ``speed`` times simulating against
verifying. Results stay in ``results/verification``, so that a second start continues.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from scipy.stats import beta

from kit.audit.perturbation import calibrate, samples
from kit.audit.tolerance import Tolerance
from kit.audit.verify import Verifier
from kit.engine.model import LlamaModel
from kit.runlog.records import Turn
from kit.runner.weights import Weights, load_weights
from kit.spec.experiment import load_experiment
from kit.spec.library import library_file
from tests.audit.forgery import Victim
from tests.conftest import quantised

OUT = Path("results/verification")
PAGE = Path("docs/verification.md")
MODEL = "smollm2-135m-instruct-q4_1"
CALIBRATED = 5
"""Replicates of each cell that the tolerance is measured on; the others are held out."""
REPLICATES = 15
DRAWS = 3
"""Tokens changed one at a time."""


def kit(*arguments: str | Path) -> float:
    """Run a command and return its seconds."""
    print(f"kit {' '.join(map(str, arguments))}", flush=True)
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "kit", *map(str, arguments)], check=True)
    return time.monotonic() - started


def recordings() -> Path:
    """The English half of the demo with more replicates."""
    study = yaml.safe_load(library_file("studies", "demo.yaml").read_text(encoding="utf-8"))
    study["id"] = "verification"
    study["languages"] = ["en"]
    replicates = study["replicates"]
    study["replicates"] = (
        replicates | {"value": REPLICATES} if isinstance(replicates, dict) else REPLICATES
    )
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "verification.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    kit("run", path, "--out", OUT / "runs-of-the-demo")
    return OUT / "runs-of-the-demo"


def honest() -> dict[str, object]:
    """Calibrate on some recordings; score the others on the same disturbed paths."""
    folder = recordings()
    experiment = load_experiment(folder)
    weights = load_weights(experiment.models[MODEL])
    logs = sorted((folder / "runs").glob("*.jsonl"))
    known = [path for path in logs if int(path.stem.rpartition("r")[2]) <= CALIBRATED]
    held_out = [path for path in logs if path not in known]
    tolerance = calibrate(
        experiment, weights, known, report=lambda _: print(".", end="", flush=True)
    )
    bit_class = tolerance.bit_class
    alarms = dialogues = tokens = lost = divergent = 0
    largest = 0.0
    for number, path in enumerate(held_out):
        for sample in samples(experiment, weights, path, bit_class=bit_class, first=number):
            beyond = [margin for margin in sample.margins if margin > tolerance.tau]
            too_many = len(sample.margins) > tolerance.most_near_ties(sample.decisions)
            alarms += bool(beyond) or too_many
            divergent += len(beyond)
            dialogues += 1
            tokens += sample.decisions
            lost += len(sample.margins)
            largest = max([largest, *sample.margins])
        print(".", end="", flush=True)
    print()
    weights.model.close()
    return {
        "tolerance": tolerance.model_dump(mode="json"),
        "dialogues": dialogues,
        "tokens": tokens,
        "near_ties": lost,
        "divergent": divergent,
        "largest": largest,
        "alarms": alarms,
        # Clopper & Pearson 1934, one-sided 95 %.
        "alarm_bound": float(beta.ppf(0.95, alarms + 1, dialogues - alarms)),
    }


class Caught(NamedTuple):
    """How often one kind of forgery was seen."""

    forgery: str
    made: int
    by_bits: int
    by_scores: int
    near_ties: int
    divergent: int
    tokens: int


def forged() -> list[Caught]:
    """Recordings that lie, verified in both modes."""
    folder = recordings()
    tolerance = Tolerance.model_validate(_kept()["honest"]["tolerance"])
    experiment = load_experiment(folder)
    weights = load_weights(experiment.models[MODEL])
    victim = Victim(folder, "en-a10-r1", weights)
    verifier = Verifier(experiment, weights)
    found = []
    with tempfile.TemporaryDirectory() as place:
        for name, made in _forgeries(victim, weights, Path(place)):
            rows = [
                (verifier.verify(path), verifier.verify(path, scores=True, tolerance=tolerance))
                for path in made
            ]
            found.append(
                Caught(
                    name,
                    len(rows),
                    sum(not bits.holds for bits, _ in rows),
                    sum(not scored.holds for _, scored in rows),
                    sum(scored.near_ties for _, scored in rows),
                    sum(scored.divergent for _, scored in rows),
                    sum(scored.decisions for _, scored in rows),
                )
            )
            print(found[-1], flush=True)
    weights.model.close()
    return found


def _forgeries(
    victim: Victim, weights: Weights, place: Path
) -> Iterator[tuple[str, Iterator[Path]]]:
    def written(*makers: Callable[[], Sequence[Turn]]) -> Iterator[Path]:
        for make in makers:
            yield victim.write(place / "copy", make())

    def many(make: Callable[[int, int], list[Turn]]) -> Iterator[Path]:
        return written(*[lambda n=n: make(6 + n % 8, n) for n in range(DRAWS)])

    sampling = victim.scene.protocol.sampling.value
    yield "one token, nothing else", many(victim.naive)
    yield "one token and all that follows from it", many(victim.consistent)
    yield "one token of a prompt", written(*[lambda n=n: victim.reworded(n) for n in range(DRAWS)])
    yield "another seed", written(lambda: victim.remade(seed=1))
    for temperature in (0.5, 0.7, 0.8, 1.0):
        other = sampling.model_copy(update={"temperature": temperature})
        yield (
            f"temperature {temperature} for {sampling.temperature}",
            written(lambda other=other: victim.remade(sampling=other)),
        )
    yield "a swapped persona", written(lambda: victim.remade(swapped=True))
    for kind in ("Q8_0", "Q4_0", "Q2_K"):
        try:
            one = quantised(weights.model, place / f"{kind}.gguf", kind)
        except AssertionError:
            continue
        model: LlamaModel = one.model
        yield f"{kind} for Q4_1", written(lambda model=model: victim.remade(model=model))
        model.close()


def speed() -> dict[str, float]:
    """One long run simulated, verified, and verified by one agent."""
    folder = OUT / "long"
    only = "en-a10-r1"
    run = ["run", "study1", "--profile", "smoke", "--model", MODEL, "--only", only, "--out", folder]
    if not (folder / "runs" / f"{only}.jsonl").exists():
        kit(*run)
    log = folder / "runs" / f"{only}.jsonl"
    return {
        "simulate": kit("replay", log),
        "verify": kit("verify", log),
        "one agent": kit("verify", log, "--agents", "1"),
    }


def _kept() -> dict[str, dict[str, object]]:
    path = OUT / "measured.json"
    found: dict[str, dict[str, object]] = json.loads(path.read_text()) if path.exists() else {}
    return found


PARTS: dict[str, Callable[[], object]] = {"speed": speed, "honest": honest, "forged": forged}


def main() -> int:
    """Measure the chosen parts and write the page."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    for name in sys.argv[1:] or PARTS:
        measured = PARTS[name]()
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / "measured.json").write_text(json.dumps(_kept() | {name: measured}))
        PAGE.write_text(page(_kept()), encoding="utf-8")
    print(PAGE)
    return 0


def page(kept: dict[str, object]) -> str:
    """What was measured so far."""
    lines = [
        "# Verification, measured",
        "",
        "Made by `scripts/verification` with SmolLM2-135M-Instruct Q4_1. What `kit verify` is for,",
        "and what it cannot prove, stands in [verify.md](verify.md).",
        "",
    ]
    if "speed" in kept:
        seconds = kept["speed"]
        lines += [
            "## What it costs",
            "",
            "One run of ten agents and fifteen turns, English, profile `smoke`, the whole command.",
            "",
            "| | seconds | of simulating |",
            "|---|---:|---:|",
            *(
                f"| {name} | {value:,.0f} | {value / seconds['simulate']:.2f} |"
                for name, value in seconds.items()
            ),
            "",
        ]
    if "honest" in kept:
        found = kept["honest"]
        tolerance = Tolerance.model_validate(found["tolerance"])
        lines += [
            "## Honest machines",
            "",
            f"The tolerance was measured on {tolerance.dialogues} dialogues "
            f"({tolerance.decisions:,} tokens), each read back on",
            "one of these ways, all of which compute other bits than the recording:",
            "",
            *(f"- {way}" for way in tolerance.paths),
            "",
            f"There {tolerance.near_tie_share:.2%} of tokens lost, by at most "
            f"{tolerance.largest_margin:.3f} logits; tau is {tolerance.tau:.3f}.",
            "",
            f"Of {found['dialogues']} other dialogues ({found['tokens']:,} tokens) on the same "
            f"ways, {found['near_ties']} tokens lost, by at",
            f"most {found['largest']:.3f}; {found['divergent']} were divergent, and "
            f"{found['alarms']} dialogues were blamed: with 95 % confidence fewer than",
            f"{found['alarm_bound']:.1%} of honest dialogues are.",
            "",
        ]
    if "forged" in kept:
        lines += [
            "## Recordings that lie",
            "",
            "One run of the demo (`en-a10-r1`), forged. `bits`: on a machine of the recording's",
            "class; `scores`: where only scoring is possible. `divergent` and",
            "`near ties` are of all forgeries of a kind together, scored.",
            "",
            "| forgery | made | seen by bits | seen by scores | divergent | near ties | tokens |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {name} | {made} | {bits} | {scores} | {divergent:,} | {near:,} | {tokens:,} |"
                for name, made, bits, scores, near, divergent, tokens in kept["forged"]
            ),
            "",
            "Q8_0 is made from the Q4_1 weights and holds the same numbers, each to within",
            "1/254 of the largest of its block: it is nearer to the recording's model than another",
            "machine's arithmetic is, and only bits tell it apart.",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
