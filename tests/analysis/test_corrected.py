"""A judge's means corrected by the excerpts that people rated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.analysis.corrected import corrected
from kit.judge.comparison import gather
from kit.spec.experiment import load_experiment
from kit.spec.seeds import key
from tests.judge.support import judged, panel
from tests.planted import everyone, experiment, talk, write_folder

[SCALE] = panel().judge.scales


def truth(excerpt: str) -> int:
    return 1 + key("truth", excerpt) % 2


def too_high(excerpt: str, order: int) -> str:
    """One too high with all agents aligned, and right without."""
    return str(truth(excerpt) + ("-a10-" in excerpt))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    planned = experiment(aligned=[0, 10], replicates=8)
    place: Path = write_folder(tmp_path_factory.mktemp("corrected"), planned, everyone(talk("Hi.")))
    found = gather(judged(place, panel(), too_high))
    excerpts = [score.excerpt for _, score in found.scores("level")]
    labels = {
        excerpt: {"ann": str(truth(excerpt))}
        for excerpt in excerpts
        if key("labelled", excerpt) % 4 == 0
    }
    table = corrected(load_experiment(place), found, SCALE, labels, dict.fromkeys(labels, 4.0))
    return table.to_dicts()


def row(
    rows: list[dict[str, Any]], measure: str, aligned: int, *, contrast: bool = False
) -> dict[str, Any]:
    [found] = [
        each
        for each in rows
        if (each["measure"], each["aligned"], each["contrast"]) == (measure, aligned, contrast)
    ]
    return found


def test_a_judge_that_is_right_keeps_its_mean(rows: list[dict[str, Any]]) -> None:
    found = row(rows, "level", 0)
    assert found["estimate"] == pytest.approx(found["judged"])
    assert found["excerpts"] == 160
    assert 20 < found["labelled"] < 60


def test_a_constant_error_is_taken_off_the_mean_and_the_contrast(
    rows: list[dict[str, Any]],
) -> None:
    cell = row(rows, "level", 10)
    assert cell["judged"] - cell["estimate"] == pytest.approx(1)
    contrast = row(rows, "level", 10, contrast=True)
    assert contrast["judged"] - contrast["estimate"] == pytest.approx(1)
    assert contrast["conf_low"] < contrast["estimate"] < contrast["conf_high"]


def test_shares_are_corrected_by_the_errors_seen_in_the_labels(
    rows: list[dict[str, Any]],
) -> None:
    found = row(rows, "share at 3 or more", 10)
    assert found["judged"] > 0.3
    # Nobody is labelled 3, so that the share of true ones the judge finds is not known.
    assert found["estimate"] is None
    assert "too few" in found["method"]
