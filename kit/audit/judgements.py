"""Judgement logs held against what they judge: made again, or read back without making any.

As with runs, nothing in a log is believed but the tokens of the answers. Excerpts are made again
from the judged run and its study, prompts from them and the judge's texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from kit.audit.divergence import Divergence
from kit.audit.replay import Replay, find_run
from kit.audit.tolerance import Tolerance
from kit.audit.verify import Fork, Mode, Problem, Tally, Verification
from kit.engine.llama import LlamaEngine
from kit.engine.protocol import Completion, Request
from kit.engine.reading import Reading, Recorded, plan_reading
from kit.errors import GrammarError, RunLogError
from kit.judge.folder import JudgementFolder
from kit.judge.gold import STUDY, gold_sources, load_gold_set
from kit.judge.judging import Judging, Source, run_source
from kit.judge.log import JudgementLog, read_judgements
from kit.judge.panel import Panel, Task
from kit.judge.records import Judgement, JudgementFooter, JudgementHeader
from kit.runlog.reader import read
from kit.runlog.writer import canonical
from kit.runner.folder import ResultFolder
from kit.runner.weights import Weights, load_weights
from kit.spec.experiment import load_experiment

_SIDE_BY_SIDE = 8
_ROOM = 256


class Case(NamedTuple):
    """A judgement log with what it is of."""

    path: Path
    log: JudgementLog
    panel: Panel
    source: Source


def open_case(path: Path) -> Case:
    """Read a complete judgement log and the run, or the gold excerpts, that it judges.

    Raises:
        RunLogError: the log is incomplete or damaged, or what it judges is gone or was changed.
        OutputError: its panel or study is not beside it.
    """
    log = read_judgements(path)
    if log.footer is None:
        raise RunLogError(
            "the judgements are incomplete: their log has no footer",
            where=path,
            hint="'kit judge run' with the same judge continues where it stopped",
        )
    folder = JudgementFolder(path.absolute().parents[2], path.absolute().parent.name)
    panel = folder.panel()
    source = _source(folder.results, panel, log.header.run_id, path)
    if source.digest != log.header.run_digest:
        raise RunLogError(
            f"{log.header.run_id} was changed since it was judged",
            where=path,
            hint="judge it again: 'kit judge run' sees that the judgements are old",
        )
    return Case(path, log, panel, source)


def _source(results: Path, panel: Panel, run_id: str, path: Path) -> Source:
    if run_id.startswith(f"{STUDY}/"):
        for source in gold_sources(load_gold_set(panel.judge), panel.judge):
            if source.run_id == run_id:
                return source
        raise RunLogError(f"the gold set has no '{run_id}'", where=path)
    experiment = load_experiment(results)
    run = find_run(experiment, run_id, path)
    judged = ResultFolder(results).log(run)
    return run_source(judged, read(judged), experiment.languages[run.cell.language], panel)


def replay_judgements(
    path: Path, *, threads: int | None = None, report: Callable[[int], None] = lambda _: None
) -> Replay:
    """Judge again what the log at ``path`` judges, one at a time, and compare bytes.

    Raises:
        RunLogError, OutputError: see `open_case`.
        ModelError, EngineError: the model is missing or refuses.
    """
    case = open_case(path)
    weights = load_weights(case.panel.model, settings=case.panel.judge.engine)
    judging = Judging(case.panel, _engine(case, weights, threads=threads, capacity=1))
    try:
        header = judging.header(case.source)
        judgements: list[Judgement] = []
        for found, _ in judging.judge(case.source):
            judgements += found
            report(len(found))
    finally:
        judging.engine.close()  # type: ignore[attr-defined]
    lines = [canonical(header), *map(canonical, judgements)]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    repeated = b"".join(
        [*lines, canonical(JudgementFooter(judgements=len(judgements), digest=digest))]
    )
    recorded = path.read_bytes()
    divergence = None
    if repeated != recorded:
        divergence = _divergence(case.log, header, judgements)
    return Replay(
        f"{case.panel.name} of {case.source.run_id}",
        len(recorded),
        divergence,
        case.log.header.bit_class,
        header.bit_class,
        (case.source.run_id,),
    )


def _engine(case: Case, weights: Weights, *, threads: int | None, capacity: int) -> LlamaEngine:
    settings = case.panel.judge.engine
    longest = max((judgement.prompt_tokens for judgement in case.log.judgements), default=0)
    room = longest + case.panel.judge.sampling.max_tokens
    # A forged log may claim anything; what is asked anew is checked against the context.
    room = min(settings.context, -(-room // _ROOM) * _ROOM)
    return weights.engine(settings, capacity=capacity, threads=threads, room=room)


def _divergence(
    log: JudgementLog, header: JudgementHeader, judgements: Sequence[Judgement]
) -> Divergence:
    for name in JudgementHeader.model_fields:
        old, new = getattr(log.header, name), getattr(header, name)
        if old != new:
            return Divergence(f"header field '{name}': recorded {old!r}, now {new!r}")
    for number, (old, new) in enumerate(zip_longest(log.judgements, judgements), start=1):
        if old is None or new is None:
            return Divergence(f"recorded {len(log.judgements)} judgements, now {len(judgements)}")
        for name in Judgement.model_fields:
            if getattr(old, name) != getattr(new, name):
                return Divergence(
                    f"judgement {number} ({old.excerpt}, order {old.order}): '{name}' differs",
                    old.first_turn,
                    old.subject,
                )
    return Divergence("the same content in other bytes: the log was rewritten")


class _Followed(NamedTuple):
    """A recorded judgement and the question that it answers."""

    recorded: Judgement
    task: Task
    request: Request


def verify_judgements(
    path: Path,
    weights: Weights,
    *,
    tolerance: Tolerance | None = None,
    scores: bool = False,
    threads: int | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Read the answers of a judgement log back, making none.

    Args:
        path: a complete log.
        weights: the judge's model.
        tolerance: margins of honest machines; needed where the bit class is another.
        scores: score even where bits could be compared.
        threads: worker threads.
        report: called with the number of answers read.

    Raises:
        RunLogError: see `open_case`; or it needs a tolerance.
    """
    case = open_case(path)
    engine = _engine(case, weights, threads=threads, capacity=_SIDE_BY_SIDE)
    try:
        judging = Judging(case.panel, engine)
        recorded_class = case.log.header.bit_class
        same = recorded_class is not None and recorded_class == engine.bit_class
        mode = Mode.BITS if same and not scores else Mode.SCORES
        if mode is Mode.SCORES and tolerance is None:
            raise RunLogError(
                "judged in another bit class; scoring its tokens needs a tolerance",
                where=path,
                hint="--tau 1.0 chooses one",
            )
        problems = _header_problems(case, judging, mode)
        followed = list(_followed(case, judging, problems))
        tau = tolerance.tau if tolerance is not None and mode is Mode.SCORES else 0.0
        check = _Check(case, judging, mode, tau)
        tallies, forks = check.read(followed, problems, report)
        return Verification(
            f"{case.panel.name} of {case.source.run_id}",
            mode,
            tolerance if mode is Mode.SCORES else None,
            recorded_class,
            engine.bit_class,
            tuple(tallies),
            tuple(problems),
            tuple(forks),
        )
    finally:
        engine.close()


def _header_problems(case: Case, judging: Judging, mode: Mode) -> list[Problem]:
    expected = judging.header(case.source).model_dump()
    recorded = case.log.header.model_dump()
    if mode is Mode.SCORES:
        for name in ("bit_class", "engine", "judging_hash"):
            expected[name] = recorded[name]
    return [
        Problem(f"header field '{name}' does not follow from the judge and the run")
        for name, value in expected.items()
        if recorded[name] != value
    ]


def _followed(case: Case, judging: Judging, problems: list[Problem]) -> Iterator[_Followed]:
    """The questions that were asked, with their recorded answers, as far as they follow."""
    tasks = judging.tasks(case.source)
    if len(tasks) != len(case.log.judgements):
        problems.append(
            Problem(f"{len(tasks)} judgements follow; the log holds {len(case.log.judgements)}")
        )
    for task, recorded in zip(tasks, case.log.judgements, strict=False):
        prompt = judging.prompt(case.source, task)
        asked = judging.fits(task, prompt)
        stop = recorded.stop if recorded.stop != "unasked" else "end"
        completion = Completion(
            recorded.tokens,
            stop,
            tuple(each.legal_mass for each in recorded.answers if each.legal_mass is not None),
            recorded.digest,
        )
        try:
            rebuilt = judging.record(case.source, task, prompt, completion if asked else None)
        except IndexError:
            problems.append(_problem(recorded, "a token the model does not have"))
            continue
        for name in Judgement.model_fields:
            if name == "answers":
                different = [(each.outcome, each.value) for each in recorded.answers] != [
                    (each.outcome, each.value) for each in rebuilt.answers
                ]
            else:
                different = getattr(recorded, name) != getattr(rebuilt, name)
            if different:
                problems.append(_problem(recorded, f"'{name}' does not follow"))
        if asked:
            yield _Followed(recorded, task, judging.request(case.source, task, prompt, 0))


class _Check(NamedTuple):
    """One verification of one log."""

    case: Case
    judging: Judging
    mode: Mode
    tau: float

    def read(
        self,
        followed: Sequence[_Followed],
        problems: list[Problem],
        report: Callable[[int], None],
    ) -> tuple[list[Tally], list[Fork]]:
        """Read every answer back, batch by batch."""
        engine = self.judging.engine
        assert isinstance(engine, LlamaEngine)  # made by `_engine`
        tallies: dict[str, Tally] = {}
        forks: list[Fork] = []
        readable = []
        for each in followed:
            try:
                plan_reading(_recorded(each), engine.vocabulary.ends)
            except GrammarError as error:
                problems.append(_problem(each.recorded, error.message))
                continue
            readable.append(each)
        for start in range(0, len(readable), engine.capacity):
            batch = readable[start : start + engine.capacity]
            engine.clear()
            readings = engine.read_back(
                {sequence: [_recorded(each)] for sequence, each in enumerate(batch)}, report
            )
            for sequence, each in enumerate(batch):
                [reading] = readings[sequence]
                if self.mode is Mode.BITS and not _same_numbers(
                    each.recorded, reading, self.judging, self.case
                ):
                    problems.append(
                        _problem(each.recorded, "'shares' do not follow from the logits")
                    )
                _count(tallies, each.recorded, reading, self.tau, bits=self.mode is Mode.BITS)
                for found in reading.disagreements:
                    stood = each.recorded.tokens[found.token : found.token + 1]
                    forks.append(
                        Fork(
                            each.recorded.first_turn,
                            each.recorded.subject,
                            found.token,
                            engine.vocabulary.decode(stood),
                            engine.vocabulary.decode((found.drawn,)),
                            found.margin,
                        )
                    )
        return list(tallies.values()), forks


def _same_numbers(recorded: Judgement, reading: Reading, judging: Judging, case: Case) -> bool:
    """Whether shares and legal mass are those of these logits."""
    task = Task(
        next(each for each in case.source.excerpts if each.id == recorded.excerpt),
        recorded.order,
        recorded.wording,
        recorded.repeat,
    )
    rebuilt = judging.questionnaire(case.source, task).parse(
        recorded.text,
        cut=recorded.stop == "ceiling",
        shares=reading.shares,
        legal_mass=reading.legal_mass,
    )
    return rebuilt.answers == recorded.answers


def _count(
    tallies: dict[str, Tally], recorded: Judgement, reading: Reading, tau: float, *, bits: bool
) -> None:
    near = sum(found.margin <= tau for found in reading.disagreements)
    old = tallies.get(recorded.subject, Tally(recorded.subject, 0, 0, 0, chain_holds=True))
    tallies[recorded.subject] = Tally(
        recorded.subject,
        old.decisions + reading.decisions,
        old.near_ties + near,
        old.divergent + len(reading.disagreements) - near,
        old.chain_holds and (not bits or reading.digest == recorded.digest),
    )


def _recorded(each: _Followed) -> Recorded:
    return Recorded(each.request, each.recorded.tokens)


def _problem(recorded: Judgement, what: str) -> Problem:
    return Problem(f"{what} ({recorded.excerpt}, order {recorded.order})")
