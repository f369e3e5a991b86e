"""Asking a judge about runs: batch by batch, every batch on disk before the next begins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kit.engine.grammar import Grammar
from kit.engine.protocol import NO_DIGEST, Completion, Engine, Prompt, Request
from kit.errors import RunLogError
from kit.judge.excerpt import Excerpt, excerpts
from kit.judge.folder import JudgementFolder
from kit.judge.log import JudgementWriter, read_judgements
from kit.judge.panel import Panel, Task, draw_path, judging_hash, questionnaire, tasks
from kit.judge.question import Questionnaire
from kit.judge.records import Judgement, JudgementHeader
from kit.runlog.reader import RunLog
from kit.spec.language import Language


class Source(NamedTuple):
    """What is judged: the excerpts of one run, or of one file of the gold set."""

    run_id: str
    digest: str
    """SHA-256 of the bytes that were read."""
    language: str
    excerpts: tuple[Excerpt, ...]


class Pending(NamedTuple):
    """A source that is not read yet: a study's excerpts together would fill the memory."""

    run_id: str
    digest: str
    open: Callable[[], Source]


class Step(NamedTuple):
    """Sent after every batch."""

    judgements: int
    restored: bool
    """They were read back from a partial log."""
    finished: str | None = None
    """The run that became complete."""


class Size(NamedTuple):
    """What a source asks of the engine."""

    judgements: int
    prompt_tokens: int
    """Of all prompts, instructions that are shared counted once per batch of questions."""
    longest: int
    """Tokens of the longest dialogue, its answer included."""
    too_long: int


def run_source(path: Path, log: RunLog, language: Language, panel: Panel) -> Source:
    """A complete run as a source."""
    return Source(
        log.header.run_id,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        language.language,
        tuple(excerpts(log, language, panel.judge)),
    )


class Judging:
    """Asks one engine on behalf of one panel.

    Args:
        panel: who judges.
        engine: the judge's model.
    """

    def __init__(self, panel: Panel, engine: Engine):
        self.panel = panel
        self.engine = engine
        self._questionnaires: dict[tuple[str, str, int], Questionnaire] = {}
        self._grammars: dict[str, Grammar] = {}

    def header(self, source: Source) -> JudgementHeader:
        """The first line of a source's log."""
        identity = self.engine.identity
        return JudgementHeader(
            panel=self.panel.name,
            judge=self.panel.judge.judge,
            judge_version=self.panel.judge.version,
            judging_hash=judging_hash(self.panel, source.language, source.excerpts, identity),
            run_id=source.run_id,
            run_digest=source.digest,
            language=source.language,
            model=self.panel.model.id,
            model_sha256=str(identity.get("model_sha256", "")),
            engine=identity,
            bit_class=self.engine.bit_class,
        )

    def tasks(self, source: Source) -> list[Task]:
        """Every question about a source, in the order of its log."""
        return list(tasks(self.panel, source.excerpts))

    def questionnaire(self, source: Source, task: Task) -> Questionnaire:
        """What ``task`` asks."""
        key = (source.language, task.wording, task.order)
        if key not in self._questionnaires:
            self._questionnaires[key] = questionnaire(self.panel, source.language, task)
        return self._questionnaires[key]

    def prompt(self, source: Source, task: Task) -> Prompt:
        """The tokens that the judge reads."""
        asked = self.questionnaire(source, task)
        return self.engine.tokenize(self.engine.template.opening(asked.messages(task.excerpt)))

    def fits(self, task: Task, prompt: Prompt) -> bool:
        """Whether the excerpt keeps to the window and the prompt to the context."""
        judge = self.panel.judge
        room = judge.engine.context - judge.sampling.max_tokens
        return task.excerpt.characters <= judge.window.characters and len(prompt.tokens) <= room

    def request(self, source: Source, task: Task, prompt: Prompt, sequence: int) -> Request:
        """The question to the engine."""
        asked = self.questionnaire(source, task)
        rules = repr((asked.start, asked.nodes))
        if rules not in self._grammars:
            self._grammars[rules] = Grammar(asked.nodes, asked.start, self.engine.vocabulary)
        return Request(
            sequence,
            prompt,
            self._grammars[rules],
            self.panel.judge.sampling,
            draw_path(self.panel, task),
        )

    def record(
        self, source: Source, task: Task, prompt: Prompt, completion: Completion | None
    ) -> Judgement:
        """One answer as a log record; None: it was not asked for."""
        asked = self.questionnaire(source, task)
        tokens = completion.tokens if completion else ()
        text = self.engine.vocabulary.decode(tokens)
        parsed = asked.unasked()
        if completion is not None:
            parsed = asked.parse(
                text,
                cut=completion.stop == "ceiling",
                shares=completion.shares,
                legal_mass=completion.legal_mass,
            )
        return Judgement(
            excerpt=task.excerpt.id,
            subject=task.excerpt.subject,
            first_turn=task.excerpt.first,
            last_turn=task.excerpt.last,
            order=task.order,
            wording=task.wording,
            repeat=task.repeat,
            prompt_tokens=len(prompt.tokens),
            prompt_digest=_digest(prompt) if completion else None,
            tokens=tokens,
            stop=completion.stop if completion else "unasked",
            text=text,
            answers=parsed.answers,
            reason=parsed.reason,
            digest=completion.digest if completion else NO_DIGEST,
        )

    def size(self, source: Source, together: int) -> Size:
        """What a source asks of the engine, before anything is computed.

        Args:
            source: what is to be judged.
            together: questions side by side, which share the reading of what is equal in them.
        """
        total = longest = too_long = 0
        asked = self.tasks(source)
        shared: set[tuple[str, int, int]] = set()
        for index, task in enumerate(asked):
            prompt = self.prompt(source, task)
            if not self.fits(task, prompt):
                too_long += 1
                continue
            batch = (task.wording, task.order, index // together)
            common = prompt.marks[-1] if prompt.marks and batch in shared else 0
            shared.add(batch)
            total += len(prompt.tokens) - common
            longest = max(longest, len(prompt.tokens) + self.panel.judge.sampling.max_tokens)
        return Size(len(asked), total, longest, too_long)

    def judge(
        self, source: Source, known: Sequence[Judgement] = ()
    ) -> Iterator[tuple[list[Judgement], bool]]:
        """Judge one source.

        Args:
            source: what is judged.
            known: judgements that were made before, from the first on; they are put back as far
                as they follow from the source.

        Yields:
            Judgements in the order of the log, and whether they were put back.
        """
        asked = self.tasks(source)
        kept = self._kept(source, asked, known)
        if kept:
            yield list(known[:kept]), True
        for start in range(kept, len(asked), self.engine.capacity):
            batch = asked[start : start + self.engine.capacity]
            prompts = [self.prompt(source, task) for task in batch]
            fitting = [
                index
                for index, (task, prompt) in enumerate(zip(batch, prompts, strict=True))
                if self.fits(task, prompt)
            ]
            self.engine.clear()
            completions = self.engine.generate(
                [
                    self.request(source, batch[index], prompts[index], sequence)
                    for sequence, index in enumerate(fitting)
                ]
            )
            answered = dict(zip(fitting, completions, strict=True))
            yield (
                [
                    self.record(source, task, prompt, answered.get(index))
                    for index, (task, prompt) in enumerate(zip(batch, prompts, strict=True))
                ],
                False,
            )

    def _kept(self, source: Source, asked: Sequence[Task], known: Sequence[Judgement]) -> int:
        """How many of ``known`` are the first answers to what is asked."""
        for index, (task, judgement) in enumerate(zip(asked, known, strict=False)):
            prompt = self.prompt(source, task)
            wanted = _digest(prompt) if self.fits(task, prompt) else None
            place = (judgement.excerpt, judgement.order, judgement.wording, judgement.repeat)
            if place != (task.excerpt.id, *task[1:]) or judgement.prompt_digest != wanted:
                return index
        return min(len(asked), len(known))


def judge_source(
    judging: Judging,
    source: Source,
    folder: JudgementFolder,
    report: Callable[[Step], None] = lambda _: None,
) -> Path:
    """Judge one source and write its log; continues a log that was interrupted.

    Raises:
        OutputError: the folder cannot be written; what was written stays.
        EngineError: the engine failed; what was written stays.
    """
    header = judging.header(source)
    known = _interrupted(folder.partial(source.run_id), header)
    with JudgementWriter(folder.log(source.run_id), header) as writer:
        for judgements, restored in judging.judge(source, known):
            writer.append(judgements)
            report(Step(len(judgements), restored))
        path = writer.finish()
    report(Step(0, restored=False, finished=source.run_id))
    return path


def _interrupted(path: Path, header: JudgementHeader) -> tuple[Judgement, ...]:
    """What an interrupted log holds, if its judgements would be made alike again."""
    if not path.is_file() or header.engine.get("build", "invariant") != "invariant":
        return ()
    try:
        log = read_judgements(path)
    except RunLogError:
        return ()
    return log.judgements if log.header == header else ()


def _digest(prompt: Prompt) -> str:
    return hashlib.sha256(",".join(map(str, prompt.tokens)).encode()).hexdigest()
