"""Lines that are not in the language of their run.

A Japanese group that falls into English leaves the Japanese word lists behind: its hits fall, and
it looks healed. So every line is asked what it is written in. Another script is seen from the
letters alone. Languages that share the Latin script are told apart by py3langid (byte n-grams and
naive Bayes, Lui and Baldwin 2012, "langid.py"), which compares the run's language with the other
Latin ones of the programme and says nothing where a line is too short or the answer is unsure:
what is not known to be elsewhere counts as at home.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import regex
from py3langid.langid import MODEL_FILE, LanguageIdentifier

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

_LETTER = regex.compile(r"\p{L}")
_KANA = regex.compile(r"[\p{Script=Hiragana}\p{Script=Katakana}]")
_LATIN_LETTER = regex.compile(r"\p{Script=Latin}")


class Drift:
    """Tells which lines left one language.

    Args:
        language: the run's language.
    """

    def __init__(self, language: Language):
        own = [script for script in language.scripts if script != "Latin"]
        self._code = language.language
        self._own = regex.compile(
            "|".join(rf"\p{{Script={script}}}" for script in own or ["Latin"])
        )
        self._latin = not own
        self._kana = "Hiragana" in own

    def language_of(self, text: str) -> str | None:
        """The other language a line is in: a code, `OTHER_SCRIPT`, or None if it is at home."""
        letters = len(_LETTER.findall(text))
        if letters < LETTERS:
            return None
        own = len(self._own.findall(text))
        if 2 * own >= letters:
            if self._latin:
                return self._other_latin(text, letters)
            chinese = self._kana and own >= HAN_LETTERS and not _KANA.search(text)
            return OTHER_SCRIPT if chinese else None
        latin = len(_LATIN_LETTER.findall(text))
        if 2 * latin < letters:
            return OTHER_SCRIPT
        return self._other_latin(text, latin) or OTHER_SCRIPT

    def _other_latin(self, text: str, letters: int) -> str | None:
        identifier = _identifier(self._code if self._latin else None)
        if identifier is None or letters < LATIN_LETTERS:
            return None
        code, confidence = identifier.classify(text)
        return None if code == self._code or confidence < CONFIDENCE else str(code)


@lru_cache(maxsize=32)
def _identifier(code: str | None) -> Any:
    """Tells ``code`` and the other Latin languages apart; None if ``code`` is unknown to it."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if code is not None and code not in identifier.labels:
        return None
    identifier.set_languages({*LATIN, *([code] if code else [])})
    return identifier
