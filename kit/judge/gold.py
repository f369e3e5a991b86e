"""The excerpts with labels that come with the kit, as sources to be judged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kit.errors import SpecError
from kit.judge.excerpt import GROUP, Excerpt
from kit.judge.judging import Source
from kit.spec.excerpt import Line, Says
from kit.spec.gold import Difficulty, Gold, GoldExcerpt, check_gold, load_gold
from kit.spec.judge import Judge, Subject
from kit.spec.library import library_file

STUDY = "gold"
"""Stands where a run id has its study."""
DISARMED = "~"
"""Ends the id of an excerpt from which an injection was taken."""


class GoldSet(NamedTuple):
    """The gold set, read."""

    files: tuple[tuple[Path, Gold], ...]

    def excerpts(self) -> Iterator[tuple[str, GoldExcerpt]]:
        """Every excerpt with its language."""
        for _, gold in self.files:
            for excerpt in gold.excerpts:
                yield gold.gold, excerpt

    def labels(self, judge: str, scale: str) -> dict[str, str]:
        """Label by excerpt id."""
        return {excerpt.id: excerpt.labels[judge][scale] for _, excerpt in self.excerpts()}

    def is_clear(self, excerpt_id: str) -> bool:
        """Whether the labels of an excerpt are not near a border."""
        return any(
            excerpt.id == excerpt_id and excerpt.difficulty is Difficulty.CLEAR
            for _, excerpt in self.excerpts()
        )


def load_gold_set(judge: Judge, folder: Path | None = None) -> GoldSet:
    """Read the gold set and hold its labels against a judge.

    Args:
        judge: whose labels are needed.
        folder: where the files are; the kit's own unless given.

    Raises:
        SpecError: there is none, a file is wrong or lacks labels of this judge, or two files give
            an excerpt the same id.
    """
    place = folder or library_file("judges", "gold")
    files = tuple((path, load_gold(path)) for path in sorted(place.glob("*.yaml")))
    if not files:
        raise SpecError("holds no gold excerpts", where=place, hint="write en.yaml there")
    ids: set[str] = set()
    for path, gold in files:
        check_gold(gold, judge, path)
        if repeated := sorted(ids & {excerpt.id for excerpt in gold.excerpts}):
            raise SpecError(f"another file has an excerpt '{repeated[0]}' too", where=path)
        ids |= {excerpt.id for excerpt in gold.excerpts}
    return GoldSet(files)


def gold_sources(found: GoldSet, judge: Judge) -> Iterator[Source]:
    """One source per language."""
    for path, gold in found.files:
        yield Source(
            f"{STUDY}/{gold.gold}",
            hashlib.sha256(path.read_bytes()).hexdigest(),
            gold.gold,
            tuple(one for excerpt in gold.excerpts for one in _excerpts(excerpt, gold.gold, judge)),
        )


def _excerpts(excerpt: GoldExcerpt, language: str, judge: Judge) -> Iterator[Excerpt]:
    """What ``judge`` is shown of a gold excerpt; an injection also without it, if it is shown."""
    shown = _excerpt(excerpt, excerpt.lines, language, judge)
    yield shown
    if excerpt.injection:
        without = _excerpt(excerpt, excerpt.disarmed(), language, judge)
        if without.lines != shown.lines:
            yield without._replace(id=excerpt.id + DISARMED)


def _excerpt(excerpt: GoldExcerpt, lines: tuple[Line, ...], language: str, judge: Judge) -> Excerpt:
    agent = judge.subject is Subject.AGENT

    def is_shown(line: Line) -> bool:
        if line.says is Says.ANNOUNCEMENT:
            return judge.shown.announcements
        return line.says.value in judge.shown.channels and (not agent or line.who == excerpt.about)

    return Excerpt(
        excerpt.id,
        f"{STUDY}/{language}",
        language,
        f"resident_{excerpt.about}" if agent else GROUP,
        excerpt.lines[0].turn,
        excerpt.lines[-1].turn,
        excerpt.about if agent else None,
        tuple(filter(is_shown, lines)),
    )
