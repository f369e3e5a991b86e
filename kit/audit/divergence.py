"""Where two accounts of one run part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kit.runlog.records import Header, Turn


class Divergence(NamedTuple):
    """The first difference between a recorded run and its repetition."""

    what: str
    """In words: what differs, and the two values."""
    turn: int | None = None
    agent: str | None = None
    token: int | None = None
    """Index of the first differing token."""


def between_headers(recorded: Header, repeated: Header) -> Divergence | None:
    """The first header field that differs."""
    for name in Header.model_fields:
        old, new = getattr(recorded, name), getattr(repeated, name)
        if old != new:
            return Divergence(f"header field '{name}': recorded {old!r}, now {new!r}")
    return None


def between_turns(recorded: Sequence[Turn], repeated: Sequence[Turn]) -> Divergence | None:
    """The first turn that differs, in the order the log holds them."""
    for old, new in zip(recorded, repeated, strict=False):
        if old != new:
            return _within(old, new)
    if len(recorded) != len(repeated):
        return Divergence(f"recorded {len(recorded)} turns, now {len(repeated)}")
    return None


def _within(old: Turn, new: Turn) -> Divergence:
    if (old.turn, old.agent) != (new.turn, new.agent):
        what = f"recorded turn {old.turn} of {old.agent}, now turn {new.turn} of {new.agent}"
        return Divergence(what, old.turn, old.agent)
    for name, before, after in (
        ("prompt", old.prompt, new.prompt),
        ("answer", old.tokens, new.tokens),
    ):
        if before != after:
            index = _first(before, after)
            shown = [
                str(tokens[index]) if index < len(tokens) else "nothing"
                for tokens in (before, after)
            ]
            what = f"{name} token {index}: recorded {shown[0]}, now {shown[1]}"
            return Divergence(what, token=index, turn=old.turn, agent=old.agent)
    if old.digest != new.digest:
        return Divergence("the same tokens from other logits", old.turn, old.agent)
    for name in Turn.model_fields:
        if getattr(old, name) != getattr(new, name):
            return Divergence(f"field '{name}' differs", old.turn, old.agent)
    raise AssertionError("equal turns were called different")


def _first(before: Sequence[int], after: Sequence[int]) -> int:
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return index
    return min(len(before), len(after))
