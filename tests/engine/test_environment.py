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
    assert quantised != found
