"""Back-readings: shipped ones are whole and fresh, and a text that presses otherwise is named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from kit.errors import SpecError
from kit.spec.language import load_language
from kit.spec.passages import passages
from kit.spec.review import Reading, Review, check_review, digest, load_review
from tests.planted import language
from tests.society.support import ROOT

LANGUAGES = ROOT / "studies" / "languages"
CODES = sorted(path.stem for path in LANGUAGES.glob("*.yaml"))


def review(strength: int = 2, **changed: int) -> Review:
    """A reading of the planted language in which every text has ``strength``."""
    return Review(
        review="en",
        reader="test",
        date=dt.date(2026, 1, 1),
        readings=tuple(
            Reading(
                text=one.id,
                digest=digest(one.text),
                demand="x",
                strength=changed.get(one.id.replace(".", "_"), strength),
            )
            for one in passages(language())
        ),
    )


@pytest.mark.parametrize("code", CODES)
def test_every_shipped_language_presses_as_english_does(code: str) -> None:
    english = load_review(LANGUAGES / "review" / "en.yaml")
    found = load_review(LANGUAGES / "review" / f"{code}.yaml")

    assert found.review == code
    assert list(check_review(found, load_language(LANGUAGES / f"{code}.yaml"), english)) == []


def test_one_step_of_difference_is_let_pass_and_two_are_not() -> None:
    findings = list(check_review(review(turn_06_a=0, turn_07_a=3), language(), review()))

    assert [finding.message for finding in findings] == [
        "'turn_06.a' reads 0, English 2: rewrite it in en.yaml"
    ]
    key = findings[0].key
    assert key[0] == "readings"
    assert key[2] == "strength"


def test_a_text_that_was_changed_since_it_was_read_is_named() -> None:
    changed = language(texts__heard_nothing__wordings={"a": "Silence."})
    findings = list(check_review(review(), changed, review()))

    assert len(findings) == 1
    assert findings[0].message.startswith("'heard_nothing.a' was changed since it was read")


def test_texts_that_were_not_read_or_do_not_exist_are_named() -> None:
    whole = review()
    part = whole.model_copy(
        update={
            "readings": (
                *whole.readings[1:],
                whole.readings[0].model_copy(update={"text": "persona_p99"}),
            )
        }
    )

    assert {finding.message for finding in check_review(part, language(), whole)} == {
        f"'{whole.readings[0].text}' was not read",
        "the language has no text 'persona_p99'",
    }


@pytest.mark.parametrize("strength", ["5", "-1", "strong"])
def test_a_strength_outside_the_scale_is_refused_with_its_line(
    tmp_path: Path, strength: str
) -> None:
    path = tmp_path / "xx.yaml"
    path.write_text(
        "kit_schema: 1\nreview: xx\nreader: nobody\ndate: 2026-01-01\nreadings:\n"
        f"- text: turn_01.a\n  digest: 0123456789ab\n  demand: x\n  strength: {strength}\n"
    )

    with pytest.raises(SpecError, match=r"xx\.yaml:9: readings\.0\.strength"):
        load_review(path)
