"""How far a judge agrees with people, and what is said of it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from kit.judge.calibration import Rated, Usability, consensus, reliability
from kit.judge.records import JudgementOutcome
from kit.spec.judge import Scale, ScaleKind
from kit.stats.agreement import ConfusionMatrix, cohens_kappa

GOLDEN = Path(__file__).parents[1] / "golden" / "judge"
FIVE = Scale(id="level", kind=ScaleKind.ORDINAL, values=("0", "1", "2", "3", "4"))
NAMES = Scale(id="kind", kind=ScaleKind.NOMINAL, values=("b", "a", "c"))


def rated(number: int, judge: str | None, people: Mapping[str, str], language: str = "en") -> Rated:
    return Rated(
        f"e{number}",
        language,
        f"run {number}",
        judge,
        None if judge is None else float(judge),
        JudgementOutcome.REFUSED if judge is None else JudgementOutcome.SCORED,
        people,
    )


def planted(noise: float, number: int = 300) -> list[Rated]:
    """A judge that says what a person says, but for this share of excerpts any value at all."""
    rng = np.random.default_rng(20260304)
    found = []
    for each in range(number):
        truth = int(rng.integers(0, 5))
        said = int(rng.integers(0, 5)) if rng.random() < noise else truth
        found.append(rated(each, str(said), {"ann": str(truth)}))
    return found


def test_judges_with_a_planted_kappa_of_nine_and_of_three_tenths_get_opposite_sentences() -> None:
    [good] = reliability(planted(0.1), FIVE, 1)
    [poor] = reliability(planted(0.7), FIVE, 1)
    assert good.kappa.estimate == pytest.approx(0.9, abs=0.05)
    assert poor.kappa.estimate == pytest.approx(0.3, abs=0.08)
    assert (good.usability, poor.usability) == (Usability.USABLE, Usability.NOT_USABLE)
    assert good.sentence.startswith("'level' can be used")
    assert poor.sentence.startswith("'level' cannot be used")


def test_a_judge_that_says_the_same_of_everything_is_not_usable() -> None:
    same = [each._replace(judge="2", score=2.0) for each in planted(0)]
    [found] = reliability(same, FIVE, 1)
    assert found.kappa.estimate == 0
    assert found.usability is Usability.NOT_USABLE


def test_full_agreement_is_usable_only_with_excerpts_enough() -> None:
    [many] = reliability(planted(0, number=60), FIVE, 1)
    [few] = reliability(planted(0, number=12), FIVE, 1)
    assert (many.usability, few.usability) == (Usability.USABLE, Usability.UNDECIDED)


def test_few_labels_leave_it_undecided() -> None:
    [found] = reliability(planted(0.3, number=25), FIVE, 1)
    assert found.usability is Usability.UNDECIDED
    assert "More labels would tell" in found.sentence


def test_the_sentence_follows_the_lower_bound_not_the_estimate() -> None:
    [found] = reliability(planted(0.3, number=40), FIVE, 1)
    assert found.kappa.estimate is not None
    assert found.kappa.conf_low is not None
    assert found.kappa.estimate > 0.6 > found.kappa.conf_low
    assert found.usability is not Usability.USABLE


def test_a_judge_that_leaves_much_unscored_is_not_used_however_it_agrees() -> None:
    silent = [rated(1000 + each, None, {"ann": "1"}) for each in range(60)]
    [found] = reliability([*planted(0.05), *silent], FIVE, 1)
    assert found.scored == 300
    assert found.excerpts == 360
    assert found.outcomes[JudgementOutcome.REFUSED] == 60
    assert found.usability is Usability.NOT_USABLE


def test_kappa_and_icc_are_those_of_r_s_psych_on_recorded_judgements() -> None:
    with (GOLDEN / "judgements.csv").open() as file:
        table = [
            rated(int(row["excerpt"]), row["judge"], {"r": row["people"]})
            for row in csv.DictReader(file)
        ]
    with (GOLDEN / "reliability.csv").open() as file:
        wanted = {row["statistic"]: float(row["estimate"]) for row in csv.DictReader(file)}
    [found] = reliability(table, FIVE, 1)
    assert found.kappa.estimate == pytest.approx(wanted["weighted_kappa"], abs=1e-8)
    assert found.icc.estimate == pytest.approx(wanted["icc2"], abs=1e-8)
    counts = {(each.judge, each.people): each.excerpts for each in found.confusion}
    rows = tuple(tuple(counts[one, other] for other in FIVE.values) for one in FIVE.values)
    plain = cohens_kappa(ConfusionMatrix(FIVE.values, rows)).estimate
    assert plain == pytest.approx(wanted["kappa"], abs=1e-8)


def test_languages_are_shown_apart() -> None:
    mixed = planted(0.1)
    mixed = [
        each._replace(language="ja" if place % 2 else "en") for place, each in enumerate(mixed)
    ]
    found = reliability(mixed, FIVE, 1)
    assert [each.language for each in found] == [None, "en", "ja"]
    assert [each.excerpts for each in found] == [300, 150, 150]


def test_runs_are_resampled_whole() -> None:
    one = planted(0.4)
    copies = [each._replace(excerpt=f"{each.excerpt}{copy}") for each in one for copy in range(4)]
    [alone] = reliability(one, FIVE, 1)
    [copied] = reliability(copies, FIVE, 1)
    widths = [(each.kappa.conf_high or 0) - (each.kappa.conf_low or 0) for each in (alone, copied)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_people_are_taken_together_by_median_or_by_the_most_frequent_name() -> None:
    assert consensus({"a": "0", "b": "3", "c": "4"}, FIVE) == "3"
    assert consensus({"a": "1", "b": "2"}, FIVE) == "1"
    assert consensus({"a": "c", "b": "a", "c": "c"}, NAMES) == "c"
    assert consensus({"a": "a", "b": "b"}, NAMES) == "b"  # which stands first in the scale


def test_thresholds_are_detections_of_each_level_or_more() -> None:
    table = [rated(1, "2", {"r": "3"}), rated(2, "2", {"r": "0"}), rated(3, "0", {"r": "0"})]
    [found] = reliability(table, FIVE, 1)
    by_name = {each.what: each for each in found.detections}
    assert list(by_name) == ["1 or more", "2 or more", "3 or more", "4 or more"]
    assert by_name["2 or more"].precision.estimate == 0.5
    assert by_name["2 or more"].recall.estimate == 1
    assert by_name["4 or more"].precision.estimate is None


def test_names_are_detected_one_by_one() -> None:
    table = [
        Rated("1", "en", "1", "a", None, JudgementOutcome.SCORED, {"r": "a"}),
        Rated("2", "en", "2", "a", None, JudgementOutcome.SCORED, {"r": "c"}),
        Rated("3", "en", "3", "c", None, JudgementOutcome.SCORED, {"r": "c"}),
    ]
    [found] = reliability(table, NAMES, 1)
    by_name = {each.what: each for each in found.detections}
    assert by_name["a"].precision.estimate == 0.5
    assert by_name["c"].recall.estimate == 0.5
    assert found.icc.estimate is None
