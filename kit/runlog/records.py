"""What a run log holds: a header, one record per agent turn, a footer.

Nothing here depends on the clock, the host, the number of threads or what else was computed beside
the run, so two correct runs of the same thing are the same bytes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from kit.spec.language import Channel
from kit.spec.loading import Frozen

LOG_VERSION: Final = 1
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""A SHA-256."""


class Outcome(StrEnum):
    """What became of an answer, or of one line of it."""

    OK = "ok"
    TRUNCATED = "truncated"
    """Cut by its character budget or by the token ceiling."""
    EMPTY = "empty"
    """Nothing but white space."""
    OFF_LANGUAGE = "off_language"
    """Most letters belong to no script of the language."""
    PROVIDER_REFUSAL = "provider_refusal"
    """The model stepped out of its role. Refusing within the role is behaviour and stays ``ok``."""


class Utterance(Frozen):
    """One tagged line of an answer."""

    channel: Channel
    to: str | None = None
    """Persona id a whisper is addressed to."""
    text: str
    outcome: Outcome


class Header(Frozen):
    """The identity of a run: only what can change its output."""

    type: Literal["header"] = "header"
    log_version: Literal[1] = LOG_VERSION
    run_id: str
    run_hash: str
    """SHA-256 over everything that can change an output."""
    study: str
    language: str
    aligned: int
    """How many agents carry the intervention."""
    individuated: int
    variant: str | None
    profile: str | None
    model: str
    model_sha256: str
    replicate: int
    aligned_agents: tuple[str, ...]
    """Persona ids, sorted."""
    individuated_agents: tuple[str, ...]
    evicted: str
    evicted_aligned: bool
    """Covariate: does the resident named for eviction carry the intervention?"""
    protocol: dict[str, Any]
    """The resolved protocol: turns, order, sampling and so on, without evidence."""
    engine: dict[str, Any]
    """Engine identity: kind, library version, build, settings that matter."""
    bit_class: str | None
    """Hash of golden logits on this machine with this model; None for engines without logits."""


class Turn(Frozen):
    """One agent's turn."""

    type: Literal["turn"] = "turn"
    turn: int
    """1 to 15."""
    agent: str
    """Persona id."""
    position: int
    """Place in the turn's order, from 0; equal to the persona's place when all speak at once."""
    prompt: tuple[int, ...]
    """Token ids appended before the answer."""
    tokens: tuple[int, ...]
    """Token ids of the answer, without the end-of-turn token."""
    stop: Literal["end", "ceiling"]
    """``end``: the form was completed or the model ended it; ``ceiling``: no tokens were left."""
    text: str
    """The answer as text."""
    utterances: tuple[Utterance, ...]
    outcome: Outcome
    legal_mass: tuple[float, ...]
    """At each tag decision, the share of the model's own probability on legal tokens."""
    digest: Digest
    """Chain over the bits of every logits row the agent's decisions used so far."""


class Footer(Frozen):
    """The last line; without it the run is incomplete."""

    type: Literal["footer"] = "footer"
    turns: int
    """How many turn records the log holds."""
    digest: Digest
    """SHA-256 over every line before this one."""


Record = Annotated[Header | Turn | Footer, Field(discriminator="type")]
