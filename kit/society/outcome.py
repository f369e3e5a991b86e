"""What became of a line: typed here once, from its text alone."""

from __future__ import annotations

from kit.runlog.records import Outcome
from kit.spec.characters import LETTERS, scripts
from kit.spec.language import Language
from kit.spec.matcher import compiled

_LEAST_LETTERS = 4
"""Shorter lines ("OK.") are too little to tell a language by."""


class Judge:
    """Types the outcome of lines in one language."""

    def __init__(self, language: Language):
        self._refusal = compiled({"refusal": language.lexicons.provider_refusal}, language.rules)
        own = tuple(script for script in language.scripts if script != "Latin") or ("Latin",)
        # Names and loan words in Latin letters are ordinary in other scripts, so they never make a
        # line on-language there; in Latin-script languages this sees a foreign script only.
        self._own = scripts(own)

    def line(self, words: str, *, cut: bool) -> Outcome:
        """The outcome of one line.

        Args:
            words: what stands after the tag.
            cut: the line ended because its budget or the token ceiling did.
        """
        if not words.strip():
            return Outcome.EMPTY
        if self._refusal.finds(words):
            return Outcome.PROVIDER_REFUSAL
        letters = LETTERS.count(words)
        if letters >= _LEAST_LETTERS and 2 * self._own.count(words) < letters:
            return Outcome.OFF_LANGUAGE
        return Outcome.TRUNCATED if cut else Outcome.OK
