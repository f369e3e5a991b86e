"""Published claims held against the analysis.

A verdict is only given where the kit can speak about the claim at all: the claim's own model
family, the kit's unshortened protocol, every planned run of the needed languages, and a rule.
Otherwise the claim is ``not testable here``, with the reason, and whatever number there is stands
beside it as information.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kit.analysis.across import Estimator, Pooled
from kit.analysis.agents import Gap
from kit.analysis.cells import Cell
from kit.analysis.checks import Check, Ours, checks
from kit.analysis.collection import Collection, RunState
from kit.analysis.culture import Coefficient, Correlation, Dimension
from kit.analysis.effects import Effect, Factor, Kind, not_testable
from kit.analysis.indices import PRIMARY
from kit.analysis.replication import Verdict, decide
from kit.spec.evidence import Evidence
from kit.spec.experiment import Experiment
from kit.spec.language import AGENTS
from kit.spec.published import Claim, Published, Quantity, Rule
from kit.stats.replication import Sizes
from kit.stats.result import Estimate

_ROUNDING = 1e-9
"""Slopes below this, in z units per agent, are rounding: a flat language does not rise."""


class Judgement(NamedTuple):
    """One claim and what became of it."""

    claim: Claim
    verdict: Verdict
    reason: str
    model: str | None
    """The model whose number stands beside the claim."""
    ours: Estimate | None
    """None: this folder holds no such number."""
    checks: tuple[Check, ...] = ()
    """Every rule put to the claim; none where the folder is of another study."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What claims are held against."""

    cells: Sequence[Cell]
    effects: Sequence[Effect]
    pooled: Sequence[Pooled]
    gaps: Sequence[Gap]
    correlations: Sequence[Correlation]


def judge(published: Published, collection: Collection, findings: Findings) -> list[Judgement]:
    """Every published claim, in the order of the file."""
    return [_judgement(claim, collection, findings) for claim in published.claims]


def _judgement(claim: Claim, collection: Collection, findings: Findings) -> Judgement:
    study = collection.experiment.study
    models = study.models.value
    family = [model for model in models if is_of_family(model, claim.model_family)]
    model = family[0] if family else models[0]
    obstacles = _obstacles(claim, model if family else None, collection)
    if claim.study != study.id:
        return Judgement(claim, Verdict.NOT_TESTABLE, " ".join(obstacles), None, None)
    number = _number(claim, model, findings)
    if obstacles:
        verdict, reason = Verdict.NOT_TESTABLE, " ".join(obstacles)
    elif number is None:
        verdict, reason = Verdict.NOT_TESTABLE, "No complete run gives this number."
    else:
        verdict, reason = decide(claim, number)
    return Judgement(
        claim,
        verdict,
        f"{reason}{_choice_of_languages(claim, collection.experiment)}",
        model,
        number.result if number else None,
        checks(claim, number),
    )


def _choice_of_languages(claim: Claim, experiment: Experiment) -> str:
    """How many languages of a claim about all of them are the kit's choice, as a sentence."""
    spoken = [
        code
        for code in experiment.study.languages.value
        if code not in experiment.missing_languages
    ]
    chosen = sum(experiment.languages[code].evidence is Evidence.OURS for code in spoken)
    if claim.of is None or not chosen:
        return ""
    return f" {chosen} of the {len(spoken)} languages are ours: the paper's are not all known."


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


def _number(claim: Claim, model: str, findings: Findings) -> Ours | None:
    """Our number for a claim: plain variant, no individuated agents where that is a choice."""
    result = _result(claim, model, findings)
    if result is None or claim.quantity is not Quantity.HEDGES_G or not result.is_defined:
        return None if result is None else Ours(result)
    cells = {level: _cell(claim, model, level, findings) for level in (AGENTS, 0)}
    sizes = [cell.mean.n or 0 for cell in cells.values() if cell is not None]
    return Ours(result, Sizes(*sizes) if len(sizes) == 2 else None)


def _result(claim: Claim, model: str, findings: Findings) -> Estimate | None:
    language = claim.languages[0] if claim.languages else None
    match claim.quantity:
        case Quantity.POOLED_SLOPE:
            return _over_languages(findings.pooled, claim, model)
        case Quantity.HEDGES_G | Quantity.SLOPE:
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
            cell = _cell(claim, model, level, findings)
            return None if cell is None else cell.mean
        case Quantity.INTERACTION:
            return not_testable("term unknown")


def _cell(claim: Claim, model: str, level: int, findings: Findings) -> Cell | None:
    where = (model, claim.languages[0] if claim.languages else None, None, 0, level)
    return next(
        (
            cell
            for cell in findings.cells
            if cell.condition == where
            and cell.measure == claim.outcome
            and cell.reference in (None, PRIMARY)
        ),
        None,
    )


def _aligned(effects: Iterable[Effect], claim: Claim, model: str) -> list[Effect]:
    return [
        effect
        for effect in effects
        if (effect.model, effect.variant, effect.factor, effect.other)
        == (model, None, Factor.ALIGNED, 0)
        and effect.measure == claim.outcome
        and effect.reference in (None, PRIMARY)
    ]


def _over_languages(pooled: Iterable[Pooled], claim: Claim, model: str) -> Estimate | None:
    """The mixed model's slope, or the clustered one where the model has none.

    The claim is about languages, so their number is what its error comes from: least squares over
    runs would hold the mean slope of such languages in far less than 95 % (docs/statistics.md).
    """
    found = {
        row.estimator: row.result
        for row in pooled
        if (row.model, row.variant, row.individuated) == (model, None, 0)
        and row.measure == claim.outcome
        and row.reference == PRIMARY
    }
    mixed = found.get(Estimator.MIXED)
    return mixed if mixed and mixed.is_defined else found.get(Estimator.CLUSTERED)


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
