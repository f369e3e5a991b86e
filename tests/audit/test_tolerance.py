from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import binom

from kit.audit.tolerance import (
    FILE_NAME,
    Sample,
    Tolerance,
    Tolerances,
    load_tolerances,
    tolerance_of,
)
from kit.errors import RunLogError


def measured(samples: list[Sample]) -> Tolerance:
    return tolerance_of(
        samples, model_sha256="a" * 64, k_type="f16", bit_class="b" * 64, paths=("one",)
    )


def test_the_tolerance_lies_above_every_margin_of_an_honest_path() -> None:
    found = measured([Sample(100, (0.1, 0.4)), Sample(100, (0.05,))])
    assert found.largest_margin == 0.4
    assert found.tau == pytest.approx(0.8)
    assert found.near_tie_share == pytest.approx(3 / 200)
    assert (found.dialogues, found.decisions) == (2, 200)


def test_without_a_single_near_tie_the_tolerance_is_still_positive() -> None:
    found = measured([Sample(100, ())])
    assert found.tau == 0.5
    assert found.near_tie_share == 0
    assert found.most_near_ties(1000) == 1


def test_the_bound_on_near_ties_is_far_out_in_the_binomial() -> None:
    found = Tolerance(tau=1, near_tie_share=0.02)
    assert binom.sf(found.most_near_ties(1000), 1000, 0.02) < 1e-3
    assert found.most_near_ties(1000) < 40
    assert found.most_near_ties(4000) / 4000 < found.most_near_ties(1000) / 1000


def test_dialogues_that_differ_widen_the_bound() -> None:
    even = measured([Sample(100, (0.1,) * 5) for _ in range(10)])
    uneven = measured([Sample(100, (0.1,) * (10 * (index % 2))) for index in range(10)])
    assert even.near_tie_share == uneven.near_tie_share == 0.05
    assert even.dispersion == 1
    # Pearson: ten times 25 / 4.75, over nine degrees of freedom.
    assert uneven.dispersion == pytest.approx(10 * 25 / 4.75 / 9)
    assert uneven.most_near_ties(500) > even.most_near_ties(500)


def test_a_tolerance_chosen_by_hand_bounds_margins_only() -> None:
    assert Tolerance(tau=1).most_near_ties(10) == float("inf")


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(RunLogError, match="no recorded answers"):
        measured([])


def test_a_folder_keeps_one_tolerance_per_model_and_cache_type(tmp_path: Path) -> None:
    first = measured([Sample(100, (0.1,))])
    other = first.model_copy(update={"k_type": "q8_0"})
    again = first.model_copy(update={"tau": 0.9})
    kept = Tolerances().with_one(first).with_one(other).with_one(again)
    (tmp_path / FILE_NAME).write_bytes(kept.to_json())
    read = load_tolerances(tmp_path)
    assert read == kept
    assert read.find("a" * 64, "f16") == again
    assert read.find("a" * 64, "q8_0") == other
    assert read.find("c" * 64, "f16") is None
    assert load_tolerances(tmp_path / "nowhere") == Tolerances()
