"""Measures as polars frames with fixed columns; a measure that is undefined is null."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

import polars as pl

from kit.measure.overlap import Overlap
from kit.measure.run import RunMeasures
from kit.measure.speech import Speech
from kit.measure.tally import Register, Tally
from kit.runlog.records import Outcome
from kit.spec.language import Channel

Schema = dict[str, type[pl.DataType]]

IDENTITY: Schema = {
    "run_id": pl.String,
    "model": pl.String,
    "language": pl.String,
    "variant": pl.String,
    "individuated": pl.Int64,
    "aligned": pl.Int64,
    "replicate": pl.Int64,
}
"""What says which run a row belongs to. `variant` is null where the study has none."""

HIT_COLUMNS = {
    "": "hits",
    "_no_echo": "hits_no_echo",
    "_lines": "lines_with",
    "_lines_no_echo": "lines_with_no_echo",
    "_english": "hits_english",
}
"""What a register's columns end in, and the tallies they show."""

_COUNTS: Schema = {
    "lines": pl.Int64,
    "characters": pl.Int64,
    "words": pl.Int64,
    "lines_off_language": pl.Int64,
    **{f"{register.value}{suffix}": pl.Int64 for suffix in HIT_COLUMNS for register in Register},
}

_SHARES: Schema = {
    "monologue_share": pl.Float64,
    "monologue_share_lines": pl.Float64,
    "monologue_share_turns": pl.Float64,
    "conformity_ratio": pl.Float64,
    "conformity_share": pl.Float64,
    "harmony_share": pl.Float64,
}

_LEGALITY: Schema = {
    "tag_decisions": pl.Int64,
    "legal_mass_mean": pl.Float64,
    "legal_mass_min": pl.Float64,
    "legal_mass_below_half": pl.Float64,
}

_SPEECH: Schema = {
    "turns": pl.Int64,
    "turns_off_language": pl.Int64,
    **_COUNTS,
    **_SHARES,
    **_LEGALITY,
}

RUNS: Schema = {
    **IDENTITY,
    "run_hash": pl.String,
    "bit_class": pl.String,
    "evicted_aligned": pl.Boolean,
    **_SPEECH,
}
"""One row per run."""

AGENTS: Schema = {
    **IDENTITY,
    "agent": pl.String,
    "agent_aligned": pl.Boolean,
    "agent_individuated": pl.Boolean,
    "agent_evicted": pl.Boolean,
    **_SPEECH,
}
"""One row per agent and run."""

CHANNELS: Schema = {**IDENTITY, "agent": pl.String, "channel": pl.String, **_COUNTS}
"""One row per agent, channel and run."""

OUTCOMES: Schema = {**IDENTITY, "channel": pl.String, "outcome": pl.String, "number": pl.Int64}
"""One row per run, channel and outcome that occurred; channel ``turn`` counts whole answers."""

DRIFT: Schema = {**IDENTITY, "channel": pl.String, "spoken": pl.String, "lines": pl.Int64}
"""One row per run, channel and other language that counted lines are in."""

OVERLAP: Schema = {
    "text": pl.String,
    "text_language": pl.String,
    "wording": pl.String,
    "lexicon_language": pl.String,
    "register": pl.String,
    "hits": pl.Int64,
    "entries": pl.Int64,
    "characters": pl.Int64,
}
"""One row per text that agents read, wording and register."""

WHOLE_ANSWER = "turn"

_HITS = attrgetter(
    *(
        f"{attribute}.{register.value}"
        for attribute in HIT_COLUMNS.values()
        for register in Register
    )
)
"""A tally's hits in the order of their columns."""


def frame(schema: Schema, rows: Iterable[Sequence[object]]) -> pl.DataFrame:
    """Rows as a frame of exactly ``schema``."""
    return pl.DataFrame(list(rows), schema=schema, orient="row", strict=True)


def runs_frame(runs: Iterable[RunMeasures]) -> pl.DataFrame:
    """`RUNS`, in the order given."""
    return frame(
        RUNS,
        (
            (
                *_identity(run),
                run.header.run_hash,
                run.header.bit_class,
                run.header.evicted_aligned,
                *_speech(run.speech),
            )
            for run in runs
        ),
    )


def agents_frame(runs: Iterable[RunMeasures]) -> pl.DataFrame:
    """`AGENTS`, run by run."""
    return frame(
        AGENTS,
        (
            (
                *_identity(run),
                agent.agent,
                agent.aligned,
                agent.individuated,
                agent.evicted,
                *_speech(agent.speech),
            )
            for run in runs
            for agent in run.agents
        ),
    )


def channels_frame(runs: Iterable[RunMeasures]) -> pl.DataFrame:
    """`CHANNELS`, agent by agent."""
    return frame(
        CHANNELS,
        (
            (*_identity(run), agent.agent, channel.value, *_counts(agent.speech.channels[channel]))
            for run in runs
            for agent in run.agents
            for channel in Channel
        ),
    )


def outcomes_frame(runs: Iterable[RunMeasures]) -> pl.DataFrame:
    """`OUTCOMES`, run by run."""
    rows: list[tuple[object, ...]] = []
    for run in runs:
        for outcome in Outcome:
            if count := sum(agent.turn_outcomes.get(outcome, 0) for agent in run.agents):
                rows.append((*_identity(run), WHOLE_ANSWER, outcome.value, count))
        for channel in Channel:
            for outcome in Outcome:
                key = (channel, outcome)
                if count := sum(agent.line_outcomes.get(key, 0) for agent in run.agents):
                    rows.append((*_identity(run), channel.value, outcome.value, count))
    return frame(OUTCOMES, rows)


def drift_frame(runs: Iterable[RunMeasures]) -> pl.DataFrame:
    """`DRIFT`, run by run."""
    rows: list[tuple[object, ...]] = []
    for run in runs:
        lines: Counter[tuple[Channel, str]] = Counter()
        for agent in run.agents:
            lines.update(agent.away)
        rows += [
            (*_identity(run), channel.value, spoken, lines[channel, spoken])
            for channel in Channel
            for spoken in sorted({other for said, other in lines if said is channel})
        ]
    return frame(DRIFT, rows)


def overlap_frame(rows: Iterable[Overlap]) -> pl.DataFrame:
    """`OVERLAP`, in the order given."""
    return frame(OVERLAP, rows)


def _identity(run: RunMeasures) -> tuple[object, ...]:
    header = run.header
    return (
        header.run_id,
        header.model,
        header.language,
        header.variant,
        header.individuated,
        header.aligned,
        header.replicate,
    )


def _speech(speech: Speech) -> tuple[object, ...]:
    shares = (getattr(speech, name) for name in _SHARES)
    return (speech.turns, speech.turns_away, *_counts(speech.total), *shares, *speech.legality)


def _counts(tally: Tally) -> tuple[int | None, ...]:
    return (
        tally.lines,
        tally.characters,
        tally.words,
        tally.lines_away,
        *_HITS(tally),
    )
