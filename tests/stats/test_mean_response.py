from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from kit.stats.mean_response import mean_response
from kit.stats.result import Undefined

X = [11.0, 35.0, 54.0, 68.0, 80.0, 90.0, 40.0]
Y = [-0.11, 0.02, 0.05, -0.01, 0.09, 0.12, 0.03]


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_height_and_interval_are_those_of_statsmodels(confidence: float) -> None:
    at = [0.0, 54.0, 100.0]
    fit = sm.OLS(Y, sm.add_constant(np.array(X))).fit()
    wanted = fit.get_prediction(np.column_stack([np.ones(3), at])).summary_frame(1 - confidence)
    found = mean_response(X, Y, at, confidence=confidence)
    for row, result in zip(wanted.itertuples(), found, strict=True):
        assert (result.estimate, result.std_error, result.conf_low, result.conf_high) == (
            pytest.approx((row.mean, row.mean_se, row.mean_ci_lower, row.mean_ci_upper), rel=1e-10)
        )
        assert (result.df, result.n) == (5, 7)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_the_line_moves_with_its_points(shift: float, scale: float, rise: float) -> None:
    moved = mean_response([scale * x + shift for x in X], [y + rise for y in Y], [shift])
    (here,) = mean_response(X, Y, [0.0])
    assert moved[0].estimate == pytest.approx((here.estimate or 0.0) + rise, abs=1e-6)
    assert moved[0].std_error == pytest.approx(here.std_error, rel=1e-6)


def test_the_interval_is_narrowest_in_the_middle() -> None:
    middle = sum(X) / len(X)
    found = mean_response(X, Y, [middle - 30, middle, middle + 30])
    errors = [result.std_error or 0.0 for result in found]
    assert errors[1] < errors[0] == pytest.approx(errors[2])


def test_without_points_or_spread_there_is_no_line() -> None:
    assert Undefined.TOO_FEW in mean_response([1, 2], [1, 2], [1])[0].method
    assert Undefined.NO_VARIANCE in mean_response([1, 1, 1], [1, 2, 3], [1])[0].method


def test_a_flat_outcome_has_a_line_without_an_error() -> None:
    (found,) = mean_response([1, 2, 3], [5, 5, 5], [9])
    assert (found.estimate, found.std_error, found.conf_low) == (5.0, None, None)
    assert Undefined.PERFECT_FIT in found.method
