"""Lines of a transcript: who says them, where they stand, and whom they may name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.spec.excerpt import NAME, Line, Says, in_order


def line(**changes: Any) -> Line:
    return Line.model_validate({"says": "talk", "who": 1, "text": "Hm."} | changes)


def refused(message: str, **changes: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        line(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"says": "announcement", "who": None},
        {"says": "talk"},
        {"says": "whisper", "to": 10},
        {"says": "monologue"},
    ],
)
def test_every_kind_of_line_can_be_written(parts: dict[str, Any]) -> None:
    assert line(**parts).says is Says(parts["says"])


@pytest.mark.parametrize("says", ["talk", "whisper", "monologue"])
def test_a_resident_s_line_needs_its_speaker(says: str) -> None:
    refused(f"a line of kind '{says}' needs 'who'", says=says, who=None, to=2)


def test_the_facility_is_nobody() -> None:
    refused("a line of kind 'announcement' needs no 'who'", says="announcement")


def test_a_whisper_needs_whom_it_is_for() -> None:
    refused("'to' belongs to a whisper, and a whisper needs it", says="whisper")


@pytest.mark.parametrize("parts", [{"says": "monologue"}, {"says": "announcement", "who": None}])
def test_only_a_whisper_is_for_somebody(parts: dict[str, Any]) -> None:
    refused("'to' belongs to a whisper, and a whisper needs it", to=2, **parts)


@pytest.mark.parametrize("number", [0, 11, 100])
def test_a_line_names_no_resident_who_does_not_exist(number: int) -> None:
    refused(f"there is no resident {{r{number}}}", text=f"{{r1}}, ask {{r{number}}}.")


def test_all_ten_residents_can_be_named() -> None:
    names = " ".join(f"{{r{number}}}" for number in range(1, 11))
    assert line(text=names).text == names


@pytest.mark.parametrize("number", [0, 11, "1"])
@pytest.mark.parametrize("place", ["who", "to"])
def test_who_speaks_and_listens_is_one_of_ten_residents(place: str, number: object) -> None:
    refused(f"\n{place}\n", says="whisper", **({"who": 1, "to": 2} | {place: number}))


@given(st.text(min_size=1).filter(str.strip))
def test_any_words_are_a_line_unless_they_name_nobody(text: str) -> None:
    assume(NAME.search(text) is None)
    assert line(text=text).text.strip() == text.strip()


@pytest.mark.parametrize("text", ["{r}", "{r-1}", "{r 11}", "{R11}", "{name}", "{r٣}", "r11", "{"])
def test_braces_alone_name_nobody(text: str) -> None:
    assert line(text=text).text == text


@pytest.mark.parametrize("turn", [0, 16])
def test_a_line_belongs_to_one_of_fifteen_sessions(turn: int) -> None:
    refused("turn", turn=turn)


def test_a_line_says_something() -> None:
    refused("at least 1 character", text="  ")


def test_sessions_may_stay_and_leap_but_not_go_back() -> None:
    onwards = tuple(line(turn=turn) for turn in (1, 1, 4))
    assert in_order(onwards) == onwards
    with pytest.raises(ValueError, match=r"^the sessions of the lines go back$"):
        in_order((*onwards, line(turn=3)))
