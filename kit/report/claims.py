"""The table of published claims."""

from __future__ import annotations

from kit.analysis.results import Analysis
from kit.analysis.verdicts import Judgement
from kit.report.grid import Grid, grid
from kit.report.numbers import estimate
from kit.spec.published import Quantity

QUANTITIES = {
    Quantity.HEDGES_G: "g",
    Quantity.SLOPE: "slope",
    Quantity.POOLED_SLOPE: "slope",
    Quantity.INTERACTION: "interaction",
    Quantity.RISING_LANGUAGES: "rises in",
    Quantity.CORRELATION: "r",
    Quantity.AGENT_GAP: "value",
    Quantity.MEAN_NONE: "unaligned:",
    Quantity.MEAN_FULL: "value",
}
"""What stands before a published number."""


def verdicts(analysis: Analysis, *, here: bool) -> Grid:
    """Published claims: those of this study, or the others."""
    study = analysis.collection.experiment.study.id
    rows = [
        (
            judgement.claim.statement,
            published(judgement),
            _ours(judgement),
            judgement.verdict.value,
            judgement.reason,
        )
        for judgement in analysis.judgements
        if (judgement.claim.study == study) is here
    ]
    caption = f"Published claims of {study}" if here else "Published claims of the other studies"
    return grid(
        caption, "Claim|Published|Here [95 % interval]|Verdict|Why", rows, tables="verdicts"
    )


def checks(analysis: Analysis) -> Grid:
    """Every rule put to the claims of this study; the one that decides is marked."""
    rows = []
    for judgement in analysis.judgements:
        for found in judgement.checks:
            decides = " (decides)" if found.check is judgement.claim.rule else ""
            rows.append(
                (
                    judgement.claim.id,
                    f"{found.check.value.replace('_', ' ')}{decides}",
                    judgement.verdict.value,
                    found.holds.value,
                    found.why,
                )
            )
    return grid(
        "Checks of every claim",
        "Claim|Check|Verdict|Holds|Numbers",
        rows,
        tables="checks",
        note="One check decides, and it was chosen before any run. Where the verdict is 'not "
        "testable here', the others decide nothing either.",
    )


def _ours(judgement: Judgement) -> str:
    ours = judgement.ours
    if (
        judgement.claim.quantity is Quantity.RISING_LANGUAGES
        and ours is not None
        and ours.estimate is not None
    ):
        return f"{ours.estimate:.0f} of {ours.n}"
    return estimate(ours)


def published(judgement: Judgement) -> str:
    """What was published, as it was published."""
    claim = judgement.claim
    parts = []
    if claim.estimate is not None:
        of = f" of {claim.of}" if claim.quantity is Quantity.RISING_LANGUAGES else ""
        parts.append(f"{QUANTITIES[claim.quantity]} {claim.estimate:g}{of}")
    elif claim.sign is not None:
        parts.append(f"{claim.sign}, no number")
    else:
        parts.append("no number")
    if claim.p is not None:
        parts.append(f"p {claim.p.relation} {claim.p.value:g}")
    return f"{', '.join(parts)} ({claim.confidence} confidence; {', '.join(claim.source)})"
