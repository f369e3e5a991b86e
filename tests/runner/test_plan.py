"""What a plan refuses before any weights take memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import PlanError
from kit.runner.plan import cost, placement, plan
from kit.runner.resolve import resolve
from kit.runner.weights import Weights, load_weights
from kit.spec.experiment import Experiment
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from tests.conftest import ROOT, SMOLLM
from tests.runner.support import result_folder


@pytest.fixture(scope="module")
def outline() -> Iterator[Weights]:
    """SmolLM2's sizes and vocabulary without its weights."""
    pin = load_pins(library_file("models.yaml", start=ROOT))[SMOLLM]
    found = load_weights(pin, outline=True)
    yield found
    found.model.close()


def demo(**settings: object) -> Experiment:
    """The demo with other engine settings."""
    found = resolve(ROOT / "studies" / "demo.yaml")
    engine = found.study.protocol.engine
    changed = engine.model_copy(update={"value": engine.value.model_copy(update=settings)})
    protocol = found.study.protocol.model_copy(update={"engine": changed})
    return found.model_copy(update={"study": found.study.model_copy(update={"protocol": protocol})})


def test_an_outline_knows_what_the_whole_model_knows(outline: Weights, smollm: Weights) -> None:
    for model in (outline.model, smollm.model):
        assert model.context_length == 8192
        assert model.layers == 30
        # 30 layers of 3 heads of 64 values, keys and values of two bytes each.
        assert model.cache_bytes("f16") == 30 * 3 * 64 * 2 * 2
        assert model.cache_bytes("q8_0") == 30 * 3 * 64 * (34 / 32 + 2)
    assert outline.model.vocabulary.pieces == smollm.model.vocabulary.pieces


def test_memory_is_refused_with_the_numbers(outline: Weights, tmp_path: Path) -> None:
    planned = plan(demo(), result_folder(tmp_path))
    needed = cost(planned, outline, cohort=1)
    assert needed.weights_bytes == outline.pin.total_bytes
    assert needed.run_bytes == 10 * needed.room * outline.model.cache_bytes("f16")
    whole = needed.memory_bytes
    assert cost(planned, outline, cohort=1, free=whole).memory_bytes == whole
    with pytest.raises(PlanError, match=r"0\.[0-9] GB of weights.*are free"):
        cost(planned, outline, cohort=1, free=whole - 1)


def test_layers_on_a_gpu_need_memory_there(outline: Weights, tmp_path: Path) -> None:
    planned = plan(demo(gpu_layers=999), result_folder(tmp_path))
    whole = cost(planned, outline, cohort=1).memory_bytes
    assert cost(planned, outline, cohort=1, free=0, gpu_free=whole).cohort == 1
    with pytest.raises(PlanError, match="of GPU memory for 1 run"):
        cost(planned, outline, cohort=1, free=10**12, gpu_free=whole - 1)


def test_half_of_the_layers_on_a_gpu_split_the_need(outline: Weights, tmp_path: Path) -> None:
    planned = plan(demo(gpu_layers=15), result_folder(tmp_path))
    whole = cost(planned, outline, cohort=1).memory_bytes
    share = int(whole * 15 / 31) + 1
    assert cost(planned, outline, cohort=1, free=whole - share + 2, gpu_free=share)
    with pytest.raises(PlanError, match="of GPU memory"):
        cost(planned, outline, cohort=1, free=whole, gpu_free=share - 2)
    with pytest.raises(PlanError, match="GB of memory"):
        cost(planned, outline, cohort=1, free=whole - share - 2, gpu_free=whole)


def test_runs_side_by_side_are_chosen_by_the_scarcest_memory(
    outline: Weights, tmp_path: Path
) -> None:
    planned = plan(demo(gpu_layers=999), result_folder(tmp_path))
    one = cost(planned, outline, cohort=1)
    room_for_two = one.weights_bytes + 2 * one.run_bytes
    # Only half of what is left is used for runs side by side.
    assert cost(planned, outline, gpu_free=room_for_two).cohort == 1
    assert cost(planned, outline, gpu_free=one.weights_bytes + 4 * one.run_bytes).cohort == 2
    assert cost(planned, outline).cohort == 1  # nothing is known about memory


def test_variants_on_different_devices_are_not_run_together(tmp_path: Path) -> None:
    base = demo()
    assert placement(plan(base, result_folder(tmp_path)), SMOLLM).gpu_layers == 0
    variants = {"near": {}, "far": {"engine": {"gpu_layers": 3}}}
    study = base.study.model_copy(update={"variants": variants})
    experiment = base.model_copy(update={"study": study})
    planned = plan(experiment, result_folder(tmp_path))
    with pytest.raises(PlanError, match="on different devices"):
        placement(planned, SMOLLM)
    alone = plan(experiment, result_folder(tmp_path), only="*-vfar-*")
    assert placement(alone, SMOLLM).gpu_layers == 3
