from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from kit.stats.cluster_bootstrap import RowStatistic, cluster_bootstrap
from kit.stats.intervals import bootstrap
from kit.stats.sample import FloatArray, IndexArray


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def mean_of(values: FloatArray) -> RowStatistic:
    def mean(rows: IndexArray) -> float:
        return float(values[rows].mean())

    return mean


def test_clusters_of_one_row_are_the_plain_bootstrap() -> None:
    values = generator(1).exponential(size=30)
    found = cluster_bootstrap(
        range(30), mean_of(values), rng=generator(2), name="mean", resamples=500
    )

    def means(sample: FloatArray) -> FloatArray:
        return np.asarray(sample.mean(axis=-1))

    plain = bootstrap([values], means, rng=generator(2), name="mean", resamples=500)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert getattr(found.bca, name) == pytest.approx(getattr(plain, name))
    assert found.percentile.std_error == found.bca.std_error
    assert (found.clusters, found.resamples, found.undefined) == (30, 500, 0)


def test_percentile_limits_are_quantiles_of_resampled_clusters() -> None:
    values = np.array([1.0, 5.0, 2.0, 8.0, 8.0, 3.0, 0.0])
    labels = ["a", "b", "a", "c", "b", "c", "d"]
    found = cluster_bootstrap(
        labels, mean_of(values), rng=generator(3), name="mean", confidence=0.8, resamples=300
    )
    sums, sizes = np.array([3.0, 13.0, 11.0, 0.0]), np.array([2, 2, 2, 1])
    draws = generator(3).integers(0, 4, (300, 4))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(means, [0.1, 0.9])
    assert (found.percentile.conf_low, found.percentile.conf_high) == pytest.approx((low, high))
    assert found.percentile.std_error == pytest.approx(np.std(means, ddof=1))
    assert found.percentile.estimate == pytest.approx(values.mean())
    assert found.percentile.n == 7
    assert "percentile 0.8 interval (300 resamples of 4 clusters, 0 undefined)" in (
        found.percentile.method
    )


@given(st.integers(0, 1_000))
def test_order_of_rows_does_not_matter(seed: int) -> None:
    values, labels = generator(4).normal(size=24), np.repeat(np.arange(8), 3)
    order = generator(seed).permutation(24)
    plain, moved = (
        cluster_bootstrap(
            labels[rows], mean_of(values[rows]), rng=generator(5), name="mean", resamples=50
        )
        for rows in (np.arange(24), order)
    )
    for name in ("conf_low", "conf_high"):
        for kind in ("percentile", "bca"):
            expected = getattr(getattr(plain, kind), name)
            assert getattr(getattr(moved, kind), name) == pytest.approx(expected)


def test_rows_of_a_cluster_are_not_independent_of_each_other() -> None:
    rng = generator(6)
    held, naive = 0, 0
    for seed in range(120):
        labels = np.repeat(np.arange(20), 6)
        values = rng.normal(size=20)[labels] + rng.normal(0, 0.5, 120)
        for rows, kind in ((labels, "cluster"), (np.arange(120), "row")):
            limits = cluster_bootstrap(
                rows, mean_of(values), rng=generator(seed), name="mean", resamples=199
            ).percentile
            assert limits.conf_low is not None
            assert limits.conf_high is not None
            covered = limits.conf_low <= 0.0 <= limits.conf_high
            held += covered and kind == "cluster"
            naive += covered and kind == "row"
    # A percentile interval of 20 clusters is a little short; rows alone give half of 95 %.
    assert 0.86 <= held / 120 <= 0.99
    assert naive / 120 < 0.75


def test_undefined_resamples_are_counted_and_left_out() -> None:
    labels = np.arange(12)
    values = np.arange(12.0)

    def mean_unless_none_is_early(rows: IndexArray) -> float | None:
        # Without any of the first three: a chance of 0.75^12, 3 %.
        return float(values[rows].mean()) if (rows < 3).any() else None

    found = cluster_bootstrap(
        labels, mean_unless_none_is_early, rng=generator(7), name="mean", resamples=2_000
    )
    draws = generator(7).integers(0, 12, (2_000, 12))
    assert found.undefined == int((draws >= 3).all(axis=1).sum())
    assert 30 < found.undefined < 100
    assert f"{found.undefined} undefined" in found.bca.method
    assert found.percentile.conf_low is not None
    assert found.bca.conf_low is not None


def test_above_a_tenth_undefined_there_is_no_interval() -> None:
    def mean_unless_the_first_is_missing(rows: IndexArray) -> float | None:
        # Missing with a chance of 1/e; NaN stands for None.
        return float(rows.mean()) if (rows == 0).any() else math.nan

    found = cluster_bootstrap(
        range(10), mean_unless_the_first_is_missing, rng=generator(8), name="mean", resamples=400
    )
    assert found.undefined > 40
    for one in (found.percentile, found.bca):
        assert one.estimate == 4.5
        assert one.std_error is one.conf_low is one.conf_high is None
        assert "[std_error, interval undefined" in one.method


def test_without_a_jackknife_there_is_no_acceleration() -> None:
    def mean_with_all_or_some_twice(rows: IndexArray) -> float | None:
        return float(rows.mean()) if rows.size == 9 else None

    found = cluster_bootstrap(
        range(9), mean_with_all_or_some_twice, rng=generator(9), name="mean", resamples=100
    )
    assert found.undefined == 0
    assert found.percentile.conf_low is not None
    assert found.bca.conf_low is None
    assert found.bca.std_error is not None
    assert "[interval undefined" in found.bca.method


@pytest.mark.parametrize(
    ("labels", "value", "reason"),
    [
        ([1, 1, 1], 2.0, "too few"),
        ([1, 2, 3], None, "degenerate"),
        ([1, 2, 3], math.inf, "degenerate"),
        ([1, 2, 3], 2.0, "degenerate"),
    ],
)
def test_data_without_an_interval(labels: list[int], value: float | None, reason: str) -> None:
    found = cluster_bootstrap(labels, lambda _: value, rng=generator(), name="x", resamples=20)
    for one in (found.percentile, found.bca):
        assert one.estimate == (2.0 if value == 2.0 and len(set(labels)) > 1 else None)
        assert one.conf_low is one.std_error is None
        assert reason in one.method


def test_wrong_calls_are_refused() -> None:
    values = mean_of(np.arange(4.0))
    labels: ArrayLike
    for labels, resamples, confidence, message in (
        ([], 100, 0.95, "cannot resample"),
        ([1, 2, 3, 4], 1, 0.95, "cannot resample"),
        ([1, 2, 3, 4], 100, 0.0, "confidence"),
        (np.array([1, 2, 3, None]), 100, 0.95, "missing label"),
        ([[1, 2], [3, 4]], 100, 0.95, "one label each"),
    ):
        with pytest.raises(ValueError, match=message):
            cluster_bootstrap(
                labels,
                values,
                rng=generator(),
                name="mean",
                confidence=confidence,
                resamples=resamples,
            )
