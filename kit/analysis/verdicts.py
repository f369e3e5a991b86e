"""Published claims held against the analysis.

A verdict is only given where the kit can speak about the claim at all: the claim's own model
family, the kit's unshortened protocol, every planned run of the needed languages, and a rule.
Otherwise the claim is ``not testable here``, with the reason, and whatever number there is stands
beside it as information.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kit.analysis.agents import Gap
from kit.analysis.cells import Cell
from kit.analysis.collection import Collection, RunState
from kit.analysis.culture import Coefficient, Correlation, Dimension
from kit.analysis.effects import Effect, Factor, Kind, not_testable
from kit.analysis.indices import PRIMARY
from kit.spec.language import AGENTS
from kit.spec.published import Claim, Published, Quantity, Rule
from kit.stats.result import Estimate

_ROUNDING = 1e-9
"""Slopes below this, in z units per agent, are rounding: a flat language does not rise."""


class Verdict(StrEnum):
    """What a replication says about a claim."""

    REPLICATED = "replicated"
    NOT_REPLICATED = "not replicated"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable here"


class Judgement(NamedTuple):
    """One claim and what became of it."""

    claim: Claim
    verdict: Verdict
    reason: str
    model: str | None
    """The model whose number stands beside the claim."""
    ours: Estimate | None
    """None: this folder holds no such number."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What claims are held against."""

    cells: Sequence[Cell]
    effects: Sequence[Effect]
    gaps: Sequence[Gap]
    correlations: Sequence[Correlation]


def judge(published: Published, collection: Collection, findings: Findings) -> list[Judgement]:
    """Every published claim, in the order of the file."""
    return [_judgement(claim, collection, findings) for claim in published.claims]


def decide(claim: Claim, ours: Estimate) -> tuple[Verdict, str]:
    """Apply the claim's rule to our number.

    Returns:
        The verdict and its reason; ``not testable here`` where our number lacks what the rule
        looks at.
    """
    if claim.rule is Rule.NONE:
        return Verdict.NOT_TESTABLE, claim.why
    if ours.estimate is None:
        return Verdict.NOT_TESTABLE, f"No number: {ours.method}."
    if claim.rule is Rule.COUNT:
        assert claim.estimate is not None  # a rule has what it needs
        assert claim.margin is not None
        if ours.n != claim.of:
            return Verdict.NOT_TESTABLE, f"{ours.n} of the {claim.of} languages have a slope."
        near = abs(ours.estimate - claim.estimate) <= claim.margin
        found = f"{ours.estimate:.0f} of {ours.n}, published {claim.estimate:.0f}."
        return (Verdict.REPLICATED if near else Verdict.NOT_REPLICATED), found
    if ours.conf_low is None or ours.conf_high is None:
        return Verdict.NOT_TESTABLE, f"No interval: {ours.method}."
    return _by_interval(claim, ours.conf_low, ours.conf_high)


def _by_interval(claim: Claim, low: float, high: float) -> tuple[Verdict, str]:
    if claim.rule is Rule.NO_RISE:
        assert claim.margin is not None  # a rule has what it needs
        return _among(
            replicated=(high < claim.margin, f"The interval ends below {claim.margin:g}."),
            refuted=(low > 0, "The interval lies above 0."),
        )
    if claim.rule is Rule.EQUIVALENCE:
        assert claim.estimate is not None  # a rule has what it needs
        assert claim.margin is not None
        bottom, top = claim.estimate - claim.margin, claim.estimate + claim.margin
        return _among(
            replicated=(
                bottom <= low and high <= top,
                f"The interval lies within [{bottom:.3g}, {top:.3g}].",
            ),
            refuted=(
                high < bottom or low > top,
                f"The interval lies outside of [{bottom:.3g}, {top:.3g}].",
            ),
        )
    same, other = (low > 0, high < 0) if claim.sign == "positive" else (high < 0, low > 0)
    if claim.rule is Rule.SIGN_AND_OVERLAP and claim.interval is not None:
        meets = low <= claim.interval.high and claim.interval.low <= high
        return _among(
            replicated=(same and meets, "The published sign, and the intervals overlap."),
            refuted=(
                other or not meets,
                "The opposite sign." if other else "The intervals do not overlap.",
            ),
        )
    return _among(
        replicated=(same, "The interval lies on the published side of 0."),
        refuted=(other, "The interval lies on the other side of 0."),
    )


def _among(*, replicated: tuple[bool, str], refuted: tuple[bool, str]) -> tuple[Verdict, str]:
    if replicated[0]:
        return Verdict.REPLICATED, replicated[1]
    if refuted[0]:
        return Verdict.NOT_REPLICATED, refuted[1]
    return Verdict.INCONCLUSIVE, "The interval allows both."


def _judgement(claim: Claim, collection: Collection, findings: Findings) -> Judgement:
    study = collection.experiment.study
    asked = claim.study == study.id
    models = study.models.value
    family = [model for model in models if is_of_family(model, claim.model_family)]
    model = family[0] if family else models[0]
    ours = _number(claim, model, findings) if asked else None
    obstacles = _obstacles(claim, model if family else None, collection)
    if obstacles:
        return Judgement(
            claim, Verdict.NOT_TESTABLE, " ".join(obstacles), model if asked else None, ours
        )
    if ours is None:
        reason = "No complete run gives this number."
        return Judgement(claim, Verdict.NOT_TESTABLE, reason, model, None)
    verdict, reason = decide(claim, ours)
    return Judgement(claim, verdict, reason, model, ours)


def is_of_family(model: str, family: str) -> bool:
    """Whether ``model`` is ``family``, or goes on behind it with a dash."""
    return model == family or model.startswith(f"{family}-")


def _obstacles(claim: Claim, model: str | None, collection: Collection) -> list[str]:
    """Why no verdict can be given, before any number is looked at."""
    experiment = collection.experiment
    study = experiment.study
    obstacles = []
    if claim.study != study.id:
        obstacles.append(f"Asked by {claim.study}; this folder holds {study.id}.")
    if model is None:
        used = ", ".join(study.models.value)
        obstacles.append(f"The claim is about {claim.model_family}; these runs are of {used}.")
    if experiment.profile is not None:
        obstacles.append(f"The profile '{experiment.profile}' changes the protocol.")
    if claim.rule is Rule.NONE:
        obstacles.append(claim.why)
    if claim.study != study.id:
        return obstacles
    absent = [code for code in claim.languages if code not in study.languages.value]
    absent += [code for code in experiment.missing_languages if _needs(claim, code)]
    if absent:
        obstacles.append(f"No runs in {', '.join(absent)}.")
    spoken = len(study.languages.value) - len(experiment.missing_languages)
    if claim.of is not None and spoken != claim.of:
        obstacles.append(f"The claim is about {claim.of} languages; this study has {spoken}.")
    needed = [
        collection.states[run.run_id]
        for run in experiment.runs()
        if run.cell.model == model and _needs(claim, run.cell.language)
    ]
    done = needed.count(RunState.COMPLETE)
    if done < len(needed):
        obstacles.append(f"{done} of {len(needed)} planned runs are complete.")
    return obstacles


def _needs(claim: Claim, code: str) -> bool:
    return not claim.languages or code in claim.languages


def _number(claim: Claim, model: str, findings: Findings) -> Estimate | None:
    """Our number for a claim: plain variant, no individuated agents where that is a choice."""
    language = claim.languages[0] if claim.languages else None
    match claim.quantity:
        case Quantity.HEDGES_G | Quantity.SLOPE | Quantity.POOLED_SLOPE:
            kind = Kind.HEDGES_G if claim.quantity is Quantity.HEDGES_G else Kind.SLOPE
            return _first(
                effect.result
                for effect in _aligned(findings.effects, claim, model)
                if effect.kind is kind and effect.language == language
            )
        case Quantity.RISING_LANGUAGES:
            return _rising(_aligned(findings.effects, claim, model))
        case Quantity.CORRELATION:
            return _first(
                row.result
                for row in findings.correlations
                if (row.model, row.variant, row.individuated) == (model, None, 0)
                and row.measure == claim.outcome
                and row.dimension is Dimension.POWER_DISTANCE
                and row.coefficient is Coefficient.PEARSON
            )
        case Quantity.AGENT_GAP:
            return _first(
                gap.result
                for gap in findings.gaps
                if (gap.model, gap.language, gap.variant) == (model, language, None)
                and gap.factor is Factor.INDIVIDUATED
                and gap.aligned is None
                and gap.measure == claim.outcome
            )
        case Quantity.MEAN_NONE | Quantity.MEAN_FULL:
            level = 0 if claim.quantity is Quantity.MEAN_NONE else AGENTS
            return _first(
                cell.mean
                for cell in findings.cells
                if cell.condition == (model, language, None, 0, level)
                and cell.measure == claim.outcome
                and cell.reference in (None, PRIMARY)
            )
        case Quantity.INTERACTION:
            return None


def _aligned(effects: Iterable[Effect], claim: Claim, model: str) -> list[Effect]:
    return [
        effect
        for effect in effects
        if (effect.model, effect.variant, effect.factor, effect.other)
        == (model, None, Factor.ALIGNED, 0)
        and effect.measure == claim.outcome
        and effect.reference in (None, PRIMARY)
    ]


def _rising(effects: Iterable[Effect]) -> Estimate:
    slopes = [
        effect.result.estimate
        for effect in effects
        if effect.kind is Kind.SLOPE and effect.language is not None
    ]
    defined = [slope for slope in slopes if slope is not None]
    if not defined:
        return not_testable("no language has a slope", n=0)
    rising = sum(slope > _ROUNDING for slope in defined)
    return Estimate(estimate=rising, n=len(defined), method="languages with a slope above 0")


def _first(found: Iterable[Estimate]) -> Estimate | None:
    return next(iter(found), None)
