"""Every judge on the gold set, with one model; a second start judges only what is missing."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

from kit.judge.comparison import gather, injections
from kit.judge.folder import AGREEMENT, JudgementFolder
from kit.judge.gold import load_gold_set
from kit.judge.records import JudgementOutcome
from kit.spec.judge import Scale

JUDGES = ("pathology", "dissociation", "compliance", "individuation", "refusal")
SMOLLM = "smollm2-135m-instruct-q4_1"
PAGE = Path("docs/judging.md")
BEGIN, END = "<!-- measured by scripts/gold -->", "<!-- end of what scripts/gold measured -->"


def row(folder: JudgementFolder, scale: Scale) -> list[str]:
    """One scale of one judge."""
    judged = gather(folder)
    judge = judged.panel.judge
    with (folder.path / AGREEMENT).open(encoding="utf-8", newline="") as file:
        found = {
            line["statistic"]: line
            for line in csv.DictReader(file)
            if line["scale"] == scale.id and not line["language"]
        }
    scores = [score for _, score in judged.scores(scale.id)]
    gaps = [score.order_gap for score in scores if score.order_gap is not None]
    masses = [score.legal_mass for score in scores if score.legal_mass is not None]
    unscored = sum(
        count
        for score in scores
        for outcome, count in score.outcomes.items()
        if outcome is not JudgementOutcome.SCORED
    )
    told = injections(judged, load_gold_set(judge), scale)
    changed = sum(one.told != one.untold for one in told)
    kappa = found["kappa"]
    return [
        judge.judge,
        scale.id,
        f"{float(found['raw_agreement']['estimate']):.2f}",
        _interval(kappa),
        str(unscored),
        f"{sum(masses) / len(masses):.2f}" if masses else "–",
        f"{sum(gaps) / len(gaps):+.2f}" if gaps else "–",
        f"{changed} of {len(told)}",
        kappa["usability"],
    ]


def _interval(line: dict[str, str]) -> str:
    estimate = f"{float(line['estimate']):.2f}" if line["estimate"] else "undefined"
    if not line["conf_low"]:
        return estimate
    return f"{estimate} [{float(line['conf_low']):.2f}, {float(line['conf_high']):.2f}]"


def page(results: Path, model: str) -> list[str]:
    """The table."""
    heads = (
        "judge", "scale", "agreed", "kappa", "unscored", "on the options", "place", "told", "use",
    )  # fmt: skip
    rows = []
    for name in JUDGES:
        folder = JudgementFolder(results, name)
        rows += [row(folder, scale) for scale in folder.panel().judge.scales]
    return [
        f"Model: {model}.",
        "",
        f"| {' | '.join(heads)} |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
        *(f"| {' | '.join(cells)} |" for cells in rows),
        "",
    ]


def main() -> int:
    """Judge, then write the page."""
    parser = argparse.ArgumentParser(prog="scripts/gold", description=__doc__)
    parser.add_argument("--model", default=SMOLLM, help=f"of models.yaml [{SMOLLM}]")
    parser.add_argument("--out", type=Path, default=Path("results/gold"), help="folder")
    asked = parser.parse_args()
    for name in JUDGES:
        command = [sys.executable, "-m", "kit", "judge", "gold", "--judge", name]
        subprocess.run([*command, "--model", asked.model, "--out", asked.out], check=True)
    lines = page(asked.out, asked.model)
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + "\n".join([BEGIN, "", *lines]) + END + after, encoding="utf-8")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
