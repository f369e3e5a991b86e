from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.engine import environment
from kit.runner.weights import Weights
from kit.spec.study import EngineSettings


def test_the_bit_class_is_measured_once_and_depends_on_the_cache_type(
    smollm: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PROBE_TOKENS", 256)  # what is tested is the book-keeping
    half = EngineSettings(k_type="f16")
    found = environment.bit_class(
        smollm.model, model_sha256=smollm.sha256, settings=half, cache=tmp_path
    )
    [record] = tmp_path.iterdir()
    assert json.loads(record.read_text())["bit_class"] == found
    # A record that cannot be read is measured again, on one thread, and gives the same class.
    record.write_text("{")
    assert (
        environment.bit_class(
            smollm.model, model_sha256=smollm.sha256, settings=half, cache=tmp_path, threads=1
        )
        == found
    )
    record.write_text(json.dumps({"bit_class": "known"}))
    known = environment.bit_class(
        smollm.model, model_sha256=smollm.sha256, settings=half, cache=tmp_path
    )
    assert known == "known"
    quantised = environment.measure(
        smollm.model, model_sha256=smollm.sha256, settings=EngineSettings(k_type="q8_0")
    )
    assert quantised.bit_class != found


def test_golden_logits_and_tokens_lie_past_2048_tokens(smollm: Weights) -> None:
    golden = environment.measure(
        smollm.model, model_sha256=smollm.sha256, settings=EngineSettings()
    )
    assert golden.places[:4] == (512, 1024, 1536, 2048)
    assert min(golden.places[4:]) == environment.PROBE_TOKENS
    assert len(golden.tokens) == len(golden.places) - 4 >= 8
    assert len(set(golden.tokens)) > 1


def test_a_bit_class_belongs_to_everything_that_could_change_a_bit(
    smollm: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PROBE_TOKENS", 128)  # what is tested is the book-keeping
    changes: list[dict[str, object]] = [{}, {"k_type": "q8_0"}, {"flash_attention": True}]
    classes = set()
    for change in changes:
        settings = EngineSettings.model_validate(change)
        classes.add(
            environment.bit_class(
                smollm.model, model_sha256=smollm.sha256, settings=settings, cache=tmp_path
            )
        )
    assert len(classes) == len(list(tmp_path.iterdir())) == len(changes)
    # The context's size changes no bit, so the earlier measurement serves.
    settings = EngineSettings(context=512)
    environment.bit_class(
        smollm.model, model_sha256=smollm.sha256, settings=settings, cache=tmp_path
    )
    assert len(list(tmp_path.iterdir())) == len(changes)


def test_the_surroundings_of_a_class_are_told_by_the_machine_and_the_library(
    smollm: Weights,
) -> None:
    found = environment.surroundings(smollm.model)
    assert found.library.startswith("llama-cpp-python 0.")
    assert "AVX2" in found.features
    assert any(name in found.compiler for name in ("GCC", "clang"))
    assert found.processor
