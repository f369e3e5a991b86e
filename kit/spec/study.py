"""A study: which groups are simulated, in which languages, under which protocol."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from kit.spec.evidence import Evidence, Sourced
from kit.spec.language import AGENTS, TURNS, WordingName
from kit.spec.loading import Frozen, load_named

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=40)]
ModelId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Number = Annotated[int, Field(strict=True)]
"""A whole number; ``yes`` and ``"3"`` are none."""
Real = Annotated[float, Field(strict=True)]
Level = Annotated[Number, Field(ge=0, le=AGENTS)]


def _no_repeats(items: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = sorted({str(item) for item in items if items.count(item) > 1})
    if repeated:
        raise ValueError(f"duplicate run: {', '.join(repeated)} stands twice")
    return items


Levels = Annotated[tuple[Level, ...], Field(min_length=1), AfterValidator(_no_repeats)]


class Order(StrEnum):
    """Who has heard what when an agent speaks."""

    SIMULTANEOUS = "simultaneous"
    """Everyone answers to what was public up to the turn before."""
    SEQUENTIAL = "sequential"
    """Speakers follow one another in a keyed order; later ones have heard earlier ones."""


class ChannelChoice(StrEnum):
    """Who decides which channels an answer uses."""

    FREE = "free"
    """The agent writes one to three tagged lines of its choice."""
    SLOTS = "slots"
    """Every channel is offered each turn in a keyed order, and may be left empty."""


class PrefixLanguage(StrEnum):
    """The language of the intervention text."""

    EN = "en"
    NATIVE = "native"


class Prefix(StrEnum):
    """Which text the aligned agents carry."""

    SAFETY = "safety"
    PLACEBO = "placebo"


class Sampling(Frozen):
    """How a token is drawn: grammar mask, temperature, top-k, top-p, min-p, then Gumbel-max."""

    temperature: Real = Field(default=0.9, ge=0, le=5)
    """0 is greedy."""
    top_k: Number = Field(default=0, ge=0)
    """Keep the k most probable legal tokens; 0 keeps all."""
    top_p: Real = Field(default=1.0, gt=0, le=1)
    """Keep the smallest set of legal tokens that holds this share of their mass."""
    min_p: Real = Field(default=0.0, ge=0, le=1)
    """Drop tokens below this share of the most probable legal one."""
    max_tokens: Number = Field(default=96, ge=4, le=4096)
    """Ceiling of one answer; the character budgets are meant to bind first."""


class EngineSettings(Frozen):
    """What the engine is told, all of it part of a run's identity."""

    context: Number = Field(default=16384, ge=256)
    """Tokens one agent's dialogue may hold."""
    k_type: Literal["f16", "q8_0"] = "f16"
    """Type of the K cache."""
    flash_attention: bool = False
    """On a CPU it splits its sums by thread and depth: other bits for every schedule."""
    gpu_layers: Number = Field(default=0, ge=0)
    """Layers computed on a GPU; 0: none."""
    main_gpu: Number = Field(default=0, ge=0)
    """Which GPU holds what is not split."""
    tensor_split: tuple[Annotated[Real, Field(ge=0)], ...] = ()
    """Shares of the model per GPU; empty: by their free memory."""


class Protocol(Frozen):
    """How one group is run. Variants and profiles override single fields of it."""

    turns: Sourced[Annotated[Number, Field(ge=1, le=TURNS)]] = Sourced(
        value=TURNS, evidence=Evidence.REPORTED
    )
    order: Sourced[Order] = Sourced(value=Order.SIMULTANEOUS)
    channel_choice: Sourced[ChannelChoice] = Sourced(value=ChannelChoice.FREE)
    prefix: Sourced[Prefix] = Sourced(value=Prefix.SAFETY)
    prefix_language: Sourced[PrefixLanguage] = Sourced(
        value=PrefixLanguage.EN, evidence=Evidence.REPORTED
    )
    wording: Sourced[WordingName] = Sourced(value="a")
    """Which wording of announcements, prefix and individuation is read."""
    budget_scale: Sourced[Annotated[Real, Field(gt=0, le=4)]] = Sourced(value=1.0)
    """Factor on every character budget."""
    sampling: Sourced[Sampling] = Sourced(value=Sampling())
    engine: Sourced[EngineSettings] = Sourced(value=EngineSettings())


class Study(Frozen):
    """One file of ``studies``."""

    id: Slug
    title: str
    question: str
    """What the study asks, in one sentence a reader of the report understands."""
    seed: Number = Field(ge=0, le=2**63 - 1)
    languages: Sourced[
        Annotated[tuple[LanguageCode, ...], Field(min_length=1), AfterValidator(_no_repeats)]
    ]
    models: Sourced[
        Annotated[tuple[ModelId, ...], Field(min_length=1), AfterValidator(_no_repeats)]
    ]
    aligned: Sourced[Levels]
    """How many of the ten agents carry the intervention: one level per entry."""
    individuated: Sourced[Levels] = Sourced(value=(0,))
    """How many are told to think independently."""
    replicates: Sourced[Annotated[Number, Field(ge=1, le=10_000)]]
    protocol: Protocol = Protocol()
    variants: dict[Slug, dict[str, Any]] = Field(default_factory=dict)
    """Named overrides of the protocol, each run beside the others; none means one plain run."""
    profiles: dict[Slug, dict[str, Any]] = Field(default_factory=dict)
    """Named overrides chosen with ``--profile``; a profile enters every run's identity."""

    @model_validator(mode="after")
    def _overrides_fit(self) -> Self:
        for kind, table in (("variants", self.variants), ("profiles", self.profiles)):
            for name, override in table.items():
                try:
                    self.protocol_of(override)
                except ValidationError as error:
                    # Raised again from where it stands in the file.
                    raise ValidationError.from_exception_data(
                        error.title,
                        [
                            InitErrorDetails(
                                type=problem["type"],
                                loc=(kind, name, *problem["loc"]),
                                input=problem["input"],
                                ctx=problem.get("ctx", {}),
                            )
                            for problem in error.errors()
                        ],
                    ) from error
        return self

    def protocol_of(self, *overrides: dict[str, Any]) -> Protocol:
        """The protocol with ``overrides`` laid over it in order; nested keys merge."""
        data = self.protocol.model_dump()
        for override in overrides:
            _merge(data, override)
        return Protocol.model_validate(data)


def _merge(base: dict[str, Any], override: dict[str, Any]) -> None:
    for name, value in override.items():
        old = base.get(name)
        if not (isinstance(old, dict) and {"value", "evidence"} <= old.keys()):
            base[name] = value
            continue
        sourced = isinstance(value, dict) and "value" in value
        new = {"evidence": Evidence.OURS} | (value if sourced else {"value": value})
        if isinstance(old["value"], dict) and isinstance(new["value"], dict):
            new["value"] = old["value"] | new["value"]
        base[name] = new


def load_study(path: Path) -> Study:
    """Read one study file.

    Raises:
        SpecError: with file, line and key.
    """
    return load_named(Study, path, "id")
