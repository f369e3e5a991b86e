from __future__ import annotations

import pytest

from kit.audit.divergence import between_headers, between_turns
from kit.runlog.records import Outcome, Turn
from kit.society.identity import header
from tests.society.support import Listening, experiment, scene

TURN = Turn(
    turn=1,
    agent="p01",
    position=0,
    prompt=(1, 2, 3),
    tokens=(4, 5, 6),
    stop="end",
    text="x",
    utterances=(),
    outcome=Outcome.EMPTY,
    legal_mass=(0.5,),
    digest="0" * 64,
)


@pytest.mark.parametrize(
    ("change", "what", "token"),
    [
        ({"prompt": (1, 9, 3)}, "prompt token 1: recorded 2, now 9", 1),
        ({"tokens": (4, 5)}, "answer token 2: recorded 6, now nothing", 2),
        ({"digest": "1" * 64}, "the same tokens from other logits", None),
        ({"legal_mass": (0.25,)}, "field 'legal_mass' differs", None),
        ({"agent": "p02"}, "recorded turn 1 of p01, now turn 1 of p02", None),
    ],
)
def test_the_first_difference_is_named(
    change: dict[str, object], what: str, token: int | None
) -> None:
    found = between_turns([TURN, TURN], [TURN, TURN.model_copy(update=change)])
    assert found is not None
    assert (found.what, found.token) == (what, token)
    assert (found.turn, found.agent) == (1, "p01")


def test_equal_runs_do_not_differ_and_a_missing_turn_does() -> None:
    assert between_turns([TURN], [TURN]) is None
    found = between_turns([TURN, TURN], [TURN])
    assert found is not None
    assert found.what == "recorded 2 turns, now 1"


def test_a_header_names_its_field() -> None:
    run = scene("en-a0-r1")
    head = header(experiment(), run, Listening(run))
    assert between_headers(head, head) is None
    found = between_headers(head, head.model_copy(update={"bit_class": "b"}))
    assert found is not None
    assert "'bit_class'" in found.what
