"""Every design value is shown with its evidence."""

from __future__ import annotations

from kit.analysis.design import DesignValue, design, text_evidence
from kit.spec.evidence import Evidence
from tests.planted import experiment, language


def by_key(rows: list[DesignValue], part: str) -> dict[str, DesignValue]:
    return {row.key: row for row in rows if row.part == part}


def test_every_sourced_value_of_study_and_protocol_is_listed() -> None:
    rows = design(
        experiment(aligned={"value": [0, 10], "evidence": "inferred", "note": "from the p values"})
    )

    assert set(by_key(rows, "study")) == {
        "languages",
        "models",
        "aligned",
        "individuated",
        "replicates",
    }
    aligned = by_key(rows, "study")["aligned"]
    assert aligned == DesignValue(
        "study", "aligned", "0, 10", Evidence.INFERRED, "from the p values"
    )
    assert set(by_key(rows, "protocol")) == {
        "turns",
        "order",
        "channel_choice",
        "prefix",
        "prefix_language",
        "wording",
        "budget_scale",
        "sampling",
        "engine",
    }
    assert by_key(rows, "protocol")["order"].value == "simultaneous"
    assert "temperature 0.9" in by_key(rows, "protocol")["sampling"].value


def test_what_a_profile_changes_says_so() -> None:
    rows = by_key(design(experiment(profile="smoke")), "protocol")

    assert rows["turns"].value == "1"
    assert rows["turns"].note == "changed by the profile 'smoke'"
    assert rows["order"].note is None


def test_a_variant_lists_only_what_it_changes() -> None:
    rows = design(experiment(variants={"base": {}, "sequential": {"order": "sequential"}}))

    assert by_key(rows, "variant base") == {}
    assert {key: row.value for key, row in by_key(rows, "variant sequential").items()} == {
        "order": "sequential"
    }


def test_texts_are_counted_by_evidence() -> None:
    (row,) = text_evidence(experiment({"en": language()}, missing=("ja",)))

    # Ten personas, thirteen texts, fifteen announcements, five lexicons.
    assert row.texts == {Evidence.OURS: 43}
    assert row.known is Evidence.PUBLISHED
    assert row.native_review == "none"
