"""Published claims held against recomputed numbers, by the rules of ``studies/published.yaml``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from scipy import stats

from kit.report.recomputation.contrasts import correction, noncentrality, result
from kit.report.recomputation.counts import plan
from kit.report.recomputation.indices import WITHIN
from kit.report.recomputation.planning import smallest_effect
from kit.report.recomputation.sources import AGENTS, Key, Rows, Sources
from kit.report.recomputation.tables import Scalar
from kit.spec.published import Claim, Quantity, Rule

_COMMON = (Rule.SIGN, Rule.SIGN_AND_OVERLAP, Rule.EQUIVALENCE, Rule.PREDICTION_INTERVAL)


class Found(NamedTuple):
    """Recomputed tables that claims look into, by table."""

    tables: Mapping[str, Rows]

    def row(self, table: str, *key: Scalar) -> Mapping[str, Any] | None:
        """One row; None where there is none."""
        return self.tables[table].get(key)


class _Outcome(NamedTuple):
    holds: str = "unknown"
    ruled_out: bool = False
    low: float | None = None
    high: float | None = None


def verdicts(sources: Sources, found: Found) -> tuple[Rows, Rows]:
    """Every claim with its number and verdict; and every check of it."""
    rows: Rows = {}
    checks: Rows = {}
    for claim in sources.published.claims:
        published: dict[str, Scalar] = {
            "published_estimate": claim.estimate,
            "published_low": claim.interval.low if claim.interval else None,
            "published_high": claim.interval.high if claim.interval else None,
            "published_n": claim.n,
            "published_per_cell": int(claim.per_cell.value) if claim.per_cell else None,
            "margin": claim.margin,
        }
        if claim.study != sources.study["id"]:
            rows[(claim.id,)] = {**published, **result(), "verdict": "not testable here"}
            continue
        models = sources.study["models"]["value"]
        family = [
            m for m in models if m == claim.model_family or m.startswith(f"{claim.model_family}-")
        ]
        ours = _number(claim, (family or models)[0], found)
        testable = bool(family) and _testable(sources, claim, family[0])
        verdict = "not testable here"
        if testable and ours is not None:
            verdict = _decided(claim, ours, _sizes(claim, family[0], found))
        rows[(claim.id,)] = {**published, **_columns(ours), "verdict": verdict}
        sizes = _sizes(claim, (family or models)[0], found)
        for rule in _rules(claim):
            checks[claim.id, rule.value] = _row(claim, rule, ours, sizes)
    return rows, checks


def _columns(ours: Mapping[str, Any] | None) -> dict[str, Scalar]:
    return {name: (ours or {}).get(name) for name in result()}


def _testable(sources: Sources, claim: Claim, model: str) -> bool:
    study, absent = sources.study, sources.spec["missing_languages"]
    spoken = [code for code in study["languages"]["value"] if code not in absent]
    needed = list(claim.languages) or study["languages"]["value"]
    if claim.rule is Rule.NONE or sources.spec["profile"] is not None:
        return False
    if any(code not in spoken for code in needed):
        return False
    if claim.of is not None and len(spoken) != claim.of:
        return False
    cells = [
        row for where, row in plan(sources).items() if where[0] == model and where[1] in needed
    ]
    return all(row["complete"] == row["planned"] for row in cells)


def _number(claim: Claim, model: str, found: Found) -> Mapping[str, Any] | None:
    language = claim.languages[0] if claim.languages else None
    cell = (model, language, None, 0)
    match claim.quantity:
        case Quantity.POOLED_SLOPE:
            place = (model, None, 0, claim.outcome, WITHIN)
            mixed = found.row("across", *place, "mixed")
            known = mixed is not None and mixed["estimate"] is not None
            return mixed if known else found.row("across", *place, "clustered")
        case Quantity.HEDGES_G | Quantity.SLOPE:
            return _effect(found, claim, model, language)
        case Quantity.RISING_LANGUAGES:
            return _rising(found, claim, model)
        case Quantity.CORRELATION:
            return found.row("culture", model, None, 0, claim.outcome, "pdi", "pearson")
        case Quantity.AGENT_GAP:
            where = (model, language, None, "individuated", None, None)
            return found.row("agent_gaps", *where, claim.outcome)
        case Quantity.MEAN_NONE | Quantity.MEAN_FULL:
            level = 0 if claim.quantity is Quantity.MEAN_NONE else AGENTS
            return _of_either(found, "cells", (*cell, level, claim.outcome), ())
        case Quantity.INTERACTION:
            return result()


def _effect(
    found: Found, claim: Claim, model: str, language: str | None
) -> Mapping[str, Any] | None:
    kind = "hedges_g" if claim.quantity is Quantity.HEDGES_G else "slope"
    place = (model, language, None, "aligned", 0, claim.outcome)
    return _of_either(found, "effects", place, (kind,))


def _of_either(found: Found, table: str, place: Key, rest: Key) -> Mapping[str, Any] | None:
    """A plain measure, or an index by the primary reference."""
    plain = found.row(table, *place, None, *rest)
    return plain if plain is not None else found.row(table, *place, WITHIN, *rest)


def _rising(found: Found, claim: Claim, model: str) -> Mapping[str, Any]:
    slopes = [
        row["estimate"]
        for key, row in found.tables["effects"].items()
        if key[0] == model
        and key[1] is not None
        and key[2:6] == (None, "aligned", 0, claim.outcome)
        and key[6] in (None, WITHIN)
        and key[7] == "slope"
        and row["estimate"] is not None
    ]
    if not slopes:
        return result(n=0)
    return result(estimate=sum(float(str(s)) > 1e-9 for s in slopes), n=len(slopes))


def _sizes(claim: Claim, model: str, found: Found) -> tuple[int, int] | None:
    """Runs of both cells of a standardised difference."""
    if claim.quantity is not Quantity.HEDGES_G:
        return None
    language = claim.languages[0] if claim.languages else None
    cells = [
        _of_either(found, "cells", (model, language, None, 0, level, claim.outcome), ())
        for level in (AGENTS, 0)
    ]
    known = [int(cell["n"]) for cell in cells if cell is not None]
    return (known[0], known[1]) if len(known) == 2 else None


def _rules(claim: Claim) -> list[Rule]:
    rules = {
        Quantity.HEDGES_G: [*_COMMON, Rule.SMALL_TELESCOPES],
        Quantity.RISING_LANGUAGES: [Rule.COUNT],
    }.get(claim.quantity, [*_COMMON])
    own = [] if claim.rule in (*rules, Rule.NONE) else [claim.rule]
    return [*rules, *own]


def _row(
    claim: Claim, rule: Rule, ours: Mapping[str, Any] | None, sizes: tuple[int, int] | None
) -> dict[str, Scalar]:
    numbers = ours or result()
    made = _outcome(claim, rule, numbers, sizes)
    row: dict[str, Scalar] = {
        "published": claim.estimate,
        "bound_low": made.low,
        "bound_high": made.high,
        "ours": numbers["estimate"],
        "low": numbers["conf_low"],
        "high": numbers["conf_high"],
        "holds": made.holds,
        "ruled_out": made.ruled_out and made.holds != "yes",
        "decides": rule is claim.rule,
    }
    if rule is Rule.SMALL_TELESCOPES and made.holds != "unknown" and sizes is not None:
        t, low, high = _telescoped(numbers, sizes)
        row |= {"ours": t, "low": low, "high": high}
    return row


def _decided(claim: Claim, ours: Mapping[str, Any], sizes: tuple[int, int] | None) -> str:
    made = _outcome(claim, claim.rule, ours, sizes)
    low, high, estimate = ours["conf_low"], ours["conf_high"], ours["estimate"]
    if made.holds == "unknown":
        return "not testable here"
    if claim.sign is not None and low is not None and high is not None:
        other_side = high < 0.0 if claim.sign == "positive" else low > 0.0
        if other_side:
            return "reversed"
    if made.holds == "yes":
        return "replicated"
    if made.ruled_out:
        return "not replicated"
    if claim.sign is not None:
        same = estimate > 0.0 if claim.sign == "positive" else estimate < 0.0
    elif claim.rule is Rule.NO_RISE or claim.estimate is None:
        same = claim.margin is not None and estimate < claim.margin
    else:
        same = claim.margin is not None and abs(estimate - claim.estimate) <= claim.margin
    return "same direction but inconclusive" if same else "not replicated"


def _outcome(  # noqa: PLR0911 - one answer for each rule and what it lacks
    claim: Claim, rule: Rule, ours: Mapping[str, Any], sizes: tuple[int, int] | None
) -> _Outcome:
    estimate, low, high = ours["estimate"], ours["conf_low"], ours["conf_high"]
    if estimate is None:
        return _Outcome()
    if rule is Rule.COUNT:
        return _count(claim, estimate, ours["n"])
    if rule is Rule.PREDICTION_INTERVAL:
        return _prediction(claim, ours, sizes)
    if rule is Rule.SMALL_TELESCOPES:
        return _small(claim, ours, sizes)
    if low is None or high is None:
        return _Outcome()
    if rule is Rule.NO_RISE:
        margin = claim.margin or 0.0
        return _Outcome(_word(high < margin), low > 0.0, None, margin)
    if rule is Rule.EQUIVALENCE:
        if claim.estimate is None or claim.rule is not rule or claim.margin is None:
            return _Outcome()
        bottom, top = claim.estimate - claim.margin, claim.estimate + claim.margin
        inside = bottom <= low and high <= top
        return _Outcome(_word(inside), high < bottom or low > top, bottom, top)
    if claim.sign is None:
        return _Outcome()
    supports = low > 0.0 if claim.sign == "positive" else high < 0.0
    if rule is Rule.SIGN:
        return _Outcome(_word(supports))
    if claim.interval is None:
        return _Outcome()
    meets = low <= claim.interval.high and claim.interval.low <= high
    bounds = claim.interval.low, claim.interval.high
    return _Outcome(_word(supports and meets), not meets, *bounds)


def _word(yes: bool) -> str:  # noqa: FBT001 - a truth and nothing else
    return "yes" if yes else "no"


def _count(claim: Claim, estimate: float, n: int) -> _Outcome:
    if claim.estimate is None or claim.of is None or claim.margin is None or n != claim.of:
        return _Outcome()
    bottom, top = claim.estimate - claim.margin, claim.estimate + claim.margin
    holds = bottom <= estimate <= top
    return _Outcome(_word(holds), not holds, bottom, top)


def _prediction(claim: Claim, ours: Mapping[str, Any], sizes: tuple[int, int] | None) -> _Outcome:
    z = float(stats.norm.ppf(0.975))
    if claim.estimate is None:
        return _Outcome()
    if claim.quantity is Quantity.HEDGES_G and claim.per_cell is not None and sizes is not None:
        n = int(claim.per_cell.value)
        if min(2 * n, sum(sizes)) <= 4:
            return _Outcome()
        variance = _variance(claim.estimate, n, n) + _variance(claim.estimate, *sizes)
        reach = z * math.sqrt(variance)
        low, high = claim.estimate - reach, claim.estimate + reach
    elif claim.quantity is Quantity.CORRELATION and claim.of is not None and ours["n"]:
        if min(claim.of, ours["n"]) < 4:
            return _Outcome()
        reach = z * math.sqrt(1.0 / (claim.of - 3) + 1.0 / (ours["n"] - 3))
        centre = math.atanh(claim.estimate)
        low, high = math.tanh(centre - reach), math.tanh(centre + reach)
    else:
        return _Outcome()
    holds = low <= ours["estimate"] <= high
    return _Outcome(_word(holds), not holds, low, high)


def _variance(g: float, n_treated: int, n_control: int) -> float:
    """The unbiased variance of a printed Hedges' g."""
    df = n_treated + n_control - 2.0
    j = correction(df)
    h = 1.0 / n_treated + 1.0 / n_control
    return h + g * g * (1.0 - (df - 2.0) / (df * j * j))


def _small(claim: Claim, ours: Mapping[str, Any], sizes: tuple[int, int] | None) -> _Outcome:
    if claim.sign is None or claim.per_cell is None or sizes is None:
        return _Outcome()
    if ours["statistic"] is None or ours["conf_low"] is None:
        return _Outcome()
    bound = smallest_effect(int(claim.per_cell.value), 1.0 / 3.0)
    _, low, high = _telescoped(ours, sizes)
    rises = claim.sign == "positive"
    small = high < bound if rises else low > -bound
    supports = ours["conf_low"] > 0.0 if rises else ours["conf_high"] < 0.0
    return _Outcome(
        _word(supports and not small),
        small,
        bound if rises else None,
        None if rises else -bound,
    )


def _telescoped(ours: Mapping[str, Any], sizes: tuple[int, int]) -> tuple[float, float, float]:
    """Cohen's d of a t with its 90 % interval."""
    root = math.sqrt(1.0 / sizes[0] + 1.0 / sizes[1])
    low, high = noncentrality(ours["statistic"], sum(sizes) - 2.0, 0.9)
    return ours["statistic"] * root, low * root, high * root
