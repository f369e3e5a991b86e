"""Reference values written by R, and what the statistics tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from kit.stats.result import SCHEMA, Estimate

GOLDEN = Path(__file__).parents[1] / "golden" / "stats"

Golden = Callable[[str], pl.DataFrame]
Matches = Callable[..., None]


@pytest.fixture(scope="session")
def golden() -> Golden:
    """Reader of a reference file by name; the R script of the same topic stands beside it."""

    def read(name: str) -> pl.DataFrame:
        return pl.read_csv(GOLDEN / f"{name}.csv", infer_schema_length=None)

    return read


@pytest.fixture(scope="session")
def matches() -> Matches:
    """Compares an `Estimate` with a row of a reference file, undefined numbers included.

    The tolerance is 1e-8 relative, tighter than the 1e-6 the kit promises: R's `pt` with a
    noncentrality is good to about 1e-12 in probability, which leaves 1e-10 in a limit.
    """

    def check(
        estimate: Estimate,
        row: dict[str, object],
        names: Sequence[str] = tuple(name for name in SCHEMA if name not in ("n", "method")),
    ) -> None:
        for name in names:
            found, expected = getattr(estimate, name), row[name]
            where = f"{row['case']} {row.get('method')} {name}: {found}, R has {expected}"
            if expected is None:
                assert found is None, where
            else:
                assert found == pytest.approx(expected, rel=1e-8, abs=1e-12), where

    return check
