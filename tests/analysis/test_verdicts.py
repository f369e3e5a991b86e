"""Verdicts: the number that each claim is held against, and everything that forbids one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.analysis.checks import Holds
from kit.analysis.replication import Verdict
from kit.analysis.results import analyze
from kit.analysis.verdicts import Judgement, is_of_family
from kit.runner.resolve import resolve
from kit.spec.evidence import Evidence
from kit.spec.experiment import Experiment, Run
from kit.spec.published import Rule, load_published
from kit.stats.replication import Sizes, g_prediction
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


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgement]:
    """Verdicts over sixteen languages, of which three are ours."""
    codes = ["en", "ja", *(f"x{letter}" for letter in "abcdefghijklmn")]
    languages = {
        code: language(code, evidence="ours" if code in codes[-3:] else "reported")
        for code in codes
    }
    planned = experiment(languages, id="study2", models=[LLAMA], replicates=3)
    return judged(tmp_path_factory.mktemp("sixteen"), planned)


def test_all_sixteen_languages_give_the_count_and_the_pooled_slope(
    sixteen: dict[str, Judgement],
) -> None:
    found = sixteen
    count = found["s2_di_languages"]

    # Only English groups answer alignment with protective words here.
    assert count.ours is not None
    assert (count.ours.estimate, count.ours.n) == (1, 16)
    assert count.verdict is Verdict.NOT_REPLICATED
    assert count.reason.startswith("1 of 16, published 15 (margin 1).")
    assert found["s2_di_slope"].verdict is Verdict.INCONCLUSIVE
    assert "crosses 0. The estimate" in found["s2_di_slope"].reason
    unknown = found["s2_cpi_interaction"]
    assert unknown.verdict is Verdict.NOT_TESTABLE
    assert unknown.reason.startswith("Term unknown: ")
    assert unknown.ours is not None
    assert unknown.ours.method == "not testable: term unknown"


def test_a_claim_about_all_languages_says_how_many_are_ours(
    sixteen: dict[str, Judgement],
) -> None:
    """Counted in the language files, not written down anywhere."""
    words = " 3 of the 16 languages are ours: the paper's are not all known."
    for name in ("s2_pdi_correlation", "s2_di_languages", "s2_cpi_interaction"):
        assert sixteen[name].reason.endswith(words)
    assert "are ours" not in sixteen["s2_it_cpi"].reason
    assert "are ours" not in sixteen["s1_en_cpi"].reason


def test_ten_of_the_shipped_sixteen_languages_are_ours() -> None:
    resolved = resolve(Path(__file__).parents[2] / "studies" / "study2.yaml")
    spoken = [resolved.languages[code] for code in resolved.study.languages.value]

    assert len(spoken) == 16
    assert sum(one.evidence is Evidence.OURS for one in spoken) == 10


def test_every_claim_of_the_study_is_put_to_all_its_checks(tmp_path: Path) -> None:
    found = judged(tmp_path, study())
    english = {one.check: one for one in found["s1_en_cpi"].checks}

    assert set(english) == {
        Rule.SIGN,
        Rule.SIGN_AND_OVERLAP,
        Rule.EQUIVALENCE,
        Rule.PREDICTION_INTERVAL,
        Rule.SMALL_TELESCOPES,
    }
    assert english[Rule.SIGN_AND_OVERLAP].holds is Holds.YES
    # Six runs a cell were counted, fifteen were published.
    assert "15 runs per cell, inferred" in english[Rule.PREDICTION_INTERVAL].why
    assert english[Rule.PREDICTION_INTERVAL].bound_low == pytest.approx(
        g_prediction(-1.844, Sizes(15, 15), Sizes(6, 6)).conf_low
    )
    assert {one.holds for one in found["s1_ja_harmony_share"].checks} == {Holds.UNKNOWN}
    assert found["s2_di_slope"].checks == ()


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
