"""Text of a model as a reader may see it: what has no shape, or moves other text, is spelled out.

A model may write characters that steer a terminal, turn the reading direction round, or are not
there at all to the eye. Each is shown as its number, such as ``⟨U+202E⟩``, so that a page and a
terminal show all that was said and nothing that was not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import regex

MARKS = 8
"""Marks on one letter that are drawn; a letter of a living language bears fewer."""
_SHAPELESS = regex.compile(
    rf"""
    (?:
      (?! # Signs that are drawn around the digits behind them.
        \p{{Prepended_Concatenation_Mark}}
          # Joiners that change how the letters or the pictures beside them are drawn.
        | (?<=\p{{Arabic}}\p{{M}}{{0,4}})[\u200c\u200d](?=\p{{Arabic}})
        | (?<=\p{{Extended_Pictographic}}[\ufe0f\U0001f3fb-\U0001f3ff]?)\u200d
          (?=\p{{Extended_Pictographic}})
          # The one selector that chooses between two shapes of the character before it.
        | (?<=[\p{{Extended_Pictographic}}\p{{Han}}0-9\#*])[\ufe00-\ufe0f\U000e0100-\U000e01ef]
      )
      [\p{{C}}\p{{Zl}}\p{{Zp}}\p{{Default_Ignorable_Code_Point}}\u2800]
    | (?<=\p{{M}}{{{MARKS}}})\p{{M}}
    )+
    """,
    regex.VERBOSE,
)


class Piece(NamedTuple):
    """A stretch of text as it is shown."""

    text: str
    spelled: bool
    """Whether it stands for characters that cannot be shown themselves."""


def pieces(text: str, *, keep: str = "") -> Iterator[Piece]:
    """``text`` in stretches, those without a shape spelled out.

    Args:
        text: any string, also one that holds halves of surrogate pairs.
        keep: control characters that stay, such as a line break.
    """
    at = 0
    for found in _SHAPELESS.finditer(text):
        if at < found.start():
            yield Piece(text[at : found.start()], spelled=False)
        yield from _spelled(found.group(), keep)
        at = found.end()
    if at < len(text):
        yield Piece(text[at:], spelled=False)


def visible(text: str, *, keep: str = "") -> str:
    """``text`` with every character that has no shape as its number.

    The result can be encoded as UTF-8, holds no control character but those of ``keep``, and is
    shown in the order in which it was written, as far as its letters' own direction lets it.

    Args:
        text: any string, also one that holds halves of surrogate pairs.
        keep: control characters that stay, such as a line break.
    """
    return "".join(piece.text for piece in pieces(text, keep=keep))


def _spelled(stretch: str, keep: str) -> Iterator[Piece]:
    """The same character many times over is spelled once, with how often it stands there."""
    for run in regex.finditer(r"(?s)(.)\1*", stretch):
        char, times = run.group(1), len(run.group())
        if char in keep:
            yield Piece(run.group(), spelled=False)
            continue
        number = f"U+{ord(char):04X}" + (f" \u00d7{times}" if times > 1 else "")
        yield Piece(f"\u27e8{number}\u27e9", spelled=True)
