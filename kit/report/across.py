"""Result tables across languages: references, pooled slopes, agents, culture."""

from __future__ import annotations

from kit.analysis import Estimate
from kit.analysis.culture import Coefficient
from kit.analysis.effects import Effect, Factor, Kind
from kit.analysis.indices import PRIMARY, Reference
from kit.analysis.measures import CPI, DI, MEASURES
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.grid import Grid, grid
from kit.report.numbers import equals, estimate, interval, number, reason


def references(analysis: Analysis) -> Grid:
    """Hedges' g of both indices under every z reference."""
    found: dict[tuple[str, str], dict[str | None, Estimate]] = {}
    for effect in analysis.effects:
        if (
            effect.kind is Kind.HEDGES_G
            and effect.factor is Factor.ALIGNED
            and effect.measure in (CPI, DI)
        ):
            row = found.setdefault((_runs(analysis, effect), effect.measure), {})
            row[effect.reference] = effect.result
    rows = [
        (runs, MEASURES[measure].title, *(estimate(row[name.value]) for name in Reference))
        for (runs, measure), row in found.items()
    ]
    return grid(
        "Hedges' g of 10 against 0 aligned agents, by what z is taken over",
        "Runs|Index|>Within language (primary)|>Pooled|>Control cell",
        rows,
        note="What the paper took z over is not known. Compare the columns.",
    )


def pooled(analysis: Analysis) -> Grid | None:
    """Slopes over all languages; None for studies of one language."""
    rows = [
        (
            _runs(analysis, effect),
            MEASURES[effect.measure].title,
            estimate(effect.result, 4),
            equals(effect.result.p_value).removeprefix("= "),
            str(effect.result.n),
        )
        for effect in analysis.effects
        if effect.language is None
    ]
    if not rows:
        return None
    return grid(
        "Slope per aligned agent over all languages, one intercept per language",
        "Runs|Index|>Slope [95 % interval]|>p|>n",
        rows,
        note=f"z reference: {PRIMARY.replace('_', ' ')}.",
    )


def _runs(analysis: Analysis, effect: Effect) -> str:
    words = scope(analysis, effect.language, effect.model, effect.variant)
    return f"{words}, {effect.other} individuated" if effect.other else words


def gaps(analysis: Analysis) -> Grid | None:
    """Marked agents against the others; None where no group is mixed."""
    rows = [
        (
            scope(analysis, gap.language, gap.model, gap.variant),
            "all mixed cells"
            if gap.aligned is None
            else f"{gap.aligned} aligned, {gap.individuated} individuated",
            f"{gap.factor} minus others",
            MEASURES[gap.measure].title,
            estimate(gap.result),
            str(gap.result.n),
        )
        for gap in analysis.gaps
    ]
    if not rows:
        return None
    return grid(
        "Marked agents against the other agents of the same group",
        "Runs|Cell|Gap|Index|>Mean gap [95 % interval]|>Runs",
        rows,
        note="One gap per run; z over all agents of a model and language.",
    )


def culture(analysis: Analysis) -> Grid | str:
    """Correlations of language slopes with Hofstede's dimensions, or why there are none."""
    if not any(row.result.is_defined for row in analysis.correlations):
        reasons = dict.fromkeys(reason(row.result) for row in analysis.correlations)
        return "; ".join(reasons) or "not testable: no run is complete"
    pairs: dict[tuple[object, ...], dict[Coefficient, Estimate]] = {}
    labels: dict[tuple[object, ...], tuple[str, str, str]] = {}
    for row in analysis.correlations:
        key = row[:5]
        pairs.setdefault(key, {})[row.coefficient] = row.result
        runs = scope(analysis, None, row.model, row.variant)
        labels[key] = (
            row.dimension.name.replace("_", " ").capitalize(),
            MEASURES[row.measure].title,
            f"{runs}, {row.individuated} individuated" if row.individuated else runs,
        )
    rows = [
        (
            *labels[key],
            str(pair[Coefficient.PEARSON].n),
            _correlation(pair[Coefficient.PEARSON]),
            _correlation(pair[Coefficient.SPEARMAN]),
        )
        for key, pair in pairs.items()
    ]
    return grid(
        "Slopes of the languages against culture scores",
        "Dimension|Slope of|Runs|>Languages|>Pearson r [95 % interval]|>Spearman [95 % interval]",
        rows,
        note="Hofstede's scores of 2015 for the country that stands for each language.",
    )


def _correlation(result: Estimate) -> str:
    if result.estimate is None:
        return reason(result)
    return f"{number(result.estimate)} {interval(result)}, p {equals(result.p_value)}"
