"""What a reader can hide, by form fields and rules of style: no script is needed.

Where a browser does not know ``:has()``, the fields are not shown and nothing is ever hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from markupsafe import Markup

from kit.measure.tally import Register
from kit.spec.language import Channel

_EVERYTHING = "all"
_HIDE = "{ display: none; }"


class Choice(NamedTuple):
    """One field of the filter."""

    id: str
    title: str


def by_agent(agents: Sequence[tuple[str, str]], marks: Sequence[str]) -> list[Choice]:
    """Everyone, the agents with and without each mark, and each agent.

    Args:
        agents: id and name.
        marks: conditions that some agents are under and others are not.
    """
    groups = [
        choice
        for mark in marks
        for choice in (Choice(mark, f"{mark} only"), Choice(f"not-{mark}", f"not {mark} only"))
    ]
    return [Choice(_EVERYTHING, "everyone"), *groups, *(Choice(*agent) for agent in agents)]


def by_hit() -> list[Choice]:
    """All lines, lines with counted words, and lines with words of each register."""
    return [
        Choice(_EVERYTHING, "all lines"),
        Choice("any", "any counted word"),
        *(Choice(register.value, register.value.replace("_", " ")) for register in Register),
    ]


def rules(agents: Sequence[Choice]) -> Markup:
    """The style sheet of the filter.

    Args:
        agents: as `by_agent` gives them.
    """
    lines = [*_agents(agents), *_channels(), *_answers()]
    return Markup("\n".join(lines))  # noqa: S704 - made of ids alone


def _agents(agents: Sequence[Choice]) -> Iterator[str]:
    for agent in agents:
        if agent.id != _EVERYTHING:
            yield f":root:has(#agent-{agent.id}:checked) article:not(.is-{agent.id}) {_HIDE}"


def _channels() -> Iterator[str]:
    for channel in Channel:
        yield f":root:has(#channel-{channel.value}:not(:checked)) .line.{channel.value} {_HIDE}"
    for hit in by_hit():
        if hit.id != _EVERYTHING:
            yield f":root:has(#hits-{hit.id}:checked) .line:not(.hit-{hit.id}) {_HIDE}"
    yield f":root:has(#judges:not(:checked)) .opinion {_HIDE}"


def _answers() -> Iterator[str]:
    """An answer of which no line is left goes too, with its heading."""
    for hit in by_hit():
        chosen = "" if hit.id == _EVERYTHING else f":has(#hits-{hit.id}:checked)"
        suffix = "" if hit.id == _EVERYTHING else f".hit-{hit.id}"
        for number in range(len(Channel) + 1):
            for hidden in combinations(Channel, number):
                if not chosen and not hidden:
                    continue
                off = "".join(f":has(#channel-{one.value}:not(:checked))" for one in hidden)
                left = ", ".join(
                    f".line.{one.value}{suffix}" for one in Channel if one not in hidden
                )
                having = f":not(:has({left}))" if left else ""
                yield f":root{chosen}{off} article{having} {_HIDE}"
