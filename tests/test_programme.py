"""What scripts/programme makes of its measurements; nothing is timed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.runner.resolve import resolve, study_path
from scripts import programme


def study(runs: int, seconds: float) -> dict[str, Any]:
    return {
        "runs": runs,
        "log_megabytes": runs,
        "read": seconds / 2,
        "seconds": seconds,
        "megabytes": 400.0,
    }


def measured(seconds: float = 40.0) -> dict[str, Any]:
    """One study of 100 runs, in four portions of which the last took longest."""
    return {
        "simulated": {
            "processes": 2,
            "seconds": 290.0,
            "megabytes": 200.0,
            "finished": [(10.0, 25), (20.0, 25), (30.0, 25), (290.0, 25)],
        },
        "durability": {"runs": 15, "seconds": 8.0, "calls": 300, "waited": 0.6},
        "studies": {"study2": study(100, seconds)},
        "parts": [study(25, 11.0), study(50, 20.0), study(100, seconds)],
        "largest": "study2",
        "answers": 15_000,
    }


def promises(found: dict[str, Any]) -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in programme.page(found)]
    return {row[0]: row[1:] for row in rows if len(row) == 4 and row[-1] in ("yes", "no")}


def test_a_promise_that_is_missed_says_so() -> None:
    kept, missed = promises(measured()), promises(measured(61.0))

    assert len(kept) == 5
    assert all(row[-1] == "yes" for row in kept.values())
    assert missed["analysing, seconds"] == ["60", "61", "no"]
    assert missed["time per run, whole study over a quarter of it"][-1] == "no"
    assert missed["simulating, seconds"][-1] == "yes"


def test_milestones_are_the_first_times_at_which_so_many_runs_were_complete() -> None:
    assert programme.milestones([(1.0, 15), (2.0, 15), (9.0, 10)]) == [
        (1.0, 15),
        (2.0, 30),
        (2.0, 30),
        (9.0, 40),
    ]
    assert programme.milestones([(3.0, 8)]) == [(3.0, 8)] * 4


def test_a_page_keeps_its_text_and_what_the_other_script_measured(tmp_path: Path) -> None:
    page = tmp_path / "programme.md"
    page.write_text("# Title\n\nbefore\n")
    programme.put(page, "programme", ["one", ""])
    programme.put(page, "planted", ["two", ""])
    page.write_text(f"{page.read_text()}after\n")
    programme.put(page, "programme", ["three", ""])
    text = page.read_text()

    assert text.startswith("# Title\n\nbefore\n\n<!-- measured by scripts/programme -->\n\nthree\n")
    assert text.endswith("after\n")
    assert "two" in text
    assert "one" not in text


def test_portions_are_runs_of_one_cell() -> None:
    found = programme.portions(resolve(study_path("study4")))

    assert len(found) == 8
    assert all(len(ids) == 10 for ids in found)
    assert len({run_id for ids in found for run_id in ids}) == 80
