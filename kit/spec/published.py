"""What was published, number by number, and the rule by which a replication is held against it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kit.spec.evidence import Evidence
from kit.spec.lexicon import Identifier, Text
from kit.spec.loading import Frozen, load
from kit.spec.study import LanguageCode, ModelId, Slug


class Quantity(StrEnum):
    """Which number of the analysis a claim is about."""

    HEDGES_G = "hedges_g"
    """Standardised difference of an outcome between 10 and 0 aligned agents, in one language."""
    SLOPE = "slope"
    """Change of an outcome per aligned agent, in one language."""
    POOLED_SLOPE = "pooled_slope"
    """Change of an outcome per aligned agent, over all languages."""
    INTERACTION = "interaction"
    """Difference of slopes between groups of languages."""
    RISING_LANGUAGES = "rising_languages"
    """In how many languages an outcome's slope is above 0."""
    CORRELATION = "correlation"
    """Pearson correlation of the languages' slopes with Power Distance."""
    AGENT_GAP = "agent_gap"
    """Individuated agents minus the other agents of the same group."""
    MEAN_NONE = "mean_none"
    """Mean of an outcome with no aligned agent."""
    MEAN_FULL = "mean_full"
    """Mean of an outcome with all ten agents aligned."""


class Rule(StrEnum):
    """When a claim counts as replicated. All intervals are 95 % intervals; bounds are our own."""

    SIGN = "sign"
    """Replicated: our interval lies on the published side of 0. Not: on the other side."""
    SIGN_AND_OVERLAP = "sign_and_overlap"
    """As ``sign``, and our interval must overlap the published one; if not: not replicated."""
    EQUIVALENCE = "equivalence"
    """Replicated: our interval lies within the published estimate +- margin. Not: outside of it."""
    NO_RISE = "no_rise"
    """Replicated: our upper bound is below the margin. Not: our lower bound is above 0."""
    COUNT = "count"
    """Replicated: our count is within the margin of the published one. Not: otherwise."""
    NONE = "none"
    """No verdict can be given; ``why`` says what is missing."""


class PValue(Frozen):
    """A p value as printed."""

    relation: Literal["=", "<"]
    value: float = Field(ge=0, le=1)


class Interval(Frozen):
    """A 95 % interval."""

    low: float
    high: float
    evidence: Evidence
    """``inferred`` where it was computed from the estimate and an inferred cell size."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"the interval [{self.low}, {self.high}] is empty")
        return self


class Claim(Frozen):
    """One published statement about the behaviour of groups."""

    id: Slug
    study: Slug
    """The study of this kit that asks the same."""
    statement: Text
    """What was claimed, in one sentence."""
    languages: Annotated[tuple[LanguageCode, ...], Field(max_length=16)] = ()
    """The languages it is about; none means every language of the study."""
    outcome: Identifier
    """The measured quantity, by its column name, such as ``cpi``."""
    quantity: Quantity
    sign: Literal["positive", "negative"] | None = None
    estimate: float | None = None
    """As published; None where only a direction is known."""
    statistic: Text | None = None
    """Test statistic as published, if any."""
    p: PValue | None = None
    interval: Interval | None = None
    n: int | None = Field(default=None, ge=1)
    """Runs of the published study."""
    of: int | None = Field(default=None, ge=1)
    """How many languages the claim speaks about, where it is about all of a study's."""
    model_family: ModelId
    """A model's id must begin with it: what another model does neither confirms nor refutes."""
    source: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Keys of ``sources``."""
    confidence: Literal["high", "medium-high", "medium", "low"]
    """How sure it is that this was published."""
    rule: Rule
    margin: float | None = Field(default=None, ge=0)
    why: Text
    """Why this rule, or what is missing for one."""

    @model_validator(mode="after")
    def _rule_has_what_it_needs(self) -> Self:
        needs: dict[Rule, tuple[str, ...]] = {
            Rule.SIGN: ("sign",),
            Rule.SIGN_AND_OVERLAP: ("sign", "interval"),
            Rule.EQUIVALENCE: ("estimate", "margin"),
            Rule.NO_RISE: ("margin",),
            Rule.COUNT: ("estimate", "of", "margin"),
            Rule.NONE: (),
        }
        missing = [name for name in needs[self.rule] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"claim '{self.id}': the rule '{self.rule}' needs {missing}")
        return self


class Sample(Frozen):
    """How many runs a published study had."""

    runs: int = Field(ge=1)
    source: Annotated[tuple[Text, ...], Field(min_length=1)]
    note: Text | None = None


class Published(Frozen):
    """The file ``studies/published.yaml``."""

    paper: Text
    sources: dict[str, Text]
    samples: dict[Slug, Sample]
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        seen: set[str] = set()
        for claim in self.claims:
            if claim.id in seen:
                raise ValueError(f"the claim '{claim.id}' stands twice")
            seen.add(claim.id)
        cited = {key for claim in self.claims for key in claim.source}
        cited |= {key for sample in self.samples.values() for key in sample.source}
        if unknown := sorted(cited - self.sources.keys()):
            raise ValueError(f"unknown sources {unknown}")
        return self


def load_published(path: Path) -> Published:
    """Read the published claims.

    Raises:
        SpecError: with file, line and key.
    """
    return load(Published, path)
