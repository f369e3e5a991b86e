"""One question of a judge: a single object gives its text, its answer form and its parser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.engine.grammar import Choice, Line, Node
from kit.spec.judge import Scale as ScaleSpec
from kit.spec.judge import ScaleText
from kit.spec.seeds import permutation

LETTERS = "ABCDEFGHIJKL"
"""What the options are called, by their place: a letter tells nothing of the value behind it."""
DECLINE = "X"
"""The option not to judge."""
_FREE_CHARACTERS = 60
_ANSWER = re.compile(rf"\W*([{LETTERS}{DECLINE}])(?!['’\s]*\w)")


def order_of(scale: ScaleSpec, judge: str, order: int) -> tuple[str, ...]:
    """The values of ``scale`` as the options of order ``order`` list them.

    Orders 0 and 1 ascend and descend; later ones are keyed permutations, each followed by its
    reverse, so that an even number of orders gives every value the same mean place.
    """
    drawn, reverse = order - order % 2, order % 2 == 1
    values = scale.values
    if drawn:
        values = tuple(permutation(values, "order", judge, scale.id, drawn))
    return values[::-1] if reverse else values


@dataclass(frozen=True)
class Scale:
    """One question in one order of its options.

    Args:
        spec: what can be answered.
        text: how it is put.
        values: the values in the order of the options.
        decline: the text of the option not to judge.
    """

    spec: ScaleSpec
    text: ScaleText
    values: tuple[str, ...]
    decline: str

    @property
    def letters(self) -> Mapping[str, str | None]:
        """Letter to value; None: not judged."""
        return {**dict(zip(LETTERS, self.values, strict=False)), DECLINE: None}

    def letter(self, value: str) -> str:
        """The letter of ``value``."""
        return LETTERS[self.values.index(value)]

    def options(self) -> str:
        """The options as the judge reads them, one per line."""
        lines = [f"{self.letter(value)} = {self.text.anchors[value]}" for value in self.values]
        return "\n".join([*lines, f"{DECLINE} = {self.decline}"])

    def node(self, following: str, *, free: bool) -> Node:
        """The place in the answer's form where the letter stands."""
        if free:
            return Line(_FREE_CHARACTERS, following)
        return Choice(dict.fromkeys(self.letters, following), decision=True, scored=True)

    def parse(self, words: str) -> str | None:
        """The letter that ``words`` begin with; None where there is none.

        A letter that another word follows is a word itself: "A resident obeys" is no answer.
        """
        found = _ANSWER.match(words)
        letter = found.group(1) if found else None
        return letter if letter in self.letters else None

    def distribution(self, shares: Sequence[float]) -> tuple[tuple[float, ...], float]:
        """The engine's shares of the letters as shares of the values, and the share of declining.

        Returns:
            Shares in the order of the scale, whatever the order of the options, and the rest.
        """
        by_letter = dict(zip(self.letters, shares, strict=True))
        return (
            tuple(by_letter[self.letter(value)] for value in self.spec.values),
            by_letter[DECLINE],
        )
