from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kit.stats.result import Undefined
from kit.stats.sample import FloatArray
from kit.stats.variance_components import VarianceComponents, variance_components

NAMES = ("unit", "judge", "interaction", "residual")


def known(ratings: FloatArray) -> VarianceComponents:
    found = variance_components(ratings)
    assert isinstance(found, VarianceComponents)
    return found


def test_components_agree_with_r(golden: Callable[[str], pl.DataFrame]) -> None:
    data = golden("intraclass_data")
    rows = golden("variance_components").to_dicts()
    assert len(rows) == 28
    for row in rows:
        case = data.filter(pl.col("case") == row["case"])
        shape = [case[name].n_unique() for name in ("rep", "judge", "unit")]
        cells = case["rating"].to_numpy().reshape(shape).transpose()
        component = getattr(known(cells), row["component"])
        if row["raw"] is None:
            assert component is None
            continue
        assert component.raw == pytest.approx(row["raw"], rel=1e-8)
        assert component.variance.estimate == pytest.approx(row["estimate"], rel=1e-8)
        assert component.share == pytest.approx(row["share"], rel=1e-8)
        assert component.variance.n == case.height
        assert ("negative" in component.variance.method) == (row["raw"] < 0)


@given(
    st.integers(2, 5),
    st.integers(2, 4),
    st.integers(1, 3),
    st.integers(0, 1_000),
    st.sampled_from([1.0, -20.0, 1e6]),
)
def test_shares_add_up_and_do_not_depend_on_the_scale(
    units: int, judges: int, repeats: int, seed: int, scale: float
) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    cells = rng.integers(0, 5, (units, judges, repeats)).astype(float)
    assume(np.ptp(cells) > 0)
    found, moved = known(cells), known(scale * cells + 7.0)
    parts = [one for one in found[:4] if one is not None]
    assert len(parts) == (4 if repeats > 1 else 3)
    assert sum(part.share for part in parts) == pytest.approx(1.0)
    assert sum(part.variance.estimate or 0.0 for part in parts) == pytest.approx(found.total)
    for name in NAMES:
        plain, other = getattr(found, name), getattr(moved, name)
        if plain is not None:
            assert other.raw == pytest.approx(scale**2 * plain.raw, rel=1e-6, abs=1e-8 * scale**2)
            assert other.share == pytest.approx(plain.share, abs=1e-8)


def test_one_repeat_is_none() -> None:
    cells = np.array([[1.0, 2.0], [4.0, 3.0], [0.0, 2.0]])
    assert known(cells) == known(cells[..., None])
    assert known(cells).interaction is None


def test_many_ratings_give_the_variances_they_were_made_with() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    cells = (
        rng.normal(0, 1.0, (400, 1, 1))
        + rng.normal(0, 0.5, (1, 400, 1))
        + rng.normal(0, 0.7, (400, 400, 1))
        + rng.normal(0, 1.2, (400, 400, 2))
    )
    for name, expected in zip(NAMES, (1.0, 0.25, 0.49, 1.44), strict=True):
        assert getattr(known(cells), name).variance.estimate == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((1, 3), Undefined.TOO_FEW),
        ((3, 1, 2), Undefined.TOO_FEW),
        ((3, 3, 0), Undefined.TOO_FEW),
        ((2, 2, 2), Undefined.NO_VARIANCE),
    ],
)
def test_data_without_an_answer_say_why(shape: tuple[int, ...], reason: Undefined) -> None:
    assert variance_components(np.full(shape, 4.2)) is reason


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2, 2)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="units x judges"):
        variance_components(np.zeros(shape))
