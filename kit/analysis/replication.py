"""From a claim's rule and our number to a verdict (see `kit.spec.published.Rule`)."""

from __future__ import annotations

from enum import StrEnum

from kit.analysis.checks import Holds, Ours, against, check, span
from kit.spec.published import Claim, Rule


class Verdict(StrEnum):
    """What a replication says about a claim."""

    REPLICATED = "replicated"
    INCONCLUSIVE = "same direction but inconclusive"
    NOT_REPLICATED = "not replicated"
    REVERSED = "reversed"
    NOT_TESTABLE = "not testable here"


def decide(claim: Claim, ours: Ours) -> tuple[Verdict, str]:
    """Apply the claim's rule to our number.

    Returns:
        The verdict and its reason, with the numbers it rests on; ``not testable here`` where our
        number lacks what the rule looks at.
    """
    if claim.rule is Rule.NONE:
        return Verdict.NOT_TESTABLE, claim.why
    found = check(claim, claim.rule, ours)
    if found.holds is Holds.UNKNOWN:
        return Verdict.NOT_TESTABLE, found.why
    low, high = ours.result.conf_low, ours.result.conf_high
    if low is not None and high is not None and against(claim, low, high):
        return Verdict.REVERSED, f"The interval {span(low, high)} lies on the other side of 0."
    if found.holds is Holds.YES:
        return Verdict.REPLICATED, found.why
    if found.ruled_out:
        return Verdict.NOT_REPLICATED, found.why
    assert ours.result.estimate is not None  # the check holds or not
    same = _same_direction(claim, ours.result.estimate)
    if claim.sign is not None:
        place = "has the published sign" if same else "does not have the published sign"
    else:
        place = "lies where the claim puts it" if same else "does not lie where the claim puts it"
    return (
        Verdict.INCONCLUSIVE if same else Verdict.NOT_REPLICATED,
        f"{found.why} The estimate {ours.result.estimate:.3g} {place}.",
    )


def _same_direction(claim: Claim, estimate: float) -> bool:
    if claim.sign is not None:
        return estimate > 0 if claim.sign == "positive" else estimate < 0
    assert claim.margin is not None  # equivalence and no_rise, which have one
    if claim.rule is Rule.NO_RISE or claim.estimate is None:
        return estimate < claim.margin
    return abs(estimate - claim.estimate) <= claim.margin
