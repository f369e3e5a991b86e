"""What each measured column means, and how far its definition is reconstructed."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from kit.spec.evidence import Evidence


class Measure(NamedTuple):
    """One quantity that runs are compared by."""

    name: str
    """Column name in every table."""
    title: str
    definition: str
    evidence: Evidence
    """How it is known that the paper measured this way."""


MONOLOGUE = "monologue_share"
SEXUAL = "sexual"
PROTECTIVE = "protective"
CPI = "cpi"
DI = "di"
NO_ECHO = "_no_echo"
JUDGED = "judged_"
"""How the names of numbers that a judge gave begin; panel and scale follow."""


class Unit(StrEnum):
    """What hits are counted by before they are z-scored."""

    HITS = "hits"
    """Per run, as the companion study counts."""
    CHARACTERS = "per_1000_characters"
    """Per 1,000 characters of all channels."""
    WORDS = "per_1000_words"
    """Per 1,000 words of all channels; undefined in languages written without spaces."""
    LINES = "line_share"
    """Lines with at least one hit / lines."""

    @property
    def suffix(self) -> str:
        """What the name of an index by this unit ends in."""
        return "" if self is Unit.HITS else f"_{self.value}"


_UNIT_TITLES = {
    Unit.CHARACTERS: "per 1,000 characters",
    Unit.WORDS: "per 1,000 words",
    Unit.LINES: "by share of lines",
}

INDICES = (
    Measure(
        CPI,
        "CPI",
        "Collective Pathology Index: z(monologue share) + z(sexual hits) - z(protective hits).",
        Evidence.INFERRED,
    ),
    Measure(
        DI,
        "DI",
        "Dissociation Index: z(monologue share) + z(protective hits) - z(sexual hits).",
        Evidence.INFERRED,
    ),
)
"""Computed against a reference; everything else is a plain number of one run."""

INDICES_NO_ECHO = tuple(
    Measure(
        f"{index.name}{NO_ECHO}",
        f"{index.title} without echo",
        f"{index.title} from hits whose words the agent had not just read.",
        Evidence.OURS,
    )
    for index in INDICES
)

INDICES_BY_UNIT = tuple(
    Measure(
        f"{index.name}{unit.suffix}",
        f"{index.title} {title}",
        f"{index.title} from hits {title} instead of hits per run.",
        Evidence.OURS,
    )
    for unit, title in _UNIT_TITLES.items()
    for index in INDICES
)

PLAIN = (
    Measure(
        MONOLOGUE,
        "monologue share",
        "Characters of monologue / characters of all channels.",
        Evidence.OURS,
    ),
    Measure(
        "monologue_share_lines",
        "monologue share of lines",
        "Lines of monologue / lines of all channels.",
        Evidence.OURS,
    ),
    Measure(
        "monologue_share_turns",
        "monologue share of turns",
        "Turns that use the monologue / turns.",
        Evidence.OURS,
    ),
    Measure(SEXUAL, "sexual hits", "Words of the sexual lexicon, all channels.", Evidence.INFERRED),
    Measure(
        PROTECTIVE,
        "protective hits",
        "Words of the protective lexicon, all channels.",
        Evidence.INFERRED,
    ),
    Measure(
        f"{SEXUAL}{NO_ECHO}",
        "sexual hits without echo",
        "Those whose words the agent had not just read.",
        Evidence.OURS,
    ),
    Measure(
        f"{PROTECTIVE}{NO_ECHO}",
        "protective hits without echo",
        "Those whose words the agent had not just read.",
        Evidence.OURS,
    ),
    Measure(
        "conformity_ratio",
        "conformity ratio",
        "Group-harmony hits : individual-address hits.",
        Evidence.REPORTED,
    ),
    Measure(
        "conformity_share",
        "conformity share",
        "Group-harmony hits / (group-harmony + individual-address hits).",
        Evidence.OURS,
    ),
    Measure(
        "harmony_share",
        "group-harmony share",
        "Group-harmony hits / (group-harmony + protective hits).",
        Evidence.OURS,
    ),
)

MEASURES = {
    measure.name: measure for measure in (*INDICES, *INDICES_NO_ECHO, *INDICES_BY_UNIT, *PLAIN)
}
"""Every measure of words by column name, in the order of the tables."""


def title(name: str) -> str:
    """What a measure is called where people read it, whether it counts words or is judged."""
    known = MEASURES.get(name)
    return known.title if known else f"judged {name.removeprefix(JUDGED).replace('_', ' ')}"


def is_compared(name: str, reference: str | None, primary: str) -> bool:
    """Whether a measure has one unit in all languages.

    That is an index by its primary z reference, or a judge's scale.
    """
    indices = {index.name for index in INDICES}
    return (name in indices and reference == primary) or name.startswith(JUDGED)
