"""Krippendorff's alpha: agreement of any number of raters, some of whom saw only some units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.result import Estimate, Undefined
from kit.stats.sample import FloatArray, extent, sample

Level: TypeAlias = Literal["nominal", "ordinal", "interval"]
"""Whether values are names, ranks or quantities."""


def krippendorff_alpha(
    ratings: ArrayLike | Sequence[Sequence[float | None]], level: Level
) -> Estimate:
    """One minus observed over expected disagreement, 1 - D_o / D_e (Krippendorff 2011).

    With o_ck the coincidences of the values c and k, each pair of values within a unit of m_u
    values counting 1 / (m_u - 1), n_c their sum over k and n that over all, alpha = 1 - (n - 1) sum
    of o_ck d_ck / sum of n_c n_k d_ck. The squared difference d_ck is 1 for c other than k
    (nominal), (sum of n_g for g from c to k - (n_c + n_k) / 2)^2 (ordinal), or (c - k)^2
    (interval).

    Args:
        ratings: units x raters; NaN or None where a rater did not see a unit. Names are given as
            numbers.
        level: what the values are.

    Returns:
        alpha, at most 1, and 0 where the raters agree as by chance; `n` counts the units with two
        values or more, for only they are used, and `method` the values in them. Undefined without
        such a unit, or if all their values are equal. There is no interval: resample the units with
        `kit.stats.cluster_bootstrap.cluster_bootstrap`.

    Raises:
        ValueError: `ratings` is not a matrix, or holds values that are infinite or above 1e150 in
            magnitude.
    """
    matrix = np.asarray(ratings, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"ratings of shape {matrix.shape} are no matrix of units x raters")
    sample(matrix[~np.isnan(matrix)], "ratings")
    matrix = matrix[(~np.isnan(matrix)).sum(axis=1) > 1]
    known = ~np.isnan(matrix)
    pairable = matrix[known]
    n = matrix.shape[0]
    method = f"Krippendorff's alpha, {level} ({pairable.size} values)"
    if n == 0:
        return Estimate.undefined(method, Undefined.TOO_FEW, n=n)
    if extent(pairable) == 0.0:
        return Estimate.undefined(method, Undefined.NO_VARIANCE, n=n)
    values, codes = np.unique(pairable, return_inverse=True)
    # How often each unit was given each value.
    counts = np.zeros((n, values.size))
    np.add.at(counts, (np.nonzero(known)[0], codes), 1.0)
    others = counts.sum(axis=1) - 1.0
    totals = counts.sum(axis=0)
    differences = _differences(values, totals, level)
    # A value is no pair with itself; but it differs from itself by 0, so that pairs of c with c
    # need no care.
    observed = float(((counts / others[:, None]).T @ counts * differences).sum())
    expected = float(totals @ differences @ totals)
    alpha = 1.0 - (pairable.size - 1.0) * observed / expected
    return Estimate(estimate=alpha, n=n, method=method)


def _differences(values: FloatArray, totals: FloatArray, level: Level) -> FloatArray:
    """Squared differences of the values, which rise, in any unit."""
    if level == "nominal":
        return 1.0 - np.eye(values.size)
    # In units of the range, because a square on its own may leave floating-point range.
    places = (values - values[0]) / (values[-1] - values[0])
    if level == "ordinal":
        # The middle of each value's ranks: between two of them lie n_c / 2, all between, n_k / 2.
        places = np.cumsum(totals) - totals / 2.0
    return np.asarray(np.subtract.outer(places, places) ** 2)
