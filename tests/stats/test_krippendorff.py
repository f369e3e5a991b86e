from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.stats.krippendorff import Level, krippendorff_alpha
from kit.stats.sample import FloatArray

LEVELS: list[Level] = ["nominal", "ordinal", "interval"]
NONE = None
# Krippendorff (2011), part C: four observers, twelve units.
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
RATINGS = st.lists(
    st.lists(st.none() | st.integers(0, 4), min_size=3, max_size=3), min_size=2, max_size=20
)


def by_pairs(ratings: list[list[int | None]], level: Level) -> float | None:
    """The definition, pair by pair of values."""
    units = [[one for one in unit if one is not None] for unit in ratings]
    units = [unit for unit in units if len(unit) > 1]
    values = [one for unit in units for one in unit]

    def difference(c: int, k: int) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return float((c - k) ** 2)
        low, high = min(c, k), max(c, k)
        between = sum(low <= one <= high for one in values)
        return (between - (values.count(c) + values.count(k)) / 2) ** 2

    n = len(values)
    observed = sum(
        difference(c, k) / (len(unit) - 1)
        for unit in units
        for c, k in itertools.permutations(unit, 2)
    )
    expected = sum(difference(c, k) for c, k in itertools.permutations(values, 2))
    return None if expected == 0 else 1 - (observed / n) / (expected / n / (n - 1))


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_the_published_example(level: Level, alpha: float) -> None:
    found = krippendorff_alpha(np.array(PUBLISHED, dtype=float).T, level)
    assert found.estimate is not None
    assert round(found.estimate, 3) == alpha
    # The last unit has a single value.
    assert found.n == 11
    assert "40 values" in found.method


@pytest.mark.parametrize("level", LEVELS)
@given(ratings=RATINGS)
def test_it_is_the_definition_pair_by_pair(level: Level, ratings: list[list[int | None]]) -> None:
    found = krippendorff_alpha(np.array(ratings, dtype=float), level)
    expected = by_pairs(ratings, level)
    if expected is None:
        assert not found.is_defined
    else:
        assert found.estimate == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("level", LEVELS)
@given(ratings=RATINGS, seed=st.integers(0, 100))
def test_units_and_raters_may_change_places(
    level: Level, ratings: list[list[int | None]], seed: int
) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    matrix = np.array(ratings, dtype=float)
    moved = rng.permuted(rng.permutation(matrix), axis=1)
    plain, other = krippendorff_alpha(matrix, level), krippendorff_alpha(moved, level)
    assert plain.method == other.method
    if plain.estimate is not None:
        assert other.estimate == pytest.approx(plain.estimate, abs=1e-10)


@given(RATINGS, st.permutations([-7.0, 0.5, 2.0, 3.0, 1e6]))
def test_names_need_no_order_ranks_no_distance_quantities_no_origin(
    ratings: list[list[int | None]], names: list[float]
) -> None:
    matrix = np.array(ratings, dtype=float)
    known = ~np.isnan(matrix)
    renamed, stretched = matrix.copy(), matrix.copy()
    codes = matrix[known].astype(int)
    renamed[known] = np.array(names)[codes]
    stretched[known] = np.array([-7.0, 0.5, 2.0, 3.0, 1e6])[codes]
    moved_by_level: dict[Level, FloatArray] = {
        "nominal": renamed,
        "ordinal": stretched,
        "interval": 1e-3 * matrix - 40.0,
    }
    for level, moved in moved_by_level.items():
        plain, other = krippendorff_alpha(matrix, level), krippendorff_alpha(moved, level)
        assume(plain.estimate is not None)
        assert other.estimate == pytest.approx(plain.estimate, abs=1e-8)


def test_full_agreement_is_one_and_systematic_disagreement_below_zero() -> None:
    agreed: list[list[float | None]] = [[1, 1], [2, 2], [5, None]]
    for level in LEVELS:
        assert krippendorff_alpha(agreed, level).estimate == 1.0
        opposed = krippendorff_alpha([[1, 2], [2, 1]] * 5, level)
        assert opposed.estimate is not None
        assert opposed.estimate < 0.0


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[2, None]], "too few"),
        ([[1, None], [None, 2]], "too few"),
        ([[3, 3], [3, 3], [None, 4]], "no variance"),
    ],
)
def test_data_without_an_answer_are_undefined(
    ratings: list[list[float | None]], reason: str
) -> None:
    for level in LEVELS:
        found = krippendorff_alpha(ratings, level)
        assert not found.is_defined
        assert reason in found.method


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="no matrix"):
        krippendorff_alpha([1, 2, 3], "nominal")
    with pytest.raises(ValueError, match="not finite"):
        krippendorff_alpha(np.array([[1, 2], [np.inf, np.nan]]), "interval")
