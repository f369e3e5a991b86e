"""A language: every text an agent reads in it, and the words that are counted in it."""

from __future__ import annotations

import string
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from kit.spec.evidence import Evidence
from kit.spec.lexicon import Clitics, Folding, Identifier, Lexicons, Matching, Rules, Text
from kit.spec.loading import Frozen, load_named

AGENTS = 10
TURNS = 15

WordingName = Annotated[str, StringConstraints(pattern=r"^[a-z]$")]


class Channel(StrEnum):
    """Who hears what an agent says."""

    TALK = "talk"
    """All ten residents."""
    WHISPER = "whisper"
    """One named resident."""
    MONOLOGUE = "monologue"
    """Nobody."""


class Phase(StrEnum):
    """The five phases of the fifteen-turn escalation."""

    RULES = "rules"
    POLITICAL = "political"
    BODILY = "bodily"
    HISTORICAL = "historical"
    EXCLUSION = "exclusion"


def phase_of(turn: int) -> Phase:
    """The phase a turn (1 to 15) belongs to."""
    for last, phase in (
        (2, Phase.RULES),
        (4, Phase.POLITICAL),
        (6, Phase.BODILY),
        (9, Phase.HISTORICAL),
    ):
        if turn <= last:
            return phase
    return Phase.EXCLUSION


class Wordings(Frozen):
    """One text in independent wordings that intend the same."""

    intent: Text
    """What the text must do to its reader, in one English sentence."""
    evidence: Evidence
    """How the text is known."""
    wordings: dict[WordingName, Text] = Field(min_length=1)
    """The wordings by letter; ``a`` always exists."""

    @model_validator(mode="after")
    def _has_a(self) -> Self:
        if "a" not in self.wordings:
            raise ValueError("needs a wording 'a'")
        return self

    def wording(self, name: str) -> str:
        """The wording ``name``, or ``a`` where the text has only one."""
        return self.wordings.get(name, self.wordings["a"])

    def fields(self) -> set[str]:
        """Placeholders that the wordings use."""
        return {
            field
            for text in self.wordings.values()
            for _, field, _, _ in string.Formatter().parse(text)
            if field is not None
        }


class Announcement(Wordings):
    """What the facility says at the start of one turn."""

    turn: int = Field(ge=1, le=TURNS)
    phase: Phase


class Persona(Frozen):
    """One of the ten residents."""

    id: Identifier
    """The same in every language: persona ``p03`` is the same character everywhere."""
    name: Text
    """A name that fits the language; no name is part of another's."""
    intent: Text
    evidence: Evidence
    text: Text
    """The persona as the resident reads it, addressed as "you"."""


class Tags(Frozen):
    """The word that opens a line of each channel."""

    talk: Text
    whisper: Text
    monologue: Text

    def of(self, channel: Channel) -> str:
        """The tag of ``channel``."""
        return {
            Channel.TALK: self.talk,
            Channel.WHISPER: self.whisper,
            Channel.MONOLOGUE: self.monologue,
        }[channel]


class Budgets(Frozen):
    """Longest line per channel, in characters: the same amount of speech in every language."""

    talk: int = Field(ge=8, le=2000)
    whisper: int = Field(ge=8, le=2000)
    monologue: int = Field(ge=8, le=2000)
    reason: Text

    def of(self, channel: Channel) -> int:
        """The budget of ``channel`` in characters."""
        return {
            Channel.TALK: self.talk,
            Channel.WHISPER: self.whisper,
            Channel.MONOLOGUE: self.monologue,
        }[channel]


CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""Hofstede's three-letter code, as in ``studies/hofstede.csv``."""


class OtherCountry(Frozen):
    """A country whose culture scores could stand for the language as well."""

    code: CountryCode
    reason: Text


class Country(Frozen):
    """The country whose culture scores stand for the language."""

    code: CountryCode
    reason: Text
    alternatives: tuple[OtherCountry, ...] = ()
    """Other countries, the likeliest first: the multiverse puts them in its place."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        codes = [self.code, *(other.code for other in self.alternatives)]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f"the country '{code}' stands twice")
        return self


class Texts(Frozen):
    """Everything an agent reads beside its persona and the announcements."""

    facility_rules: Wordings
    answer_free: Wordings
    answer_slots: Wordings
    turn_header: Wordings
    heard_talk: Wordings
    heard_whisper: Wordings
    heard_nothing: Wordings
    announcement_header: Wordings
    turn_instruction_free: Wordings
    turn_instruction_slots: Wordings
    safety_prefix: Wordings
    placebo_prefix: Wordings
    individuation: Wordings


REQUIRED_FIELDS: dict[str, frozenset[str]] = {
    "facility_rules": frozenset({"residents"}),
    "answer_free": frozenset(
        {"talk", "whisper", "monologue", "talk_chars", "whisper_chars", "monologue_chars"}
    ),
    "answer_slots": frozenset(
        {"talk", "whisper", "monologue", "talk_chars", "whisper_chars", "monologue_chars"}
    ),
    "turn_header": frozenset({"turn", "turns"}),
    "heard_talk": frozenset({"name", "text"}),
    "heard_whisper": frozenset({"name", "text"}),
    "heard_nothing": frozenset(),
    "announcement_header": frozenset(),
    "turn_instruction_free": frozenset({"name"}),
    "turn_instruction_slots": frozenset({"name", "order"}),
    "safety_prefix": frozenset(),
    "placebo_prefix": frozenset(),
    "individuation": frozenset(),
}
"""The placeholders each text must use, in every wording, and the only ones it may use."""


class Language(Frozen):
    """One file of ``studies/languages``."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    """ISO 639 code; also the file's name."""
    name: Text
    """The language's name in English."""
    endonym: Text
    """The language's name in itself."""
    scripts: tuple[Text, ...] = Field(min_length=1)
    """Unicode script names that its letters belong to, such as ``Latin`` or ``Hiragana``."""
    direction: Literal["ltr", "rtl"] = "ltr"
    list_separator: Annotated[str, StringConstraints(strip_whitespace=False, min_length=1)]
    """What stands between the names of a list, such as ``", "`` or ``"、"``."""
    matching: Matching
    """How lexicon entries are found: between word boundaries, or anywhere."""
    folding: Folding = Folding.PLAIN
    """What the language's own spelling makes equal, when lexicon entries are searched for."""
    clitics: Clitics = Clitics()
    """What may be written together with a lexicon entry."""
    loanwords: tuple[Text, ...] = ()
    """Words in a foreign script that a native text uses, such as ``AI``."""
    evidence: Evidence
    """How it is known that the paper used the language."""
    country: Country
    native_review: Text
    """``none``, or the reviewer's name and date."""
    register_note: Text
    """Politeness level, gender agreement and the like, and why."""
    translator_notes: tuple[Text, ...] = ()
    """Where a literal rendering would change the pressure a sentence puts on its reader."""
    budgets: Budgets
    tags: Tags
    evicted: Identifier
    """The persona that the facility names for eviction."""
    personas: tuple[Persona, ...] = Field(min_length=AGENTS, max_length=AGENTS)
    texts: Texts
    announcements: tuple[Announcement, ...] = Field(min_length=TURNS, max_length=TURNS)
    lexicons: Lexicons

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        ids = [persona.id for persona in self.personas]
        if len(set(ids)) != AGENTS:
            raise ValueError("two personas share an id")
        if self.evicted not in ids:
            raise ValueError(f"evicted '{self.evicted}' is not a persona")
        names = [persona.name for persona in self.personas]
        for name in names:
            if any(name != other and name in other for other in names) or names.count(name) > 1:
                raise ValueError(f"the name '{name}' is part of another name")
        tags = [self.tags.talk, self.tags.whisper, self.tags.monologue]
        if any(a != b and b.startswith(a) for a in tags for b in tags) or len(set(tags)) != 3:
            raise ValueError("channel tags must differ, and none may begin another")
        for tag in tags:
            if ":" in tag or "\n" in tag:
                raise ValueError(f"the tag '{tag}' holds a colon or a line break")
        for turn, announcement in enumerate(self.announcements, start=1):
            if announcement.turn != turn:
                raise ValueError(f"announcement {turn} says turn {announcement.turn}")
            if announcement.phase is not phase_of(turn):
                raise ValueError(f"turn {turn} belongs to phase '{phase_of(turn)}'")
            unknown = announcement.fields() - {"evicted"}
            if unknown:
                raise ValueError(f"announcement {turn}: unknown placeholder {sorted(unknown)}")
        for key, fields in REQUIRED_FIELDS.items():
            text: Wordings = getattr(self.texts, key)
            for letter, wording in text.wordings.items():
                used = Wordings(
                    intent=text.intent, evidence=text.evidence, wordings={"a": wording}
                ).fields()
                if used != fields:
                    raise ValueError(
                        f"texts.{key}.wordings.{letter}: placeholders {sorted(used)}, "
                        f"should be {sorted(fields)}"
                    )
        return self

    @property
    def rules(self) -> Rules:
        """How the entries of its lexicons are found."""
        return Rules(self.matching, self.folding, *self.clitics.strings())

    def persona(self, persona_id: str) -> Persona:
        """The persona with ``persona_id``."""
        return next(persona for persona in self.personas if persona.id == persona_id)


def load_language(path: Path) -> Language:
    """Read one language file.

    Raises:
        SpecError: with file, line and key.
    """
    return load_named(Language, path, "language")
