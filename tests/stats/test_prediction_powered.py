from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.difference import welch
from kit.stats.prediction_powered import prediction_powered_difference, prediction_powered_mean
from kit.stats.rectifier import JudgedSample
from kit.stats.sample import FloatArray

SEEDS = st.integers(0, 10_000)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def drawn(seed: int, clusters: int = 8, size: int = 6, labelled: int = 20) -> JudgedSample:
    rng = generator(seed)
    labels = np.repeat(np.arange(clusters), size)
    truth = rng.normal(size=clusters)[labels] + rng.normal(size=labels.size)
    judge = 0.8 * truth + 0.5 + rng.normal(0, 0.5, labels.size)
    places = rng.permutation(labels.size)[:labelled]
    return JudgedSample(judge, labels, places, truth[places])


def test_means_agree_with_r(
    golden: Callable[[str], pl.DataFrame], matches: Callable[..., None]
) -> None:
    data = golden("prediction_powered_data")
    rows = golden("prediction_powered").filter(pl.col("method") != "half").to_dicts()
    assert len(rows) == 8
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        labelled = case["labelled"].to_numpy().nonzero()[0]
        known = case.filter(pl.col("labelled") == 1)
        units = JudgedSample(
            case["judge"].to_numpy(),
            case["cluster"].to_numpy(),
            labelled,
            known["human"].to_numpy(),
            known["weight"].to_numpy(),
        )
        found = prediction_powered_mean(units, power_tuned=row["method"] == "tuned")
        matches(found.result, row)
        assert found.tuning == pytest.approx(row["lambda"], rel=1e-8)
        assert found.result.n == case.height
        assert (found.labelled, found.clusters - 1) == (known.height, row["df"])


@given(SEEDS)
def test_a_perfect_judge_gives_the_plain_mean_of_all(seed: int) -> None:
    units = drawn(seed)
    judge = np.asarray(units.judge)
    perfect = units._replace(human=judge[np.asarray(units.labelled)])
    found = prediction_powered_mean(perfect)
    assert found.result.estimate == pytest.approx(judge.mean())
    assert found.rectifier == pytest.approx(0.0, abs=1e-12)
    assert found.judge_mean == pytest.approx(judge.mean())
    assert found.tuning == 1.0
    totals = (judge - judge.mean()).reshape(8, 6).sum(axis=1) / judge.size
    factor = found.clusters / (found.clusters - 1)
    assert found.result.std_error == pytest.approx(math.sqrt(factor * float(totals @ totals)))


@given(SEEDS)
def test_units_that_are_clusters_have_the_error_of_the_formula(seed: int) -> None:
    units = drawn(seed, clusters=40, size=1, labelled=15)
    judge, human = np.asarray(units.judge), np.asarray(units.human)
    of_labelled = judge[np.asarray(units.labelled)]
    found = prediction_powered_mean(units)
    errors = human - of_labelled
    assert found.result.estimate == pytest.approx(judge.mean() + errors.mean())
    assert found.result.df == 14
    # Labelled units are among all, so the two parts of the error are not independent.
    n, all_ = 15, 40
    common = 2 * np.sum((of_labelled - judge.mean()) * (errors - errors.mean())) / (n * all_)
    expected = np.sum((judge - judge.mean()) ** 2) / all_**2
    expected += np.sum((errors - errors.mean()) ** 2) / n**2 + common
    assert found.result.std_error == pytest.approx(math.sqrt(n / (n - 1) * expected))


def test_lambda_is_that_of_ppi_for_many_independent_units() -> None:
    """Angelopoulos, Duchi & Zrnic (2023): cov(y, f) / ((1 + n / N) var(f)), N units unlabelled."""
    rng = generator(9)
    truth = rng.normal(size=20_000)
    judge = 0.8 * truth + rng.normal(size=20_000)
    labelled = np.arange(5_000)
    units = JudgedSample(judge, np.arange(20_000), labelled, truth[labelled])
    found = prediction_powered_mean(units, power_tuned=True)
    assert found.tuning is not None
    # Theirs weighs the mean of the unlabelled, which is three quarters of all.
    theirs = np.cov(truth[labelled], judge[labelled])[0, 1] / (4 / 3 * judge.var())
    assert found.tuning * 3 / 4 == pytest.approx(theirs, abs=0.02)
    mean = truth[labelled].mean() + found.tuning * 3 / 4 * (
        judge[5_000:].mean() - judge[labelled].mean()
    )
    assert found.result.estimate == pytest.approx(mean)


@given(SEEDS, st.floats(0, 1))
def test_no_other_lambda_gives_a_smaller_error(seed: int, other: float) -> None:
    units = drawn(seed)
    tuned = prediction_powered_mean(units, power_tuned=True)
    # A judge of other times its scores counts for what lambda = other does.
    weaker = prediction_powered_mean(units._replace(judge=other * np.asarray(units.judge)))
    assert tuned.result.std_error is not None
    assert weaker.result.std_error is not None
    assert tuned.result.std_error <= weaker.result.std_error + 1e-12
    assert tuned.tuning is not None
    assert tuned.judge_mean is not None
    assert tuned.rectifier is not None
    assert 0.0 <= tuned.tuning <= 1.0
    whole = tuned.tuning * tuned.judge_mean + tuned.rectifier
    assert tuned.result.estimate == pytest.approx(whole)


@given(SEEDS)
def test_a_useless_judge_is_left_out(seed: int) -> None:
    units = drawn(seed)
    human = np.asarray(units.human)
    constant = units._replace(judge=np.full(48, 0.1))
    found = prediction_powered_mean(constant, power_tuned=True)
    assert found.tuning == 0.0
    assert found.result.estimate == pytest.approx(human.mean())
    plain = prediction_powered_mean(constant)
    assert plain.result.estimate == pytest.approx(human.mean())
    assert plain.result.std_error == pytest.approx(found.result.std_error)


def test_the_interval_widens_with_the_noise_of_the_rectifier() -> None:
    units = drawn(3)
    human = np.asarray(units.human)
    noise = generator(4).normal(size=human.size)
    widths = []
    for sd in (0.0, 1.0, 3.0, 9.0):
        found = prediction_powered_mean(units._replace(human=human + sd * noise)).result
        assert found.conf_low is not None
        assert found.conf_high is not None
        widths.append(found.conf_high - found.conf_low)
    assert widths == sorted(widths)


@given(SEEDS, st.floats(0.01, 100), st.integers(0, 99))
def test_neither_order_nor_the_unit_of_weights_matters(
    seed: int, factor: float, order: int
) -> None:
    rng = generator(order)
    units = drawn(seed)
    weights = generator(seed).uniform(1, 5, 20)
    rows, chosen = rng.permutation(48), rng.permutation(20)
    places = np.argsort(rows)[np.asarray(units.labelled)]
    moved = JudgedSample(
        np.asarray(units.judge)[rows],
        np.asarray(units.clusters)[rows],
        places[chosen],
        np.asarray(units.human)[chosen],
        factor * weights[chosen],
    )
    for tuned in (False, True):
        plain = prediction_powered_mean(units._replace(weights=weights), power_tuned=tuned)
        other = prediction_powered_mean(moved, power_tuned=tuned)
        assert other.tuning == pytest.approx(plain.tuning)
        for name in ("estimate", "std_error", "conf_low", "conf_high", "df"):
            assert getattr(other.result, name) == pytest.approx(getattr(plain.result, name))


def population(rng: np.random.Generator) -> tuple[JudgedSample, FloatArray]:
    """20 clusters of 12 units of mean 0, a biased judge, and labels by the judge's own score."""
    labels = np.repeat(np.arange(20), 12)
    truth = rng.normal(0, 0.5, 20)[labels] + rng.normal(size=240)
    judge = 0.6 * truth + 0.7 + rng.normal(0, 0.5, 240)
    chance = np.clip(0.3 * np.exp(0.5 * (judge - 0.7)), 0.05, 1.0)
    places = np.flatnonzero(rng.random(240) < chance)
    return JudgedSample(judge, labels, places, truth[places], 1.0 / chance[places]), judge


@pytest.mark.parametrize("tuned", [False, True])
def test_the_interval_holds_the_human_mean_and_that_of_the_judge_does_not(*, tuned: bool) -> None:
    rng = generator(11)
    held, naive = 0, 0
    for _ in range(400):
        units, judge = population(rng)
        found = prediction_powered_mean(units, power_tuned=tuned).result
        assert found.conf_low is not None
        assert found.conf_high is not None
        held += found.conf_low <= 0.0 <= found.conf_high
        margin = 1.96 * judge.reshape(20, 12).mean(axis=1).std(ddof=1) / math.sqrt(20)
        naive += abs(judge.mean()) <= margin
    # 400 sets: binomial 99.9 % band about 95 %.
    assert abs(held / 400 - 0.95) < 3.3 * math.sqrt(0.95 * 0.05 / 400)
    assert naive / 400 < 0.05


def test_a_difference_of_fully_labelled_groups_is_the_test_of_welch() -> None:
    rng = generator(12)
    left, right = rng.normal(1, 1, 14), rng.normal(0, 2, 9)
    # The judge is off by a constant, and every unit is a cluster.
    treated = JudgedSample(left + 3.0, np.arange(14), np.arange(14), left)
    control = JudgedSample(right - 1.0, 100 + np.arange(9), np.arange(9), right)
    found = prediction_powered_difference(treated, control)
    expected = welch(left, right)
    for name in ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"):
        assert getattr(found.result, name) == pytest.approx(getattr(expected, name))
    assert found.result.n == 23
    assert found.treated.result.estimate == pytest.approx(left.mean())
    assert found.control.rectifier == pytest.approx(1.0)


def test_clusters_that_hold_both_groups_are_compared_within() -> None:
    rng = generator(13)
    level = 5.0 * rng.normal(size=10)
    labels = np.repeat(np.arange(10), 4)
    groups = []
    for shift in (1.0, 0.0):
        truth = level[labels] + shift + rng.normal(0, 0.3, 40)
        groups.append(JudgedSample(truth + 0.2, labels, np.arange(0, 40, 2), truth[::2]))
    shared = prediction_powered_difference(*groups)
    apart = prediction_powered_difference(groups[0], groups[1]._replace(clusters=labels + 50))
    assert shared.result.df == 9
    assert shared.result.estimate == apart.result.estimate == pytest.approx(1.0, abs=0.3)
    assert shared.result.std_error is not None
    assert apart.result.std_error is not None
    assert shared.result.std_error < 0.1 * apart.result.std_error
    # The error of a difference within clusters is that of the differences of their means.
    judge = [np.asarray(group.judge) for group in groups]
    human = [np.asarray(group.human) for group in groups]
    means = [
        one.reshape(10, 4).mean(axis=1) + (two - one[::2]).reshape(10, 2).mean(axis=1)
        for one, two in zip(judge, human, strict=True)
    ]
    expected = (means[0] - means[1]).std(ddof=1) / math.sqrt(10)
    assert shared.result.std_error == pytest.approx(expected)


def test_labels_in_one_cluster_only_leave_the_mean_alone() -> None:
    units = drawn(5)._replace(labelled=[0, 1, 2], human=[1.0, 2.0, 4.0])
    found = prediction_powered_mean(units)
    assert found.clusters == 1
    assert found.result.estimate is not None
    assert found.result.std_error is found.result.conf_low is None
    assert "too few" in found.result.method
    difference = prediction_powered_difference(units, drawn(6)._replace(clusters=np.arange(48)))
    assert difference.result.estimate is not None
    assert difference.result.conf_low is None
    apart = drawn(6)
    apart = apart._replace(clusters=100 + np.asarray(apart.clusters))
    assert prediction_powered_difference(units, apart).result.conf_low is None


def test_equal_scores_leave_the_mean_alone() -> None:
    units = JudgedSample([0.1] * 9, list("aabbccdde"), [0, 3, 5], [0.3] * 3)
    found = prediction_powered_mean(units)
    assert found.result.estimate == pytest.approx(0.3)
    assert found.result.std_error is None
    assert "no variance" in found.result.method
    other = units._replace(clusters=list("ffgghhiij"), human=[0.7] * 3)
    difference = prediction_powered_difference(units, other)
    assert difference.result.estimate == pytest.approx(-0.4)
    assert "no variance" in difference.result.method


def test_without_labels_only_the_judge_is_known() -> None:
    units = JudgedSample([1.0, 2.0], [1, 2], [], [])
    found = prediction_powered_mean(units)
    assert not found.result.is_defined
    assert found.judge_mean == 1.5
    assert (found.rectifier, found.labelled, found.clusters) == (None, 0, 0)
    empty = prediction_powered_mean(JudgedSample([], [], [], []))
    assert empty.judge_mean is None
    assert not prediction_powered_difference(units, drawn(1)).result.is_defined


@given(
    st.lists(st.floats(-1e150, 1e150), min_size=6, max_size=6),
    st.lists(st.floats(-1e150, 1e150), min_size=3, max_size=3),
    st.booleans(),
)
def test_any_finite_scores_give_numbers_or_none(
    judge: list[float], human: list[float], tuned: bool
) -> None:
    units = JudgedSample(judge, [1, 1, 2, 2, 3, 3], [0, 2, 4], human, [1.0, 1e-9, 3.0])
    assert prediction_powered_mean(units, power_tuned=tuned).result.n == 6
    assert prediction_powered_difference(units, units, power_tuned=tuned).result.n == 12


def test_wrong_calls_are_refused() -> None:
    units = JudgedSample([1.0, 2.0, 3.0], [1, 2, 3], [0, 2], [1.0, 2.0])
    for wrong, message in (
        (units._replace(human=[1.0, 2.0, 3.0]), "weights has 2"),
        (units._replace(labelled=[0, 1, 2], weights=[1.0, 1.0]), "positions of 2 units"),
        (units._replace(labelled=[0.0, 2.0]), "positions of 2 units"),
        (units._replace(labelled=[True, False]), "positions of 2 units"),
        (units._replace(labelled=[0, 3]), "below 3, each once"),
        (units._replace(labelled=[-1, 0]), "below 3, each once"),
        (units._replace(labelled=[1, 1]), "below 3, each once"),
        (units._replace(weights=[1.0, 0.0]), "above 0"),
        (units._replace(clusters=[1, 2]), "one label each"),
        (units._replace(clusters=np.array([1, 2, None])), "missing label"),
        (units._replace(judge=[1.0, np.nan, 2.0]), "not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            prediction_powered_mean(wrong)
    with pytest.raises(ValueError, match="confidence"):
        prediction_powered_mean(units, confidence=0.0)
