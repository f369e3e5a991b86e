"""Lexicon matching, against a matcher that tries every entry at every place."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import SpecError
from kit.spec.evidence import Evidence
from kit.spec.language import Lexicon
from kit.spec.lexicon import Matcher, Matching, _origins, compiled, fold

ALPHABET = "aAb\uff42-' \n\u0301\u0345eé字ﬁß\u017fİ_1\u2019가\u11a8ア｡ﾞ"


def plain(text: str, words: list[str], matching: Matching) -> list[tuple[int, int]]:
    """Places in the folded text: at each place the longest match, then on behind it."""
    folded = fold(text)
    places = []
    at = 0
    while at < len(folded):
        longest = max(_length(folded, at, word, matching) for word in words)
        if longest:
            places.append((at, at + longest))
        at += longest or 1
    return places


def _length(folded: str, at: int, word: str, matching: Matching) -> int:
    parts = fold(word).removesuffix("*").split()
    end = at
    for number, part in enumerate(parts):
        if number:
            begin = end
            while end < len(folded) and folded[end].isspace():
                end += 1
            if end == begin:
                return 0
        if not folded.startswith(part, end):
            return 0
        end += len(part)
    if matching == "word":
        if _is_letter(parts[0][0]) and at and _is_letter(folded[at - 1]):
            return 0
        if word.endswith("*"):
            while end < len(folded) and _is_letter(folded[end]):
                end += 1
        elif _is_letter(parts[-1][-1]) and end < len(folded) and _is_letter(folded[end]):
            return 0
    return end - at


def _is_letter(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


texts = st.text(ALPHABET, max_size=24)
entries = st.lists(
    st.tuples(st.text(ALPHABET, min_size=1, max_size=4), st.booleans())
    .map(lambda pair: pair[0] + "*" * pair[1])
    .filter(lambda word: bool(fold(word).removesuffix("*").strip())),
    min_size=1,
    max_size=6,
)


@given(texts, entries, st.sampled_from(["word", "substring"]))
@settings(max_examples=300)
def test_finds_what_the_plain_matcher_finds(
    text: str, words: list[str], matching: Matching
) -> None:
    matcher = Matcher(words, matching)
    places = plain(text, words, matching)
    folded = fold(text)

    assert matcher.count(text) == len(places)
    assert matcher.forms(text) == [" ".join(folded[a:b].split()) for a, b in places]
    found = matcher.find(text)
    assert [hit.form for hit in found] == matcher.forms(text)
    for hit, (a, b) in zip(found, places, strict=True):
        # Folding what stands at the place gives at least the matched words.
        assert folded[a:b] in fold(text[hit.start : hit.end])
        assert hit.entry in words
        assert _length(folded, a, hit.entry, matching) == b - a


@given(st.text(max_size=30))
def test_places_cover_the_folded_text(text: str) -> None:
    starts, ends = _origins(text)

    assert len(starts) == len(fold(text))
    assert all(a < b <= len(text) for a, b in zip(starts, ends, strict=True))
    assert starts == sorted(starts)


def test_every_character_folds_alike_alone_and_in_company() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(char) in ("Cn", "Co", "Cs"):
            continue
        text = f"{char}\u0301가{char}b"
        assert len(_origins(text)[0]) == len(fold(text)), ascii(text)


@pytest.mark.parametrize(
    ("entry", "text", "count"),
    [
        ("touch", "Touch me. A touch, TOUCH!", 3),
        ("touch", "touching untouched touch_down touch2", 0),
        ("protect*", "protect protection Protecting unprotected", 3),
        ("all of us", "All  of\nus, and all of  them", 1),
        ("i can't", "I can\u2019t. I can't. I can\u02bct.", 3),
        ("aide", "l'aide, l\u2019aide", 2),
        ("café", "cafe\u0301 CAFÉ cafe", 2),
        ("help", "\uff28\uff25\uff2c\uff30", 1),
        ("straße", "STRASSE", 1),
        ("kaq", "kaq\u0323 kaq", 1),
    ],
)
def test_words_are_found_between_boundaries(entry: str, text: str, count: int) -> None:
    assert Matcher([entry], "word").count(text) == count


def test_substrings_are_found_anywhere() -> None:
    matcher = Matcher(["守り", "助け*", "as an AI"], "substring")

    assert matcher.forms("みんなを守ります。助けて\uff01") == ["守り", "助け"]
    assert matcher.count("I, as  an ai, ...") == 1


def test_the_longest_entry_wins_and_hits_do_not_overlap() -> None:
    matcher = Matcher(["keep", "keep us together", "together", "keep us"], "word")

    assert matcher.forms("keep us together, keep us, keep") == [
        "keep us together",
        "keep us",
        "keep",
    ]


def test_hits_are_placed_in_the_text_as_given() -> None:
    text = "ﬁve \uff28\uff25\uff2c\uff30s: help cafe\u0301!"
    hits = Matcher(["help", "café"], "word").find(text)

    assert [text[hit.start : hit.end] for hit in hits] == ["help", "cafe\u0301"]


def test_an_entry_of_nothing_but_a_star_is_refused() -> None:
    with pytest.raises(SpecError, match="would match every word"):
        Matcher(["help", "*"], "word")


def test_a_lexicon_is_compiled_once() -> None:
    lexicon = Lexicon(intent="test", evidence=Evidence.OURS, words=("help",))

    assert compiled(lexicon, "word") is compiled(lexicon, "word")
    assert compiled(lexicon, "word") is not compiled(lexicon, "substring")
