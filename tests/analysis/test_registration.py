"""The registration document: what it holds, that it is the same every time, that it stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.analysis.estimates import ESTIMATES
from kit.analysis.measures import MEASURES
from kit.analysis.registration import Registration, registration, write
from kit.analysis.results import LONG, analyze
from kit.errors import OutputError
from kit.spec.experiment import Experiment
from kit.spec.published import RULES, Rule, load_published
from kit.spec.registration import FILE_NAME, plan_digest, read_document
from tests.planted import LLAMA, QWEN, TINY, everyone, experiment, language, talk, write_folder

ROOT = Path(__file__).parents[2]
PUBLISHED = load_published(ROOT / "studies" / "published.yaml")


def planned(**changes: Any) -> Experiment:
    languages = {"en": language(), "ja": language("ja", "JPN", evidence="ours")}
    return experiment(languages, **{"models": [LLAMA], "replicates": 15, **changes})


def words(document: Registration) -> str:
    return document.text.decode()


def test_the_document_holds_the_whole_plan() -> None:
    plan = planned(
        aligned={"value": [0, 5, 10], "evidence": "inferred", "note": "from | the p values"},
        missing=("de",),
    )
    document = registration(plan, PUBLISHED)
    text = words(document)

    for expected in (
        "# Registration of study1\n",
        "Does a count come out as planted?",
        f"| {LLAMA} | study, study | model.gguf | 1 | {'ab' * 32} |",
        "| study | aligned | 0, 5, 10 | inferred | from \\| the p values |",
        "| protocol | turns | 2 | ours |",
        "6 cells, 90 runs, 1,800 answers.",
        "Named by the study and without a file: de.",
        f"| {LLAMA} | ja |  | 0 | 5 | 15 |",
        "Study seed 1.",
        "### s1_en_cpi\n",
        "- Published: estimate -1.844, sign negative, p < 0.0001, ",
        "95 % interval [-2.7, -0.99] (inferred), runs 150, runs per cell 15 (inferred)\n",
        f"- `sign_and_overlap`: {RULES[Rule.SIGN_AND_OVERLAP]}",
        "- Rule: `sign_and_overlap`\n",
        "is incomplete: counted, never measured.",
        "| ja | ours | 43 ours | none |",
        f"Plan SHA-256: `{document.digest}`",
    ):
        assert expected in text, expected
    for measure in MEASURES.values():
        assert measure.definition in text
    assert document.digest == plan_digest(plan, PUBLISHED)
    assert "s2_di_slope" not in text
    assert "`no_rise`" not in text


def test_unknown_published_values_are_called_unknown() -> None:
    text = words(registration(planned(), PUBLISHED))

    assert "- Published: estimate unknown, sign positive, p unknown, 95 % interval unknown" in text


def test_a_claim_that_this_plan_cannot_test_says_so_beforehand() -> None:
    family = "- In this plan: not testable, because no model is of the claim's family"
    profile = "- In this plan: not testable, because a profile changes the protocol"

    assert family not in words(registration(planned(), PUBLISHED))
    assert words(registration(planned(models=[TINY]), PUBLISHED)).count(family) == 6
    assert words(registration(planned(profile="smoke"), PUBLISHED)).count(profile) == 6
    fourth = words(registration(planned(id="study4", models=[QWEN]), PUBLISHED))
    assert fourth.count(family) == 2  # GPT-4o-mini is closed
    assert "margin 0.5" in fourth


def test_a_study_of_ones_own_has_no_claims() -> None:
    text = words(registration(planned(id="mine"), PUBLISHED))

    assert "No published claim belongs to mine." in text


def test_the_same_plan_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import sys; from pathlib import Path; from tests.analysis.test_registration import *; "
        "sys.stdout.buffer.write(registration(planned(), PUBLISHED).text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
    )

    assert done.stdout == registration(planned(), PUBLISHED).text


def test_a_line_break_in_a_title_makes_no_line_of_the_document() -> None:
    text = words(registration(planned(title="One\n\n# Two\nPlan SHA-256: `0`"), PUBLISHED))

    assert "**One # Two Plan SHA-256: `0`**" in text
    assert len([line for line in text.splitlines() if line.startswith("Plan SHA-256")]) == 1


def test_what_is_written_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    document = registration(planned(), PUBLISHED)
    path = write(document, tmp_path / "new")
    found = read_document(tmp_path / "new")

    assert path == tmp_path / "new" / FILE_NAME
    assert path.read_bytes() == document.text
    assert found is not None
    assert (found.plan, found.intact) == (document.digest, True)


def test_the_same_document_may_be_written_again(tmp_path: Path) -> None:
    path = write(registration(planned(), PUBLISHED), tmp_path)
    before = path.stat().st_mtime_ns

    write(registration(planned(), PUBLISHED), tmp_path)

    assert path.stat().st_mtime_ns == before


def test_another_plan_never_replaces_a_registered_one(tmp_path: Path) -> None:
    first = registration(planned(), PUBLISHED)
    path = write(first, tmp_path)
    second = registration(planned(replicates=16), PUBLISHED)

    with pytest.raises(OutputError, match="registers the plan") as caught:
        write(second, tmp_path)
    assert first.digest[:12] in caught.value.message
    assert second.digest[:12] in caught.value.message
    assert "another folder with --out" in str(caught.value.hint)
    assert path.read_bytes() == first.text


def test_an_edited_document_is_not_repaired_in_silence(tmp_path: Path) -> None:
    document = registration(planned(), PUBLISHED)
    path = write(document, tmp_path)
    path.write_bytes(document.text.replace(b"sign_and_overlap", b"sign", 1))

    with pytest.raises(OutputError, match=r"the same plan .* in other words: it was edited"):
        write(document, tmp_path)
    path.write_bytes(b"notes\n")
    with pytest.raises(OutputError, match="registers no plan already"):
        write(document, tmp_path)
    assert path.read_bytes() == b"notes\n"


def test_every_table_of_estimates_is_registered(tmp_path: Path) -> None:
    write_folder(tmp_path, experiment(), everyone(talk("Safety.")))
    tables = analyze(tmp_path, PUBLISHED, {}).tables
    estimated = {
        name for name, rows in tables.items() if {"estimate", "conf_low"} <= set(rows.columns)
    }

    assert estimated <= set(ESTIMATES)
    assert set(ESTIMATES) - LONG <= set(tables)


def test_every_rule_is_explained() -> None:
    assert set(RULES) == set(Rule)
