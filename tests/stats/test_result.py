from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import numpy as np
import polars as pl
import pytest

from kit.stats.result import SCHEMA, Estimate, Label, Undefined, to_frame


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
@pytest.mark.parametrize("name", ["estimate", "std_error", "statistic", "p_value", "conf_low", "n"])
def test_a_number_that_is_not_finite_is_refused(name: str, value: float) -> None:
    numbers = {name: value}
    with pytest.raises(ValueError, match=name):
        Estimate(method="mean", **numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize("p_value", [-0.01, 1.01])
def test_a_p_value_outside_the_unit_interval_is_refused(p_value: float) -> None:
    with pytest.raises(ValueError, match="p_value"):
        Estimate(p_value=p_value, method="mean")


def test_an_empty_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        Estimate(conf_low=1.0, conf_high=0.5, method="mean")


def test_a_negative_n_is_refused() -> None:
    with pytest.raises(ValueError, match="n -1"):
        Estimate(n=-1, method="mean")


def test_numpy_numbers_become_plain_numbers() -> None:
    estimate = Estimate(estimate=np.float64(1.5), n=np.int64(3), method="mean")  # type: ignore[arg-type]
    assert type(estimate.estimate) is float
    assert type(estimate.n) is int


def test_an_estimate_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Estimate(method="mean").estimate = 1.0  # type: ignore[misc]


def test_an_undefined_estimate_keeps_n_and_says_why() -> None:
    estimate = Estimate.undefined("mean", Undefined.TOO_FEW, n=1)
    assert not estimate.is_defined
    assert estimate == Estimate(n=1, method="mean [undefined: too few observations]")


def test_the_schema_lists_the_fields_of_an_estimate() -> None:
    assert list(SCHEMA) == [field.name for field in fields(Estimate)]


def test_named_results_become_rows_with_a_name_column() -> None:
    full = Estimate(
        estimate=0.5,
        std_error=0.25,
        df=8.0,
        statistic=2.0,
        p_value=0.08,
        conf_low=-0.1,
        conf_high=1.1,
        n=10,
        method="mean",
    )
    frame = to_frame({"a": full, "b": Estimate.undefined("mean", Undefined.NO_VARIANCE, n=4)})
    assert dict(frame.schema) == {"name": pl.String, **SCHEMA}
    assert frame.row(0) == ("a", 0.5, 0.25, 8.0, 2.0, 0.08, -0.1, 1.1, 10, "mean")
    assert frame.row(1)[1:8] == (None,) * 7
    assert frame.row(1)[8:] == (4, "mean [undefined: no variance]")


def test_labels_become_typed_columns_before_the_result() -> None:
    estimate = Estimate(estimate=1.0, method="mean")
    labels: list[dict[str, Label]] = [
        {"language": "ja", "aligned": 10, "share": None, "kept": True, "note": None},
        {"language": "en", "aligned": None, "share": 0.5, "kept": False, "note": None},
    ]
    frame = to_frame((row, estimate) for row in labels)
    assert dict(frame.select(labels[0].keys()).schema) == {
        "language": pl.String,
        "aligned": pl.Int64,
        "share": pl.Float64,
        "kept": pl.Boolean,
        "note": pl.String,
    }
    assert frame["aligned"].to_list() == [10, None]
    assert frame.columns[5:] == list(SCHEMA)


def test_no_results_give_an_empty_frame_with_the_schema() -> None:
    assert dict(to_frame([]).schema) == SCHEMA


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"a": 1}, {"b": 1}], "row 1"),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], "row 1"),
        ([{"a": 1}, {"a": "x"}], "one type"),
        ([{"a": 1}, {"a": True}], "one type"),
        ([{"n": 1}], "result columns"),
        ([{"a": [1]}], "plain type"),
    ],
)
def test_labels_that_do_not_fit_are_refused(rows: list[dict[str, Label]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_frame([(row, Estimate(method="mean")) for row in rows])
