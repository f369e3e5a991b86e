"""Where a pin stands at the hub today: at its own commit, and on the branch ``main``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from kit.models.repository import ListedFile, Refusal, Snapshot, snapshot
from kit.spec.pins import HubOrigin, ModelPin, PinnedFile

BRANCH = "main"


class Held(StrEnum):
    """What a snapshot holds under the names of a pin's files."""

    SAME = "same"
    """The pinned files."""
    OTHER = "other"
    """At least one other file under a pinned name."""
    NONE = "none"
    """At least one pinned name is not there."""
    REFUSED = "refused"
    """The hub does not tell."""


class Standing(NamedTuple):
    """One snapshot held against one pin."""

    held: Held
    file: PinnedFile | None = None
    """The first file that is missing or another one."""
    found: ListedFile | None = None
    """What the hub lists under its name instead."""
    refusal: Refusal | None = None
    """Why there is no snapshot; `Held.NONE` if it is gone, else `Held.REFUSED`."""


class Comparison(NamedTuple):
    """A pin, and where it stands."""

    pin: ModelPin
    pinned: Standing
    """At the pinned commit."""
    branch: Standing
    """On the branch ``main``."""
    moved: bool
    """Whether the branch is at another commit than the pinned one."""


def compare(pins: Iterable[ModelPin]) -> Iterator[Comparison]:
    """Hold each pin of the hub against what the hub lists today; other pins are passed over.

    Reads no file. A snapshot that several pins name is asked for once.

    Raises:
        ModelError: the hub cannot be reached, or fails.
    """
    seen: dict[tuple[str, str], Snapshot | Refusal] = {}

    def look(repo: str, revision: str) -> Snapshot | Refusal:
        key = (repo, revision)
        if key not in seen:
            seen[key] = found = snapshot(repo, revision)
            if isinstance(found, Snapshot):
                seen[repo, found.commit] = found
        return seen[key]

    for pin in pins:
        if not isinstance(pin.source, HubOrigin):
            continue
        repo, commit = pin.source.repo, pin.source.revision
        # The branch first: where it still is at the pinned commit, one question answers both.
        branch = look(repo, BRANCH)
        moved = isinstance(branch, Refusal) or branch.commit != commit
        yield Comparison(pin, standing(pin, look(repo, commit)), standing(pin, branch), moved)


def standing(pin: ModelPin, listed: Snapshot | Refusal) -> Standing:
    """What ``listed`` holds of the files of ``pin``."""
    if isinstance(listed, Refusal):
        return Standing(Held.NONE if listed.gone else Held.REFUSED, refusal=listed)
    for file in pin.files:
        found = listed.files.get(file.name)
        if found is None:
            return Standing(Held.NONE, file)
        if (found.bytes, found.sha256) != (file.bytes, file.sha256):
            return Standing(Held.OTHER, file, found)
    return Standing(Held.SAME)
