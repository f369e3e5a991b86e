"""The choices that the paper leaves open, each with its options, the primary one first.

The paper's abstract fixes none of them. Definitions stand beside the options, so that tables,
report and documentation say the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from kit.analysis.indices import Reference
from kit.analysis.measures import MONOLOGUE, Unit
from kit.spec.language import Channel

EXCLUSION_BOUND = 0.1
"""Share of lines above which an exclusion leaves a run out; the bound is ours."""


class Share(StrEnum):
    """What the monologue share is counted in."""

    CHARACTERS = "characters"
    LINES = "lines"
    TURNS = "turns"

    @property
    def column(self) -> str:
        """The measure of a run."""
        return MONOLOGUE if self is Share.CHARACTERS else f"{MONOLOGUE}_{self.value}"


class Sexual(StrEnum):
    """Whether the indices hold the sexual term."""

    IN = "in"
    OUT = "out"


class Scanned(StrEnum):
    """In which channels hits count."""

    ALL = "all"
    SPOKEN = "spoken"
    TALK = "talk"

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels."""
        match self:
            case Scanned.ALL:
                return tuple(Channel)
            case Scanned.SPOKEN:
                return Channel.TALK, Channel.WHISPER
            case Scanned.TALK:
                return (Channel.TALK,)


class Echo(StrEnum):
    """Whether hits count whose words the agent had just read."""

    COUNTED = "counted"
    EXCLUDED = "excluded"


class Lists(StrEnum):
    """Which word lists are searched for."""

    OWN = "own"
    BOTH = "own_and_english"


class Exclusion(StrEnum):
    """Which runs are left out, of groups and of z references alike."""

    NONE = "none"
    OFF_LANGUAGE = "off_language"
    TRUNCATED = "truncated"


class Option(NamedTuple):
    """One way to decide a choice."""

    value: StrEnum
    title: str
    definition: str


class Choice(NamedTuple):
    """One decision that the paper leaves open."""

    name: str
    """Column name in the tables, and field of `Specification`."""
    title: str
    options: tuple[Option, ...]
    """The primary one first."""


CHOICES = (
    Choice(
        "reference",
        "z reference",
        (
            Option(
                Reference.WITHIN_LANGUAGE,
                "within language",
                "z over all runs of the same model and language.",
            ),
            Option(Reference.POOLED, "pooled", "z over all runs of the same model."),
            Option(
                Reference.CONTROL_CELL,
                "control cell",
                "z over the runs of the same model, language and variant in which no agent is "
                "aligned or individuated.",
            ),
        ),
    ),
    Choice(
        "share",
        "unit of the monologue share",
        (
            Option(
                Share.CHARACTERS,
                "characters",
                "Characters of monologue / characters of all channels.",
            ),
            Option(Share.LINES, "lines", "Lines of monologue / lines of all channels."),
            Option(Share.TURNS, "turns", "Turns that use the monologue / turns."),
        ),
    ),
    Choice(
        "unit",
        "unit of hits",
        (
            Option(Unit.HITS, "hits per run", "Hits of a run, as the companion study counts."),
            Option(
                Unit.CHARACTERS,
                "hits per 1,000 characters",
                "1,000 hits / characters of the channels whose hits count.",
            ),
            Option(
                Unit.WORDS,
                "hits per 1,000 words",
                "1,000 hits / words of the channels whose hits count.",
            ),
            Option(
                Unit.LINES,
                "share of lines",
                "Lines with a hit / lines of the channels whose hits count.",
            ),
        ),
    ),
    Choice(
        "sexual",
        "sexual term",
        (
            Option(
                Sexual.IN,
                "in",
                "CPI = z(mono) + z(sexual) - z(protective), DI = z(mono) + z(protective) - "
                "z(sexual).",
            ),
            Option(
                Sexual.OUT,
                "out",
                "CPI = z(mono) - z(protective), DI = z(mono) + z(protective).",
            ),
        ),
    ),
    Choice(
        "channels",
        "channels whose hits count",
        (
            Option(Scanned.ALL, "all", "Talk, whisper and monologue."),
            Option(Scanned.SPOKEN, "spoken", "Talk and whisper: what somebody hears."),
            Option(Scanned.TALK, "talk", "Talk: what everybody hears."),
        ),
    ),
    Choice(
        "echo",
        "echo",
        (
            Option(Echo.COUNTED, "counted", "Every hit."),
            Option(Echo.EXCLUDED, "excluded", "Hits whose words the agent had not just read."),
        ),
    ),
    Choice(
        "lexicons",
        "word lists",
        (
            Option(Lists.OWN, "own language", "The lists of the run's language."),
            Option(
                Lists.BOTH,
                "own and English",
                "Those, and the English lists in lines that went to English.",
            ),
        ),
    ),
    Choice(
        "exclusion",
        "runs left out",
        (
            Option(Exclusion.NONE, "none", "Every complete run."),
            Option(
                Exclusion.OFF_LANGUAGE,
                "off-language runs",
                f"Not those with more than {EXCLUSION_BOUND:.0%} of lines in another language.",
            ),
            Option(
                Exclusion.TRUNCATED,
                "truncated runs",
                f"Not those with more than {EXCLUSION_BOUND:.0%} of lines cut.",
            ),
        ),
    ),
)
"""Every choice that each contrast has."""
