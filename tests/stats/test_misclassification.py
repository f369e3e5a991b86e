from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.stats.misclassification import Tally, corrected_prevalence

KINDS: tuple[Literal["lang-reiczigel", "delta"], ...] = ("lang-reiczigel", "delta")


def tallies(row: dict[str, int]) -> tuple[Tally, Tally, Tally]:
    return (
        Tally(row["positive"], row["n"]),
        Tally(row["found"], row["trials_found"]),
        Tally(row["passed"], row["trials_passed"]),
    )


def test_prevalences_agree_with_r(golden: Callable[[str], pl.DataFrame]) -> None:
    rows = golden("misclassification").to_dicts()
    assert len(rows) == 80
    intervals = 0
    for row in rows:
        for kind, names in zip(
            KINDS, (("conf_low", "conf_high"), ("delta_low", "delta_high")), strict=True
        ):
            found = corrected_prevalence(*tallies(row), interval=kind)
            assert found.raw == pytest.approx(row["raw"], rel=1e-8, abs=1e-12)
            assert found.result.estimate == pytest.approx(row["estimate"], rel=1e-8, abs=1e-12)
            assert found.clipped == (row["raw"] != row["estimate"])
            if row["std_error"] == 0.0:
                assert found.result.std_error is None
            else:
                assert found.result.std_error == pytest.approx(row["std_error"], rel=1e-8)
            low, high = (row[name] for name in names)
            if low == high:
                # Nothing of [0, 1] is inside.
                assert found.result.conf_low is None
                assert "interval undefined" in found.result.method
                continue
            intervals += 1
            assert found.result.conf_low == pytest.approx(low, rel=1e-8, abs=1e-12)
            assert found.result.conf_high == pytest.approx(high, rel=1e-8, abs=1e-12)
    assert intervals > 100


@given(
    st.integers(1, 99), st.integers(60, 99), st.integers(60, 99), st.sampled_from([40, 300, 5_000])
)
def test_the_standard_error_is_the_slope_times_the_noise(
    positive: int, found: int, passed: int, size: int
) -> None:
    result = corrected_prevalence(
        Tally(positive, 100), Tally(found * size // 100, size), Tally(passed * size // 100, size)
    )
    assert result.sensitivity is not None
    assert result.specificity is not None
    assert result.apparent is not None
    rates = np.array([result.apparent, result.sensitivity, result.specificity])

    def prevalence(t: float, se: float, sp: float) -> float:
        return (t + sp - 1) / (se + sp - 1)

    step = 1e-6
    slopes = [
        (prevalence(*(rates + step * unit)) - prevalence(*(rates - step * unit))) / (2 * step)
        for unit in np.eye(3)
    ]
    noise = rates * (1 - rates) / np.array([100, size, size])
    expected = math.sqrt(float(np.sum(np.square(slopes) * noise)))
    assert result.result.std_error == pytest.approx(expected, rel=1e-5)


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_classifier_that_never_errs_leaves_the_share_as_it_is(positive: int, n: int) -> None:
    positive = min(positive, n)
    found = corrected_prevalence(Tally(positive, n), Tally(9, 9), Tally(7, 7), interval="delta")
    assert found.result.estimate == pytest.approx(positive / n)
    assert not found.clipped
    share = positive / n
    if 0 < positive < n:
        assert found.result.std_error == pytest.approx(math.sqrt(share * (1 - share) / n))
    else:
        assert found.result.std_error is None
        assert "[std_error, interval undefined" in found.result.method


@given(st.integers(0, 80), st.integers(0, 20), st.integers(0, 30), st.sampled_from(KINDS))
def test_positives_and_negatives_may_change_places(
    positive: int, found: int, passed: int, kind: Literal["lang-reiczigel", "delta"]
) -> None:
    plain = corrected_prevalence(
        Tally(positive, 80), Tally(found, 20), Tally(passed, 30), interval=kind
    )
    turned = corrected_prevalence(
        Tally(80 - positive, 80), Tally(passed, 30), Tally(found, 20), interval=kind
    )
    assert plain.informative == turned.informative
    assert plain.result.is_defined == turned.result.is_defined
    assume(plain.result.estimate is not None)
    assert turned.result.estimate == pytest.approx(1 - (plain.result.estimate or 0.0), abs=1e-12)
    assert (plain.result.conf_low is None) == (turned.result.conf_low is None)
    if plain.result.conf_low is not None:
        assert turned.result.conf_high == pytest.approx(1 - plain.result.conf_low, abs=1e-12)


@pytest.mark.parametrize("prevalence", [0.03, 0.3])
def test_the_interval_holds_the_prevalence_as_often_as_it_says(prevalence: float) -> None:
    rng = np.random.Generator(np.random.PCG64(7))
    held = 0
    for _ in range(1_000):
        apparent = prevalence * 0.85 + (1 - prevalence) * 0.1
        found = corrected_prevalence(
            Tally(int(rng.binomial(400, apparent)), 400),
            Tally(int(rng.binomial(60, 0.85)), 60),
            Tally(int(rng.binomial(90, 0.9)), 90),
        ).result
        if found.conf_low is None or found.conf_high is None:
            continue
        held += found.conf_low <= prevalence <= found.conf_high
    assert 0.93 <= held / 1_000 <= 0.985


@pytest.mark.parametrize(("found", "passed"), [(5, 5), (3, 5), (0, 10)])
def test_a_classifier_no_better_than_chance_tells_nothing(found: int, passed: int) -> None:
    result = corrected_prevalence(Tally(30, 100), Tally(found, 10), Tally(passed, 10))
    assert not result.informative
    assert not result.clipped
    assert result.raw is result.result.estimate is result.result.conf_low is None
    assert (result.apparent, result.sensitivity) == (0.3, found / 10)
    assert "sensitivity + specificity do not exceed 1" in result.result.method


def test_moved_rates_without_power_have_no_interval() -> None:
    # 2 of 2 becomes 3 of 4, and 30 of 1,000 becomes 31 of 1,002.
    found = corrected_prevalence(Tally(98, 100), Tally(2, 2), Tally(30, 1_000))
    assert found.result.is_defined
    assert found.result.conf_low is None
    assert "interval undefined" in found.result.method


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_an_empty_sample_leaves_all_undefined(empty: int) -> None:
    samples = [Tally(0, 0) if place == empty else Tally(8, 10) for place in range(3)]
    found = corrected_prevalence(*samples)
    assert not found.result.is_defined
    assert not found.informative or empty == 0
    assert "too few" in found.result.method


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="11 hits do not fit 10 trials"):
        corrected_prevalence(Tally(1, 10), Tally(11, 10), Tally(9, 10))
    with pytest.raises(ValueError, match="confidence"):
        corrected_prevalence(Tally(1, 10), Tally(9, 10), Tally(9, 10), confidence=2.0)
