"""What a curve amounts to, counted by hand on a few rows."""

from __future__ import annotations

import polars as pl
import pytest

from kit.analysis.curve import options, summary
from kit.analysis.multiverse import COLUMNS
from kit.analysis.specification import PRIMARY_SPECIFICATION

ROWS: list[tuple[dict[str, str], float | None, float | None]] = [
    ({}, -1.0, 0.01),
    ({"sexual": "out"}, -3.0, 0.001),
    ({"channels": "talk"}, -0.5, 0.2),
    ({"channels": "talk", "sexual": "out"}, 0.6, 0.04),
    ({"unit": "line_share"}, None, None),
]


def curve(rows: list[tuple[dict[str, str], float | None, float | None]]) -> pl.DataFrame:
    primary = {name: value.value for name, value in PRIMARY_SPECIFICATION._asdict().items()}
    labels = {"model": "m", "language": "en", "measure": "cpi", "quantity": "hedges_g"}
    return pl.DataFrame(
        [
            labels | primary | changed
            | {"changed": len(changed), "estimate": estimate, "p_value": p, "method": "g"}
            for changed, estimate, p in rows
        ],
        schema=COLUMNS,
    )  # fmt: skip


def test_agreement_is_with_the_sign_of_the_primary_estimate() -> None:
    (row,) = summary(curve(ROWS))

    assert (row.specifications, row.defined) == (5, 4)
    assert (row.primary, row.primary_p) == (-1.0, 0.01)
    assert row.same_sign == 3 / 4
    assert row.significant == 2 / 4
    assert row.significant_opposite == 1 / 4
    assert (row.minimum, row.maximum) == (-3.0, 0.6)
    assert row.median == pytest.approx(-0.75)


def test_the_choice_whose_medians_lie_farthest_apart_moves_most() -> None:
    (row,) = summary(curve(ROWS))

    # Channels: medians -2 and 0.05; sexual term: -0.75 and -1.2.
    assert row.largest_choice == "channels"
    assert row.largest_spread == pytest.approx(2.05)


def test_every_option_has_its_median_and_agreement() -> None:
    found = {(row.choice, row.option): row for row in options(curve(ROWS))}

    assert found["channels", "talk"].median == pytest.approx(0.05)
    assert found["channels", "talk"].same_sign == 1 / 2
    assert found["channels", "all"].specifications == 3
    assert found["channels", "all"].defined == 2
    assert found["unit", "line_share"].median is None
    assert found["unit", "line_share"].same_sign is None
    assert not any(choice == "country" for choice, _ in found)


def test_without_a_primary_estimate_nothing_can_agree() -> None:
    (row,) = summary(curve([({}, None, None), ({"sexual": "out"}, 1.0, 0.01)]))

    assert row.primary is row.same_sign is row.significant is row.significant_opposite is None
    assert (row.median, row.maximum) == (1.0, 1.0)


def test_an_estimate_of_zero_has_no_sign_to_agree_with() -> None:
    (row,) = summary(curve([({}, 0.0, 1.0), ({"sexual": "out"}, 1.0, 0.01)]))

    assert row.same_sign is None
    assert row.largest_choice == "sexual"


def test_curves_stay_apart_and_in_order() -> None:
    rows = curve(ROWS)
    other = rows.with_columns(pl.lit("ja").alias("language"), -pl.col("estimate"))
    found = list(summary(pl.concat([other, rows])))

    assert [(row.curve.language, row.primary) for row in found] == [("ja", 1.0), ("en", -1.0)]
    assert found[0].same_sign == found[1].same_sign


def test_no_rows_are_no_curve() -> None:
    assert list(summary(pl.DataFrame(schema=COLUMNS))) == []
    assert list(options(pl.DataFrame(schema=COLUMNS))) == []
