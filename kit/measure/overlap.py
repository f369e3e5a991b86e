"""How far the texts that agents read already use the words that are counted.

A prefix that says "protect" primes its readers to say "protect", in its own language only. A rise
of a register under alignment is therefore read beside the number of its words in the prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kit.measure.tally import Register, Registers
from kit.spec.language import Language, Wordings
from kit.spec.passages import passages
from kit.spec.study import Prefix, PrefixLanguage, Protocol

INTERVENTIONS = ("safety_prefix", "placebo_prefix", "individuation")
"""Texts that marked agents carry, in English or in the language of their run."""


class Intervention(NamedTuple):
    """One text that marked agents of a study carry."""

    key: str
    """Key of the text in the language file."""
    language: str
    """Code of the language it is written in."""
    wording: str
    text: str


def interventions(
    protocol: Protocol, code: str, languages: Mapping[str, Language], *, individuated: bool
) -> list[Intervention]:
    """What marked agents read before everything else.

    Args:
        protocol: how the runs are made.
        code: the language of the runs.
        languages: by code; holds English where the prefix is English.
        individuated: whether any agent of the study is told to think independently.
    """
    source = code if protocol.prefix_language.value is PrefixLanguage.NATIVE else "en"
    keys = ["safety_prefix" if protocol.prefix.value is Prefix.SAFETY else "placebo_prefix"]
    if individuated:
        keys.append("individuation")
    found = []
    for key in keys:
        wordings: Wordings = getattr(languages[source].texts, key)
        # A text with one wording is read in it, whatever wording the study asks for.
        wanted = protocol.wording.value
        wording = wanted if wanted in wordings.wordings else "a"
        found.append(Intervention(key, source, wording, wordings.wordings[wording]))
    return found


class Overlap(NamedTuple):
    """One text against one lexicon."""

    text: str
    """Name of the text, as in `kit.spec.passages`."""
    text_language: str
    wording: str
    lexicon_language: str
    """Whose lexicon is searched for: the language the reader of the text speaks in."""
    register: str
    hits: int
    entries: int
    """Different lexicon entries among the hits."""
    characters: int
    """Length of the text."""


def overlaps(languages: Mapping[str, Language], spoken: tuple[str, ...]) -> list[Overlap]:
    """Every text of the run's language, and the English interventions, against its lexicons.

    Args:
        languages: by code.
        spoken: codes of the languages that runs are in.
    """
    rows: list[Overlap] = []
    for code in spoken:
        registers = Registers(languages[code])
        for source in dict.fromkeys(("en", code)):
            if source not in languages:
                continue
            for passage in passages(languages[source]):
                name, _, letter = passage.id.partition(".")
                if source != code and name not in INTERVENTIONS:
                    continue
                found = registers.entries(passage.text)
                rows += [
                    Overlap(
                        name,
                        source,
                        letter or "a",
                        code,
                        register.value,
                        found[register].total(),
                        len(found[register]),
                        len(passage.text),
                    )
                    for register in Register
                ]
    return rows
