from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.stats.agreement import (
    ConfusionMatrix,
    Weights,
    cohens_kappa,
    confusion,
    detection,
    raw_agreement,
)

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=60)
WEIGHTS: list[Weights] = ["none", "linear", "quadratic"]


def matrix_of(pairs: list[tuple[int, int]], size: int = 4) -> ConfusionMatrix:
    first, second = zip(*pairs, strict=True)
    return confusion(first, second, range(size))


def test_kappas_agree_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("agreement_data")
    rows = golden("agreement").to_dicts()
    assert len(rows) == 21
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        categories = range(case["categories"][0])
        matrix = confusion(case["first"].to_list(), case["second"].to_list(), categories)
        found = cohens_kappa(matrix, weights=row["method"])
        matches(found, row)
        assert found.n == case.height


@pytest.mark.parametrize("weights", WEIGHTS)
@given(pairs=PAIRS)
def test_kappas_agree_with_statsmodels(weights: Weights, pairs: list[tuple[int, int]]) -> None:
    matrix = matrix_of(pairs)
    found = cohens_kappa(matrix, weights=weights)
    assume(found.std_error is not None)
    # Loaded at run time: statsmodels has no types.
    reference: Any = importlib.import_module("statsmodels.stats.inter_rater").cohens_kappa(
        np.array(matrix.counts),
        wt={"none": None, "linear": "linear", "quadratic": "quadratic"}[weights],
    )
    assert found.estimate == pytest.approx(float(reference.kappa), abs=1e-10)
    assert found.std_error == pytest.approx(float(reference.std_kappa), rel=1e-6, abs=1e-9)


def test_counts_are_first_by_second_in_the_order_given() -> None:
    matrix = confusion(["low", "high", "high"], ["low", "low", "high"], ["low", "mid", "high"])
    assert matrix.categories == ("low", "mid", "high")
    assert matrix.counts == ((1, 0, 0), (0, 0, 0), (1, 0, 1))
    assert (matrix.n, matrix.agreed) == (3, 2)
    assert raw_agreement(matrix).estimate == pytest.approx(2 / 3)


@given(PAIRS, st.permutations(range(4)))
def test_names_of_categories_do_not_matter_without_weights(
    pairs: list[tuple[int, int]], order: list[int]
) -> None:
    plain = cohens_kappa(matrix_of(pairs))
    renamed = cohens_kappa(matrix_of([(order[one], order[other]) for one, other in pairs]))
    assert plain.method == renamed.method
    if plain.estimate is not None:
        assert renamed.estimate == pytest.approx(plain.estimate)
        assert renamed.std_error == (
            None if plain.std_error is None else pytest.approx(plain.std_error)
        )


@pytest.mark.parametrize("weights", WEIGHTS)
@given(pairs=PAIRS)
def test_raters_units_and_the_direction_of_the_scale_may_change_places(
    weights: Weights, pairs: list[tuple[int, int]]
) -> None:
    plain = cohens_kappa(matrix_of(pairs), weights=weights)
    turned = [(3 - other, 3 - one) for one, other in reversed(pairs)]
    swapped = cohens_kappa(matrix_of(turned), weights=weights)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        expected = getattr(plain, name)
        if expected is not None:
            expected = pytest.approx(expected, abs=1e-12)
        assert getattr(swapped, name) == expected


@given(PAIRS)
def test_two_categories_have_one_kappa_and_unused_ones_do_not_count(
    pairs: list[tuple[int, int]],
) -> None:
    two = [(one % 2, other % 2) for one, other in pairs]
    kappas = {cohens_kappa(matrix_of(two, 2), weights=weights).estimate for weights in WEIGHTS}
    kappas |= {cohens_kappa(matrix_of(two, 5), weights=weights).estimate for weights in WEIGHTS}
    if None in kappas:
        assert kappas == {None}
    else:
        values = [value for value in kappas if value is not None]
        assert max(values) - min(values) < 1e-12


def test_far_disagreements_cost_more_with_weights() -> None:
    near = matrix_of([(0, 1), (1, 0), (2, 3), (3, 2), (0, 0), (3, 3)])
    far = matrix_of([(0, 3), (3, 0), (2, 1), (1, 2), (0, 0), (3, 3)])
    for weights in ("linear", "quadratic"):
        low, high = (cohens_kappa(one, weights=weights).estimate for one in (far, near))
        assert low is not None
        assert high is not None
        assert low < high


def test_full_agreement_and_full_opposition_have_no_standard_error() -> None:
    for pairs, kappa in (([(0, 0), (1, 1), (1, 1)], 1.0), ([(0, 1), (1, 0)] * 5, -1.0)):
        found = cohens_kappa(matrix_of(pairs, 2))
        assert found.estimate == pytest.approx(kappa)
        assert found.std_error is found.conf_low is None
        assert "[std_error, interval undefined" in found.method


def test_limits_stay_within_the_range_of_kappa() -> None:
    found = cohens_kappa(matrix_of([(0, 0)] * 5 + [(1, 1)] * 5 + [(0, 1)], 2))
    assert found.conf_high == 1.0


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([(1, 1)], "too few"),
        ([(1, 1), (1, 1), (1, 1)], "no variance"),
        ([(1, 1), (1, 0), (1, 1)], "no variance"),
        ([(0, 1), (1, 1), (1, 1)], "no variance"),
    ],
)
def test_a_constant_rater_leaves_kappa_undefined(pairs: list[tuple[int, int]], reason: str) -> None:
    for weights in WEIGHTS:
        found = cohens_kappa(matrix_of(pairs, 2), weights=weights)
        assert not found.is_defined
        assert found.n == len(pairs)
        assert reason in found.method


def test_detection_counts_at_a_threshold() -> None:
    pairs = [(0, 0), (2, 1), (3, 0), (2, 2), (3, 2), (1, 3), (0, 1), (3, 3)]
    found = detection(matrix_of(pairs), 2)
    assert (found.true_positives, found.true_negatives) == (3, 2)
    assert (found.false_positives, found.false_negatives) == (2, 1)
    assert found.precision.estimate == pytest.approx(3 / 5)
    assert found.recall.estimate == pytest.approx(3 / 4)
    assert found.specificity.estimate == pytest.approx(2 / 4)
    assert found.f1.estimate == pytest.approx(2 / 3)
    assert found.prevalence.estimate == pytest.approx(4 / 8)
    assert (found.precision.n, found.recall.n, found.f1.n) == (5, 4, 6)
    assert found.f1.method.startswith("F1 at 2, Wilson")


@given(PAIRS, st.integers(0, 3))
def test_f1_is_the_harmonic_mean_and_its_limits_hold_it(
    pairs: list[tuple[int, int]], threshold: int
) -> None:
    found = detection(matrix_of(pairs), threshold)
    assert sum(found[:4]) == len(pairs)
    precision, recall, f1 = found.precision.estimate, found.recall.estimate, found.f1.estimate
    if f1 is None:
        assert precision is recall is None
        return
    assert found.f1.conf_low is not None
    assert found.f1.conf_high is not None
    assert found.f1.conf_low <= f1 <= found.f1.conf_high
    if precision and recall:
        assert f1 == pytest.approx(2 / (1 / precision + 1 / recall))
    else:
        assert f1 == 0.0


def test_limits_of_f1_hold_it_as_often_as_they_say() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    truth = 2 * 0.3 / (2 * 0.3 + 0.1 + 0.15)
    held = 0
    for both, extra, missed, neither in rng.multinomial(80, [0.3, 0.1, 0.15, 0.45], 1_000):
        matrix = ConfusionMatrix((0, 1), ((int(neither), int(missed)), (int(extra), int(both))))
        f1 = detection(matrix, 1).f1
        assert f1.conf_low is not None
        assert f1.conf_high is not None
        held += f1.conf_low <= truth <= f1.conf_high
    # 1,000 sets: binomial 99.9 % band about 95 %.
    assert abs(held / 1_000 - 0.95) < 3.3 * math.sqrt(0.95 * 0.05 / 1_000)


def test_what_is_a_share_of_nothing_is_undefined() -> None:
    found = detection(matrix_of([(0, 0), (1, 1)]), 2)
    for estimate in (found.precision, found.recall, found.f1):
        assert not estimate.is_defined
        assert "too few" in estimate.method
    assert found.specificity.estimate == 1.0
    assert found.prevalence.estimate == 0.0


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="'c' is none of"):
        confusion(["a", "c"], ["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match="each once"):
        confusion(["a"], ["a"], ["a", "b", "a"])
    with pytest.raises(ValueError, match="two categories"):
        confusion(["a"], ["a"], ["a"])
    with pytest.raises(ValueError, match="has 2 units and the second 1"):
        confusion(["a", "b"], ["a"], ["a", "b"])
    matrix = confusion(["a", "b"], ["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match="threshold"):
        detection(matrix, "c")
    with pytest.raises(ValueError, match="confidence"):
        cohens_kappa(matrix, confidence=0.0)
