"""Checked samples, and a standard deviation that survives any scale."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IndexArray: TypeAlias = NDArray[np.intp]

_LARGEST = 1e150
"""Largest magnitude accepted: sums and products of two stay within floating-point range."""


def sample(values: ArrayLike, name: str) -> FloatArray:
    """`values` as a one-dimensional float array; `name` is used in messages.

    Raises:
        ValueError: the values are not one-dimensional, or one is NaN, infinite or above 1e150 in
            magnitude. Missing scores are for the caller to count and leave out, so none may arrive
            here.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    if array.size and not (np.abs(array) <= _LARGEST).all():
        raise ValueError(f"{name} holds values that are not finite or exceed {_LARGEST:g}")
    return array


def paired(x: ArrayLike, y: ArrayLike, x_name: str, y_name: str) -> tuple[FloatArray, FloatArray]:
    """Two samples of equal length, see `sample`.

    Raises:
        ValueError: as `sample`, or the lengths differ.
    """
    left, right = sample(x, x_name), sample(y, y_name)
    if left.size != right.size:
        raise ValueError(f"{x_name} has {left.size} values and {y_name} has {right.size}")
    return left, right


def partition(labels: ArrayLike, n: int, name: str) -> list[IndexArray]:
    """The positions of the units of each group, groups in the order of their labels.

    Args:
        labels: one label per unit, numbers or strings.
        n: number of units.
        name: what the labels are, for messages.

    Raises:
        ValueError: there is not one label per unit, or one is missing (None or NaN).
    """
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ValueError(f"{name} of shape {array.shape} does not give {n} units one label each")
    if any(
        label is None or (isinstance(label, float) and math.isnan(label))
        for label in array.tolist()
    ):
        raise ValueError(f"{name} holds a missing label")
    if n == 0:
        return []
    _, codes = np.unique(array, return_inverse=True)
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])


def significance(confidence: float) -> float:
    """One minus the confidence level.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return 1.0 - confidence


def extent(values: FloatArray) -> float:
    """Largest minus smallest value; exactly 0 for constant values, where a computed SD is not."""
    return float(np.ptp(values))


def deviation(values: FloatArray) -> float:
    """Sample standard deviation (divisor n - 1) of two values or more, exactly 0 if constant."""
    width = extent(values)
    if width == 0.0:
        return 0.0
    return width * float(np.std((values - values[0]) / width, ddof=1))


class Groups(NamedTuple):
    """Two independent groups, reduced to their moments."""

    n_treated: int
    n_control: int
    difference: float
    """Mean of the treated minus mean of the controls."""
    sd_treated: float
    """Sample standard deviation (divisor n - 1) of the treated."""
    sd_control: float
    """Sample standard deviation (divisor n - 1) of the controls."""

    @property
    def n(self) -> int:
        """Observations in both groups."""
        return self.n_treated + self.n_control

    @property
    def std_error(self) -> float:
        """Welch's standard error of the difference, variances not assumed equal."""
        return math.hypot(
            self.sd_treated / math.sqrt(self.n_treated), self.sd_control / math.sqrt(self.n_control)
        )

    @property
    def satterthwaite_df(self) -> float:
        """Degrees of freedom of `std_error` (Satterthwaite 1946; Welch 1947); needs variance."""
        # Shares of the squared standard error instead of fourth powers, which would underflow.
        treated = (self.sd_treated / math.sqrt(self.n_treated) / self.std_error) ** 2
        control = (self.sd_control / math.sqrt(self.n_control) / self.std_error) ** 2
        return (treated + control) ** 2 / (
            treated**2 / (self.n_treated - 1) + control**2 / (self.n_control - 1)
        )


def moments(treated: FloatArray, control: FloatArray) -> Groups:
    """The moments of two groups of at least two values each."""
    # Taken from one of the values, so that adding a constant to all of them changes nothing.
    origin = control[0]
    return Groups(
        n_treated=treated.size,
        n_control=control.size,
        difference=float(np.mean(treated - origin) - np.mean(control - origin)),
        sd_treated=deviation(treated),
        sd_control=deviation(control),
    )
