"""What a file may be called and how long it may be, for every disk a bundle can travel on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from kit.errors import ModelError

LONGEST = (1 << 32) - 1
"""Bytes of the longest file that FAT can hold."""

DEFAULT_PIECE = 4_000_000_000
"""Bytes of the pieces of a file that is too long for FAT."""

SMALLEST_PIECE = 64_000_000
"""The lower bound of ``--split-size``: wheels are not split, and some come near it."""

MOST_PIECES = 999

_UNITS = {"MB": 10**6, "MiB": 1 << 20, "GB": 10**9, "GiB": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(MB|MiB|GB|GiB)")
_UNSAFE = re.compile(r'[^ -~]|[<>:"\\|?*]|[ .]$|^ ')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 200
"""Letters of one name; FAT allows 255, and some room is left for ``.part``."""


def parse_size(text: str) -> int:
    """Bytes of a size such as ``4.3GB`` or ``700 MiB``, within what a piece may have.

    Raises:
        ModelError: it is no size, or out of bounds.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ModelError(
            f"'{text}' is no size", hint="a number with its unit: MB, MiB, GB or GiB, as in 4.3GB"
        )
    size = int(Fraction(match[1]) * _UNITS[match[2]])
    if not SMALLEST_PIECE <= size <= LONGEST:
        raise ModelError(
            f"pieces of {text} cannot be made: the smallest are {SMALLEST_PIECE / 1e6:.0f} MB, "
            f"the largest {LONGEST / 1e9:.2f} GB, the longest file of FAT",
            hint="--split-size 4.2GB fits a DVD, 650MB a CD",
        )
    return size


def lengths_of_pieces(size: int, piece: int | None) -> tuple[int, ...]:
    """Bytes of the pieces of a file, one if it need not be split.

    Args:
        size: bytes of the file.
        piece: bytes of the largest piece; None splits only what FAT cannot hold.

    Raises:
        ModelError: there would be too many pieces.
    """
    if size <= (LONGEST if piece is None else piece):
        return (size,)
    each = piece or DEFAULT_PIECE
    whole, rest = divmod(size, each)
    if whole + bool(rest) > MOST_PIECES:
        raise ModelError(
            f"a file of {size / 1e9:,.1f} GB would be more than {MOST_PIECES} pieces",
            hint="a larger --split-size",
        )
    return (*(each for _ in range(whole)), *([rest] if rest else []))


def check_names(names: Iterable[str]) -> None:
    """Refuse names that some file system cannot hold, or cannot tell apart.

    Raises:
        ModelError: names the first of them.
    """
    seen: dict[str, str] = {}
    for name in sorted(names):
        for part in name.split("/"):
            if (
                not part
                or _UNSAFE.search(part)
                or _DEVICES.fullmatch(part)
                or len(part) > _LONGEST_NAME
            ):
                raise ModelError(
                    f"'{name}' cannot be carried: FAT has no name '{part}'", hint="rename the file"
                )
        # Folders count too: two that differ in case would become one.
        path = ""
        for part in name.split("/"):
            path = f"{path}/{part}" if path else part
            other = seen.setdefault(path.casefold(), path)
            if other != path:
                raise ModelError(
                    f"'{path}' and '{other}' differ in case only, and FAT cannot hold both",
                    hint="rename one of them",
                )
