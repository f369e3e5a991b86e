"""A straight line through points, and how well its height is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from kit.stats.result import Estimate, Undefined, explained
from kit.stats.sample import extent, paired, sample, significance

METHOD = "mean response of least squares"


def mean_response(
    x: ArrayLike, y: ArrayLike, at: ArrayLike, *, confidence: float = 0.95
) -> list[Estimate]:
    """The height of the least-squares line of `y` on `x` at each value of `at`.

    The standard error is s sqrt(1/n + (x0 - mean x)^2 / Sxx) with the residual standard deviation s
    on n - 2 degrees of freedom (Draper & Smith 1998, equation 3.1.5).

    Args:
        x, y: n points.
        at: where the height is wanted.
        confidence: level of the intervals, pointwise.

    Returns:
        One result per value of `at`. All are undefined with fewer than three points or a constant
        `x`; a constant `y` has a flat line without an error.

    Raises:
        ValueError: `x` and `y` differ in length, values are not finite, or `confidence` is not
            between 0 and 1.
    """
    xs, ys = paired(x, y, "x", "y")
    places = sample(at, "at")
    tail = significance(confidence) / 2.0
    method = f"{METHOD}, {confidence:.6g} interval"
    n = int(xs.size)
    if n < 3:
        return [Estimate.undefined(method, Undefined.TOO_FEW, n=n) for _ in places]
    if extent(xs) == 0.0:
        return [Estimate.undefined(method, Undefined.NO_VARIANCE, n=n) for _ in places]
    # In units of the range of x, so that squares neither vanish nor overflow.
    unit = extent(xs)
    middle, height = float(xs.mean()), float(ys.mean())
    centred = (xs - middle) / unit
    spread = float(centred @ centred)
    slope = float(centred @ (ys - height)) / spread
    residuals = ys - height - slope * centred
    if extent(ys) == 0.0:
        known = explained(method, Undefined.PERFECT_FIT, "std_error", "interval")
        return [Estimate(estimate=height, n=n, method=known) for _ in places]
    deviation = float(np.linalg.norm(residuals)) / np.sqrt(n - 2)
    distances = (places - middle) / unit
    errors = deviation * np.sqrt(1.0 / n + distances**2 / spread)
    reach = float(special.stdtrit(n - 2, 1.0 - tail))
    return [
        Estimate(
            estimate=value,
            std_error=error,
            df=n - 2,
            conf_low=value - reach * error,
            conf_high=value + reach * error,
            n=n,
            method=method,
        )
        for value, error in zip((height + slope * distances).tolist(), errors.tolist(), strict=True)
    ]
