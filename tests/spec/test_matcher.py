"""Lexicon matching, against a matcher that tries every entry at every place."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import SpecError
from kit.spec.evidence import Evidence
from kit.spec.lexicon import Clitics, Folding, Lexicon, Matching, Rules
from kit.spec.matcher import Matcher, _origins, compiled, fold

ALPHABET = "aAb\uff42-' \n\u0301\u0345eé字ﬁß\u017fİI_1\u2019가\u11a8ア｡ﾞوالأةَเํ้าoàู"


def plain(text: str, words: list[str], rules: Rules) -> list[tuple[int, int]]:
    """Places in the folded text: at each place the longest match, then on behind it."""
    folded = fold(text, rules.folding)
    places = []
    at = 0
    while at < len(folded):
        longest = max(_end(folded, at, word, rules) for word in words)
        if longest > at:
            places.append((at, longest))
        at = max(longest, at + 1)
    return places


def _end(folded: str, at: int, word: str, rules: Rules) -> int:
    """Where the entry that begins to count at ``at`` ends; -1 if none does."""
    folded_word = fold(word, rules.folding)
    words = rules.matching == "word"
    open_left = words and folded_word.startswith("*")
    if open_left and at and _is_letter(folded[at - 1]):
        return -1
    ends = []
    # With an open left side the stem may stand anywhere in the word that begins here.
    begin = at
    while True:
        ends.append(_stem_end(folded, begin, folded_word, rules, open_left=open_left))
        if not (open_left and begin < len(folded) and _is_letter(folded[begin])):
            return max(ends)
        begin += 1


def _stem_end(folded: str, begin: int, word: str, rules: Rules, *, open_left: bool) -> int:
    parts = word.removeprefix("*").removesuffix("*").split()
    end = begin
    for number, part in enumerate(parts):
        if number:
            gap = end
            while end < len(folded) and folded[end].isspace():
                end += 1
            if end == gap:
                return -1
        if not folded.startswith(part, end):
            return -1
        end += len(part)
    if rules.matching == "substring":
        return end
    if not open_left and _is_letter(parts[0][0]):
        start = begin
        while start and _is_letter(folded[start - 1]):
            start -= 1
        if folded[start:begin] not in {"", *rules.before}:
            return -1
    tail = end
    while tail < len(folded) and _is_letter(folded[tail]):
        tail += 1
    if word.endswith("*"):
        return tail
    if _is_letter(parts[-1][-1]) and folded[end:tail] not in {"", *rules.after}:
        return -1
    return end


def _is_letter(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def test_folding_a_letter_does_not_depend_on_the_letters_after_it() -> None:
    # A dotted capital I has no form with an acute accent, the small i it becomes has one.
    accented = "\u0130\u0301"
    assert fold(accented, Folding.TURKISH) == "\u00ed"
    assert fold(accented + "A", Folding.TURKISH) == "\u00eda"


texts = st.text(ALPHABET, max_size=24)
rules = st.builds(
    Rules,
    matching=st.sampled_from(["word", "substring"]),
    folding=st.sampled_from(Folding),
    before=st.sampled_from([(), ("a", "aا", "ال")]),
    after=st.sampled_from([(), ("b", "1")]),
)


@given(texts, st.data(), rules)
@settings(max_examples=600)
def test_finds_what_the_plain_matcher_finds(text: str, data: st.DataObject, rules: Rules) -> None:
    words = data.draw(
        st.lists(
            st.tuples(st.booleans(), st.text(ALPHABET, min_size=1, max_size=4), st.booleans())
            .map(lambda parts: "*" * parts[0] + parts[1] + "*" * parts[2])
            .filter(lambda word: bool(fold(word, rules.folding).strip("* \n"))),
            min_size=1,
            max_size=6,
        )
    )
    # A text that holds the entries is what finds mistakes.
    text += data.draw(st.sampled_from(words)).strip("*") + data.draw(st.text(ALPHABET, max_size=4))
    matcher = Matcher({"one": words, "other": ["zz"]}, rules)
    places = plain(text, words, rules)
    folded = fold(text, rules.folding)
    forms = matcher.forms(text)["one"]

    assert forms == [" ".join(folded[a:b].split()) for a, b in places]
    assert matcher.finds(text) == bool(places)
    found = matcher.find(text)
    assert not found["other"]
    assert [hit.form for hit in found["one"]] == forms
    for hit, (a, b) in zip(found["one"], places, strict=True):
        # Folding what stands at the place gives at least the matched words.
        assert folded[a:b] in fold(text[hit.start : hit.end], rules.folding)
        assert hit.entry in words
        assert _end(folded, a, hit.entry, rules) == b


@given(st.text(max_size=30) | texts, st.sampled_from(Folding))
def test_places_cover_the_folded_text(text: str, folding: Folding) -> None:
    starts, ends = _origins(text, folding)

    assert len(starts) == len(fold(text, folding))
    assert all(a < b <= len(text) for a, b in zip(starts, ends, strict=True))
    assert starts == sorted(starts)


@pytest.mark.parametrize("folding", Folding)
def test_every_character_folds_alike_alone_and_in_company(folding: Folding) -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(char) in ("Cn", "Co", "Cs"):
            continue
        text = f"{char}\u0301가{char}b"
        assert len(_origins(text, folding)[0]) == len(fold(text, folding)), ascii(text)


@pytest.mark.parametrize(
    ("folding", "one", "other"),
    [
        (Folding.TURKISH, "SINIR İHLALİ", "sınır ihlali"),
        (Folding.TURKISH, "I\u0307yi", "iyi"),
        (Folding.ARABIC, "مُسَاعَدَة", "مساعده"),
        (Folding.ARABIC, "أُخــرى إلى آخر", "اخري الي اخر"),
        (Folding.ARABIC, "ﻻ", "لا"),
        (Folding.THAI, "นํ้า", "น้ำ"),
        (Folding.THAI, "นำ้", "น้ำ"),
        (Folding.THAI, "เเละ", "และ"),
        (Folding.VIETNAMESE, "HOÀ thuận, thuỷ, khoẻ", "hòa thuận, thủy, khỏe"),
        (Folding.PLAIN, "ﾌﾟﾗｲﾊﾞｼｰ ＡＩ", "プライバシー ai"),
    ],
)
def test_spellings_of_one_word_fold_alike(folding: Folding, one: str, other: str) -> None:
    assert fold(one, folding) == fold(other, folding)


def test_a_turkish_dotless_i_is_another_letter() -> None:
    assert fold("sınır", Folding.TURKISH) != fold("sinir", Folding.TURKISH)
    assert fold("SINIR", Folding.TURKISH) == "sınır"


def matcher(*words: str, matching: Matching = "word", **rules: Any) -> Matcher[str]:
    return Matcher({"all": words}, Rules(matching, **rules))


@pytest.mark.parametrize(
    ("entry", "text", "count"),
    [
        ("touch", "Touch me. A touch, TOUCH!", 3),
        ("touch", "touching untouched touch_down touch2", 0),
        ("protect*", "protect protection Protecting unprotected", 3),
        ("*schutz", "Schutz Naturschutz schützen Schutzraum", 2),
        ("*schutz*", "Schutz Naturschutzgebiet schützen", 2),
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
    assert len(matcher(entry).forms(text)["all"]) == count


def test_clitics_stand_beside_an_entry_and_are_no_part_of_it() -> None:
    clitics = Clitics(before=(("و", "ف"), ("ال", "ب", "لل")), after=(("ها", "نا"),))
    before, after = clitics.strings()
    found = matcher("كرامة", "حق", folding=Folding.ARABIC, before=before, after=after)

    assert found.forms("والكرامة، فكرامة، للكرامة")["all"] == ["كرامه"] * 3
    assert found.forms("حقنا وحقها بحق")["all"] == ["حق"] * 3
    # Slots keep their order, and an entry inside another word is none.
    assert not found.finds("الوكرامة حقيقة ملحق")


def test_clitics_are_joined_slot_by_slot() -> None:
    clitics = Clitics(before=(("a", "b"), ("c",)))

    assert clitics.strings() == (("c", "a", "ac", "b", "bc"), ())


def test_substrings_are_found_anywhere() -> None:
    found = matcher("守り", "助け*", "as an AI", matching="substring")

    assert found.forms("みんなを守ります。助けて\uff01")["all"] == ["守り", "助け"]
    assert found.finds("I, as  an ai, ...")


def test_the_longest_entry_wins_and_hits_do_not_overlap() -> None:
    found = matcher("keep", "keep us together", "together", "keep us")

    assert found.forms("keep us together, keep us, keep")["all"] == [
        "keep us together",
        "keep us",
        "keep",
    ]


def test_registers_do_not_see_each_other() -> None:
    found = Matcher({"a": ["keep us"], "b": ["us", "keep"]}, Rules("word"))

    assert found.forms("keep us") == {"a": ["keep us"], "b": ["keep", "us"]}


def test_a_phrase_that_is_not_counted_uses_up_its_words() -> None:
    found = Matcher(
        {"all": ["united", "humanity", "united states of harmony"]},
        Rules("word"),
        not_counted={"all": ["united states", "crimes against humanity"]},
    )

    assert found.forms("United, the United States; humanity.")["all"] == ["united", "humanity"]
    assert not found.finds("crimes against  humanity")
    # What is longer still counts.
    assert found.forms("united states of harmony")["all"] == ["united states of harmony"]


def test_hits_are_placed_in_the_text_as_given() -> None:
    text = "ﬁve \uff28\uff25\uff2c\uff30s: help  me cafe\u0301!"
    hits = matcher("help me", "café").find(text)["all"]

    assert [text[hit.start : hit.end] for hit in hits] == ["help  me", "cafe\u0301"]
    assert [hit.form for hit in hits] == ["help me", "café"]


def test_an_entry_of_nothing_but_a_star_is_refused() -> None:
    with pytest.raises(SpecError, match="would match every word"):
        matcher("help", "*")


def test_a_lexicon_is_compiled_once() -> None:
    lexicon = Lexicon(intent="test", evidence=Evidence.OURS, concepts={"help": ("help",)})
    rules = Rules("word")

    assert compiled({"a": lexicon}, rules) is compiled({"a": lexicon}, rules)
    assert compiled({"a": lexicon}, rules) is not compiled({"a": lexicon}, Rules("substring"))
