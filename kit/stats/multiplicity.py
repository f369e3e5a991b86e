"""Adjusted p values for families of tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kit.stats.sample import FloatArray


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Holm's step-down adjustment, controlling the family-wise error rate (Holm 1979).

    With m p values in rising order, adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).

    Args:
        p_values: the family; `None` is a test that could not be done, stays `None` and does not
            count in m.

    Raises:
        ValueError: a p value lies outside [0, 1].
    """
    known, positions = _known(p_values)
    order = np.argsort(known, kind="stable")
    remaining = np.arange(known.size, 0, -1)
    return _restored(np.maximum.accumulate(known[order] * remaining), order, positions, p_values)


def benjamini_hochberg(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Step-up adjustment, controlling the false discovery rate (Benjamini & Hochberg 1995).

    With m p values in rising order, adjusted p_(i) = min over j >= i of min(1, p_(j) m / j)
    (Yekutieli & Benjamini 1999). Arguments and errors as `holm`.
    """
    known, positions = _known(p_values)
    order = np.argsort(known, kind="stable")[::-1]
    rank = np.arange(known.size, 0, -1)
    adjusted = np.minimum.accumulate(known[order] * known.size / rank)
    return _restored(adjusted, order, positions, p_values)


def _known(p_values: Sequence[float | None]) -> tuple[FloatArray, list[int]]:
    positions = [index for index, value in enumerate(p_values) if value is not None]
    known = np.array([p_values[index] for index in positions], dtype=np.float64)
    if not ((known >= 0.0) & (known <= 1.0)).all():
        raise ValueError(f"p values must lie in [0, 1]: {list(p_values)}")
    return known, positions


def _restored(
    adjusted: FloatArray,
    order: np.ndarray[tuple[int], np.dtype[np.intp]],
    positions: list[int],
    p_values: Sequence[float | None],
) -> tuple[float | None, ...]:
    """Adjusted values back in the order given, capped at 1."""
    result: list[float | None] = [None] * len(p_values)
    for rank, value in zip(order.tolist(), adjusted.tolist(), strict=True):
        result[positions[rank]] = min(value, 1.0)
    return tuple(result)
