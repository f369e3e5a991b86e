from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats

from kit.stats import effects
from kit.stats.result import Estimate

Effect = Callable[[ArrayLike, ArrayLike], Estimate]

EFFECTS: dict[str, Effect] = {
    "cohens_d": effects.cohens_d,
    "hedges_g": effects.hedges_g,
    "hedges_g_90": lambda t, c: effects.hedges_g(t, c, confidence=0.9),
    "hedges_g_star": effects.hedges_g_star,
    "hedges_g_av": effects.hedges_g_av,
    "glass_delta": effects.glass_delta,
}
STANDARDISED = [
    effects.cohens_d,
    effects.hedges_g,
    effects.hedges_g_star,
    effects.hedges_g_av,
    effects.glass_delta,
]
GROUP = st.lists(st.floats(-100, 100).map(lambda value: round(value, 2)), min_size=2, max_size=12)


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_agree_with_r(
    name: str, golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("two_groups_data")
    rows = golden("two_groups").filter(pl.col("method") == name).to_dicts()
    assert {row["case"] for row in rows} == set(data["case"])
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        treated, control = (
            case.filter(pl.col("group") == group)["value"].to_numpy()
            for group in ("treated", "control")
        )
        matches(EFFECTS[name](treated, control), row)


@pytest.mark.parametrize(
    ("df", "expected"),
    [
        # Gamma functions in 30-digit arithmetic.
        (1.5, 0.390276218869176307),
        (3, 0.723601254558267659),
        (28, 0.972932115056041625),
        (1000, 0.999249781179716368),
    ],
)
def test_the_correction_is_exact(df: float, expected: float) -> None:
    assert effects.hedges_correction(df) == pytest.approx(expected, rel=1e-12)


def test_the_correction_does_not_exist_at_one_degree_of_freedom() -> None:
    with pytest.raises(ValueError, match="more than one degree"):
        effects.hedges_correction(1.0)


def test_published_japanese_effect_has_the_published_p_at_15_runs_a_cell() -> None:
    # arXiv 2603.04904, abstract: g = +0.771, p = .038; 15 runs a cell reproduce .039.
    estimate = effects.g_from_summary(0.771, 15, 15)
    assert estimate.p_value == pytest.approx(0.0386, abs=5e-5)
    assert (estimate.conf_low, estimate.conf_high) == pytest.approx((0.04, 1.49), abs=0.005)


def test_published_english_effect_has_the_published_p_at_15_runs_a_cell() -> None:
    # arXiv 2603.04904, abstract: g = -1.844, p < .0001.
    estimate = effects.g_from_summary(-1.844, 15, 15)
    assert estimate.p_value == pytest.approx(1.6e-5, abs=5e-7)
    assert estimate.statistic == pytest.approx(-5.19, abs=0.005)


@pytest.mark.parametrize(("n", "p"), [(14, 0.0455), (15, 0.0386), (16, 0.0329), (25, 0.008)])
def test_the_published_p_points_at_15_runs_a_cell(n: int, p: float) -> None:
    assert effects.g_from_summary(0.771, n, n).p_value == pytest.approx(p, abs=5e-4)


@given(GROUP, GROUP)
def test_a_summary_gives_back_what_the_data_gave(
    treated: list[float], control: list[float]
) -> None:
    full = effects.hedges_g(treated, control)
    assume(full.estimate is not None and abs(full.estimate) < 1e3)
    assert full.estimate is not None
    again = effects.g_from_summary(full.estimate, len(treated), len(control))
    for name in ("std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "n"):
        found, expected = getattr(again, name), getattr(full, name)
        assert found == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12))


@given(GROUP, GROUP)
def test_the_test_beside_the_effect_is_student_s_or_welch_s(
    treated: list[float], control: list[float]
) -> None:
    assume(np.ptp(treated) > 0 and np.ptp(control) > 0)
    student = stats.ttest_ind(treated, control)
    welch = stats.ttest_ind(treated, control, equal_var=False)
    for effect in STANDARDISED:
        reference = student if effect in (effects.cohens_d, effects.hedges_g) else welch
        found = effect(treated, control)
        if found.is_defined:
            assert found.p_value == pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("effect", STANDARDISED)
@given(treated=GROUP, control=GROUP, shift=st.integers(-1000, 1000), scale=st.integers(-9, 9))
def test_neither_shift_nor_scale_matters(
    effect: Effect, treated: list[float], control: list[float], shift: int, scale: int
) -> None:
    assume(scale != 0)
    plain = effect(treated, control)
    moved = effect(np.array(treated) * scale + shift, np.array(control) * scale + shift)
    assert moved.is_defined == plain.is_defined
    if plain.estimate is None or abs(plain.estimate) > 1e6:
        return
    sign = math.copysign(1.0, scale)
    assert moved.estimate == pytest.approx(sign * plain.estimate, rel=1e-6, abs=1e-9)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-6, abs=1e-12)
    limits = sorted(
        sign * limit for limit in (plain.conf_low, plain.conf_high) if limit is not None
    )
    assert [moved.conf_low, moved.conf_high] == pytest.approx(limits, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    "effect",
    [effects.cohens_d, effects.hedges_g, effects.hedges_g_star, effects.hedges_g_av],
)
@given(treated=GROUP, control=GROUP)
def test_swapping_the_labels_flips_the_sign(
    effect: Effect, treated: list[float], control: list[float]
) -> None:
    one, other = effect(treated, control), effect(control, treated)
    assert one.is_defined == other.is_defined
    if one.estimate is None or one.conf_low is None or one.conf_high is None:
        return
    assert other.estimate == pytest.approx(-one.estimate, rel=1e-9, abs=1e-12)
    assert other.conf_low == pytest.approx(-one.conf_high, rel=1e-9, abs=1e-12)
    assert other.conf_high == pytest.approx(-one.conf_low, rel=1e-9, abs=1e-12)
    assert other.std_error == (
        None if one.std_error is None else pytest.approx(one.std_error, rel=1e-9)
    )


@given(GROUP, GROUP)
def test_the_interval_of_g_excludes_zero_exactly_when_the_test_rejects(
    treated: list[float], control: list[float]
) -> None:
    found = effects.hedges_g(treated, control)
    assume(found.p_value is not None and abs(found.p_value - 0.05) > 1e-9)
    assert found.p_value is not None
    assert found.conf_low is not None
    assert found.conf_high is not None
    assert (found.conf_low > 0 or found.conf_high < 0) == (found.p_value < 0.05)


@given(
    st.lists(st.floats(-1e150, 1e150), max_size=6), st.lists(st.floats(-1e150, 1e150), max_size=6)
)
def test_any_finite_data_gives_numbers_or_none(treated: list[float], control: list[float]) -> None:
    # `Estimate` refuses NaN and infinity, so it is enough that nothing raises.
    for effect in STANDARDISED:
        found = effect(treated, control)
        assert found.n == len(treated) + len(control)
        assert found.is_defined or "undefined" in found.method


@pytest.mark.parametrize("effect", STANDARDISED)
@pytest.mark.parametrize(("treated", "control"), [([], []), ([1.0], [1.0, 2.0]), ([1, 2], [1])])
def test_a_group_of_fewer_than_two_is_undefined(
    effect: Effect, treated: list[float], control: list[float]
) -> None:
    found = effect(treated, control)
    assert found.estimate is found.conf_low is found.p_value is None
    assert "too few observations" in found.method


@pytest.mark.parametrize("effect", STANDARDISED)
def test_groups_without_variance_are_undefined(effect: Effect) -> None:
    found = effect([0.1] * 5, [0.3] * 4)
    assert not found.is_defined
    assert found.n == 9
    assert "no variance" in found.method


def test_glass_delta_needs_variance_among_the_controls_only() -> None:
    assert not effects.glass_delta([1.0, 2.0, 3.0], [5.0, 5.0]).is_defined
    assert effects.glass_delta([5.0, 5.0], [1.0, 2.0, 3.0]).estimate == pytest.approx(3.0)


def test_two_values_a_group_have_an_interval_but_no_standard_error() -> None:
    found = effects.hedges_g([1.0, 2.0], [4.0, 6.0])
    assert found.estimate is not None
    assert found.conf_low is not None
    assert found.std_error is None
    assert "std_error undefined: too few degrees of freedom" in found.method


@pytest.mark.parametrize("effect", STANDARDISED)
@pytest.mark.parametrize("bad", [[1.0, float("nan")], [[1.0, 2.0]], [1.0, float("inf")]])
def test_values_that_are_no_sample_are_refused(effect: Effect, bad: ArrayLike) -> None:
    with pytest.raises(ValueError, match="treated"):
        effect(bad, [1.0, 2.0])


@pytest.mark.parametrize(("g", "n"), [(float("nan"), 15), (0.5, 1)])
def test_a_summary_that_says_nothing_is_refused(g: float, n: int) -> None:
    with pytest.raises(ValueError, match="two units a group"):
        effects.g_from_summary(g, n, 15)


def test_intervals_of_g_cover_as_often_as_they_say() -> None:
    # 500 draws: the standard error of a coverage of 0.95 is 0.01; the limits are four of them away.
    rng = np.random.Generator(np.random.PCG64(20260304))
    delta = 0.8 / effects.hedges_correction(28.0)
    covered = 0
    for _ in range(500):
        found = effects.hedges_g(rng.normal(delta, 1.0, 15), rng.normal(0.0, 1.0, 15))
        assert found.conf_low is not None
        assert found.conf_high is not None
        factor = effects.hedges_correction(28.0)
        covered += found.conf_low <= factor * delta <= found.conf_high
    assert 0.91 < covered / 500 < 0.99
