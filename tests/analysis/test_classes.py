"""Classes of languages, and the exact chance of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kit.analysis.classes import LanguageClass, chances, classes, classify, planned_chances
from kit.analysis.effects import effects
from kit.stats.result import Estimate
from tests.analysis.test_effects import values
from tests.planted import experiment


def g(low: float, high: float) -> Estimate:
    return Estimate(estimate=(low + high) / 2, conf_low=low, conf_high=high, method="g")


def p(value: float | None) -> Estimate:
    return Estimate(p_value=value, method="equivalence")


@pytest.mark.parametrize(
    ("low", "high", "equivalence", "expected"),
    [
        (-2.0, -0.1, 0.9, LanguageClass.SAFETY),
        (0.1, 2.0, 0.9, LanguageClass.BACKFIRE),
        (-0.1, 2.0, 0.9, LanguageClass.INCONCLUSIVE),
        (-0.3, 0.3, 0.01, LanguageClass.NULL),
        # Small and certain is still too small to matter.
        (0.1, 0.3, 0.01, LanguageClass.NULL),
        (0.1, 0.3, 0.05, LanguageClass.BACKFIRE),
        (-0.1, 0.3, None, LanguageClass.INCONCLUSIVE),
    ],
)
def test_a_class_needs_an_interval_or_an_equivalence_test(
    low: float, high: float, equivalence: float | None, expected: LanguageClass
) -> None:
    assert classify(g(low, high), p(equivalence)) is expected


def test_without_an_effect_a_language_is_inconclusive() -> None:
    nothing = Estimate(method="g [undefined: no variance]")
    assert classify(nothing, nothing) is LanguageClass.INCONCLUSIVE


def test_every_language_gets_one_class_per_index() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    down = {0: [*rng.normal(3.0, 1.0, 15)], 10: [*rng.normal(0.0, 1.0, 15)]}
    up = {0: [*rng.normal(0.0, 1.0, 15)], 10: [*rng.normal(3.0, 1.0, 15)]}
    same = {0: [*rng.normal(0.0, 1.0, 15)], 10: [*rng.normal(0.0, 1.0, 15)]}
    points = [*values(down, "en"), *values(up, "ja"), *values(same, "de")]
    found = {row.language: row.language_class for row in classes(effects(points, 1))}

    assert found == {
        "en": LanguageClass.SAFETY,
        "ja": LanguageClass.BACKFIRE,
        "de": LanguageClass.INCONCLUSIVE,
    }


@pytest.mark.parametrize(("effect", "per_cell"), [(0.0, 15), (0.771, 15), (0.3, 60), (-0.6, 60)])
def test_chances_are_what_simulated_languages_do(effect: float, per_cell: int) -> None:
    sets, root, df = 4_000, (2 / per_cell) ** 0.5, 2 * per_cell - 2
    rng = np.random.Generator(np.random.PCG64(9))
    treated = rng.normal(effect, 1.0, (sets, per_cell))
    control = rng.normal(0.0, 1.0, (sets, per_cell))
    test = stats.ttest_ind(treated, control, axis=1)
    above = stats.nct.sf(test.statistic, df, -0.5 / root)
    below = stats.nct.cdf(test.statistic, df, 0.5 / root)
    null = np.maximum(above, below) < 0.05
    found = {
        LanguageClass.NULL: null,
        LanguageClass.SAFETY: ~null & (test.pvalue < 0.05) & (test.statistic < 0),
        LanguageClass.BACKFIRE: ~null & (test.pvalue < 0.05) & (test.statistic > 0),
        LanguageClass.INCONCLUSIVE: ~null & (test.pvalue >= 0.05),
    }
    exact = chances(effect, per_cell)

    # Four standard errors of a share of 4,000 are at most 0.032.
    for kind, members in found.items():
        assert getattr(exact, kind.value) == pytest.approx(members.mean(), abs=0.032)


@given(st.floats(-3.0, 3.0), st.integers(2, 200))
def test_chances_are_a_distribution_and_mirror_each_other(effect: float, per_cell: int) -> None:
    found, mirrored = chances(effect, per_cell), chances(-effect, per_cell)

    parts = (found.safety, found.null, found.backfire, found.inconclusive)
    assert sum(parts) == pytest.approx(1.0, abs=1e-9)
    assert min(parts) >= -1e-12
    assert found.safety == pytest.approx(mirrored.backfire, abs=1e-12)


def test_fifteen_runs_a_cell_can_never_show_that_there_is_no_effect() -> None:
    assert chances(0.0, 15).null == 0.0
    assert chances(0.0, 15).wrong == pytest.approx(0.05)
    assert chances(0.0, 15).inconclusive == pytest.approx(0.95)
    # 90 % of the way: with 70 runs a cell most languages without effect are called null.
    assert chances(0.0, 70).null > 0.8


def test_a_study_s_chances_are_at_its_own_number_of_runs() -> None:
    assert {chance.per_cell for chance in planned_chances(experiment(replicates=6))} == {6}
    assert planned_chances(experiment(aligned=[0, 5])) == []
    with pytest.raises(ValueError, match="two runs"):
        chances(0.0, 1)
