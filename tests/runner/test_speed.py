"""The speed of models: which weights count, what is predicted, what is remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.engine.build import inspect_build
from kit.errors import OutputError
from kit.gguf import Header, Tensor, read_model
from kit.runner.calibration import Speed
from kit.runner.speed import (
    SPREAD,
    ActiveWeights,
    Measurement,
    active_weights,
    predict,
    recall,
    record_path,
    remember,
    time_model,
)
from kit.runner.weights import Weights
from kit.spec.study import EngineSettings

F32 = 0
SMALL = Measurement("small", ActiveWeights(100, 200, 200), Speed(read=50.0, speak=20.0))
LARGE = Measurement("large", ActiveWeights(10_000, 20_000, 20_000), Speed(read=1.0, speak=0.5))


def header(sizes: dict[str, int], **numbers: int) -> Header:
    """A header of tensors with so many F32 weights."""
    tensors = tuple(Tensor(name, (count,), F32, 0) for name, count in sizes.items())
    metadata: dict[str, str | int] = {"general.architecture": "x"}
    metadata |= {f"x.{key}": value for key, value in numbers.items()}
    return Header(3, metadata, tensors, 0, 32)


def test_a_prompt_needs_no_output_layer_and_an_answer_does(smollm: Weights, gemma: Weights) -> None:
    found = active_weights(read_model(smollm.model.path))
    assert found == ActiveWeights(66_495_744, 96_576_768, 96_576_768)
    # Two thirds of this model are its output layer.
    found = active_weights(read_model(gemma.model.path))
    assert found == ActiveWeights(68_329_984, 246_587_904, 246_587_904)


def test_an_embedding_of_its_own_is_not_computed_with() -> None:
    parts = [
        header({"token_embd.weight": 7, "blk.0.attn_q.weight": 5}),
        header({"output.weight": 3}),
    ]
    assert active_weights(parts) == ActiveWeights(20, 32, 32)


def test_of_a_mixture_only_the_chosen_experts_count() -> None:
    sizes = {"blk.0.ffn_up_exps.weight": 800, "blk.0.attn_q.weight": 5, "token_embd.weight": 3}
    found = active_weights([header(sizes, expert_count=8, expert_used_count=2)])
    # Ten tokens that choose 2 of 8 each leave 0.75 ** 10 of the experts out.
    assert found == ActiveWeights(820, 832, 32 + round(3200 * (1 - 0.75**10)))


@pytest.mark.parametrize(
    "numbers", [{}, {"expert_count": 8}, {"expert_count": 2, "expert_used_count": 3}]
)
def test_a_mixture_that_does_not_say_how_many_experts_is_unknown(numbers: dict[str, int]) -> None:
    assert active_weights([header({"blk.0.ffn_up_exps.weight": 800}, **numbers)]) is None


def test_no_headers_tell_nothing() -> None:
    assert active_weights([]) is None


def test_what_was_measured_is_not_predicted() -> None:
    found = predict([SMALL, LARGE], "small", None)
    assert found is not None
    assert set(found) == {SMALL.speed}


def test_others_are_predicted_from_the_model_nearest_in_size() -> None:
    found = predict([SMALL, LARGE], "other", ActiveWeights(5_000, 8_000, 8_000))
    assert found is not None
    assert found.likely == pytest.approx(Speed(2.0, 1.25))
    assert found.slow == pytest.approx(Speed(2.0 / SPREAD, 1.25 / SPREAD))
    assert found.fast == pytest.approx(Speed(2.0 * SPREAD, 1.25 * SPREAD))


def test_a_mixture_speaks_between_its_arithmetic_and_its_memory() -> None:
    found = predict([SMALL], "other", ActiveWeights(100, 200, 800))
    assert found is not None
    assert (found.slow.speak, found.likely.speak, found.fast.speak) == pytest.approx(
        (5.0 / SPREAD, 10.0, 20.0 * SPREAD)
    )


def test_nothing_is_predicted_from_nothing() -> None:
    assert predict([], "other", SMALL.weights) is None
    assert predict([SMALL], "other", None) is None


def test_a_measurement_is_remembered_once_per_model(tmp_path: Path) -> None:
    path = tmp_path / "speed" / "one.json"
    assert recall(path) == ()
    remember(path, SMALL)
    remember(path, LARGE)
    newer = SMALL._replace(speed=Speed(60.0, 30.0))
    remember(path, newer)
    assert set(recall(path)) == {LARGE, newer}
    assert [file.name for file in path.parent.iterdir()] == ["one.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"measured": [{"sha256": "a"}]}',
        '{"measured": [{"sha256": "a", "weights": [1, 2], "speed": [1, 2]}]}',
        '{"measured": [{"sha256": "a", "weights": [1, 2, 2], "speed": [0, 2]}]}',
        '{"measured": [{"sha256": "a", "weights": [1, 2, 2], "speed": [NaN, 2]}]}',
        '{"measured": [{"sha256": "a", "weights": [1, 2, 2], "speed": ["1", 2]}]}',
    ],
)
def test_a_damaged_record_is_none_and_can_be_replaced(text: str, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(text)
    assert recall(path) == ()
    remember(path, SMALL)
    assert recall(path) == (SMALL,)


def test_a_record_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "speed").write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot be kept"):
        remember(tmp_path / "speed" / "one.json", SMALL)


def test_another_build_has_a_record_of_its_own(tmp_path: Path) -> None:
    build = inspect_build()
    path = record_path(tmp_path, build)
    assert path.parent == tmp_path / "speed"
    assert record_path(tmp_path, replace(build, sha256="other")) != path


def test_a_real_model_is_timed(smollm: Weights, tmp_path: Path) -> None:
    active = active_weights(read_model(smollm.model.path))
    assert active is not None
    found = time_model(smollm, active, EngineSettings())
    assert found.sha256 == smollm.sha256
    assert min(found.speed) > 0
    remember(tmp_path / "one.json", found)
    assert recall(tmp_path / "one.json") == (found,)
    assert json.loads((tmp_path / "one.json").read_text())["measured"][0]["speed"]
