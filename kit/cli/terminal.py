"""Text for a terminal: measured in its columns, and in letters that its encoding has."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator

import regex
from rich.cells import cell_len

from kit.report.visible import visible

WIDTH = 80
"""Columns that every line of a command fits into."""
_UNIT = regex.compile(r"\\U[0-9a-f]{8}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\X")
"""What no line ends within: a letter with its marks, or one that is spelled out."""


def coloured() -> bool | None:
    """Whether lines may carry colour; None leaves it to whether a terminal reads them."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "").lower() in {"dumb", "unknown"}:
        return False
    return None


def spelled(text: str, *, keep: str = "", encoding: str | None = None) -> str:
    """``text`` as the output can show it: nothing shapeless, and only letters of its encoding.

    Args:
        text: any string, such as the words of a model.
        keep: control characters that stay.
        encoding: of the output; that of stdout if it is not given.
    """
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = visible(text, keep=keep)
    for bracket, plain in (("\u27e8", "<"), ("\u27e9", ">"), ("\u00d7", "x")):
        if plain != bracket and not _has(encoding, bracket):
            shown = shown.replace(bracket, plain)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def wrap(text: str, indent: str = "", *, width: int = WIDTH) -> Iterator[str]:
    """Lines no wider than ``width`` columns; wide characters count two, and may break anywhere.

    Args:
        text: as `spelled` gives it.
        indent: what every line begins with.
        width: columns of a line with its indent.
    """
    room = width - cell_len(indent)
    line = ""
    columns = 0
    for word in _breakable(text):
        size = cell_len(word)
        if columns + size <= room:
            line += word
            columns += size
            continue
        if line.strip():
            yield indent + line.rstrip()
        line = word.lstrip()
        for head in _heads(line, room):
            if len(head) == len(line):
                break
            yield indent + head
            line = line[len(head) :]
        columns = cell_len(line)
    if line.strip():
        yield indent + line.rstrip()


def _has(encoding: str, char: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _heads(word: str, room: int) -> Iterator[str]:
    """A word longer than a line in parts of as many whole characters, with their marks, as fit."""
    head = ""
    columns = 0
    for cluster in _UNIT.findall(word):
        size = cell_len(cluster)
        if head and columns + size > room:
            yield head
            head, columns = "", 0
        head += cluster
        columns += size
    if head:
        yield head


def _breakable(text: str) -> Iterator[str]:
    """Words with the blanks before them; a wide character is a word of its own."""
    word = ""
    for cluster in _UNIT.findall(text):
        wide = unicodedata.east_asian_width(cluster[0]) in "WF" or cluster[:1] == "\\" != cluster
        if (cluster == " " or wide) and word.strip():
            yield word
            word = ""
        word += cluster
        if wide:
            yield word
            word = ""
    if word:
        yield word
