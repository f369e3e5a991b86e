"""Shares with intervals from resampled clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.cluster_bootstrap import cluster_bootstrap
from kit.stats.cluster_shares import ClusterShares
from kit.stats.sample import IndexArray


def made(clusters: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, part and whole of rows that depend on each other within a cluster."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(clusters), size)
    level = np.repeat(rng.random(clusters), size)
    whole = rng.random(clusters * size) < 0.7
    return labels, whole & (rng.random(clusters * size) < level), whole


def test_the_interval_is_that_of_the_general_bootstrap() -> None:
    labels, part, whole = made(40, 6, 1)

    def statistic(rows: IndexArray) -> float:
        return float(part[rows].sum() / whole[rows].sum())

    general = cluster_bootstrap(
        labels, statistic, rng=np.random.default_rng(2), name="share", resamples=9_999
    ).percentile
    found = ClusterShares(labels, np.random.default_rng(3), resamples=9_999).share(
        part, whole, "share"
    )
    assert found.estimate == general.estimate
    for name in ("std_error", "conf_low", "conf_high"):
        assert getattr(found, name) == pytest.approx(getattr(general, name), abs=0.006)


def test_copies_of_a_cluster_s_rows_do_not_narrow_the_interval() -> None:
    labels, part, whole = made(30, 1, 4)
    once = ClusterShares(labels, np.random.default_rng(5)).share(part, whole, "share")
    often = ClusterShares(np.repeat(labels, 5), np.random.default_rng(5)).share(
        np.repeat(part, 5), np.repeat(whole, 5), "share"
    )
    assert (often.conf_low, often.conf_high) == (once.conf_low, once.conf_high)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 1000))
def test_a_share_and_its_rest_mirror_each_other(clusters: int, size: int, seed: int) -> None:
    labels, part, whole = made(clusters, size, seed)
    shares = ClusterShares(labels, np.random.default_rng(6), resamples=199)
    one, other = shares.share(part, whole, "a"), shares.share(whole & ~part, whole, "b")
    if one.estimate is None:
        assert other.estimate is None
        return
    assert other.estimate == pytest.approx(1 - one.estimate)
    if one.conf_low is not None:
        assert other.conf_high == pytest.approx(1 - one.conf_low)


def test_nothing_to_be_a_share_of_is_undefined() -> None:
    labels = np.arange(4)
    none = np.zeros(4, dtype=bool)
    found = ClusterShares(labels, np.random.default_rng(7)).share(none, none, "share")
    assert found.estimate is None
    assert found.n == 0


def test_a_whole_that_few_resamples_hold_has_no_interval() -> None:
    whole = np.arange(6) == 0  # in two thirds of the resamples
    found = ClusterShares(np.arange(6), np.random.default_rng(8)).share(whole, whole, "share")
    assert found.estimate == 1
    assert found.conf_low is None


def test_one_cluster_has_no_interval() -> None:
    flags = np.array([True, False])
    found = ClusterShares(["a", "a"], np.random.default_rng(9)).share(flags, flags | True, "share")
    assert found.estimate == 0.5
    assert found.conf_low is None
    assert "too few" in found.method


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        level = np.repeat(rng.beta(2, 2, 40), 4)  # the mean is a half
        part = rng.random(160) < level
        found = ClusterShares(np.repeat(np.arange(40), 4), rng, resamples=399).share(
            part, np.ones(160, dtype=bool), "share"
        )
        assert found.conf_low is not None
        assert found.conf_high is not None
        held += found.conf_low <= 0.5 <= found.conf_high
    assert 0.89 < held / 300 < 0.985
