"""What a judgement log holds: a header, one record per judgement, a footer.

As in a run log, nothing here depends on the clock, the host or what else was computed beside it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from kit.runlog.records import Digest
from kit.spec.loading import Frozen

JUDGEMENT_LOG_VERSION: Final = 1


class JudgementOutcome(StrEnum):
    """What became of one question about one excerpt."""

    SCORED = "scored"
    REFUSED = "refused"
    """The judge chose not to judge."""
    UNPARSABLE = "unparsable"
    """No answer could be read in what the judge said."""
    TRUNCATED = "truncated"
    """The token ceiling ended it before the answer."""
    TOO_LONG = "too_long"
    """The excerpt fits neither the window nor the context; it was not asked about."""


class Answer(Frozen):
    """The answer to one question."""

    scale: str
    outcome: JudgementOutcome
    value: str | None = None
    """The value that was drawn; None unless scored."""
    shares: tuple[float, ...] | None = None
    """The model's own probability of each value of the scale, in the scale's order; with
    ``declined`` they sum to 1. None where the form is free."""
    declined: float | None = None
    """The same of the option not to judge."""
    legal_mass: float | None = None
    """The share of the model's own probability on any of the options."""


class JudgementHeader(Frozen):
    """The identity of a judgement log: only what can change a judgement."""

    type: Literal["judgement_header"] = "judgement_header"
    log_version: Literal[1] = JUDGEMENT_LOG_VERSION
    panel: str
    """Name of the panel, which is the name of its folder."""
    judge: str
    judge_version: int
    judging_hash: str
    """SHA-256 over everything that can change a judgement of this run: texts, plan, engine."""
    run_id: str
    """The judged run, or ``gold/<language>``."""
    run_digest: Digest
    """SHA-256 of the judged log's bytes."""
    language: str
    model: str
    model_sha256: str
    engine: dict[str, Any]
    bit_class: str | None


class Judgement(Frozen):
    """One excerpt, asked about once."""

    type: Literal["judgement"] = "judgement"
    excerpt: str
    subject: str
    first_turn: int
    last_turn: int
    order: int
    """Number of the order of options."""
    wording: str
    repeat: int
    """From 1."""
    prompt_tokens: int
    prompt_digest: Digest | None
    """SHA-256 of the prompt's token ids in decimal, with commas; None: not asked."""
    tokens: tuple[int, ...]
    stop: Literal["end", "ceiling", "unasked"]
    text: str
    answers: tuple[Answer, ...]
    """One per scale, in the judge's order."""
    reason: str | None
    digest: Digest
    """Over the bits of every logits row the answer used."""


class JudgementFooter(Frozen):
    """The last line; without it the log is incomplete."""

    type: Literal["judgement_footer"] = "judgement_footer"
    judgements: int
    digest: Digest
    """SHA-256 over every line before this one."""


JudgementRecord = Annotated[
    JudgementHeader | Judgement | JudgementFooter, Field(discriminator="type")
]
