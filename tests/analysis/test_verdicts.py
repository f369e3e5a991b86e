"""Verdicts: every rule on both sides of its bound, and everything that forbids one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.analysis.results import analyze
from kit.analysis.verdicts import Judgement, Verdict, decide, is_of_family
from kit.spec.experiment import Experiment, Run
from kit.spec.published import Claim, load_published
from kit.stats.result import Estimate
from tests.planted import (
    LLAMA,
    TINY,
    Said,
    experiment,
    language,
    talk,
    think,
    write_folder,
)

PUBLISHED = load_published(Path(__file__).parents[2] / "studies" / "published.yaml")


def claim(**changes: Any) -> Claim:
    return Claim.model_validate(
        {
            "id": "c",
            "study": "study1",
            "statement": "Something.",
            "languages": ["en"],
            "outcome": "cpi",
            "quantity": "hedges_g",
            "model_family": "llama-3.3-70b",
            "source": ["ABS"],
            "confidence": "high",
            "rule": "sign",
            "sign": "negative",
            "why": "Needs the text.",
            **changes,
        }
    )


def ours(low: float, high: float) -> Estimate:
    return Estimate(estimate=(low + high) / 2, conf_low=low, conf_high=high, n=30, method="g")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2.0, -0.1, Verdict.REPLICATED),
        (-2.0, 0.1, Verdict.INCONCLUSIVE),
        (0.1, 2.0, Verdict.NOT_REPLICATED),
        (-2.0, 0.0, Verdict.INCONCLUSIVE),
    ],
)
def test_a_sign_needs_an_interval_on_one_side_of_zero(
    low: float, high: float, verdict: Verdict
) -> None:
    assert decide(claim(), ours(low, high))[0] is verdict
    mirrored = decide(claim(sign="positive"), ours(-high, -low))[0]
    assert mirrored is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2.8, -1.0, Verdict.REPLICATED),
        (-1.0, -0.2, Verdict.REPLICATED),
        (-0.9, -0.2, Verdict.NOT_REPLICATED),
        (-1.5, 0.2, Verdict.INCONCLUSIVE),
        (-0.5, 0.2, Verdict.NOT_REPLICATED),
        (0.1, 0.9, Verdict.NOT_REPLICATED),
    ],
)
def test_sign_and_overlap_also_needs_the_published_interval(
    low: float, high: float, verdict: Verdict
) -> None:
    interval = {"low": -2.7, "high": -0.99, "evidence": "inferred"}
    found = decide(claim(rule="sign_and_overlap", interval=interval), ours(low, high))

    assert found[0] is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.3, 0.6, Verdict.REPLICATED),
        (0.1, 0.6, Verdict.INCONCLUSIVE),
        (0.8, 0.9, Verdict.NOT_REPLICATED),
        (-0.5, 0.1, Verdict.NOT_REPLICATED),
    ],
)
def test_equivalence_needs_the_whole_interval_within_the_margin(
    low: float, high: float, verdict: Verdict
) -> None:
    found = decide(claim(rule="equivalence", estimate=0.474, margin=0.3), ours(low, high))

    assert found[0] is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.6, 0.4, Verdict.REPLICATED),
        (-0.6, 0.6, Verdict.INCONCLUSIVE),
        (0.1, 0.9, Verdict.NOT_REPLICATED),
    ],
)
def test_absence_needs_an_upper_bound(low: float, high: float, verdict: Verdict) -> None:
    assert decide(claim(rule="no_rise", sign=None, margin=0.5), ours(low, high))[0] is verdict


@pytest.mark.parametrize(
    ("rising", "n", "verdict"),
    [
        (15, 16, Verdict.REPLICATED),
        (14, 16, Verdict.REPLICATED),
        (13, 16, Verdict.NOT_REPLICATED),
        (15, 15, Verdict.NOT_TESTABLE),
    ],
)
def test_counts_need_every_language(rising: int, n: int, verdict: Verdict) -> None:
    found = Estimate(estimate=rising, n=n, method="count")

    assert decide(claim(rule="count", estimate=15, of=16, margin=1), found)[0] is verdict


def test_without_a_rule_a_number_or_an_interval_there_is_no_verdict() -> None:
    undefined = Estimate(n=3, method="g [undefined: no variance]")
    bare = Estimate(estimate=1.0, n=3, method="g [interval undefined: no variance]")

    assert decide(claim(rule="none"), ours(-1, 1)) == (Verdict.NOT_TESTABLE, "Needs the text.")
    assert decide(claim(), undefined)[0] is Verdict.NOT_TESTABLE
    assert "no variance" in decide(claim(), undefined)[1]
    assert decide(claim(), bare)[0] is Verdict.NOT_TESTABLE


@pytest.mark.parametrize(
    ("model", "family", "same"),
    [
        (LLAMA, "llama-3.3-70b", True),
        ("llama-3.3-70b", "llama-3.3-70b", True),
        ("llama-3.3-70b2-x", "llama-3.3-70b", False),
        ("llama-3.1-70b-instruct", "llama-3.3-70b", False),
        (TINY, "llama-3.3-70b", False),
    ],
)
def test_a_family_is_the_beginning_of_an_id(model: str, family: str, same: bool) -> None:
    assert is_of_family(model, family) is same


def backfire(run: Run, agent: str, turn: int) -> list[Said]:
    """Aligned English groups say protective words, aligned Japanese ones sexual words."""
    spread = "touch. " * (run.replicate % 3) + "safety. " * (run.replicate % 2)
    aligned = run.cell.aligned > 0
    outward = "safety. " * 3 if aligned and run.cell.language == "en" else ""
    inward = "touch. " * 2 if aligned and run.cell.language == "ja" else ""
    return [talk(spread + outward), think(inward + "thoughts" * (1 + run.replicate % 2))]


def judged(folder: Path, planned: Experiment, **options: Any) -> dict[str, Judgement]:
    write_folder(folder, planned, backfire, **options)
    analysis = analyze(folder, PUBLISHED, {})
    return {judgement.claim.id: judgement for judgement in analysis.judgements}


def study(**changes: Any) -> Experiment:
    languages = {"en": language(), "ja": language("ja", "JPN")}
    return experiment(languages, **{"models": [LLAMA], "replicates": 6, **changes})


def test_a_planted_backfire_gets_verdicts_from_the_claims_own_model(tmp_path: Path) -> None:
    found = judged(tmp_path, study())

    assert found["s1_en_cpi"].verdict is Verdict.REPLICATED
    assert found["s1_en_cpi"].model == LLAMA
    assert found["s1_ja_cpi"].verdict is Verdict.REPLICATED
    assert found["s1_ja_cpi"].ours is not None
    assert found["s1_ja_cpi"].ours.estimate is not None
    assert found["s1_ja_cpi"].ours.estimate > 0
    assert found["s1_ja_harmony_share"].verdict is Verdict.NOT_TESTABLE
    assert "needs the paper's text" in found["s1_ja_harmony_share"].reason
    assert found["s2_di_slope"].reason == "Asked by study2; this folder holds study1."


def test_another_model_gets_no_verdict_and_its_number_is_shown(tmp_path: Path) -> None:
    found = judged(tmp_path, study(models=[TINY]))

    for judgement in found.values():
        assert judgement.verdict is Verdict.NOT_TESTABLE
        assert f"these runs are of {TINY}" in judgement.reason
    assert found["s1_en_cpi"].ours is not None


def test_a_profile_gets_no_verdict(tmp_path: Path) -> None:
    found = judged(tmp_path, study(profile="smoke"))

    assert {judgement.verdict for judgement in found.values()} == {Verdict.NOT_TESTABLE}
    assert found["s1_en_cpi"].reason == "The profile 'smoke' changes the protocol."


def test_one_missing_run_of_the_language_withholds_the_verdict(tmp_path: Path) -> None:
    found = judged(tmp_path, study(), incomplete={"study1/ja-a0-r1"})

    assert found["s1_en_cpi"].verdict is Verdict.REPLICATED
    assert found["s1_ja_cpi"].verdict is Verdict.NOT_TESTABLE
    assert found["s1_ja_cpi"].reason == "11 of 12 planned runs are complete."


def test_a_language_that_was_not_run_withholds_the_verdict(tmp_path: Path) -> None:
    planned = experiment(missing=("ja",), models=[LLAMA], replicates=6)
    found = judged(tmp_path, planned)

    assert found["s1_en_cpi"].verdict is Verdict.REPLICATED
    assert found["s1_ja_cpi"].reason == "No runs in ja."


def test_claims_about_sixteen_languages_need_sixteen(tmp_path: Path) -> None:
    found = judged(tmp_path, study(id="study2"))

    for name in ("s2_di_slope", "s2_di_languages", "s2_pdi_correlation"):
        assert found[name].verdict is Verdict.NOT_TESTABLE
        assert found[name].reason == "The claim is about 16 languages; this study has 2."
    assert found["s2_it_cpi"].reason == "No runs in it."


def test_all_sixteen_languages_give_the_count_and_the_pooled_slope(tmp_path: Path) -> None:
    codes = ["en", "ja", *(f"x{letter}" for letter in "abcdefghijklmn")]
    languages = {code: language(code) for code in codes}
    found = judged(tmp_path, experiment(languages, id="study2", models=[LLAMA], replicates=3))
    count = found["s2_di_languages"]

    # Only English groups answer alignment with protective words here.
    assert count.ours is not None
    assert (count.ours.estimate, count.ours.n) == (1, 16)
    assert count.verdict is Verdict.NOT_REPLICATED
    assert count.reason == "1 of 16, published 15."
    assert found["s2_di_slope"].verdict is Verdict.INCONCLUSIVE
    assert found["s2_cpi_interaction"].verdict is Verdict.NOT_TESTABLE


def test_individuated_agents_are_held_against_the_others(tmp_path: Path) -> None:
    def speak(run: Run, agent: str, turn: int) -> list[Said]:
        marked = int(agent[1:]) <= run.cell.individuated
        return [
            talk("safety. " * (turn + run.replicate % 2)),
            think(("touch. " * 2 + "thoughts ") * (3 if marked else 1)),
        ]

    planned = study(id="study3", individuated=[0, 5, 10])
    write_folder(tmp_path, planned, speak)
    analysis = analyze(tmp_path, PUBLISHED, {})
    found = {judgement.claim.id: judgement for judgement in analysis.judgements}

    assert found["s3_agents_cpi"].verdict is Verdict.REPLICATED
    assert found["s3_agents_cpi"].ours is not None
    # Two languages, two levels of alignment, six replicates with five individuated agents.
    assert found["s3_agents_cpi"].ours.n == 24
    assert found["s3_di_individuated"].verdict is Verdict.NOT_TESTABLE
