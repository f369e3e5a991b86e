from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy import stats

from kit.stats.intervals import bca_interval, bootstrap, jackknife_influence
from kit.stats.sample import FloatArray


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def mean(values: FloatArray) -> FloatArray:
    return np.asarray(np.mean(values, axis=-1))


def mean_difference(treated: FloatArray, control: FloatArray) -> FloatArray:
    return np.asarray(np.mean(treated, axis=-1) - np.mean(control, axis=-1))


@pytest.mark.parametrize("case", ["one_sample", "two_samples"])
def test_bca_limits_agree_with_r_given_its_replicates(
    case: str, golden: Callable[[str], pl.DataFrame]
) -> None:
    """R interpolates between order statistics on the normal scale, the kit linearly.

    So the limits cannot agree to 1e-6; they must lie between the same two neighbours among the
    sorted replicates, give or take one.
    """
    expected = golden("bootstrap").filter(pl.col("case") == case).row(0, named=True)
    rows = golden("bootstrap_replicates").filter(pl.col("case") == case)
    replicates = np.sort(rows["replicate"].to_numpy())
    influence = golden("bootstrap_data").filter(pl.col("case") == case)["influence"].to_numpy()
    limits = bca_interval(expected["estimate"], replicates, influence)
    assert limits is not None
    for found, reference in zip(limits, (expected["conf_low"], expected["conf_high"]), strict=True):
        place = int(np.searchsorted(replicates, reference))
        assert replicates[place - 2] <= found <= replicates[place + 1]


@pytest.mark.parametrize("case", ["one_sample", "two_samples"])
def test_influence_is_proportional_to_that_of_r(
    case: str, golden: Callable[[str], pl.DataFrame]
) -> None:
    # R leaves the division by the size of a unit's own sample to its user, and the kit does it. The
    # interval needs the values up to a common factor only.
    data = golden("bootstrap_data").filter(pl.col("case") == case)
    groups = [rows["value"].to_numpy() for _, rows in data.group_by("group", maintain_order=True)]
    found = jackknife_influence(groups, mean if len(groups) == 1 else mean_difference)
    sizes = data.select(pl.len().over("group")).to_series().to_numpy()
    expected = data["influence"].to_numpy() / sizes
    assert found / np.linalg.norm(found) == pytest.approx(expected / np.linalg.norm(expected))


@pytest.mark.parametrize("case", ["one_sample", "two_samples"])
def test_the_bootstrap_agrees_with_r_within_its_own_noise(
    case: str, golden: Callable[[str], pl.DataFrame]
) -> None:
    """The resamples differ, so limits and standard errors agree to Monte Carlo error only.

    R used 499 resamples: the standard error of an SD is then 3 %, that of a limit about a tenth
    of an SD.
    """
    expected = golden("bootstrap").filter(pl.col("case") == case).row(0, named=True)
    data = golden("bootstrap_data").filter(pl.col("case") == case)
    if case == "one_sample":
        found = bootstrap([data["value"].to_numpy()], mean, rng=generator(), name="mean")
    else:
        groups = [
            data.filter(pl.col("group") == group)["value"].to_numpy()
            for group in ("treated", "control")
        ]
        found = bootstrap(groups, mean_difference, rng=generator(), name="difference")
    assert found.estimate == pytest.approx(expected["estimate"], rel=1e-9)
    assert found.std_error == pytest.approx(expected["std_error"], rel=0.12)
    limits = (expected["conf_low"], expected["conf_high"])
    assert (found.conf_low, found.conf_high) == pytest.approx(
        limits, abs=0.4 * expected["std_error"]
    )


def test_two_samples_agree_with_scipy_s_bca() -> None:
    rng = generator(5)
    treated, control = rng.exponential(1.0, 12), rng.normal(0.5, 1.0, 20)
    found = bootstrap([treated, control], mean_difference, rng=generator(1), name="difference")
    reference = stats.bootstrap(
        (treated, control), mean_difference, vectorized=False, method="BCa", rng=generator(2)
    )
    interval = reference.confidence_interval
    # Both use 9,999 resamples: the standard error of a limit is about 0.03 standard errors.
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (interval.low, interval.high), abs=0.15 * float(reference.standard_error)
    )


def test_paired_samples_are_resampled_by_unit() -> None:
    x = np.arange(12.0)
    # x - x is 0 for every unit, so resampling units leaves no variation at all.
    paired = bootstrap([x, x], mean_difference, rng=generator(), name="difference", paired=True)
    assert paired.estimate == 0.0
    assert paired.std_error is paired.conf_low is None
    assert "degenerate" in paired.method
    assert paired.n == 12
    apart = bootstrap([x, x], mean_difference, rng=generator(), name="difference")
    assert apart.std_error is not None
    assert apart.n == 24


def test_the_paired_bootstrap_of_a_correlation_agrees_with_scipy() -> None:
    rng = generator(8)
    x = rng.normal(size=25)
    y = 0.6 * x + rng.normal(size=25)

    def r(left: FloatArray, right: FloatArray) -> FloatArray:
        left = left - left.mean(axis=-1, keepdims=True)
        right = right - right.mean(axis=-1, keepdims=True)
        lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
        return np.asarray((left * right).sum(axis=-1) / lengths)

    found = bootstrap([x, y], r, rng=generator(1), name="r", paired=True, resamples=4_999)
    reference = stats.bootstrap(
        (x, y), r, paired=True, vectorized=False, method="BCa", n_resamples=4_999, rng=generator(2)
    )
    interval = reference.confidence_interval
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (interval.low, interval.high), abs=0.25 * float(reference.standard_error)
    )


def test_the_same_generator_state_gives_the_same_interval() -> None:
    values = generator(4).normal(size=15)
    runs = [
        bootstrap([values], mean, rng=generator(seed), name="mean", resamples=199)
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert runs[0].method == "mean, BCa 0.95 interval (199 resamples)"


def test_resampling_in_portions_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # A portion's random units are drawn one resample after another, so their number is no matter.
    samples = [generator(4).normal(size=15)]
    whole = bootstrap(samples, mean, rng=generator(1), name="mean", resamples=500)
    monkeypatch.setattr("kit.stats.intervals._HELD", 15 * 7)
    assert bootstrap(samples, mean, rng=generator(1), name="mean", resamples=500) == whole


def test_constant_samples_have_no_interval() -> None:
    found = bootstrap([np.full(6, 0.1)], mean, rng=generator(), name="mean", resamples=99)
    assert found.estimate == pytest.approx(0.1)
    assert found.std_error is found.conf_low is found.conf_high is None


def test_a_sample_of_one_is_undefined() -> None:
    found = bootstrap([[1.0]], mean, rng=generator(), name="mean")
    assert not found.is_defined
    assert found.n == 1


def test_a_statistic_that_is_not_finite_is_undefined() -> None:
    found = bootstrap(
        [[1.0, 2.0]], lambda values: np.full(values.shape[:-1], np.nan), rng=generator(), name="odd"
    )
    assert not found.is_defined
    assert "degenerate" in found.method


@pytest.mark.parametrize(
    ("samples", "resamples"), [([], 99), ([[1.0, 2.0], [1.0, 2.0, 3.0]], 99), ([[1.0, 2.0]], 1)]
)
def test_samples_that_cannot_be_resampled_are_refused(
    samples: list[list[float]], resamples: int
) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        bootstrap(samples, mean, rng=generator(), name="mean", resamples=resamples, paired=True)


def test_replicates_on_one_side_of_the_estimate_have_no_bca_interval() -> None:
    influence = np.array([1.0, -1.0])
    assert bca_interval(0.0, np.array([1.0, 2.0, 3.0]), influence) is None
    assert bca_interval(2.0, np.array([2.0, 2.0]), influence) is None
    assert bca_interval(2.0, np.array([1.0, 2.0, 3.0]), np.zeros(2)) is None
