"""The published claims: the numbers of the abstract, and files that must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import SpecError
from kit.spec.evidence import Evidence
from kit.spec.published import Claim, Published, Quantity, Rule, load_published
from kit.stats.correlation import r_from_summary
from kit.stats.effects import g_from_summary

FILE = Path(__file__).parents[2] / "studies" / "published.yaml"

CLAIM = """
  - id: one
    study: study1
    statement: Something rises.
    outcome: cpi
    quantity: slope
    model_family: llama-3.3-70b
    source: [ABS]
    confidence: high
    rule: none
    why: A test.
"""
HEAD = """kit_schema: 1
paper: A paper.
sources: {ABS: the abstract}
samples: {study1: {runs: 1, source: [ABS]}}
claims:"""


@pytest.fixture(scope="module")
def published() -> Published:
    return load_published(FILE)


def claim(published: Published, name: str) -> Claim:
    return next(claim for claim in published.claims if claim.id == name)


def test_the_samples_add_up_to_the_published_total(published: Published) -> None:
    assert sum(sample.runs for sample in published.samples.values()) == 1584


@pytest.mark.parametrize(
    ("name", "estimate", "p"),
    [
        ("s1_en_cpi", -1.844, 0.0001),
        ("s1_ja_cpi", 0.771, 0.038),
        ("s1_ja_harmony_share", 0.892, None),
        ("s1_ja_conformity_full", 180.6, None),
        ("s1_ja_conformity_none", 27.1, None),
        ("s2_di_languages", 15, None),
        ("s2_di_slope", 0.0667, 0.0001),
        ("s2_cpi_languages", 8, None),
        ("s2_cpi_interaction", 0.0684, 0.0003),
        ("s2_pdi_correlation", 0.474, 0.064),
        ("s3_di_individuated", 1.120, None),
        ("s3_conformity", 0.84, None),
    ],
)
def test_numbers_are_those_of_the_abstract_and_its_readers(
    published: Published, name: str, estimate: float, p: float | None
) -> None:
    found = claim(published, name)

    assert found.estimate == estimate
    assert (found.p.value if found.p else None) == p


@pytest.mark.parametrize("name", ["s1_en_cpi", "s1_ja_cpi"])
def test_inferred_intervals_follow_from_fifteen_runs_per_cell(
    published: Published, name: str
) -> None:
    found = claim(published, name)
    assert found.estimate is not None
    assert found.interval is not None
    result = g_from_summary(found.estimate, 15, 15)

    assert found.interval.evidence is Evidence.INFERRED
    # The fact sheet approximated the noncentral interval by a normal one.
    assert result.conf_low == pytest.approx(found.interval.low, abs=0.05)
    assert result.conf_high == pytest.approx(found.interval.high, abs=0.05)


def test_runs_per_cell_are_inferred_wherever_they_are_given(published: Published) -> None:
    sizes = {
        found.study: found.per_cell
        for found in published.claims
        if found.quantity is Quantity.HEDGES_G
    }

    assert {study: size.value for study, size in sizes.items() if size} == {
        "study1": 15,
        "study4": 10,
    }
    for found in published.claims:
        assert (found.per_cell is not None) == (found.quantity is Quantity.HEDGES_G)
        assert found.per_cell is None or found.per_cell.evidence is Evidence.INFERRED
    # Two languages, five levels; two new models, two languages, two levels.
    assert published.samples["study1"].runs == 2 * 5 * 15
    assert published.samples["study4"].runs == 2 * 2 * 2 * 10


def test_one_rule_decides_each_claim(published: Published) -> None:
    rules = {found.id: found.rule for found in published.claims}

    assert rules["s1_en_cpi"] is rules["s1_ja_cpi"] is Rule.SIGN_AND_OVERLAP
    assert rules["s2_pdi_correlation"] is Rule.EQUIVALENCE
    assert rules["s2_cpi_interaction"] is Rule.NONE


def test_the_published_correlation_is_one_of_sixteen_languages(published: Published) -> None:
    found = claim(published, "s2_pdi_correlation")
    assert found.estimate is not None
    assert found.interval is not None
    assert found.of is not None
    result = r_from_summary(found.estimate, found.of)

    assert result.statistic == pytest.approx(2.014, abs=5e-4)
    assert result.p_value == pytest.approx(0.0636, abs=5e-5)
    assert result.conf_low == pytest.approx(found.interval.low, abs=0.005)
    assert result.conf_high == pytest.approx(found.interval.high, abs=0.005)


def test_what_needs_the_papers_text_has_no_rule(published: Published) -> None:
    for name in ("s2_cpi_interaction", "s3_di_individuated", "s1_ja_harmony_share"):
        assert claim(published, name).rule is Rule.NONE
    assert claim(published, "s2_cpi_interaction").quantity is Quantity.INTERACTION


def test_what_the_kit_chose_stands_in_the_claims_own_words(published: Published) -> None:
    assert "Ten of the sixteen languages are this kit's choice" in (
        claim(published, "s2_pdi_correlation").why
    )
    assert claim(published, "s2_cpi_interaction").why.startswith("Term unknown: ")


def test_every_claim_names_its_model_family(published: Published) -> None:
    families = {found.model_family for found in published.claims}

    assert families == {"llama-3.3-70b", "qwen3-next-80b-a3b", "gpt-4o-mini"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CLAIM.replace("rule: none", "rule: sign"), r"rule 'sign' needs \['sign'\]"),
        (CLAIM.replace("rule: none", "rule: count"), r"needs \['estimate', 'of', 'margin'\]"),
        (CLAIM.replace("rule: none", "rule: no_rise"), r"needs \['margin'\]"),
        (
            CLAIM.replace("rule: none", "rule: prediction_interval"),
            r"rule 'prediction_interval' needs \['estimate', 'per_cell'\]",
        ),
        (
            CLAIM.replace("rule: none", "rule: prediction_interval").replace(
                "quantity: slope", "quantity: correlation"
            ),
            r"rule 'prediction_interval' needs \['estimate', 'of'\]",
        ),
        (
            CLAIM.replace("rule: none", "rule: small_telescopes"),
            r"rule 'small_telescopes' needs \['sign', 'per_cell'\]",
        ),
        (
            CLAIM.replace("rule: none", "rule: small_telescopes")
            + "    sign: positive\n    per_cell: 15\n",
            "rule 'small_telescopes' is for hedges_g, not slope",
        ),
        (
            CLAIM.replace("rule: none", "rule: count")
            + "    estimate: 3\n    of: 4\n    margin: 1\n",
            "rule 'count' is for rising_languages, not slope",
        ),
        (CLAIM + "    per_cell: {value: 1, evidence: ours}\n", "per_cell.value: .*than or equal"),
        (CLAIM + "    per_cell: 1.5\n", "per_cell: .*integer"),
        (CLAIM.replace("[ABS]", "[ABC]"), r"unknown sources \['ABC'\]"),
        (CLAIM + CLAIM, "'one' stands twice"),
        (CLAIM.replace("statement:", "statment:"), "did you mean 'statement'"),
        (
            CLAIM + "    interval: {low: 2, high: 1, evidence: inferred}\n",
            r"the interval \[2.0, 1.0\] is empty",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "published.yaml"
    path.write_text(HEAD + text, encoding="utf-8")

    with pytest.raises(SpecError, match=message):
        load_published(path)
