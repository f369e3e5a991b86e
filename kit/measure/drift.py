"""Lines that are not in the language of their run.

A Japanese group that falls into English leaves the Japanese word lists behind: its hits fall, and
it looks healed. So every line is asked what it is written in. Another script is seen from the
letters alone. Languages that share the Latin script are told apart by py3langid (byte n-grams and
naive Bayes, Lui and Baldwin 2012, "langid.py"), which compares the run's language with the other
Latin ones of the programme and says nothing where a line is too short or the answer is unsure:
what is not known to be elsewhere counts as at home.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from kit.measure.home import Home
from kit.spec.characters import LETTERS as LETTER
from kit.spec.characters import scripts
from kit.spec.language import Language

LATIN = ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr", "vi")
"""The programme's languages in Latin script."""
LETTERS = 4
"""Shorter lines are too little to tell a script by."""
HAN_LETTERS = 8
"""So many without any kana are no Japanese sentence."""
LATIN_LETTERS = 12
"""Shorter lines are too little to tell languages of one script apart."""
CONFIDENCE = 0.9
"""Below this probability (normalised over the compared languages) an answer is unsure."""
OTHER_SCRIPT = "other script"
ENGLISH = "en"

_KANA = scripts(("Hiragana", "Katakana"))
_LATIN_LETTER = scripts(("Latin",))


class Drift:
    """Tells which lines left one language.

    Args:
        language: the run's language.
    """

    def __init__(self, language: Language):
        own = tuple(script for script in language.scripts if script != "Latin")
        self._code = language.language
        self._own = scripts(own or ("Latin",))
        self._latin = not own
        self._kana = "Hiragana" in own

    def languages_of(self, texts: Sequence[str]) -> list[str | None]:
        """What `language_of` says of each of ``texts``, of many at once in less time."""
        known = identifier(self._code) if self._latin else None
        clear = _home(known).clear(texts, self._code) if known else [False] * len(texts)
        # A line at home is so in any case unless most of its letters are of another script.
        return [
            None
            if at_home and 2 * self._own.count(text) >= LETTER.count(text)
            else self.language_of(text)
            for text, at_home in zip(texts, clear, strict=True)
        ]

    def language_of(self, text: str) -> str | None:
        """The other language a line is in: a code, `OTHER_SCRIPT`, or None if it is at home."""
        letters = LETTER.count(text)
        if letters < LETTERS:
            return None
        own = self._own.count(text)
        if 2 * own >= letters:
            if self._latin:
                return self._other_latin(text, letters)
            chinese = self._kana and own >= HAN_LETTERS and not _KANA.count(text)
            return OTHER_SCRIPT if chinese else None
        latin = _LATIN_LETTER.count(text)
        if 2 * latin < letters:
            return OTHER_SCRIPT
        return self._other_latin(text, latin) or OTHER_SCRIPT

    def _other_latin(self, text: str, letters: int) -> str | None:
        known = identifier(self._code if self._latin else None)
        if known is None or letters < LATIN_LETTERS:
            return None
        code, confidence = known.classify(text)
        return None if code == self._code or confidence < CONFIDENCE else str(code)


@cache
def identifier(code: str | None) -> Any:
    """Tells ``code`` and the other Latin languages apart; None if ``code`` is unknown to it."""
    if code is not None and code not in _model().labels:
        return None
    return _restricted(frozenset({*LATIN, *([code] if code else [])}))


@cache
def _home(known: Any) -> Home:
    return Home(known)


@cache
def _restricted(languages: frozenset[str]) -> Any:
    restricted = copy(_model())
    restricted.set_languages(languages)
    return restricted


@cache
def _model() -> Any:
    """The identifier of all languages it knows: a second to unpack, so once for all."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
