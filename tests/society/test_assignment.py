from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.society.assignment import assign, slot_order, speaker_order
from kit.spec.language import Channel

AGENTS = [f"p{number:02}" for number in range(1, 11)]


@given(st.integers(0, 2**63 - 1), st.integers(1, 500))
def test_levels_are_nested(seed: int, replicate: int) -> None:
    carriers = [
        assign(seed, replicate, AGENTS, aligned=level, individuated=level) for level in range(11)
    ]
    for level, (fewer, more) in enumerate(pairwise(carriers)):
        assert len(fewer.aligned) == len(fewer.individuated) == level
        assert fewer.aligned < more.aligned
        assert fewer.individuated < more.individuated


@given(st.permutations(AGENTS))
def test_the_draw_does_not_depend_on_the_order_of_a_language_file(shuffled: list[str]) -> None:
    expected = assign(1, 1, AGENTS, aligned=4, individuated=3)
    assert assign(1, 1, shuffled, aligned=4, individuated=3) == expected


def test_the_two_draws_are_independent_of_each_other() -> None:
    made = [assign(1, replicate, AGENTS, aligned=5, individuated=5) for replicate in range(400)]
    overlap = np.mean([len(both.aligned & both.individuated) for both in made])
    assert overlap == pytest.approx(2.5, abs=0.2)  # hypergeometric mean 5 * 5 / 10


def test_every_agent_is_drawn_equally_often() -> None:
    """Chi-square, 9 degrees of freedom, 99.9 % quantile 27.9."""
    counts = dict.fromkeys(AGENTS, 0)
    for replicate in range(2000):
        for agent in assign(7, replicate, AGENTS, aligned=3, individuated=0).aligned:
            counts[agent] += 1
    assert sum((count - 600) ** 2 / 600 for count in counts.values()) < 27.9


def test_orders_are_permutations_that_change_by_turn() -> None:
    orders = [tuple(speaker_order(1, 1, turn, AGENTS)) for turn in range(1, 16)]
    assert all(sorted(order) == AGENTS for order in orders)
    assert len(set(orders)) == 15
    slots = {tuple(slot_order(1, 1, turn, agent)) for turn in range(1, 9) for agent in AGENTS}
    assert all(set(order) == set(Channel) for order in slots)
    assert len(slots) == 6
