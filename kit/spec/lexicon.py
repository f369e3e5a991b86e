"""Lexicons: the words that are counted as a register, and how a language writes them."""

from __future__ import annotations

import itertools
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from kit.spec.evidence import Evidence
from kit.spec.loading import Frozen

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Matching = Literal["word", "substring"]
Slots = tuple[tuple[Text, ...], ...]


class Folding(StrEnum):
    """What is made equal before text and entries are compared, beside Unicode's own rules."""

    PLAIN = "plain"
    """Nothing else."""
    TURKISH = "turkish"
    """I is the capital of ı, and İ that of i (Unicode, CaseFolding.txt, status T)."""
    ARABIC = "arabic"
    """Vowel marks and tatweel are dropped; alef with hamza or madda is alef, alef maqsura is ya,
    ta marbuta is ha, and hamza on a seat is its seat."""
    THAI = "thai"
    """Sara am and its tone mark stand in one order, and two sara e are one sara ae."""
    VIETNAMESE = "vietnamese"
    """The tone of oa, oe and uy stands on the first vowel (hòa for hoà)."""


class Clitics(Frozen):
    """Short words written without a space in front of or behind another word.

    Each inner list is a slot that at most one of its members fills, in this order.
    """

    before: Slots = ()
    """Between a word border and an entry's first word, such as Arabic و, then ال."""
    after: Slots = ()
    """Between an entry's last word and a word border."""

    def strings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every string that may stand in front of an entry, and every one behind it."""
        return _strings(self.before), _strings(self.after)


def _strings(slots: Slots) -> tuple[str, ...]:
    """What filling each slot with one of its members, or none, can spell."""
    choices = itertools.product(*[("", *slot) for slot in slots])
    return tuple(dict.fromkeys("".join(chosen) for chosen in choices if any(chosen)))


class Rules(NamedTuple):
    """How entries are found in text."""

    matching: Matching
    folding: Folding = Folding.PLAIN
    before: tuple[str, ...] = ()
    """What may stand between a word border and an entry."""
    after: tuple[str, ...] = ()
    """What may stand between an entry and a word border."""


class Lexicon(Frozen):
    """Words counted as one register.

    An entry is a word or phrase. ``stem*`` also matches longer words that begin with it, ``*stem``
    longer ones that end with it. Languages that write without spaces match anywhere
    (``Language.matching: substring``).
    """

    intent: Text
    evidence: Evidence
    concepts: dict[Identifier, tuple[Text, ...]] = Field(min_length=1)
    """Entries by what they express; the ids are those of ``studies/concepts.yaml``."""
    not_counted: tuple[Text, ...] = ()
    """Phrases that hold an entry by accident, such as "united states". Where one matches and
    nothing longer does, its words are used up and nothing counts."""

    @property
    def words(self) -> tuple[str, ...]:
        """All entries, concept by concept."""
        return tuple(word for forms in self.concepts.values() for word in forms)

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for concept, forms in self.concepts.items():
            if not forms:
                raise ValueError(f"the concept '{concept}' has no forms")
        seen: dict[str, str] = {}
        for concept, forms in [*self.concepts.items(), ("not_counted", self.not_counted)]:
            for word in forms:
                if word.casefold() in seen:
                    raise ValueError(
                        f"'{word}' stands twice, in {seen[word.casefold()]} and {concept}"
                    )
                seen[word.casefold()] = concept
                if "*" in word.removeprefix("*").removesuffix("*"):
                    raise ValueError(f"'{word}': a star may only begin or end an entry")
        return self


class Lexicons(Frozen):
    """The five registers that the measures count."""

    sexual: Lexicon
    protective: Lexicon
    group_harmony: Lexicon
    individual_address: Lexicon
    provider_refusal: Lexicon
    """Phrases of a model stepping out of its role: they type an outcome, they are no behaviour."""
