"""What is known of a mean when some scores are missing, whatever the reason they are missing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kit.stats.result import Undefined
from kit.stats.sample import FloatArray, sample


class Bounds(NamedTuple):
    """The lowest and the highest value that the missing scores leave possible.

    No confidence interval: sampling error comes on top.
    """

    low: float
    high: float
    missing: int
    """Scores that are missing, over all groups."""
    n: int
    """Scores that there should be, over all groups."""

    @property
    def width(self) -> float:
        """How much is left open; 0 if nothing is missing."""
        return self.high - self.low


def mean_bounds(
    observed: ArrayLike, missing: int, *, minimum: float, maximum: float
) -> Bounds | Undefined:
    """Worst-case bounds of a mean: every missing score at one end of the scale (Manski 1990).

    With k of n scores missing, from (sum + k minimum) / n to (sum + k maximum) / n. Nothing is
    assumed about why scores are missing, and without further assumptions no bounds are tighter.

    Args:
        observed: the scores that there are.
        missing: the number of those that there are not.
        minimum: the lowest score of the scale.
        maximum: the highest.

    Returns:
        The bounds; or that there are too few scores: none, neither observed nor missing.

    Raises:
        ValueError: a score lies outside the scale, the scale is empty, `missing` is negative; see
            also `kit.stats.sample.sample`.
    """
    values = _checked(observed, missing, minimum, maximum)
    n = values.size + missing
    if n == 0:
        return Undefined.TOO_FEW
    # Shares of means, so that a mean of scores at one end is that end.
    known = values.size / n * float(np.mean(values)) if values.size else 0.0
    share = missing / n
    return Bounds(known + share * minimum, known + share * maximum, missing, n)


def difference_bounds(
    treated: ArrayLike,
    treated_missing: int,
    control: ArrayLike,
    control_missing: int,
    *,
    minimum: float,
    maximum: float,
) -> Bounds | Undefined:
    """Worst-case bounds of the mean of the treated minus that of the controls (Manski 1990).

    From the lowest mean of the treated minus the highest of the controls to the reverse. Arguments
    and errors as `mean_bounds`.

    Returns:
        The bounds; or that a group has no scores, neither observed nor missing.
    """
    left = mean_bounds(treated, treated_missing, minimum=minimum, maximum=maximum)
    right = mean_bounds(control, control_missing, minimum=minimum, maximum=maximum)
    if isinstance(left, Undefined):
        return left
    if isinstance(right, Undefined):
        return right
    return Bounds(
        low=left.low - right.high,
        high=left.high - right.low,
        missing=left.missing + right.missing,
        n=left.n + right.n,
    )


def proportion_bounds(successes: int, observed: int, missing: int) -> Bounds | Undefined:
    """Worst-case bounds of a share: from successes / n to (successes + missing) / n (Manski 1990).

    Args:
        successes: units known to have what is counted.
        observed: units of which it is known whether they have.
        missing: units of which it is not.

    Returns:
        The bounds; or that there are no units.

    Raises:
        ValueError: the successes are not between 0 and `observed`, or `missing` is negative.
    """
    if not 0 <= successes <= observed or missing < 0:
        raise ValueError(f"{successes} of {observed} with {missing} missing are no counts")
    n = observed + missing
    if n == 0:
        return Undefined.TOO_FEW
    return Bounds(successes / n, (successes + missing) / n, missing, n)


def _checked(observed: ArrayLike, missing: int, minimum: float, maximum: float) -> FloatArray:
    values = sample(observed, "observed")
    if not (math.isfinite(minimum) and math.isfinite(maximum) and minimum < maximum):
        raise ValueError(f"[{minimum}, {maximum}] is no scale")
    if missing < 0:
        raise ValueError(f"missing must not be negative: {missing}")
    if values.size and not minimum <= values.min() <= values.max() <= maximum:
        raise ValueError(f"a score lies outside the scale [{minimum}, {maximum}]")
    return values
