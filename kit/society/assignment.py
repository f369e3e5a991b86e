"""Who carries what, and who speaks when: keyed draws, one per replicate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kit.spec.language import Channel
from kit.spec.seeds import permutation


class Assignment(NamedTuple):
    """Which personas carry the intervention, and which are told to think independently."""

    aligned: frozenset[str]
    individuated: frozenset[str]


def assign(
    seed: int, replicate: int, personas: Sequence[str], *, aligned: int, individuated: int
) -> Assignment:
    """Draw the carriers of one replicate.

    The draw does not know the language or the level: replicate 3 at level 5 contains the carriers
    of replicate 3 at level 2, and they are the same characters in every language.
    """
    first = permutation(sorted(personas), seed, "aligned", replicate)
    second = permutation(sorted(personas), seed, "individuated", replicate)
    return Assignment(frozenset(first[:aligned]), frozenset(second[:individuated]))


def speaker_order(seed: int, replicate: int, turn: int, personas: Sequence[str]) -> list[str]:
    """The sequential order of one turn; equal across levels and languages."""
    return permutation(sorted(personas), seed, "speakers", replicate, turn)


def slot_order(seed: int, replicate: int, turn: int, persona: str) -> list[Channel]:
    """The order in which one agent is offered the channels in one turn."""
    return permutation(list(Channel), seed, "slots", replicate, turn, persona)
