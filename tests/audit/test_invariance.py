"""That bits depend on the prefix alone: on both real models, near the start and far on."""

from __future__ import annotations

import pytest

from kit.audit.invariance import DEEP, Probe, Rows
from kit.runner.weights import Weights
from kit.spec.study import EngineSettings

NAMES = {
    "the same again",
    "1 thread",
    "every core",
    "in a batch of 2",
    "in a batch of 5",
    "in a batch of 10",
    "in a batch of 16",
    "first in a batch of 5",
    "in the middle of a batch of 5",
    "last in a batch of 5",
    "beside other neighbours",
    "prompt read in chunks of 64",
    "prompt read in chunks of 33",
    "prompt read in chunks of 7",
    "prompt read in chunks of 1",
    "beginning copied from another dialogue",
    "answer read back at once",
    "answer read back token by token",
}


@pytest.mark.parametrize("k_type", ["f16", "q8_0"])
@pytest.mark.parametrize("model", ["smollm", "gemma"])
def test_no_circumstance_changes_a_bit(
    model: str, k_type: str, request: pytest.FixtureRequest
) -> None:
    weights: Weights = request.getfixturevalue(model)
    settings = EngineSettings.model_validate({"k_type": k_type})
    probe = Probe(weights.model, settings, question=100, answer=4)
    found = list(probe.check())
    assert {row.name for row in found} == NAMES
    assert [row for row in found if not row.holds or row.difference is not None] == []
    assert {row.tokens for row in found} == {100}


@pytest.mark.parametrize(
    ("model", "k_type", "rows"),
    [
        ("smollm", "f16", Rows.FULL),
        ("smollm", "q8_0", Rows.QUICK),
        ("gemma", "f16", Rows.QUICK),
        ("gemma", "q8_0", Rows.FULL),
    ],
)
def test_no_circumstance_changes_a_bit_past_2048_tokens(
    model: str, k_type: str, rows: Rows, request: pytest.FixtureRequest
) -> None:
    """Every circumstance for each model and for each type of the cache; all four are slow."""
    weights: Weights = request.getfixturevalue(model)
    settings = EngineSettings.model_validate({"k_type": k_type})
    probe = Probe(weights.model, settings, depth=DEEP, question=40, answer=4, rows=rows)
    found = list(probe.check())
    assert {row.name for row in found} <= NAMES
    assert len(found) == len({row.name for row in found}) >= (18 if rows is Rows.FULL else 9)
    assert [row for row in found if not row.holds or row.difference is not None] == []
    assert all(row.tokens > 2048 for row in found)


def test_a_way_that_computes_other_bits_is_seen(smollm: Weights) -> None:
    """Flash attention splits its sums by thread, and takes another kernel for many tokens."""
    settings = EngineSettings(flash_attention=True)
    probe = Probe(smollm.model, settings, depth=560, question=70, answer=4, rows=Rows.QUICK)
    found = {row.name: row for row in probe.check()}
    for name in ("1 thread", "prompt read in chunks of 33"):
        assert not found[name].holds
        difference = found[name].difference
        assert difference is not None
        assert difference > 1e-3
