"""Verification of true recordings, and of recordings that lie, in both modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.audit.perturbation import DETOURS, calibrate
from kit.audit.tolerance import Tolerance
from kit.audit.verify import Mode, Verification, Verifier
from kit.errors import RunLogError
from kit.runlog.records import Turn
from kit.runner.weights import Weights
from tests.audit.conftest import kit, write_study
from tests.audit.forgery import Victim
from tests.conftest import quantised

TAU = Tolerance(tau=1.5)
"""Far above what honest paths of this model show, far below a token chosen by lot."""


@pytest.fixture(scope="module")
def victim(finished: Path, smollm: Weights) -> Victim:
    return Victim(finished, "en-a10-r1", smollm)


@pytest.fixture(scope="module")
def verifier(victim: Victim) -> Verifier:
    return Verifier(victim.experiment, victim.weights)


def test_a_true_recording_holds_bit_for_bit(verifier: Verifier, victim: Victim) -> None:
    result = verifier.verify(victim.folder / "runs" / "en-a10-r1.jsonl")
    assert result.mode is Mode.BITS
    assert result.holds
    assert (result.problems, result.forks) == ((), ())
    drawn = sum(len(turn.tokens) for turn in victim.log.turns)
    assert drawn <= result.decisions <= drawn + 20  # an answer may end by an end token
    assert all(tally.exact == tally.decisions > 0 for tally in result.tallies)


def test_two_agents_can_be_verified_alone(verifier: Verifier, victim: Victim) -> None:
    result = verifier.verify(victim.folder / "runs" / "en-a10-r1.jsonl", agents=["p07", "p02"])
    assert result.holds
    assert [tally.agent for tally in result.tallies] == ["p07", "p02"]


def test_a_true_recording_has_no_fork_when_scored(verifier: Verifier, victim: Victim) -> None:
    path = victim.folder / "runs" / "en-a10-r1.jsonl"
    result = verifier.verify(path, scores=True, tolerance=TAU)
    assert result.mode is Mode.SCORES
    assert result.holds
    assert result.forks == ()


def forge_token(victim: Victim) -> list[Turn]:
    return victim.naive(5, 4)


def forge_consistently(victim: Victim) -> list[Turn]:
    return victim.consistent(5, 4)


def forge_prompt(victim: Victim) -> list[Turn]:
    return victim.reworded(1)


def forge_seed(victim: Victim) -> list[Turn]:
    return victim.remade(seed=1)


def forge_temperature(victim: Victim) -> list[Turn]:
    sampling = victim.scene.protocol.sampling.value
    assert sampling.temperature == 0.9
    return victim.remade(sampling=sampling.model_copy(update={"temperature": 0.6}))


def forge_persona(victim: Victim) -> list[Turn]:
    return victim.remade(swapped=True)


FORGERIES: dict[str, Callable[[Victim], list[Turn]]] = {
    "one token": forge_token,
    "one token and all that follows from it": forge_consistently,
    "one word of a prompt": forge_prompt,
    "another seed": forge_seed,
    "another temperature": forge_temperature,
    "a swapped persona": forge_persona,
}


@pytest.fixture(scope="module", params=FORGERIES)
def forged(
    request: pytest.FixtureRequest, victim: Victim, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    turns = FORGERIES[request.param](victim)
    return victim.write(tmp_path_factory.mktemp("forged") / "copy", turns)


@pytest.mark.parametrize("scores", [False, True])
def test_a_forgery_is_seen(forged: Path, verifier: Verifier, *, scores: bool) -> None:
    result = verifier.verify(forged, scores=scores, tolerance=TAU)
    assert not result.holds


def test_a_forged_token_is_named_with_its_place_and_what_was_drawn(
    victim: Victim, verifier: Verifier, tmp_path: Path
) -> None:
    turns = victim.consistent(5, 4)
    path = victim.write(tmp_path / "copy", turns)
    result = verifier.verify(path, scores=True, tolerance=TAU)
    before, after = changed(victim, turns)
    decode = victim.weights.model.vocabulary.decode
    assert result.problems == ()  # nothing but the logits speaks against it
    first = result.forks[0]
    assert (first.turn, first.agent, first.token) == (before.turn, before.agent, 5)
    assert (first.text, first.runner_up) == (decode(after.tokens[5:6]), decode(before.tokens[5:6]))
    assert first.margin > TAU.tau


def changed(victim: Victim, turns: list[Turn]) -> tuple[Turn, Turn]:
    """The first turn with other tokens, as it was and as it is."""
    pairs = zip(victim.log.turns, turns, strict=True)
    return next((old, new) for old, new in pairs if old.tokens != new.tokens)


@pytest.fixture(scope="module")
def other_quantisation(
    smollm: Weights, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Weights]:
    path = quantised(smollm.model, tmp_path_factory.mktemp("models") / "q4_0.gguf", "Q4_0")
    yield path
    path.model.close()


def test_another_quantisation_of_the_same_model_is_seen(
    victim: Victim, verifier: Verifier, other_quantisation: Weights, tmp_path: Path
) -> None:
    turns = victim.remade(model=other_quantisation.model)
    path = victim.write(tmp_path / "copy", turns)
    bits = verifier.verify(path)
    assert not any(tally.chain_holds for tally in bits.tallies)
    scored = verifier.verify(path, scores=True, tolerance=tolerance(victim))
    assert not scored.holds


def tolerance(victim: Victim) -> Tolerance:
    runs = victim.folder / "runs"
    return calibrate(victim.experiment, victim.weights, sorted(runs.glob("*.jsonl")))


def test_calibration_measures_the_detours(victim: Victim) -> None:
    found = tolerance(victim)
    assert found.dialogues == 20
    assert found.paths == tuple(detour.name for detour in DETOURS)
    assert found.near_tie_share is not None
    assert 0 < found.near_tie_share < 0.2  # the detours do change bits, and rarely a token
    assert found.largest_margin is not None
    assert 0 < found.largest_margin < 1.5
    assert found.tau >= found.largest_margin


def test_other_bits_need_a_tolerance(victim: Victim, verifier: Verifier, tmp_path: Path) -> None:
    header = victim.log.header.model_copy(update={"bit_class": "f" * 64})
    path = victim.write(tmp_path / "copy", victim.log.turns, header)
    with pytest.raises(RunLogError, match=r"bit class ffffffffffff, this machine's is .*tolerance"):
        verifier.verify(path)
    with pytest.raises(RunLogError, match=r"in this machine's bit class; scoring.*tolerance"):
        verifier.verify(victim.folder / "runs" / "en-a10-r1.jsonl", scores=True)
    result: Verification = verifier.verify(path, tolerance=TAU)
    assert result.mode is Mode.SCORES
    assert result.holds


def test_a_dropped_turn_and_an_impossible_token_are_problems(
    victim: Victim, verifier: Verifier, tmp_path: Path
) -> None:
    path = victim.write(tmp_path / "less", victim.log.turns[:-1])
    result = verifier.verify(path)
    assert result.problems[-1].what == "19 of 20 turns follow; the log holds 19"
    turns = list(victim.log.turns)
    turns[2] = turns[2].model_copy(update={"tokens": (10**6, *turns[2].tokens[1:])})
    result = verifier.verify(victim.write(tmp_path / "odd", turns))
    assert (result.problems[0].turn, result.problems[0].agent) == (1, "p03")
    assert not result.holds


def test_verify_says_what_it_found(finished: Path, victim: Victim, tmp_path: Path) -> None:
    done = kit("verify", finished / "runs" / "en-a10-r1.jsonl", "--agents", "1")
    assert done.returncode == 0, done.stderr
    assert "short/en-a10-r1: follows (bits compared)" in done.stdout
    turns = victim.consistent(5, 4)
    path = victim.write(tmp_path / "copy", turns)
    where, _ = changed(victim, turns)
    done = kit("verify", path.parent.parent)
    assert done.returncode == 2
    assert "short/en-a10-r1: DOES NOT FOLLOW" in done.stdout
    assert "short/en-a10-r2: follows" in done.stdout
    fork = f"a rerun here would fork at turn {where.turn}, {where.agent}, token 5"
    assert fork in done.stdout
    assert "1 of 2 runs do not follow" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_reader_may_believe_a_study_of_their_own(finished: Path, tmp_path: Path) -> None:
    run = finished / "runs" / "en-a10-r1.jsonl"
    done = kit("verify", run, "--agents", "1", "--study", finished.parent / "short.yaml")
    assert done.returncode == 0, done.stderr
    done = kit("verify", run, "--agents", "1", "--study", write_study(tmp_path, seed=1))
    assert done.returncode == 2
    assert "header field 'run_hash'" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "divergent" in done.stdout


def test_a_calibrated_folder_is_scored_with_its_own_tolerance(
    finished: Path, victim: Victim, tmp_path: Path
) -> None:
    path = victim.write(tmp_path / "copy", victim.log.turns)
    folder = path.parent.parent
    done = kit("verify", folder, "--calibrate")
    assert done.returncode == 0, done.stderr
    assert "20 dialogues" in done.stdout
    done = kit("verify", path, "--scores")
    assert done.returncode == 0, done.stderr
    assert "tokens scored" in done.stdout
    assert "0 near ties (tau" in done.stdout
    (folder / "tolerance.json").write_text("{}x")
    done = kit("verify", path, "--scores")
    assert done.returncode == 1
    assert "is not a file of tolerances" in done.stderr
    assert not (finished / "tolerance.json").exists()
