"""The one result type of the kit, and the polars frame it becomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeAlias

import polars as pl

Label: TypeAlias = str | int | float | bool | None

SCHEMA: dict[str, type[pl.DataType]] = {
    "estimate": pl.Float64,
    "std_error": pl.Float64,
    "df": pl.Float64,
    "statistic": pl.Float64,
    "p_value": pl.Float64,
    "conf_low": pl.Float64,
    "conf_high": pl.Float64,
    "n": pl.Int64,
    "method": pl.String,
}
"""Columns of a result, in the order of the fields of `Estimate`; labels stand before them."""

_LABEL_TYPES: dict[type, type[pl.DataType]] = {
    bool: pl.Boolean,
    int: pl.Int64,
    float: pl.Float64,
    str: pl.String,
}


class Undefined(StrEnum):
    """Why a number could not be computed; written into `Estimate.method`."""

    TOO_FEW = "too few observations"
    TOO_FEW_DF = "too few degrees of freedom"
    NO_VARIANCE = "no variance"
    COLLINEAR = "predictors are collinear"
    FULL_LEVERAGE = "an observation alone determines a coefficient"
    CLUSTER_LEVERAGE = "a cluster alone determines a coefficient"
    PERFECT_FIT = "no residual variance"
    BOUNDARY = "estimate at its bound"
    OVERFLOW = "beyond floating-point range"
    DEGENERATE = "resampling distribution is degenerate"
    NO_RELIABILITY = "no variance beyond sampling error"
    NOT_CONVERGED = "the fit did not converge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One number with what is known about it.

    A field that cannot be computed, or that the method does not have, is `None`: never NaN, never a
    made-up zero. The reason stands in `method` (see `explained`).

    Raises:
        ValueError: a number is NaN or infinite, `p_value` lies outside [0, 1], `n` is negative, or
            `conf_low` exceeds `conf_high`.
    """

    estimate: float | None = None
    """The quantity named in `method`, in its own units."""
    std_error: float | None = None
    """Standard error of `estimate`."""
    df: float | None = None
    """Degrees of freedom of `statistic`."""
    statistic: float | None = None
    """Test statistic (t, z or U, as `method` says)."""
    p_value: float | None = None
    """Two-sided p value."""
    conf_low: float | None = None
    """Lower confidence limit."""
    conf_high: float | None = None
    """Upper confidence limit."""
    n: int | None = None
    """Observations used, over all groups."""
    method: str
    """What was computed and how, with the reason for every undefined number."""

    def __post_init__(self) -> None:
        for name, dtype in SCHEMA.items():
            value = getattr(self, name)
            if value is None or dtype is pl.String:
                continue
            if not math.isfinite(value):
                raise ValueError(f"{self.method}: {name} is {value}; an undefined number is None")
            # NumPy scalars would leak into frames, JSON and reprs.
            object.__setattr__(self, name, int(value) if dtype is pl.Int64 else float(value))
        if self.p_value is not None and not 0.0 <= self.p_value <= 1.0:
            raise ValueError(f"{self.method}: p_value {self.p_value} lies outside [0, 1]")
        if self.n is not None and self.n < 0:
            raise ValueError(f"{self.method}: n {self.n} is negative")
        if (
            self.conf_low is not None
            and self.conf_high is not None
            and self.conf_low > self.conf_high
        ):
            limits = f"[{self.conf_low}, {self.conf_high}]"
            raise ValueError(f"{self.method}: interval {limits} is empty")

    @property
    def is_defined(self) -> bool:
        """Whether the estimate itself could be computed."""
        return self.estimate is not None

    @classmethod
    def undefined(cls, method: str, reason: Undefined, *, n: int | None = None) -> Estimate:
        """An estimate of which nothing but `n` is known, and why."""
        return cls(n=n, method=explained(method, reason))


def explained(method: str, reason: Undefined, *names: str) -> str:
    """`method` with the reason why the fields `names` (all, if none is named) are undefined."""
    which = f"{', '.join(names)} " if names else ""
    return f"{method} [{which}undefined: {reason}]"


def to_frame(
    rows: Mapping[str, Estimate] | Iterable[tuple[Mapping[str, Label], Estimate]],
) -> pl.DataFrame:
    """Results as a frame: label columns first, then the columns of `SCHEMA`, one row per result.

    Args:
        rows: a mapping from name to result, which gives one label column `name`; or pairs of labels
            and result, where all pairs have the same label names in the same order.

    Returns:
        One row per result in the order given. Undefined numbers are null. A label column has the
        type of its values; one without any value is a String column.

    Raises:
        ValueError: label names differ between rows, a label has the name of a result column, or one
            label column holds values of different types.
    """
    pairs: list[tuple[Mapping[str, Label], Estimate]]
    if isinstance(rows, Mapping):
        pairs = [({"name": name}, estimate) for name, estimate in rows.items()]
        names = ["name"]
    else:
        pairs = list(rows)
        names = list(pairs[0][0]) if pairs else []
    if clash := [name for name in names if name in SCHEMA]:
        raise ValueError(f"label names {clash} are names of result columns")
    for position, (labels, _) in enumerate(pairs):
        if list(labels) != names:
            raise ValueError(f"row {position} has labels {list(labels)}, row 0 has {names}")

    schema: dict[str, type[pl.DataType]] = {}
    for name in names:
        kinds = {type(labels[name]) for labels, _ in pairs} - {type(None)}
        if len(kinds) > 1:
            found = sorted(kind.__name__ for kind in kinds)
            raise ValueError(f"label {name!r} has values of types {found}; give it one type")
        kind = kinds.pop() if kinds else str
        if kind not in _LABEL_TYPES:
            raise ValueError(f"label {name!r} has values of type {kind.__name__}; use a plain type")
        schema[name] = _LABEL_TYPES[kind]
    schema |= SCHEMA
    columns = [field.name for field in fields(Estimate)]
    data = [
        (*labels.values(), *(getattr(estimate, column) for column in columns))
        for labels, estimate in pairs
    ]
    return pl.DataFrame(data, schema=schema, orient="row")
