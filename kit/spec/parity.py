"""Languages against their source: do all say the same things, in their own words?

English is the source. A language that misses a placeholder, says half as much, or mixes in words
of another one would change the experiment without anybody noticing; here it is an error. What can
be counted is checked here; whether a text presses as hard as the English one is for a reader (see
`kit.spec.review`).
"""

from __future__ import annotations

import difflib
import itertools
import statistics
import string
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import regex
from zhon import cedict

from kit.spec.concepts import Inventory
from kit.spec.language import Channel, Language
from kit.spec.lexicon import Lexicon, Rules
from kit.spec.matcher import fold
from kit.spec.passages import Key, Passage, passages

SOURCE = "en"
"""The language that others are compared with."""
LENGTH_BAND = 0.35
"""How far a text may lie from its language's usual length, as a share of it."""
LENGTH_LEAST = 60
"""English characters below which a text is too short to compare lengths."""
BUDGET_BAND = 0.15
"""How far a budget may lie from the English one in the language's usual length."""
SENTENCE_BAND = 0.5
"""How far the number of sentences may lie from English; two more or fewer are always right."""
QUOTED_WORDS = 4
"""So many words in a row that stand in the English text were not translated."""
GENUINE = 2 / 3
"""Forms that share more than this of the shorter one's characters are inflections of one word."""

_UNPUNCTUATED = frozenset({"Thai"})
"""Scripts whose sentences end with a space, and cannot be counted."""
_SENTENCE_END = regex.compile(r"(?<!\d)[.!?…;。！？；؟؛]+(?=[\s\"'“”‘’»）)」』]|$|\p{Lo})")
_WORD = regex.compile(r"[\p{L}\p{M}'’]+")
_SIMPLIFIED = frozenset(cedict.simplified) - frozenset(cedict.traditional)
_TRADITIONAL = frozenset(cedict.traditional) - frozenset(cedict.simplified)


class Finding(NamedTuple):
    """One thing that is not as in the source."""

    key: Key
    """Where in the file: keys and indices."""
    message: str


def compare(language: Language, source: Language, inventory: Inventory) -> list[Finding]:
    """What sets ``language`` apart from ``source`` and should not.

    The source itself is compared with the inventory and its own script only.
    """
    here, there = passages(language), {one.id: one for one in passages(source)}
    findings: list[Finding] = []
    same = language.language == source.language
    if not same:
        findings += _ids(here, there)
        pairs = [(one, there[one.id]) for one in here if one.id in there]
        ratio = usual_length(language, source)
        for one, other in pairs:
            findings += _structure(one, other)
            findings += _sentences(one, other, language)
            findings += _length(one, other, ratio)
            findings += _translated(one, other)
        findings += _budgets(language, source, ratio)
    findings += _tags(here)
    findings += _scripts(language, here)
    findings += _han(language, here)
    findings += _lexicons(language, inventory)
    return findings


def usual_length(language: Language, source: Language) -> float:
    """Characters for one of the source: the median over announcements and personas."""
    there = {one.id: one for one in passages(source)}
    return statistics.median(
        len(_spoken(one.text)) / len(_spoken(there[one.id].text))
        for one in passages(language)
        if one.id in there and one.key[0] in {"personas", "announcements"}
    )


def _ids(here: list[Passage], there: dict[str, Passage]) -> Iterator[Finding]:
    known = {one.id for one in here}
    for missing in there.keys() - known:
        key = there[missing].key
        yield Finding(key[:-1], f"'{missing}' of the English file is missing")
    for one in here:
        if one.id not in there:
            yield Finding(one.key, f"the English file has no '{one.id}'")
        elif one.intent != there[one.id].intent:
            yield Finding(
                one.key[:2],
                f"the intent of '{one.id}' differs from the English file's",
            )


def fields(text: str) -> set[str]:
    """The placeholders in a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _structure(one: Passage, other: Passage) -> Iterator[Finding]:
    if fields(one.text) != fields(other.text):
        yield Finding(
            one.key,
            f"placeholders {sorted(fields(one.text))}, in English {sorted(fields(other.text))}",
        )
    for what, mark in (("paragraphs", "\n\n"), ("lines", "\n")):
        mine, theirs = one.text.count(mark) + 1, other.text.count(mark) + 1
        if mine != theirs:
            yield Finding(one.key, f"has {mine} {what}, English has {theirs}")
            return


def sentences(text: str) -> int:
    """How many sentences, or parts between semicolons, end in a text."""
    return len(_SENTENCE_END.findall(text))


def _sentences(one: Passage, other: Passage, language: Language) -> Iterator[Finding]:
    if _UNPUNCTUATED & {*language.scripts}:
        return
    mine, theirs = sentences(one.text), sentences(other.text)
    if abs(mine - theirs) > max(2, SENTENCE_BAND * theirs):
        yield Finding(one.key, f"has {mine} sentences, English has {theirs}")


def _length(one: Passage, other: Passage, ratio: float) -> Iterator[Finding]:
    mine, theirs = len(_spoken(one.text)), len(_spoken(other.text))
    if theirs < LENGTH_LEAST:
        return
    relative = mine / theirs / ratio
    if abs(relative - 1) > LENGTH_BAND:
        more = "longer" if relative > 1 else "shorter"
        yield Finding(
            one.key,
            f"is {abs(relative - 1):.0%} {more} than usual in this language: {mine} "
            f"characters, {ratio * theirs:.0f} expected",
        )


def _budgets(language: Language, source: Language, ratio: float) -> Iterator[Finding]:
    for channel in Channel:
        wanted = ratio * source.budgets.of(channel)
        if abs(language.budgets.of(channel) / wanted - 1) > BUDGET_BAND:
            yield Finding(
                ("budgets", channel.value),
                f"{language.budgets.of(channel)} characters are not the same amount of speech: "
                f"about {wanted:.0f} are, at {ratio:.2f} characters for one of English",
            )


def _translated(one: Passage, other: Passage) -> Iterator[Finding]:
    theirs = {*_runs(other.text)}
    for words in _runs(one.text):
        if words in theirs:
            yield Finding(one.key, f"'{' '.join(words)}' stands in the English text as well")
            return


def _runs(text: str) -> Iterable[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(_spoken(text))]
    return zip(*(words[start:] for start in range(QUOTED_WORDS)), strict=False)


def _spoken(text: str) -> str:
    """A text without its placeholders."""
    return "".join(piece for piece, *_ in string.Formatter().parse(text))


def _tags(here: list[Passage]) -> Iterator[Finding]:
    for one in here:
        if one.id.startswith("answer_"):
            begins = ("{talk}: ", "{whisper} ", "{monologue}: ")
            lines = one.text.splitlines()
            for begin in begins:
                if not any(line.startswith(begin) for line in lines):
                    yield Finding(one.key, f"no line begins with '{begin}'")


def _scripts(language: Language, here: list[Passage]) -> Iterator[Finding]:
    own = "|".join(rf"\p{{Script_Extensions={one}}}" for one in language.scripts)
    foreign = regex.compile(rf"(?:(?!{own})\p{{L}})+")
    loans = [fold(word) for word in language.loanwords]
    texts: list[tuple[Key, str]] = [(one.key, one.text) for one in here]
    texts += [
        (("personas", index, "name"), one.name) for index, one in enumerate(language.personas)
    ]
    texts += [(("tags", channel.value), language.tags.of(channel)) for channel in Channel]
    for register, lexicon in language.lexicons:
        # A model that steps out of its role may do so in English letters.
        if register != "provider_refusal":
            texts += [
                (("lexicons", register, "concepts", concept), word)
                for concept, forms in lexicon.concepts.items()
                for word in forms
            ]
            texts += [(("lexicons", register, "not_counted"), one) for one in lexicon.not_counted]
    for key, text in texts:
        for word in foreign.findall(_spoken(text)):
            if fold(word) not in loans:
                yield Finding(
                    key,
                    f"'{word}' is not written in {' or '.join(language.scripts)}; "
                    "a word that native texts use so belongs in 'loanwords'",
                )
                break


def _han(language: Language, here: list[Passage]) -> Iterator[Finding]:
    """Chinese in one of its two writings: what is simplified only, and traditional only."""
    if language.scripts != ("Han",):
        return
    simplified = sum(char in _SIMPLIFIED for one in here for char in one.text)
    traditional = sum(char in _TRADITIONAL for one in here for char in one.text)
    odd, writing = (
        (_TRADITIONAL, "simplified") if simplified >= traditional else (_SIMPLIFIED, "traditional")
    )
    for one in here:
        if found := sorted({char for char in one.text if char in odd}):
            yield Finding(one.key, f"'{''.join(found)}' in {writing} Chinese")


def _lexicons(language: Language, inventory: Inventory) -> Iterator[Finding]:
    for register, lexicon in language.lexicons:
        wanted = getattr(inventory.concepts, register).concepts
        at = ("lexicons", register, "concepts")
        for concept in wanted.keys() - lexicon.concepts.keys():
            yield Finding(at, f"the concept '{concept}' has no forms: {wanted[concept]}")
        for concept, forms in lexicon.concepts.items():
            if concept not in wanted:
                near = difflib.get_close_matches(concept, wanted, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                yield Finding((*at, concept), f"no concept of studies/concepts.yaml{hint}")
            elif not genuine(forms, language.rules):
                yield Finding(
                    (*at, concept), "needs two genuine forms, not inflections of one word"
                )
        if language.rules.matching == "substring":
            for concept, word in _starred(lexicon):
                yield Finding((*at, concept), f"'{word}': a star means nothing in 'substring'")


def _starred(lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    for concept, forms in lexicon.concepts.items():
        for word in forms:
            if "*" in word:
                yield concept, word


def genuine(forms: Iterable[str], rules: Rules) -> bool:
    """Whether two of the forms are different words and not inflections of one."""
    stems = [fold(word, rules.folding).strip("*") for word in forms]
    for one, other in itertools.combinations(stems, 2):
        match = difflib.SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
        if match.size <= GENUINE * min(len(one), len(other)):
            return True
    return False
