"""Prediction intervals and d33, held to R, to statsmodels and to arithmetic by hand."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.effects import cohens_d, hedges_g
from kit.stats.noncentral import cdf
from kit.stats.replication import (
    Sizes,
    effect_interval,
    g_prediction,
    r_prediction,
    smallest_telescoped_effect,
)

Golden = Callable[[str], pl.DataFrame]
GROUPS = st.builds(Sizes, st.integers(3, 80), st.integers(3, 80))


def test_the_prediction_interval_of_g_agrees_with_metafor(golden: Golden) -> None:
    rows = golden("replication_g").to_dicts()
    for row in rows:
        found = g_prediction(
            row["published"],
            Sizes(row["published_treated"], row["published_control"]),
            Sizes(row["treated"], row["control"]),
        )
        got = (found.std_error, found.conf_low, found.conf_high)
        expected = (row["std_error"], row["conf_low"], row["conf_high"])
        assert got == pytest.approx(expected, rel=1e-10)
        assert found.n == row["treated"] + row["control"]
    assert len(rows) == 12


def test_the_prediction_interval_of_r_agrees_with_r(golden: Golden) -> None:
    rows = golden("replication_r").to_dicts()
    for row in rows:
        found = r_prediction(row["published"], row["published_n"], row["n"])
        assert (found.conf_low, found.conf_high) == pytest.approx(
            (row["conf_low"], row["conf_high"]), rel=1e-12
        )
    assert len(rows) == 9


def test_the_published_correlation_predicts_almost_anything() -> None:
    # By hand: atanh 0.474 = 0.51522, half width 1.959964 sqrt(2 / 13) = 0.76876.
    found = r_prediction(0.474, 16, 16)
    assert found.conf_low == pytest.approx(math.tanh(0.51522 - 0.76876), abs=1e-5)
    assert found.conf_high == pytest.approx(math.tanh(0.51522 + 0.76876), abs=1e-5)


def test_d33_agrees_with_the_noncentral_t_of_r(golden: Golden) -> None:
    rows = golden("replication_d33").to_dicts()
    for row in rows:
        found = smallest_telescoped_effect(Sizes(row["treated"], row["control"]))
        assert found == pytest.approx(row["d33"], rel=1e-9)
    assert len(rows) == 6


def test_d33_of_twenty_per_cell_is_half_a_standard_deviation() -> None:
    # Simonsohn (2015): with 20 per cell, 33 % power needs d = .5.
    assert smallest_telescoped_effect(Sizes(20, 20)) == pytest.approx(0.5, abs=0.01)


@given(GROUPS)
def test_statsmodels_gives_d33_a_power_of_a_third(sizes: Sizes) -> None:
    power = importlib.import_module("statsmodels.stats.power").TTestIndPower()
    found = smallest_telescoped_effect(sizes)
    assert power.power(found, sizes.treated, 0.05, sizes.control / sizes.treated) == (
        pytest.approx(1 / 3, abs=1e-8)
    )


def test_the_interval_of_t_is_that_of_cohens_d() -> None:
    treated, control = [2.5, 1.0, 4.0, 3.0], [0.5, 1.5, -1.0]
    g = hedges_g(treated, control)
    d = cohens_d(treated, control, confidence=0.9)
    assert g.statistic is not None
    found = effect_interval(g.statistic, Sizes(4, 3))
    assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx(
        (d.estimate, d.conf_low, d.conf_high), rel=1e-12
    )


@given(st.floats(-6, 6), GROUPS, st.floats(-2, 2))
def test_the_upper_limit_is_the_one_sided_test_at_five_percent(
    t: float, sizes: Sizes, effect: float
) -> None:
    found = effect_interval(t, sizes)
    assert found.conf_high is not None
    root = math.sqrt(1 / sizes.treated + 1 / sizes.control)
    p = cdf(t, sum(sizes) - 2.0, effect / root)
    if abs(p - 0.05) > 1e-9:
        assert (found.conf_high < effect) == (p < 0.05)


@given(st.floats(-4, 4), GROUPS, GROUPS)
def test_labels_swapped_give_the_mirrored_prediction(
    g: float, published: Sizes, ours: Sizes
) -> None:
    plain = g_prediction(g, published, ours)
    other = g_prediction(-g, Sizes(*published[::-1]), Sizes(*ours[::-1]))
    assert plain.conf_low is not None
    assert plain.conf_high is not None
    assert (other.conf_low, other.conf_high) == pytest.approx((-plain.conf_high, -plain.conf_low))
    assert plain.conf_low < g < plain.conf_high


@given(st.floats(-0.99, 0.99), st.integers(4, 60), st.integers(4, 60))
def test_more_units_predict_more_closely(r: float, published_n: int, n: int) -> None:
    few, many = r_prediction(r, published_n, n), r_prediction(r, published_n, n + 1)
    assert few.conf_low is not None
    assert many.conf_low is not None
    assert few.conf_low < many.conf_low < r


def test_what_has_no_variance_has_no_prediction() -> None:
    assert "too few degrees" in g_prediction(0.5, Sizes(15, 15), Sizes(2, 2)).method
    assert not g_prediction(0.5, Sizes(2, 2), Sizes(15, 15)).is_defined
    assert "too few observations" in r_prediction(0.5, 16, 3).method
    assert not r_prediction(0.5, 3, 16).is_defined
    assert "bound" in r_prediction(1.0, 16, 16).method


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: g_prediction(0.5, Sizes(1, 15), Sizes(15, 15)),
        lambda: g_prediction(math.nan, Sizes(15, 15), Sizes(15, 15)),
        lambda: r_prediction(1.1, 16, 16),
        lambda: r_prediction(0.5, 16, 16, confidence=1.0),
        lambda: smallest_telescoped_effect(Sizes(15, 1)),
        lambda: smallest_telescoped_effect(Sizes(15, 15), power=0.05),
        lambda: effect_interval(math.inf, Sizes(15, 15)),
        lambda: effect_interval(1.0, Sizes(1, 15)),
    ],
)
def test_a_wrong_call_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"need|not"):
        wrong()
