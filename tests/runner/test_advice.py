"""Advice before a model is here: memory against the real engine, work against real tokenizers."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.engine.build import BuildKind
from kit.gguf import read_model
from kit.models.pinning import attention_of
from kit.models.store import Store
from kit.runner import size
from kit.runner.advice import (
    BASE_BYTES,
    Fit,
    Need,
    Verdict,
    context_for,
    fit,
    missing_bytes,
    need,
    survey,
)
from kit.runner.calibration import Speed, estimate
from kit.runner.demand import NO_STUDY, at_most, demand, duration
from kit.runner.resolve import resolve
from kit.runner.speed import SpeedRange
from kit.runner.weights import Weights
from kit.society.scene import Scene
from kit.spec.experiment import Experiment
from kit.spec.pins import KeyType, ModelPin
from tests.conftest import ROOT, SMOLLM
from tests.models.support import pin_of

ASKED = NO_STUDY._replace(context=4096)
NEEDED = Need(weights=1_000_000, cache=100, scratch=24)
"""1,024 bytes per token of context."""


def study(name: str) -> Experiment:
    return resolve(ROOT / "studies" / f"{name}.yaml", model=SMOLLM)


def pin(context_length: int | None = None) -> ModelPin:
    return pin_of({"a.gguf": b"abc", "b.gguf": b"de"}).model_copy(
        update={"context_length": context_length}
    )


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (None, Fit(Verdict.UNKNOWN)),
        (NEEDED.fixed + 4096 * 1024, Fit(Verdict.FITS, 4096)),
        (NEEDED.fixed + 4096 * 1024 - 1, Fit(Verdict.SHORTER, 3072)),
        (NEEDED.fixed + 1024 * 1024, Fit(Verdict.SHORTER, 1024)),
        (NEEDED.fixed + 1024 * 1024 - 1, Fit(Verdict.WEIGHTS_ONLY, 0)),
        (NEEDED.fixed, Fit(Verdict.WEIGHTS_ONLY, 0)),
        (NEEDED.fixed - 1, Fit(Verdict.TOO_LARGE, 0, 1)),
    ],
)
def test_the_verdict_turns_at_the_byte(free: int | None, expected: Fit) -> None:
    assert fit(pin(), NEEDED, ASKED, free) == expected


def test_an_unknown_cache_is_unknown_unless_the_weights_are_too_large() -> None:
    needed = NEEDED._replace(cache=None)
    assert needed.total(1024) is None
    assert fit(pin(), needed, ASKED, 10**15) == Fit(Verdict.UNKNOWN)
    assert fit(pin(), needed, ASKED, 10).verdict is Verdict.TOO_LARGE


def test_a_model_gets_no_more_context_than_it_was_trained_for() -> None:
    assert context_for(pin(2048), ASKED) == 2048
    assert context_for(pin(9999), ASKED) == 4096
    assert fit(pin(2048), NEEDED, ASKED, NEEDED.fixed + 2048 * 1024) == Fit(Verdict.FITS, 2048)


def test_a_model_that_cannot_hold_the_shortest_dialogue_is_told_before_memory() -> None:
    asked = ASKED._replace(floor=2049)
    assert fit(pin(2048), NEEDED, asked, None) == Fit(Verdict.TOO_SHORT, 2048)
    assert fit(pin(2049), NEEDED, asked, None).verdict is Verdict.UNKNOWN


def test_without_heads_a_tenth_of_the_caches_is_allowed() -> None:
    assert Need(0, cache=100, scratch=None).per_token == 1100
    assert Need(7, cache=100, scratch=50).total(10) == BASE_BYTES + 7 + 10 * 1050


@pytest.mark.parametrize("name", ["smollm", "gemma"])
@pytest.mark.parametrize("k_type", ["f16", "q8_0"])
def test_the_cache_is_the_one_that_the_engine_makes(
    name: str, k_type: KeyType, request: pytest.FixtureRequest
) -> None:
    weights: Weights = request.getfixturevalue(name)
    headers = read_model(weights.model.path)
    found = need(weights.pin, attention_of(headers[0]), k_type, headers)
    assert found.cache == weights.model.cache_bytes(k_type)
    assert found.weights == weights.pin.total_bytes
    # What the library's log states per token of context: 20 KiB for nine heads and one mask.
    heads = {"smollm": 9, "gemma": 4}[name]
    assert found.scratch == 2048 * (heads + 2)


@pytest.mark.parametrize("name", ["demo", "study1", "study2"])
def test_a_study_s_work_holds_for_both_tokenizers(
    name: str, smollm: Weights, gemma: Weights
) -> None:
    experiment = study(name)
    asked = demand(experiment)
    runs = experiment.runs()
    assert asked.runs == len(runs)
    assert asked.answers == sum(Scene(experiment, run).turns * 10 for run in runs)
    for weights in (smollm, gemma):
        template = weights.model.template(plain=weights.pin.chat_template == "plain")
        worst = {
            run.cell: size.worst_case(Scene(experiment, run), weights.model, template).total
            for run in runs
            if run.replicate == 1
        }
        total = sum(10 * worst[run.cell] for run in runs)
        assert asked.floor <= min(worst.values())
        assert asked.least <= total <= asked.most
        if weights is gemma:  # its vocabulary serves all the languages
            assert total == pytest.approx(asked.likely, rel=0.25)


def test_the_profile_and_the_variants_are_counted() -> None:
    path = ROOT / "studies" / "study1_sensitivity.yaml"
    whole = demand(resolve(path, model=SMOLLM))
    smoke = demand(resolve(path, model=SMOLLM, profile="smoke"))
    assert (whole.k_type, smoke.k_type) == ("f16", "q8_0")
    assert (whole.ceiling, smoke.ceiling) == (96, 16)
    assert smoke.likely < whole.likely / 2
    assert whole.runs == 6 * 2 * 2 * 15


def test_a_study_of_two_models_is_judged_for_one() -> None:
    path = ROOT / "studies" / "study4.yaml"
    assert demand(resolve(path)).runs == 40
    assert demand(resolve(path)) == demand(resolve(path, model=SMOLLM))


def test_a_time_spans_all_that_is_not_known() -> None:
    asked = demand(study("demo"))
    slow, likely, fast = Speed(10, 1), Speed(20, 2), Speed(40, 4)
    found = duration(SpeedRange(slow, likely, fast), asked, 8192)

    def seconds(speed: Speed, prompts: int) -> tuple[float, float, float]:
        return estimate(speed, answers=asked.answers, prompt_tokens=prompts, ceiling=asked.ceiling)

    assert found.low == seconds(fast, asked.least)[0]
    assert found.likely == seconds(likely, asked.likely)[1]
    assert found.high == seconds(slow, asked.most)[2]


def test_no_time_is_for_longer_dialogues_than_the_context_allows() -> None:
    asked = demand(study("demo"))
    same = SpeedRange(*[Speed(10, 1)] * 3)
    narrow = duration(same, asked, 300)
    expected = estimate(
        same.slow, answers=asked.answers, prompt_tokens=10 * 8 * 300, ceiling=asked.ceiling
    )
    assert narrow.high == expected.high < duration(same, asked, 8192).high


def test_a_bound_has_no_lower_end() -> None:
    asked = demand(study("demo"))
    speeds = SpeedRange(Speed(10, 1), Speed(20, 2), Speed(40, 4))
    found = duration(speeds, asked, 8192, bounded=True)
    assert (found.low, found.likely) == (None, None)
    assert found.high == duration(speeds, asked, 8192).high
    assert set(at_most(pin())) == {5}


def test_what_is_missing_shrinks_with_what_has_arrived(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), pin()
    first, second = wanted.files
    assert missing_bytes(store, wanted) == 5
    store.prepare()
    store.part_path(first).write_bytes(b"a")
    assert missing_bytes(store, wanted) == 4
    store.object_path(second).write_bytes(b"de")
    assert missing_bytes(store, wanted) == 2


def test_this_machine_is_described(tmp_path: Path) -> None:
    found = survey(Store(tmp_path / "not there yet"))
    assert found.build is not None
    assert found.disk is not None
    assert found.memory is not None
    if found.build.kind is BuildKind.INVARIANT:
        assert found.gpu is None
        assert found.room == found.memory
    assert found._replace(gpu=5).room == 5
