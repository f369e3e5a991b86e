"""Lexicons as matchers: which words of which register stand where in a text.

Text and entries are compared after :func:`fold`, so case, compatibility forms (full width
letters, ligatures) and typographic apostrophes make no difference. ``word`` matching wants an
entry between word boundaries, ``substring`` matching finds it anywhere.

All entries of all registers are looked for in one pass (Aho and Corasick, 1975); what is around
each place where one stands then decides whether it counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Generic, NamedTuple, TypeVar

from ahocorasick_rs import AhoCorasick

from kit.errors import SpecError
from kit.spec.lexicon import Folding, Lexicon, Rules

Key = TypeVar("Key", bound=str)

_SAME = {"\u2019": "'", "\u02bc": "'", "\u2010": "-"}
"""Characters that NFKC keeps apart and a writer does not."""
_HANGUL_TAILS = range(0x1160, 0x1200)
"""Jamo that join the syllable before them although they are no combining marks."""
_SPACES = re.compile(r"\s{2,}|[^\S ]")
"""What becomes one space; single spaces, which are most, are passed over."""

_TURKISH = str.maketrans({"I": "ı", "İ": "i"})
_ARABIC = str.maketrans(
    {
        **{chr(code): None for code in (*range(0x610, 0x61B), *range(0x64B, 0x660), 0x670)},
        **{chr(code): None for code in (*range(0x6D6, 0x6DD), *range(0x6DF, 0x6E9))},
        "ـ": None,
        **dict.fromkeys("أإآٱ", "ا"),
        "ى": "ي",
        "ئ": "ي",
        "ة": "ه",
        "ؤ": "و",
    }
)
_THAI_AM = re.compile("\u0e4d([\u0e48-\u0e4b])\u0e32|\u0e4d\u0e32([\u0e48-\u0e4b])")
"""Nikhahit, tone and sara aa in an order that looks the same as tone, nikhahit, sara aa."""
_THAI_AE = "\u0e40\u0e40"
_VIETNAMESE = re.compile(
    "o[\u00e0\u00e1\u1ea3\u00e3\u1ea1\u00e8\u00e9\u1ebb\u1ebd\u1eb9]|u[\u1ef3\u00fd\u1ef7\u1ef9\u1ef5]"
)


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


class _Entry(NamedTuple):
    """One entry of one register."""

    register: int
    word: str
    """As it stands in the lexicon."""
    stem: str
    """Folded, without stars."""
    open_left: bool
    open_right: bool
    counts: bool


class _Match(NamedTuple):
    """Where an entry counts, in the folded text."""

    start: int
    end: int
    entry: _Entry


def fold(text: str, folding: Folding = Folding.PLAIN) -> str:
    """``text`` in the form in which it is compared.

    NFKC, case-folded, with plain apostrophes and hyphens, then what the language's ``folding``
    makes equal. Case folding can undo NFKC, which is therefore applied on both sides of it
    (Unicode 15, D146).
    """
    if text.isascii() and folding is not Folding.TURKISH:
        return text.lower()
    normal = unicodedata.normalize("NFKC", text)
    folded = normal.translate(_TURKISH) if folding is Folding.TURKISH else normal
    folded = folded.casefold()
    if folded != normal:
        folded = unicodedata.normalize("NFKC", folded)
    for char, plain in _SAME.items():
        folded = folded.replace(char, plain)
    match folding:
        case Folding.ARABIC:
            return folded.translate(_ARABIC)
        case Folding.THAI:
            return _THAI_AM.sub("\\1\\2\u0e4d\u0e32", folded).replace(_THAI_AE, "\u0e41")
        case Folding.VIETNAMESE:
            return _VIETNAMESE.sub(_tone_first, folded)
        case _:
            return folded


def _tone_first(pair: re.Match[str]) -> str:
    marked = unicodedata.normalize("NFD", pair[0][1])
    return unicodedata.normalize("NFC", pair[0][0] + marked[1:]) + marked[0]


class Matcher(Generic[Key]):
    """Finds the entries of several registers at once; registers do not see each other.

    Within a register the longest match at each place counts, and matches do not overlap: the scan
    goes on behind each.

    Args:
        registers: entries by register, at least one entry in all. ``stem*`` also matches longer
            words that begin with the stem, ``*stem`` longer words that end with it, and white
            space in an entry matches any run of white space.
        rules: ``word``: where an entry begins or ends with a letter, nothing but clitics may stand
            between it and the nearest character that is no letter, digit, mark or underscore.
            ``substring``: anywhere, and a star adds nothing.
        not_counted: by register, entries that use up their words and count nothing.

    Raises:
        SpecError: an entry holds nothing but a star.
    """

    def __init__(
        self,
        registers: Mapping[Key, Sequence[str]],
        rules: Rules,
        *,
        not_counted: Mapping[Key, Sequence[str]] | None = None,
    ):
        self._keys = tuple(registers)
        self._rules = rules
        self._before = frozenset(fold(text, rules.folding) for text in rules.before)
        self._after = frozenset(fold(text, rules.folding) for text in rules.after)
        stems: dict[str, list[_Entry]] = {}
        for number, (key, words) in enumerate(registers.items()):
            empty = (not_counted or {}).get(key, ())
            for word in (*words, *empty):
                entry = _entry(number, word, rules, counts=word not in empty)
                stems.setdefault(entry.stem, []).append(entry)
        self._entries = tuple(stems.values())
        self._automaton = AhoCorasick(stems)

    def find(self, text: str) -> dict[Key, list[Hit]]:
        """Every match, from left to right, placed in ``text`` as given."""
        folded = fold(text, self._rules.folding)
        squeezed = _SPACES.sub(" ", folded)
        found = self._matches(squeezed)
        if not any(found):
            return {key: [] for key in self._keys}
        starts, ends = _origins(text, self._rules.folding)
        places = _unsqueezed(folded)
        return {
            key: [
                Hit(
                    starts[places[match.start]],
                    ends[places[match.end] - 1],
                    match.entry.word,
                    squeezed[match.start : match.end],
                )
                for match in matches
            ]
            for key, matches in zip(self._keys, found, strict=True)
        }

    def forms(self, text: str) -> dict[Key, list[str]]:
        """The matched words of ``text`` in order, folded, with single spaces."""
        squeezed = _SPACES.sub(" ", fold(text, self._rules.folding))
        return {
            key: [squeezed[match.start : match.end] for match in matches]
            for key, matches in zip(self._keys, self._matches(squeezed), strict=True)
        }

    def finds(self, text: str) -> bool:
        """Whether ``text`` holds any entry."""
        return any(self._matches(_SPACES.sub(" ", fold(text, self._rules.folding))))

    def _matches(self, text: str) -> list[list[_Match]]:
        """The matches in folded text with single spaces, by register."""
        found: list[list[_Match]] = [[] for _ in self._keys]
        for stem, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            for entry in self._entries[stem]:
                if match := self._match(text, start, end, entry):
                    found[entry.register].append(match)
        return [[one for one in _apart(matches) if one.entry.counts] for matches in found]

    def _match(self, text: str, start: int, end: int, entry: _Entry) -> _Match | None:
        """The entry whose stem stands at ``start``, if what is around it lets it count."""
        if self._rules.matching == "substring":
            return _Match(start, end, entry)
        if entry.open_left:
            start = _word_start(text, start)
        elif (
            _is_letter(text[start])
            and start
            and _is_letter(text[start - 1])
            and text[_word_start(text, start) : start] not in self._before
        ):
            return None
        if entry.open_right:
            end = _word_end(text, end)
        elif (
            _is_letter(text[end - 1])
            and end < len(text)
            and _is_letter(text[end])
            and text[end : _word_end(text, end)] not in self._after
        ):
            return None
        return _Match(start, end, entry)


def compiled(lexicons: Mapping[Key, Lexicon], rules: Rules) -> Matcher[Key]:
    """The matcher of ``lexicons``; built once per process and list of words."""
    return _matcher(
        tuple((key, one.words, one.not_counted) for key, one in lexicons.items()), rules
    )


@lru_cache(maxsize=256)
def _matcher(
    registers: tuple[tuple[Key, tuple[str, ...], tuple[str, ...]], ...], rules: Rules
) -> Matcher[Key]:
    return Matcher(
        {key: words for key, words, _ in registers},
        rules,
        not_counted={key: empty for key, _, empty in registers},
    )


def _entry(register: int, word: str, rules: Rules, *, counts: bool) -> _Entry:
    folded = fold(word, rules.folding)
    stem = " ".join(folded.removeprefix("*").removesuffix("*").split())
    if not stem:
        raise SpecError(f"the lexicon entry '{word}' would match every word")
    return _Entry(register, word, stem, folded.startswith("*"), folded.endswith("*"), counts)


def _apart(matches: Iterable[_Match]) -> list[_Match]:
    """From left to right the longest match at each place, none overlapping another."""
    chosen: list[_Match] = []
    for match in sorted(matches, key=_rank):
        if not chosen or match.start >= chosen[-1].end:
            chosen.append(match)
    return chosen


def _rank(match: _Match) -> tuple[int, int, int, str]:
    """Of two that match the same words, the entry that says more about them."""
    return match.start, -match.end, -len(match.entry.stem), match.entry.word


@cache
def _is_letter(char: str) -> bool:
    """What words are made of: as in ``re``, and the marks that write vowels and tones."""
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def _word_start(text: str, at: int) -> int:
    while at and _is_letter(text[at - 1]):
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and _is_letter(text[at]):
        at += 1
    return at


def _unsqueezed(folded: str) -> list[int]:
    """For each place in the text with single spaces, its place in ``folded``; the end is one."""
    places: list[int] = []
    for index, char in enumerate(folded):
        if not (index and char.isspace() and folded[index - 1].isspace()):
            places.append(index)
    return [*places, len(folded)]


def _origins(text: str, folding: Folding = Folding.PLAIN) -> tuple[list[int], list[int]]:
    """For each folded character, start and end of the piece of ``text`` it came from."""
    if text.isascii():
        return list(range(len(text))), list(range(1, len(text) + 1))
    starts: list[int] = []
    ends: list[int] = []
    begin = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or _begins_piece(text[index - 1], text[index]):
            width = len(fold(text[begin:index], folding))
            starts += [begin] * width
            ends += [index] * width
            begin = index
    return starts, ends


def _begins_piece(before: str, char: str) -> bool:
    """Whether normalising what stands before ``char`` cannot depend on it."""
    if before + char == _THAI_AE:
        return False
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.category(first)[0] != "M" and ord(first) not in _HANGUL_TAILS
