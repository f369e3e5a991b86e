from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

from kit.stats import reml
from kit.stats.reml import Fit, MixedModel, fitted
from kit.stats.sample import FloatArray, partition


def model(seed: int, *, slopes_only: bool = False, noise: float = 1.0) -> MixedModel:
    """Eight groups of unequal size with intercepts and slopes of their own."""
    rng = np.random.Generator(np.random.PCG64(seed))
    sizes = rng.integers(6, 20, 8)
    group = np.repeat(np.arange(8), sizes)
    position = rng.normal(size=group.size)
    design = np.column_stack((np.ones_like(position), position))
    random = rng.normal(size=(8, 2)) * [0.0 if slopes_only else 0.8, 0.6]
    response = 0.3 * position + np.sum(design * random[group], axis=1)
    response += noise * rng.normal(size=group.size)
    effects = design[:, 1:] if slopes_only else design
    return MixedModel(response, design, effects, partition(group, group.size, "group"))


def restricted(given: MixedModel, covariance: FloatArray) -> float:
    """The restricted log-likelihood with whole matrices (Harville 1977), sigma profiled out."""
    n, p = given.design.shape
    variance = np.eye(n)
    for rows in given.members:
        effects = given.effects[rows]
        variance[np.ix_(rows, rows)] += effects @ covariance @ effects.T
    gram = given.design.T @ np.linalg.solve(variance, given.design)
    score = given.design.T @ np.linalg.solve(variance, given.response)
    rest = given.response - given.design @ np.linalg.solve(gram, score)
    rss = float(rest @ np.linalg.solve(variance, rest))
    determinants = np.linalg.slogdet(variance)[1] + np.linalg.slogdet(gram)[1]
    return -0.5 * float(determinants + (n - p) * np.log(rss))


@pytest.mark.parametrize("slopes_only", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_no_covariance_nearby_has_a_higher_likelihood(seed: int, *, slopes_only: bool) -> None:
    # Noise of 6 leaves nothing between groups that it does not explain.
    for noise in (1.0, 6.0):
        given = model(seed, slopes_only=slopes_only, noise=noise)
        found = fitted(given)
        assert found is not None
        if not slopes_only:
            assert found.boundary == (noise > 1.0)
        reached = restricted(given, found.root @ found.root.T)
        rng = np.random.Generator(np.random.PCG64(seed))
        for size in (1e-3, 1e-2, 0.1, 1.0):
            for _ in range(25):
                moved = found.root + size * rng.normal(size=found.root.shape)
                assert restricted(given, moved @ moved.T) <= reached + 1e-9


@pytest.mark.parametrize("slopes_only", [True, False])
def test_an_inner_maximum_agrees_with_statsmodels(*, slopes_only: bool) -> None:
    # Loaded at run time: statsmodels has no types. 1e-4: its gradient need not be smaller.
    mixed = importlib.import_module("statsmodels.regression.mixed_linear_model")
    given = model(3, slopes_only=slopes_only)
    found = fitted(given)
    assert found is not None
    group = np.empty(given.response.size)
    for code, rows in enumerate(given.members):
        group[rows] = code
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = mixed.MixedLM(given.response, given.design, group, exog_re=given.effects).fit(
            reml=True
        )
    assert found.coefficients == pytest.approx(reference.fe_params, rel=1e-4)
    assert found.root @ found.root.T == pytest.approx(reference.cov_re_unscaled, rel=1e-3)
    assert found.residual_sd == pytest.approx(np.sqrt(reference.scale), rel=1e-4)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_search_that_ends_at_no_maximum_goes_on_where_statsmodels_stops(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The likelihood is flat at R = 0, whatever the data, and a search from there does not move.
    expected = fitted(model(3))
    monkeypatch.setattr(reml, "_identity", lambda _: np.full((2, 2), value))
    found = fitted(model(3))
    assert isinstance(expected, Fit)
    assert isinstance(found, Fit)
    assert found.coefficients == pytest.approx(expected.coefficients, rel=1e-9)
    monkeypatch.setattr(reml, "_where_statsmodels_stops", lambda _: np.full((2, 2), value))
    assert fitted(model(3)) is None
