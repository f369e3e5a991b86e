from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kit.stats.effects import hedges_g
from kit.stats.resampling import hedges_g_bca, hedges_g_each, product_moments


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_many_pairs_at_once_have_the_g_of_each() -> None:
    rng = generator(1)
    treated, control = rng.normal(1.0, 2.0, (50, 12)), rng.normal(0.0, 1.0, (50, 9))
    expected = [hedges_g(t, c).estimate for t, c in zip(treated, control, strict=True)]

    assert hedges_g_each(treated, control).tolist() == pytest.approx(expected)
    assert float(hedges_g_each(treated[0], control[0])) == pytest.approx(expected[0])


def test_many_variables_at_once_have_the_r_of_each() -> None:
    rng = generator(2)
    x, y = rng.normal(size=(20, 7)), rng.normal(size=(20, 7))
    expected = [stats.pearsonr(a, b).statistic for a, b in zip(x, y, strict=True)]

    assert product_moments(x, y).tolist() == pytest.approx(expected)


def test_the_bootstrap_of_g_agrees_with_scipy_s() -> None:
    rng = generator(3)
    treated, control = rng.gamma(2.0, 1.0, 15), rng.gamma(1.5, 1.0, 15)
    found = hedges_g_bca(treated, control, rng=generator(4))
    reference = stats.bootstrap(
        (treated, control),
        lambda t, c, axis: hedges_g_each(np.moveaxis(t, axis, -1), np.moveaxis(c, axis, -1)),
        vectorized=True,
        method="BCa",
        rng=generator(5),
    )
    interval = reference.confidence_interval

    assert found.estimate == pytest.approx(hedges_g(treated, control).estimate)
    # Both use 9,999 resamples: the standard error of a limit is about 0.03 standard errors.
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (interval.low, interval.high), abs=0.15 * float(reference.standard_error)
    )
    assert found.method == "Hedges' g, pooled SD, BCa 0.95 interval (9999 resamples)"


@pytest.mark.parametrize(
    ("treated", "control", "reason"),
    [
        ([1.0, 2.0], [5.0, 7.0, 8.0], "too few"),
        # Some resamples hold one value three times in both groups.
        ([1.0, 2.0, 4.0], [5.0, 7.0, 8.0], "degenerate"),
    ],
)
def test_groups_too_small_to_resample_have_g_and_no_interval(
    treated: list[float], control: list[float], reason: str
) -> None:
    found = hedges_g_bca(treated, control, rng=generator(), resamples=999)
    assert found.estimate == pytest.approx(hedges_g(treated, control).estimate)
    assert found.conf_low is None
    assert reason in found.method


@pytest.mark.parametrize(
    ("treated", "control", "reason"),
    [([1.0], [1.0, 2.0], "too few"), ([1.0, 1.0], [1.0, 1.0], "no variance")],
)
def test_groups_without_a_g_are_undefined(
    treated: list[float], control: list[float], reason: str
) -> None:
    found = hedges_g_bca(treated, control, rng=generator())
    assert not found.is_defined
    assert reason in found.method
