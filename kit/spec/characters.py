"""How many characters of a text are of one kind, such as letters or a script."""

from __future__ import annotations

from functools import cache

import regex


class Characters:
    r"""Counts the characters that a pattern matches.

    Every line of every run is counted several times over, and looking a character up is several
    times quicker than matching it, so each is matched once.

    Args:
        pattern: a pattern of one character, in the syntax of ``regex`` (``\p{L}``).
    """

    def __init__(self, pattern: str):
        self._known = _Known(pattern)

    def count(self, text: str) -> int:
        """How many characters of ``text`` are of this kind."""
        return sum(map(self._known.__getitem__, text))


class _Known(dict[str, bool]):
    def __init__(self, pattern: str):
        super().__init__()
        self._pattern = regex.compile(pattern)

    def __missing__(self, char: str) -> bool:
        self[char] = found = self._pattern.fullmatch(char) is not None
        return found


@cache
def characters(pattern: str) -> Characters:
    """The counter of ``pattern``; one per process."""
    return Characters(pattern)


def scripts(names: tuple[str, ...]) -> Characters:
    """Characters of any of the Unicode scripts ``names``."""
    return characters("|".join(rf"\p{{Script={name}}}" for name in names))


LETTERS = characters(r"\p{L}")
