"""Every rule put to every claim: our number beside the published one.

A check holds, does not, or is unknown because something it needs was never published or cannot be
computed here. All checks of a claim are made; the one that its file names decides the verdict (see
`kit.analysis.replication`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from kit.spec.published import Claim, Quantity, Rule
from kit.stats.replication import (
    Sizes,
    effect_interval,
    g_prediction,
    r_prediction,
    smallest_telescoped_effect,
)
from kit.stats.result import Estimate


class Holds(StrEnum):
    """Whether our number meets a rule."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Something that the rule needs is not known."""


class Ours(NamedTuple):
    """Our number for a claim."""

    result: Estimate
    sizes: Sizes | None = None
    """Runs of both cells; standardised differences only."""


class Check(NamedTuple):
    """One rule put to one claim."""

    check: Rule
    published: float | None
    """The published estimate."""
    bound_low: float | None = None
    """What our number must lie above, or overlap: published interval, margin, d33."""
    bound_high: float | None = None
    ours: float | None = None
    low: float | None = None
    """Our interval, of 95 %; of 90 % for ``small_telescopes``."""
    high: float | None = None
    holds: Holds = Holds.UNKNOWN
    ruled_out: bool = False
    """The numbers contradict the rule; a check that merely fails to hold allows both."""
    why: str = ""


_EVERYWHERE = (Rule.SIGN, Rule.SIGN_AND_OVERLAP, Rule.EQUIVALENCE, Rule.PREDICTION_INTERVAL)
_APPLICABLE = {
    Quantity.HEDGES_G: (*_EVERYWHERE, Rule.SMALL_TELESCOPES),
    Quantity.RISING_LANGUAGES: (Rule.COUNT,),
}
"""Which checks a quantity can be put to, beside the claim's own rule."""


def checks(claim: Claim, ours: Ours | None) -> tuple[Check, ...]:
    """Every check that the claim's quantity can be put to, its own rule among them.

    Args:
        claim: what was published.
        ours: None where this folder holds no such number; every check is then unknown.
    """
    rules = _APPLICABLE.get(claim.quantity, _EVERYWHERE)
    own = () if claim.rule in (*rules, Rule.NONE) else (claim.rule,)
    number = ours or Ours(Estimate(method="this folder holds no such number"))
    return tuple(check(claim, rule, number) for rule in (*rules, *own))


def check(claim: Claim, rule: Rule, ours: Ours) -> Check:
    """Put one rule to a claim, whether or not it is the one that decides."""
    result = ours.result
    blank = Check(
        rule,
        claim.estimate,
        ours=result.estimate,
        low=result.conf_low,
        high=result.conf_high,
    )
    if result.estimate is None:
        return blank._replace(why=f"No number: {result.method}.")
    if rule in _BY_NUMBER:
        return _BY_NUMBER[rule](claim, ours, blank)
    if result.conf_low is None or result.conf_high is None:
        return blank._replace(why=f"No interval: {result.method}.")
    if rule in _BY_INTERVAL:
        return _BY_INTERVAL[rule](claim, result.conf_low, result.conf_high, blank)
    return blank._replace(why=claim.why)


def _sign(claim: Claim, low: float, high: float, blank: Check) -> Check:
    if claim.sign is None:
        return blank._replace(why="No direction was published.")
    holds = _supports(claim, low, high)
    where = "lies on the published side of" if holds else "crosses"
    if against(claim, low, high):
        where = "lies on the other side of"
    return _with(blank, f"The interval {span(low, high)} {where} 0.", holds=holds)


def _overlap(claim: Claim, low: float, high: float, blank: Check) -> Check:
    sign = _sign(claim, low, high, blank)
    if sign.holds is Holds.UNKNOWN or claim.interval is None:
        return sign._replace(
            holds=Holds.UNKNOWN,
            why=sign.why if sign.holds is Holds.UNKNOWN else "The published interval is unknown.",
        )
    bottom, top = claim.interval.low, claim.interval.high
    meets = low <= top and bottom <= high
    overlaps = "It overlaps" if meets else "It does not overlap"
    why = f"{sign.why} {overlaps} the published {span(bottom, top)} ({claim.interval.evidence})."
    return _with(
        blank._replace(bound_low=bottom, bound_high=top),
        why,
        holds=sign.holds is Holds.YES and meets,
        ruled_out=not meets,
    )


def _equivalence(claim: Claim, low: float, high: float, blank: Check) -> Check:
    if claim.estimate is None:
        return blank._replace(why="The published estimate is unknown.")
    if claim.rule is not Rule.EQUIVALENCE or claim.margin is None:
        return blank._replace(why="No equivalence margin was set before the run.")
    bottom, top = claim.estimate - claim.margin, claim.estimate + claim.margin
    holds = bottom <= low and high <= top
    outside = high < bottom or low > top
    where = "lies within" if holds else "lies outside of" if outside else "reaches beyond"
    return _with(
        blank._replace(bound_low=bottom, bound_high=top),
        f"The interval {span(low, high)} {where} {span(bottom, top)}.",
        holds=holds,
        ruled_out=outside,
    )


def _no_rise(claim: Claim, low: float, high: float, blank: Check) -> Check:
    assert claim.margin is not None  # a rule has what it needs
    where = "ends below" if high < claim.margin else "reaches"
    above = " and lies above 0" if low > 0 else ""
    return _with(
        blank._replace(bound_high=claim.margin),
        f"The interval {span(low, high)} {where} {claim.margin:g}{above}.",
        holds=high < claim.margin,
        ruled_out=low > 0,
    )


def _count(claim: Claim, ours: Ours, blank: Check) -> Check:
    result = ours.result
    assert result.estimate is not None  # asked before
    if claim.estimate is None or claim.of is None or claim.margin is None:
        return blank._replace(why="The published count is unknown.")
    if result.n != claim.of:
        return blank._replace(why=f"{result.n} of the {claim.of} languages have a slope.")
    bottom, top = claim.estimate - claim.margin, claim.estimate + claim.margin
    holds = bottom <= result.estimate <= top
    return _with(
        blank._replace(bound_low=bottom, bound_high=top),
        f"{result.estimate:.0f} of {result.n}, published {claim.estimate:.0f} "
        f"(margin {claim.margin:g}).",
        holds=holds,
        ruled_out=not holds,
    )


def _prediction(claim: Claim, ours: Ours, blank: Check) -> Check:
    if claim.estimate is None:
        return blank._replace(why="The published estimate is unknown.")
    match claim.quantity:
        case Quantity.HEDGES_G if claim.per_cell is None:
            return blank._replace(why="The published runs per cell are unknown.")
        case Quantity.HEDGES_G if ours.sizes is None:
            return blank._replace(why="Our runs per cell are unknown.")
        case Quantity.HEDGES_G if claim.per_cell is not None and ours.sizes is not None:
            published = Sizes(claim.per_cell.value, claim.per_cell.value)
            found = g_prediction(claim.estimate, published, ours.sizes)
            basis = f"{claim.per_cell.value} runs per cell, {claim.per_cell.evidence}"
        case Quantity.CORRELATION if claim.of is not None and ours.result.n is not None:
            found = r_prediction(claim.estimate, claim.of, ours.result.n)
            basis = f"{claim.of} languages"
        case _:
            return blank._replace(why="The published standard error is unknown.")
    if found.conf_low is None or found.conf_high is None or blank.ours is None:
        return blank._replace(why=f"No prediction: {found.method}.")
    holds = found.conf_low <= blank.ours <= found.conf_high
    where = "lies within" if holds else "lies outside of"
    return _with(
        blank._replace(bound_low=found.conf_low, bound_high=found.conf_high),
        f"The estimate {blank.ours:.3g} {where} the prediction interval "
        f"{span(found.conf_low, found.conf_high)} of {claim.estimate:g} ({basis}).",
        holds=holds,
        ruled_out=not holds,
    )


def _small_telescopes(claim: Claim, ours: Ours, blank: Check) -> Check:
    if claim.sign is None:
        return blank._replace(why="No direction was published.")
    if claim.quantity is not Quantity.HEDGES_G or claim.per_cell is None:
        return blank._replace(why="The published runs per cell are unknown.")
    result = ours.result
    low, high = result.conf_low, result.conf_high
    if ours.sizes is None or result.statistic is None or low is None or high is None:
        return blank._replace(why=f"No test: {result.method}.")
    n = claim.per_cell.value
    d33 = smallest_telescoped_effect(Sizes(n, n))
    found = effect_interval(result.statistic, ours.sizes)
    assert found.conf_low is not None  # a finite t has an interval
    assert found.conf_high is not None
    rises = claim.sign == "positive"
    small = found.conf_high < d33 if rises else found.conf_low > -d33
    bound = d33 if rises else -d33
    relation = "is significantly smaller than" if small else "is not significantly smaller than"
    sign = _sign(claim, low, high, blank)
    return _with(
        Check(
            Rule.SMALL_TELESCOPES,
            claim.estimate,
            bound_low=bound if rises else None,
            bound_high=None if rises else bound,
            ours=found.estimate,
            low=found.conf_low,
            high=found.conf_high,
        ),
        f"The effect (90 % interval {span(found.conf_low, found.conf_high)}) {relation} "
        f"d33 = {bound:.3g} ({n} runs per cell, {claim.per_cell.evidence}). {sign.why}",
        holds=sign.holds is Holds.YES and not small,
        ruled_out=small,
    )


def _with(blank: Check, why: str, *, holds: bool, ruled_out: bool = False) -> Check:
    known = Holds.YES if holds else Holds.NO
    return blank._replace(holds=known, why=why, ruled_out=ruled_out and not holds)


def _supports(claim: Claim, low: float, high: float) -> bool:
    return low > 0 if claim.sign == "positive" else high < 0


def against(claim: Claim, low: float, high: float) -> bool:
    """Whether an interval lies on the side of 0 that the claim's sign excludes."""
    if claim.sign is None:
        return False
    return high < 0 if claim.sign == "positive" else low > 0


def span(low: float, high: float) -> str:
    """An interval as a reason prints it."""
    return f"[{low:.3g}, {high:.3g}]"


_BY_NUMBER: dict[Rule, Callable[[Claim, Ours, Check], Check]] = {
    Rule.COUNT: _count,
    Rule.PREDICTION_INTERVAL: _prediction,
    Rule.SMALL_TELESCOPES: _small_telescopes,
}
_BY_INTERVAL: dict[Rule, Callable[[Claim, float, float, Check], Check]] = {
    Rule.SIGN: _sign,
    Rule.SIGN_AND_OVERLAP: _overlap,
    Rule.EQUIVALENCE: _equivalence,
    Rule.NO_RISE: _no_rise,
}
"""Rules that need no interval of ours besides their own, and rules that look at ours."""
