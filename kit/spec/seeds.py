"""Random numbers keyed by what they are for.

There is no generator with a state anywhere in the kit: a number is a function of the path that
names its use, such as ``(study seed, "sample", run id, agent, turn, token index)``. Two
consequences: work can be done in any order, and a log suffices to recompute every draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Part = str | int
Item = TypeVar("Item")


def key(*path: Part) -> int:
    """A 64-bit key for ``path``.

    Every part is written with its type and length, so ``("a", "bc")`` and ``("ab", "c")``, or
    ``1`` and ``"1"``, never meet. Every integer is an ordinary seed, 0 and 2**32 - 1 included.
    """
    digest = hashlib.sha256()
    for part in path:
        kind = b"i" if isinstance(part, int) else b"s"
        data = str(part).encode()
        digest.update(kind + len(data).to_bytes(4, "big") + data)
    return int.from_bytes(digest.digest()[:8], "big")


def permutation(items: Sequence[Item], *path: Part) -> list[Item]:
    """``items`` in the keyed order of ``path``: each is sorted by a key of its own."""
    ranked = sorted(range(len(items)), key=lambda index: (key(*path, index), index))
    return [items[index] for index in ranked]


def generator(*path: Part) -> np.random.Generator:
    """A NumPy generator that starts from ``path``, for resampling statistics."""
    return np.random.Generator(np.random.Philox(key=key(*path)))
