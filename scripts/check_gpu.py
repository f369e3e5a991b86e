"""What holds on a GPU: the rows of the invariance table, and replays of short runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from kit.audit.invariance import Probe
from kit.engine.devices import DeviceKind, devices
from kit.errors import KitError
from kit.runner.weights import load_weights
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from kit.spec.study import EngineSettings

OUT = Path("results/gpu")
PAGE = Path("docs/gpu-measured.md")
MODELS = ("smollm2-135m-instruct-q4_1", "gemma-3-270m-base-q4_k_m")
EVERY_LAYER = 999


def kit(*arguments: str | Path) -> bool:
    """Whether a command succeeds."""
    print(f"kit {' '.join(map(str, arguments))}", flush=True)
    command = [sys.executable, "-m", "kit", *map(str, arguments)]
    return subprocess.run(command, check=False).returncode == 0


def rows() -> list[str]:
    """The invariance table, with and without flash attention."""
    lines = ["| model | flash attention | change | bits |", "|---|---|---|---|"]
    for name in MODELS:
        for flash in (False, True):
            settings = EngineSettings(gpu_layers=EVERY_LAYER, flash_attention=flash)
            weights = load_weights(load_pins(library_file("models.yaml"))[name], settings=settings)
            for found in Probe(weights.model, settings).check():
                bits = "same" if found.holds else "DIFFER"
                lines.append(f"| {name} | {'on' if flash else 'off'} | {found.name} | {bits} |")
                print(lines[-1], flush=True)
            weights.model.close()
    return lines


def replays() -> list[str]:
    """The demo's English runs: made side by side and one by one, and replayed."""
    study = yaml.safe_load(library_file("studies", "demo.yaml").read_text(encoding="utf-8"))
    study["id"] = "gpu"
    study["protocol"]["engine"]["gpu_layers"] = EVERY_LAYER
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "gpu.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    lines = ["| runs side by side | simulated | replayed |", "|---:|---|---|"]
    for cohort in (1, 2):
        folder = OUT / f"cohort-{cohort}"
        made = kit("run", path, "--out", folder, "--only", "en-*", "--cohort", str(cohort))
        logs = sorted((folder / "runs").glob("*.jsonl"))
        same = sum(kit("replay", log) for log in logs)
        lines.append(f"| {cohort} | {'yes' if made else 'NO'} | {same} of {len(logs)} |")
    return lines


def main() -> int:
    """Measure and write the page."""
    try:
        found = devices(gpu=True)
    except KitError as error:
        print(f"kit: {error.message}\n  next: {error.hint}", file=sys.stderr)
        return 1
    lines = [
        "# The GPU, measured",
        "",
        "Made by `scripts/check-gpu` on "
        + ", ".join(
            f"{device.description} ({device.total / 1e9:.0f} GB)"
            for device in found
            if device.kind is not DeviceKind.CPU
        )
        + ".",
        "",
        *replays(),
        "",
        *rows(),
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
