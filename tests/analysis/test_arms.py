"""Arms of a two-factor study against each other."""

from __future__ import annotations

import pytest
from scipy import stats

from kit.analysis.arms import contrasts
from kit.stats.effects import hedges_g
from tests.analysis.test_effects import values

NONE, HALF, ALL = [1.0, 2.0, 3.0], [4.0, 5.0, 7.0], [2.0, 2.5, 4.0]


def test_every_pair_of_arms_is_compared_once() -> None:
    points = [
        *values({0: NONE, 10: [2.0, 4.0, 4.5]}),
        *values({0: HALF, 10: [1.0, 1.5, 3.0]}, individuated=5),
        *values({0: ALL}, individuated=10),
    ]
    found = contrasts(points)

    assert len(found) == 10
    (row,) = (
        row
        for row in found
        if (row.individuated, row.aligned, row.against_individuated, row.against_aligned)
        == (5, 0, 0, 0)
    )
    assert row.result == hedges_g(HALF, NONE)
    expected = stats.ttest_ind(HALF, NONE, equal_var=False).pvalue
    assert row.welch_p == pytest.approx(expected)
    # Holm: the smallest of ten p values is multiplied by ten.
    smallest = min(found, key=lambda each: each.welch_p or 1.0)
    assert smallest.welch_p is not None
    assert smallest.welch_p_holm == pytest.approx(min(1.0, 10 * smallest.welch_p))


def test_a_study_that_varies_alignment_alone_has_no_arms() -> None:
    assert contrasts(values({0: NONE, 5: HALF, 10: ALL})) == []


def test_only_the_primary_reference_and_named_measures_are_compared() -> None:
    points = [
        *values({0: NONE}, reference="pooled"),
        *values({0: HALF}, individuated=5, reference="pooled"),
        *values({0: NONE}, measure="sexual", reference=None),
        *values({0: HALF}, measure="sexual", reference=None, individuated=5),
    ]
    assert contrasts(points) == []
