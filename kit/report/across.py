"""Result tables across languages: references, pooled slopes, agents, culture."""

from __future__ import annotations

from kit.analysis import Estimate
from kit.analysis.across import Estimator, Pooled
from kit.analysis.culture import Coefficient, Correlation
from kit.analysis.effects import Effect, Factor, Kind
from kit.analysis.indices import PRIMARY, Reference
from kit.analysis.measures import CPI, DI, title
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
        (runs, title(measure), *(estimate(row[name.value]) for name in Reference))
        for (runs, measure), row in found.items()
    ]
    return grid(
        "Hedges' g of 10 against 0 aligned agents, by what z is taken over",
        "Runs|Index|>Within language (primary)|>Pooled|>Control cell",
        rows,
        tables="effects",
        note="What the paper took z over is not known. Compare the columns.",
    )


def pooled(analysis: Analysis) -> Grid | None:
    """Slopes over all languages, index by index; None for studies of one language."""
    found: dict[tuple[str, str], list[tuple[str, Estimate]]] = {}
    for effect in analysis.effects:
        if effect.language is None:
            key = (_runs(analysis, effect), effect.measure)
            found.setdefault(key, []).append(("of runs (HC3): these languages", effect.result))
    for row in analysis.pooled:
        key = (_pooled_runs(analysis, row), row.measure)
        if row.reference == PRIMARY and key in found:
            found[key].append((ESTIMATORS[row.estimator], row.result))
    rows = [
        (
            runs,
            title(measure),
            errors,
            estimate(result, 4),
            equals(result.p_value).removeprefix("= "),
            str(result.n),
        )
        for (runs, measure), results in found.items()
        for errors, result in results
    ]
    if not rows:
        return None
    return grid(
        "Slope per aligned agent over all languages, one intercept per language",
        "Runs|Index|Errors|>Slope [95 % interval]|>p|>n",
        rows,
        tables="effects across",
        note=f"z reference: {PRIMARY.replace('_', ' ')}. Errors of runs speak of these languages; "
        "clustered errors and the mixed model of languages like them.",
    )


ESTIMATORS = {
    Estimator.CLUSTERED: "clustered by language (CR2)",
    Estimator.MIXED: "mixed model (REML)",
}


def _pooled_runs(analysis: Analysis, row: Pooled) -> str:
    words = scope(analysis, None, row.model, row.variant)
    return f"{words}, {row.individuated} individuated" if row.individuated else words


def _runs(analysis: Analysis, effect: Effect) -> str:
    words = scope(analysis, effect.language, effect.model, effect.variant)
    return f"{words}, {effect.other} individuated" if effect.other else words


def gaps(analysis: Analysis) -> Grid | None:
    """Marked agents against the others; None where no group is mixed."""
    rows = [
        (
            scope(analysis, gap.language, gap.model, gap.variant),
            f"{gap.factor} minus others",
            title(gap.measure),
            number(gap.marked),
            number(gap.others),
            estimate(gap.result),
            str(gap.result.n),
        )
        for gap in analysis.gaps
        if gap.aligned is None
    ]
    if not rows:
        return None
    return grid(
        "Marked agents against the other agents of the same group",
        "Runs|Gap|Index|>Marked|>Others|>Mean gap [95 % interval]|>Runs",
        rows,
        tables="agent_gaps",
        note="One gap per run, over all cells in which some agents are marked and some are not; z "
        "over all agents of a model and language. Cell by cell: agent_gaps.csv.",
    )


def culture(analysis: Analysis) -> Grid | str:
    """Correlations of language slopes with Hofstede's dimensions, or why there are none."""
    if not any(row.result.is_defined for row in analysis.correlations):
        reasons = dict.fromkeys(reason(row.result) for row in analysis.correlations)
        return "; ".join(reasons) or "not testable: no run is complete"
    found: dict[tuple[object, ...], dict[Coefficient, Correlation]] = {}
    for row in analysis.correlations:
        found.setdefault(row[:5], {})[row.coefficient] = row
    ranges: dict[tuple[object, ...], list[float]] = {}
    for left in analysis.left_out:
        if left.r is not None:
            ranges.setdefault(left[:5], []).append(left.r)
    rows = [
        (
            first.dimension.name.replace("_", " ").capitalize(),
            _culture_slope(analysis, first),
            str(first.result.n),
            _correlation(first.result),
            equals(first.p_holm).removeprefix("= "),
            _range(ranges.get(key, [])),
            _correlation(kinds[Coefficient.SPEARMAN].result),
            estimate(kinds[Coefficient.CORRECTED].result),
        )
        for key, kinds in found.items()
        for first in [kinds[Coefficient.PEARSON]]
    ]
    return grid(
        "Slopes of the languages against culture scores",
        "Dimension|Slope of|>Languages|>Pearson r [95 % interval]|>p (Holm)"
        "|>r without one language|>Spearman [95 % interval]|>r with true slopes [95 % interval]",
        rows,
        tables="culture culture_left_out",
        note="Hofstede's scores of 2015 for the country that stands for each language. Pearson's r "
        "is with slopes as measured; the last column corrects for their sampling error. Kendall, "
        "permutation, bootstrap, partial and weighted results: culture.csv.",
    )


def _range(found: list[float]) -> str:
    return f"{number(min(found))} to {number(max(found))}" if found else "undefined"


def _culture_slope(analysis: Analysis, row: Correlation) -> str:
    """The index, with what the study varies besides."""
    words = scope(analysis, None, row.model, row.variant).removeprefix("all languages")
    if row.individuated:
        words += f", {row.individuated} individuated"
    return title(row.measure) + words


def _correlation(result: Estimate) -> str:
    if result.estimate is None:
        return reason(result)
    return f"{number(result.estimate)} {interval(result)}, p {equals(result.p_value)}"
