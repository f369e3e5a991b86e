"""Lexicons as matchers: which words of a register stand where in a text.

Text and entries are compared after :func:`fold`, so case, compatibility forms (full width
letters, ligatures) and typographic apostrophes make no difference. ``word`` matching wants an
entry between word boundaries, ``substring`` matching finds it anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from kit.errors import SpecError
from kit.spec.language import Lexicon

Matching = Literal["word", "substring"]

_SAME = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2010": "-"})
"""Characters that NFKC keeps apart and a writer does not."""
_HANGUL_TAILS = range(0x1160, 0x1200)
"""Jamo that join the syllable before them although they are no combining marks."""


class Hit(NamedTuple):
    """One match."""

    start: int
    """Index of its first character in the text as it was given."""
    end: int
    """Index after its last character."""
    entry: str
    """The lexicon entry, as it stands in the lexicon."""
    form: str
    """The matched words, folded, with single spaces."""


def fold(text: str) -> str:
    """``text`` in the form in which it is compared.

    NFKC, case-folded, with plain apostrophes and hyphens. Case folding can undo NFKC, which is
    therefore applied on both sides of it (Unicode 15, D146).
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.translate(_SAME)


class Matcher:
    """Finds the entries of one lexicon.

    At each place the longest match counts, and matches do not overlap: the scan goes on behind
    each.

    Args:
        words: entries, at least one; ``stem*`` also matches longer words that begin with the
            stem, and white space in an entry matches any run of white space.
        matching: ``word``: where an entry begins or ends with a letter, no letter, digit, mark or
            underscore may stand before or behind it. ``substring``: anywhere, and a star adds
            nothing.

    Raises:
        SpecError: an entry holds nothing but a star.
    """

    def __init__(self, words: Sequence[str], matching: Matching):
        for word in words:
            if not _stem(word):
                raise SpecError(f"the lexicon entry '{word}' would match every word")
        by_length = sorted(words, key=_rank)
        # No group per entry: alternatives that begin with a plain letter are dismissed without a
        # try.
        self._pattern = re.compile("|".join(_pattern(word, matching) for word in by_length))
        self._single = {word: _pattern(word, matching) for word in by_length}

    def find(self, text: str) -> list[Hit]:
        """Every match, from left to right, placed in ``text`` as given."""
        folded = fold(text)
        matches = list(self._matches(folded))
        if not matches:
            return []
        starts, ends = _origins(text)
        return [
            Hit(starts[match.start()], ends[match.end() - 1], self._entry(match), _form(match))
            for match in matches
        ]

    def forms(self, text: str) -> list[str]:
        """The matched words of ``text`` in order, folded, with single spaces."""
        return [_form(match) for match in self._matches(fold(text))]

    def count(self, text: str) -> int:
        """How many matches ``text`` holds."""
        return sum(1 for _ in self._matches(fold(text)))

    def _matches(self, folded: str) -> Iterator[re.Match[str]]:
        return self._pattern.finditer(folded)

    def _entry(self, match: re.Match[str]) -> str:
        """The first alternative that matches there, which is the one that did."""
        return next(
            word
            for word, pattern in self._single.items()
            if re.compile(pattern).match(match.string, match.start())
        )


def _form(match: re.Match[str]) -> str:
    return " ".join(match[0].split())


def compiled(lexicon: Lexicon, matching: Matching) -> Matcher:
    """The matcher of ``lexicon``; built once per process and list of words."""
    return _matcher(lexicon.words, matching)


@lru_cache(maxsize=256)
def _matcher(words: tuple[str, ...], matching: Matching) -> Matcher:
    return Matcher(words, matching)


def _rank(word: str) -> tuple[int, bool, str]:
    """Longer entries first, and of two equal ones that which can match more."""
    return -len(_stem(word)), not word.endswith("*"), word


def _stem(word: str) -> str:
    return " ".join(fold(word).removesuffix("*").split())


def _pattern(word: str, matching: Matching) -> str:
    stem = _stem(word)
    body = r"\s+".join(re.escape(part) for part in stem.split())
    if matching == "substring":
        return body
    letter = _letter()
    if re.match(letter, stem[0]):
        # What stands before is looked at behind the first letter: a pattern that begins with a
        # plain letter is dismissed at once where that letter does not stand.
        first = re.escape(stem[0])
        body = f"{first}(?<!{letter}{first}){body.removeprefix(first)}"
    if word.endswith("*"):
        return f"{body}{letter}*+"
    after = f"(?!{letter})" if re.match(letter, stem[-1]) else ""
    return f"{body}{after}"


@lru_cache(maxsize=1)
def _letter() -> str:
    """What words are made of: as in ``re``, and the marks that write vowels and tones."""
    marks = [code for code in range(0x300, 0x20000) if unicodedata.category(chr(code))[0] == "M"]
    ranges: list[tuple[int, int]] = []
    for code in marks:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "[\\w" + "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges) + "]"


def _origins(text: str) -> tuple[list[int], list[int]]:
    """For each folded character, start and end of the piece of ``text`` it came from."""
    if text.isascii():
        return list(range(len(text))), list(range(1, len(text) + 1))
    starts: list[int] = []
    ends: list[int] = []
    begin = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or _begins_piece(text[index]):
            width = len(fold(text[begin:index]))
            starts += [begin] * width
            ends += [index] * width
            begin = index
    return starts, ends


def _begins_piece(char: str) -> bool:
    """Whether normalising what stands before ``char`` cannot depend on it."""
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.category(first)[0] != "M" and ord(first) not in _HANGUL_TAILS
