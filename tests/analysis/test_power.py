"""What planned runs can show."""

from __future__ import annotations

import pytest

from kit.analysis.power import detectable, powers
from kit.stats.power import power
from tests.planted import experiment, language

FIVE = ("en", "ja", "fr", "it", "de")


def test_fifteen_runs_a_cell_find_an_effect_of_one_sd() -> None:
    (found,) = detectable(experiment(replicates=15))

    # R: power.t.test(n = 15, power = 0.8)$delta = 1.0597; for 0.771: n = 27.4; for 0.5: n = 63.8.
    assert found.minimum_effect == pytest.approx(1.0597, abs=1e-4)
    assert (found.needed_for_published, found.needed_for_margin) == (28, 64)
    # qt(.975, 28) sqrt(2 / 15)
    assert found.half_width == pytest.approx(0.748, abs=1e-3)
    assert found.null_possible is False


def test_a_study_without_both_extremes_has_no_contrast() -> None:
    assert detectable(experiment(aligned=[0, 5])) == []
    assert powers(experiment(aligned=[0, 5])) == []
    assert detectable(experiment(replicates=1)) == []


def test_powers_are_of_the_tests_that_a_study_can_make() -> None:
    alone = powers(experiment(replicates=15))
    assert {row.test for row in alone} == {"contrast of two cells, t test"}
    for row in alone:
        assert row.result.estimate == pytest.approx(power(row.true_value, 15, 15))

    languages = {code: language(code) for code in FIVE}
    many = powers(experiment(languages, replicates=15, aligned=[0, 2, 5, 8, 10]))
    assert {row.test for row in many} == {
        "contrast of two cells, t test",
        "slope over all levels, t test",
        "mean slope over languages, t test",
        "culture score, Pearson",
    }


def test_simulated_powers_grow_with_the_effect_and_repeat_with_the_seed() -> None:
    languages = {code: language(code) for code in FIVE}
    planned = experiment(languages, replicates=15, aligned=[0, 5, 10])
    found = powers(planned)
    slopes = [row.result.estimate for row in found if row.test.startswith("slope")]

    assert slopes == sorted(slopes, key=lambda value: value or 0.0)
    assert powers(planned) == found
    # Published and large: almost certain to be found; small: hardly ever.
    assert slopes[-1] is not None
    assert slopes[0] is not None
    assert slopes[-1] > 0.99
    assert slopes[0] < 0.2
