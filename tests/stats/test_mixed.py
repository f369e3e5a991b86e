from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.stats.mixed import MixedFit, RandomEffects, mixed_slope
from kit.stats.sample import FloatArray

RANDOM = {"slope": RandomEffects.SLOPE, "intercept_and_slope": RandomEffects.INTERCEPT_AND_SLOPE}
LEVELS = (0.0, 2.0, 5.0, 8.0, 10.0)


def made(
    seed: int, groups: int = 6, each: int = 3, slope_sd: float = 0.3, intercept_sd: float = 1.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level, outcome and group, in balance."""
    rng = np.random.Generator(np.random.PCG64(seed))
    level = np.tile(np.repeat(LEVELS, each), groups)
    group = np.repeat(np.arange(groups), each * len(LEVELS))
    slopes = rng.normal(0.1, slope_sd, groups)
    heights = rng.normal(0.0, intercept_sd, groups)
    outcome = heights[group] + slopes[group] * level + rng.normal(size=level.size)
    return level, outcome, group.astype(float)


def own_slopes(level: FloatArray, outcome: FloatArray, group: FloatArray) -> FloatArray:
    """The least-squares slope of each group."""
    return np.array(
        [np.polyfit(level[group == g], outcome[group == g], 1)[0] for g in np.unique(group)]
    )


def cases(reference: pl.DataFrame, model: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Rows of the reference by case and by what they hold, for one model."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in reference.to_dicts():
        if row["method"] == model or row["method"].startswith(f"{model}_"):
            name = row["method"].removeprefix(model).lstrip("_") or "fixed"
            if name.startswith("and_"):
                continue
            found.setdefault(row["case"], {})[name] = row
    return found


@pytest.mark.parametrize("model", RANDOM)
def test_fits_agree_with_lme4(model: str, golden: Callable[[str], pl.DataFrame]) -> None:
    # 1e-6: lme4 searches without derivatives, and so finds variances to half the digits.
    data = golden("mixed_data")
    for case, rows in cases(golden("mixed"), model).items():
        units = data.filter(pl.col("case") == case)
        columns = (units[name].to_numpy() for name in ("level", "outcome", "group"))
        fit = mixed_slope(*columns, random=RANDOM[model])
        assert fit.converged
        for name in ("estimate", "std_error", "df", "statistic", "p_value", "conf_low"):
            expected = rows["fixed"][name]
            assert getattr(fit.slope, name) == pytest.approx(expected, rel=1e-6), (case, name)
        for name in ("slope_sd", "intercept_sd", "correlation", "residual_sd"):
            expected = rows[name]["estimate"] if name in rows else None
            found = getattr(fit, name)
            if expected is None:
                assert found is None, (case, name)
            else:
                assert found == pytest.approx(expected, rel=1e-6, abs=1e-6), (case, name)
        assert fit.boundary == (case == "alike")


@pytest.mark.parametrize("model", RANDOM)
def test_in_balance_satterthwaite_s_degrees_of_freedom_are_groups_less_one(
    model: str, golden: Callable[[str], pl.DataFrame]
) -> None:
    # lmerTest differentiates numerically, to about four digits.
    found = cases(golden("mixed"), model)
    for case in {"sixteen", "two", "z_scored"} & set(found):
        rows = found[case]
        assert rows["satterthwaite"]["df"] == pytest.approx(rows["fixed"]["df"], rel=1e-3)
    if model == "slope":
        assert found["uneven"]["satterthwaite"]["df"] != pytest.approx(7, rel=1e-3)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from(RandomEffects))
def test_in_balance_it_is_the_t_test_of_the_groups_own_slopes(
    seed: int, random: RandomEffects
) -> None:
    level, outcome, group = made(seed)
    fit = mixed_slope(level, outcome, group, random=random)
    slopes = own_slopes(level, outcome, group)
    assert fit.slope.estimate == pytest.approx(slopes.mean(), rel=1e-8)
    assert fit.slope.df == slopes.size - 1
    if not fit.boundary:
        expected = slopes.std(ddof=1) / np.sqrt(slopes.size)
        assert fit.slope.std_error == pytest.approx(expected, rel=1e-12)


@settings(max_examples=20)
@given(
    st.integers(0, 10_000),
    st.sampled_from(RandomEffects),
    st.integers(-4, 4),
    st.integers(-50, 50),
    st.sampled_from([-1.0, 1.0]),
)
def test_units_sign_order_and_labels_do_not_matter(
    seed: int, random: RandomEffects, power: int, shift: int, sign: float
) -> None:
    level, outcome, group = made(seed, groups=4, each=2)
    rng = np.random.Generator(np.random.PCG64(seed))
    kept = rng.permutation(level.size)[: level.size - 5]
    scale = 10.0**power
    plain = mixed_slope(level[kept], outcome[kept], group[kept], random=random)
    kept = kept[::-1]
    moved = mixed_slope(
        level[kept] / 100.0 + shift,
        sign * outcome[kept] * scale - shift,
        np.array(["d", "b", "a", "c"])[group[kept].astype(int)],
        random=random,
    )
    assert moved.boundary == plain.boundary
    assert plain.slope.estimate is not None
    assert moved.slope.estimate == pytest.approx(
        sign * plain.slope.estimate * scale * 100.0, rel=1e-6
    )
    assert moved.slope.p_value == pytest.approx(plain.slope.p_value, rel=1e-6)
    assert plain.slope_sd is not None
    assert moved.slope_sd == pytest.approx(
        plain.slope_sd * scale * 100.0, rel=1e-6, abs=1e-9 * scale
    )


def test_copies_of_the_units_of_a_group_are_no_new_evidence() -> None:
    level, outcome, group = made(3)
    once = mixed_slope(level, outcome, group, random=RandomEffects.INTERCEPT_AND_SLOPE)
    copied = mixed_slope(
        np.tile(level, 5),
        np.tile(outcome, 5),
        np.tile(group, 5),
        random=RandomEffects.INTERCEPT_AND_SLOPE,
    )
    assert copied.slope.p_value == pytest.approx(once.slope.p_value, rel=1e-6)


def test_slopes_no_more_different_than_chance_lie_at_the_boundary_with_the_plain_error() -> None:
    level, outcome, group = made(5, slope_sd=0.0, intercept_sd=0.0)
    # The same residuals in every group.
    outcome = 0.2 * level + np.tile(outcome[:15], 6)
    fit = mixed_slope(level, outcome, group, random=RandomEffects.SLOPE)
    assert fit.boundary
    assert fit.converged
    assert fit.slope_sd == 0.0
    assert "at the boundary" in fit.slope.method
    centred = level - level.mean()
    slope = centred @ outcome / (centred @ centred)
    residuals = outcome - outcome.mean() - slope * centred
    error = np.sqrt(residuals @ residuals / (level.size - 2) / (centred @ centred))
    assert fit.slope.estimate == pytest.approx(slope)
    assert fit.slope.std_error == pytest.approx(error)
    both = mixed_slope(level, outcome, group, random=RandomEffects.INTERCEPT_AND_SLOPE)
    assert both.boundary
    assert both.slope.std_error == pytest.approx(error)
    assert both.correlation is None


def test_two_groups_leave_one_degree_of_freedom() -> None:
    level, outcome, group = made(8, groups=2)
    fit = mixed_slope(level, outcome, group, random=RandomEffects.SLOPE)
    assert fit.slope.df == 1
    assert fit.slope.is_defined


def nearly_exact(noise: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Six groups, each within `noise` of a line of its own."""
    level, residual, group = made(2, slope_sd=0.0, intercept_sd=0.0)
    residual -= 0.1 * level
    at = group.astype(int)
    heights = np.array([3.0, 1.0, 2.0, -1.0, 0.0, 4.0])[at]
    slopes = np.array([1.0, 3.0, 2.0, 5.0, 0.2, 0.7])[at]
    return level, heights + slopes * level + noise * residual, group


def test_lines_too_exact_for_the_likelihood_to_be_climbed_are_not_converged() -> None:
    fit = mixed_slope(*nearly_exact(1e-6), random=RandomEffects.INTERCEPT_AND_SLOPE)
    assert fit == MixedFit(slope=fit.slope)
    assert not fit.converged
    assert not fit.slope.is_defined
    assert "did not converge" in fit.slope.method


@pytest.mark.parametrize("random", RandomEffects)
@pytest.mark.parametrize(
    ("level", "outcome", "group", "reason"),
    [
        ([], [], [], "no variance"),
        ([0, 5, 10, 0, 5, 10], [1, 3, 2, 4, 6, 5], "aaaaaa", "too few observations"),
        ([5, 5, 5, 0, 5, 10], [1, 3, 2, 4, 6, 5], "aaabbb", "too few observations"),
        ([5, 5, 5, 5], [1, 3, 2, 4], "aabb", "no variance"),
        ([0, 5, 10, 0, 5, 10], [7, 7, 7, 7, 7, 7], "aaabbb", "no variance"),
        ([0, 5, 10, 0, 5, 10], [0, 1, 2, -4, 1, 6], "aaabbb", "no residual variance"),
    ],
)
def test_data_without_a_fit_are_undefined(
    level: list[float], outcome: list[float], group: str, reason: str, random: RandomEffects
) -> None:
    fit = mixed_slope(level, outcome, list(group), random=random)
    assert not fit.slope.is_defined
    assert not fit.converged
    assert reason in fit.slope.method


def test_as_many_random_effects_as_units_are_undefined() -> None:
    level, outcome, group = [0, 10, 0, 10], [1.0, 2.0, 2.0, 5.0], ["a", "a", "b", "b"]
    fit = mixed_slope(level, outcome, group, random=RandomEffects.INTERCEPT_AND_SLOPE)
    assert "too few degrees of freedom" in fit.slope.method


def test_a_missing_group_is_refused() -> None:
    with pytest.raises(ValueError, match="group"):
        mixed_slope([0, 1], [1, 2], [0.0, float("nan")], random=RandomEffects.SLOPE)


@given(
    st.lists(
        st.tuples(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150), st.integers(0, 2)),
        max_size=9,
    ),
    st.sampled_from(RandomEffects),
)
def test_any_finite_data_gives_numbers_or_none(
    units: list[tuple[float, float, int]], random: RandomEffects
) -> None:
    level, outcome, group = np.reshape(units, (-1, 3)).T
    fit = mixed_slope(level, outcome, group, random=random)
    assert fit.slope.n == len(units)
    for value in (fit.slope_sd, fit.intercept_sd, fit.correlation, fit.residual_sd):
        assert value is None or np.isfinite(value)
