"""What was published, number by number, and the rule by which a replication is held against it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kit.spec.evidence import Evidence, Sourced
from kit.spec.lexicon import Identifier, Text
from kit.spec.loading import Frozen, load
from kit.spec.study import LanguageCode, ModelId, Number, Slug


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
    """When a claim counts as replicated, written before any run.

    All intervals are our 95 % intervals. Whatever the rule: a claim with a sign is ``reversed`` if
    our interval lies on the other side of 0. An interval that neither meets the rule nor rules it
    out gives ``same direction but inconclusive`` if the estimate has the claim's sign, else ``not
    replicated``. A claim without a sign has no direction to reverse; its estimate has the same
    direction if it lies where the rule wants the whole interval: within the margin of the published
    estimate (``equivalence``), or below the margin (``no_rise``). A ``count`` has no interval, so
    that it is replicated or not.
    """

    SIGN = "sign"
    SIGN_AND_OVERLAP = "sign_and_overlap"
    EQUIVALENCE = "equivalence"
    NO_RISE = "no_rise"
    COUNT = "count"
    PREDICTION_INTERVAL = "prediction_interval"
    SMALL_TELESCOPES = "small_telescopes"
    NONE = "none"


RULES = {
    Rule.SIGN: "Replicated: our interval lies on the published side of 0.",
    Rule.SIGN_AND_OVERLAP: "Replicated: our interval lies on the published side of 0 and overlaps "
    "the published one. Not replicated: it does not overlap.",
    Rule.EQUIVALENCE: "Replicated: our interval lies within the published estimate +- margin. Not "
    "replicated: it lies wholly outside.",
    Rule.NO_RISE: "Replicated: our upper limit is below the margin. Not replicated: our lower "
    "limit is above 0.",
    Rule.COUNT: "Replicated: our count is within the margin of the published one. Not replicated: "
    "otherwise.",
    Rule.PREDICTION_INTERVAL: "Replicated: our estimate lies in the 95 % prediction interval of "
    "the published one (Patil, Peng & Leek 2016). Not replicated: it lies outside.",
    Rule.SMALL_TELESCOPES: "Not replicated: our effect is significantly smaller (one-sided, 5 %) "
    "than d33, the effect that the published sample would have found with a power of one third "
    "(Simonsohn 2015). Replicated: it is not, and our interval lies on the published side of 0.",
    Rule.NONE: "No verdict can be given; the claim says what is missing.",
}
"""What every rule asks for, as the registration document prints it."""


_QUANTITIES = {
    Rule.COUNT: (Quantity.RISING_LANGUAGES,),
    Rule.PREDICTION_INTERVAL: (Quantity.HEDGES_G, Quantity.CORRELATION),
    Rule.SMALL_TELESCOPES: (Quantity.HEDGES_G,),
}
"""What a rule can be asked of, where that is not everything."""

_SIZE = {Quantity.HEDGES_G: "per_cell", Quantity.CORRELATION: "of"}
"""Where the sample size of a published number stands."""


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
    per_cell: Sourced[Annotated[Number, Field(ge=2)]] | None = None
    """Runs in each of the two cells of a standardised difference."""
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
            Rule.PREDICTION_INTERVAL: ("estimate", _SIZE.get(self.quantity, "per_cell")),
            Rule.SMALL_TELESCOPES: ("sign", "per_cell"),
            Rule.NONE: (),
        }
        missing = [name for name in needs[self.rule] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"claim '{self.id}': the rule '{self.rule}' needs {missing}")
        kinds = _QUANTITIES.get(self.rule)
        if kinds is not None and self.quantity not in kinds:
            known = ", ".join(kinds)
            raise ValueError(
                f"claim '{self.id}': the rule '{self.rule}' is for {known}, not {self.quantity}"
            )
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
