"""Judgement logs onto disk and back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from kit.errors import RunLogError
from kit.judge.records import Judgement, JudgementFooter, JudgementHeader, JudgementRecord
from kit.runlog.reader import path_while_written, records
from kit.runlog.writer import LogWriter

_RECORD: TypeAdapter[JudgementHeader | Judgement | JudgementFooter] = TypeAdapter(JudgementRecord)


class JudgementLog(NamedTuple):
    """The judgements of one run as they stand on disk."""

    header: JudgementHeader
    judgements: tuple[Judgement, ...]
    footer: JudgementFooter | None
    """None: incomplete."""


class JudgementWriter(LogWriter[Judgement]):
    """Writes the judgements of one run.

    Args:
        path: the final path, ending in ``.jsonl``.
        header: the first line.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """

    def __init__(self, path: Path, header: JudgementHeader):
        super().__init__(
            path,
            header,
            lambda judgements, digest: JudgementFooter(judgements=judgements, digest=digest),
        )


def read_judgements(path: Path) -> JudgementLog:
    """Read a log that may be incomplete; a torn last line of an incomplete one is left out.

    Raises:
        RunLogError: no such file, a line that is not a record, or a digest that does not match the
            lines before it.
    """
    header: JudgementHeader | None = None
    judgements: list[Judgement] = []
    footer: JudgementFooter | None = None
    for number, record in records(path, _RECORD, partial=path_while_written(path)):
        where = f"{path}:{number}"
        if footer is not None:
            raise RunLogError("a line after the footer", where=where)
        match record:
            case JudgementHeader():
                if header is not None:
                    raise RunLogError("a second header", where=where)
                header = record
            case Judgement():
                if header is None:
                    raise RunLogError("the first line is not a header", where=where)
                judgements.append(record)
            case JudgementFooter():
                footer = record
    if header is None:
        raise RunLogError("holds no header", where=path)
    if footer is not None and footer.judgements != len(judgements):
        raise RunLogError(
            f"the footer counts {footer.judgements} judgements, the log holds {len(judgements)}",
            where=path,
        )
    return JudgementLog(header, tuple(judgements), footer)


def is_judgement_log(path: Path) -> bool:
    """Whether the file at ``path`` begins as a judgement log does."""
    try:
        with path.open("rb") as file:
            return b'"judgement_header"' in file.readline(1_000_000)
    except OSError:
        return False
