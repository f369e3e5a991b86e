"""Every text that an agent reads, one by one, under a name that all languages share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kit.spec.language import Language, Wordings

Key = tuple[str | int, ...]
"""Keys and indices that lead to a place in a YAML file."""


class Passage(NamedTuple):
    """One text that an agent reads."""

    id: str
    """Names the text in every language, such as ``turn_06.b`` or ``persona_p03``."""
    key: Key
    intent: str
    text: str


def passages(language: Language) -> list[Passage]:
    """Every text of a language: personas, texts and announcements, in the order of the file."""
    found = [
        Passage(f"persona_{one.id}", ("personas", index, "text"), one.intent, one.text)
        for index, one in enumerate(language.personas)
    ]
    for name, text in language.texts:
        found += _wordings(name, ("texts", name), text)
    for index, announcement in enumerate(language.announcements):
        name = f"turn_{announcement.turn:02}"
        found += _wordings(name, ("announcements", index), announcement)
    return found


def _wordings(name: str, key: Key, text: Wordings) -> Iterator[Passage]:
    for letter, wording in sorted(text.wordings.items()):
        yield Passage(f"{name}.{letter}", (*key, "wordings", letter), text.intent, wording)
