"""What a judge is shown of a run: windows of turns, residents as shuffled numbers, no condition.

Nothing that tells the condition enters an excerpt: no system prompt, no level, no persona, no run
id, and no name. Residents get numbers that are drawn anew for every excerpt, also where they are
spoken of.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kit.runlog.reader import RunLog
from kit.runlog.records import Utterance
from kit.spec.excerpt import NAME, Line, Says
from kit.spec.judge import Judge, Subject
from kit.spec.language import Language
from kit.spec.seeds import Part, permutation

GROUP = "group"
"""The subject of a judgement about all residents."""
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
"""Scripts in which words are written together: without spaces, or a name with its particles."""


class Excerpt(NamedTuple):
    """A window of one run, as the judge may see it."""

    id: str
    """``<run id>#<subject>#<first turn>-<last turn>``, or the id of an excerpt of the gold set."""
    run_id: str
    language: str
    subject: str
    """A persona id, or `GROUP`."""
    first: int
    last: int
    """Turns, both included."""
    about: int | None
    """The judged resident's number; None: the group."""
    lines: tuple[Line, ...]

    @property
    def characters(self) -> int:
        """Characters of all lines, each name of a resident one of them."""
        return _characters(self.lines)


def _characters(lines: Iterable[Line]) -> int:
    return sum(len(NAME.sub("_", line.text)) for line in lines)


class _Names:
    """Replaces residents' names by numbers."""

    def __init__(self, language: Language):
        self.ids = tuple(persona.id for persona in language.personas)
        self._numbers: dict[str, int] = {}
        self._id_of = {_composed(persona.name): persona.id for persona in language.personas}
        before, _ = language.clitics.strings()
        self._pattern = re.compile("|".join(_bordered(name, before) for name in self._id_of))

    def shuffled(self, *path: Part) -> dict[str, int]:
        """A number for every persona id."""
        return {
            persona: number
            for number, persona in enumerate(permutation(self.ids, "names", *path), start=1)
        }

    def hide(self, text: str, numbers: dict[str, int]) -> str:
        """``text`` with ``{r5}`` where it names a resident, and only there."""
        own = NAME.sub(r"{ r\1}", _composed(text))  # a resident's own braces name nobody
        return self._pattern.sub(lambda found: f"{{r{numbers[self._id_of[found.group()]]}}}", own)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _bordered(name: str, clitics: Iterable[str]) -> str:
    """A pattern for ``name`` as a word, which may be written together with clitics before it."""
    if _UNSPACED.search(name):
        return re.escape(name)
    after_clitics = "".join(rf"|(?<=\b{re.escape(clitic)})" for clitic in clitics)
    return rf"(?:(?<!\w){after_clitics}){re.escape(name)}(?!\w)"


def excerpts(log: RunLog, language: Language, judge: Judge) -> Iterator[Excerpt]:
    """The excerpts of one run that ``judge`` is asked about, subject by subject.

    Args:
        log: a complete run.
        language: the run's, as its result folder keeps it.
        judge: what it is shown, and how much at a time.
    """
    names = _Names(language)
    for subject in names.ids if judge.subject is Subject.AGENT else (GROUP,):
        view = _View(log, language, judge, subject)
        for first, last in view.windows(names):
            numbers = names.shuffled(log.header.run_id, subject, first)
            yield Excerpt(
                f"{log.header.run_id}#{subject}#{first}-{last}",
                log.header.run_id,
                language.language,
                subject,
                first,
                last,
                numbers.get(subject),
                tuple(
                    line
                    for turn in range(first, last + 1)
                    for line in view.lines(turn, names, numbers)
                ),
            )


class _View(NamedTuple):
    """What a judge sees of a run when it is asked about one subject."""

    log: RunLog
    language: Language
    judge: Judge
    subject: str

    def said(self, turn: int) -> Iterator[tuple[str, Utterance]]:
        """Who says what."""
        for record in self.log.turns:
            if record.turn == turn and self.subject in (GROUP, record.agent):
                for said in record.utterances:
                    if said.channel in self.judge.shown.channels and said.text.strip():
                        yield record.agent, said

    def announcement(self, turn: int) -> str:
        """What the facility says."""
        wording = str(self.log.header.protocol.get("wording", "a"))
        text = self.language.announcements[turn - 1].wording(wording)
        return text.format(evicted=self.language.persona(self.language.evicted).name)

    def windows(self, names: _Names) -> Iterator[tuple[int, int]]:
        """First and last turns, by the rule of `kit.spec.judge.Window`."""
        turns = max((turn.turn for turn in self.log.turns), default=0)
        window = self.judge.window
        anyone = dict.fromkeys(names.ids, 1)
        first, held = 1, 0
        for turn in range(1, turns + 1):
            size = _characters(self.lines(turn, names, anyone))
            full = turn - first == window.turns or held + size > window.characters
            if turn > first and full:
                yield first, turn - 1
                first, held = turn, 0
            held += size
        if turns:
            yield first, turns

    def lines(self, turn: int, names: _Names, numbers: dict[str, int]) -> Iterator[Line]:
        """The turn's lines, with numbers for names."""
        if self.judge.shown.announcements:
            shown = names.hide(self.announcement(turn), numbers)
            yield Line(says=Says.ANNOUNCEMENT, turn=turn, text=shown)
        for agent, said in self.said(turn):
            yield Line(
                says=Says(said.channel.value),
                turn=turn,
                who=numbers[agent],
                to=numbers[said.to] if said.to else None,
                text=names.hide(said.text, numbers),
            )
