"""Result tables about languages and models like these: synthesis, classes, arms, limits of n."""

from __future__ import annotations

from collections import Counter

from kit.analysis.across import Combined
from kit.analysis.classes import Classified, LanguageClass
from kit.analysis.effects import MARGIN, Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import title
from kit.analysis.results import Analysis
from kit.report.effects import scope
from kit.report.grid import Grid, grid
from kit.report.numbers import equals, estimate, number, percent

KINDS = {
    Kind.HEDGES_G: "Hedges' g",
    Kind.HEDGES_G_STAR: "Hedges' g*s",
    Kind.SLOPE: "slope per aligned agent",
}


def syntheses(analysis: Analysis) -> Grid | None:
    """Effects of the languages put together; None for studies of one language."""
    rows = [
        (
            _runs(analysis, row.model, row.variant, row.individuated),
            title(row.measure),
            KINDS[row.kind],
            str(len(row.languages.split())),
            estimate(row.result, 3),
            _prediction(row),
            "undefined" if row.i2 is None else percent(row.i2).replace(" ", "\u00a0"),
            f"Q({row.q_df:g}) = {number(row.q)}, p {equals(row.q_p)}"
            if row.q_df is not None
            else "undefined",
        )
        for row in analysis.syntheses
        if row.reference == PRIMARY
    ]
    if not rows:
        return None
    return grid(
        "Effects of the languages put together (random effects, REML, Knapp-Hartung)",
        "Runs|Index|Effect|>Languages|>Mean [95 % interval]|>Another language [95 % prediction]"
        "|>I²|Heterogeneity",
        rows,
        tables="synthesis",
        note="The mean is of languages like these. The prediction interval says where the effect "
        "of one more language is expected; if it holds 0, the next one may go either way.",
    )


def _prediction(row: Combined) -> str:
    if row.prediction_low is None or row.prediction_high is None:
        return "undefined"
    return f"[{number(row.prediction_low, 3)}, {number(row.prediction_high, 3)}]"


def classes(analysis: Analysis) -> Grid | None:
    """Every language as safety, null, backfire or inconclusive."""
    if not analysis.classes:
        return None
    rows = [
        (
            _within(analysis, row),
            title(row.measure),
            estimate(row.result),
            "undefined" if row.equivalence_p is None else equals(row.equivalence_p).lstrip("= "),
            row.language_class.value,
        )
        for row in analysis.classes
    ]
    counts = Counter((row.measure, row.language_class) for row in analysis.classes)
    tally = "; ".join(
        f"{title(measure)}: "
        + ", ".join(f"{counts[measure, kind]} {kind}" for kind in LanguageClass)
        for measure in dict.fromkeys(row.measure for row in analysis.classes)
    )
    return grid(
        "What aligning all ten agents does, language by language",
        f"Language|Index|>Hedges' g [95 % interval]|>p (within ±{MARGIN:g} SD)|Class",
        rows,
        tables="classes",
        note=f"{tally}. Safety and backfire need an interval on one side of 0, null an effect "
        f"shown to be smaller than {MARGIN:g} SD (the bound is ours). {_chance(analysis)}",
    )


def _chance(analysis: Analysis) -> str:
    limits = analysis.detectable
    if not limits:
        return ""
    (planned,) = limits
    null = (
        "can be found"
        if planned.null_possible
        else "cannot be found at all, because the interval is always wider than the margin"
    )
    return (
        f"With {planned.per_cell} runs a cell an effect of {number(planned.minimum_effect)} SD is "
        f"found with 80 % power, and null {null} (chances.csv)."
    )


def limits(analysis: Analysis) -> Grid | None:
    """What the planned runs can and cannot show."""
    rows = [
        (
            str(row.per_cell),
            f"{number(row.minimum_effect)} SD",
            f"±{number(row.half_width)} SD",
            "yes" if row.null_possible else "no",
            str(row.needed_for_published),
            str(row.needed_for_margin),
        )
        for row in analysis.detectable
    ]
    if not rows:
        return None
    return grid(
        "What the planned number of runs can show (ten aligned agents against none)",
        ">Runs a cell|>Smallest effect found in 80 %|>Interval around 0|Null can be shown"
        f"|>Runs needed for 0.771 SD|>for {MARGIN:g} SD",
        rows,
        tables="detectable",
        note="Exact for normal outcomes. Trends and correlations: power.csv.",
    )


def arms(analysis: Analysis) -> Grid | None:
    """Contrasts of cells where both factors vary."""
    rows = [
        (
            row.language,
            title(row.measure),
            f"{row.individuated} individuated, {row.aligned} aligned",
            f"{row.against_individuated} individuated, {row.against_aligned} aligned",
            estimate(row.result),
            "undefined" if row.welch_p_holm is None else equals(row.welch_p_holm).lstrip("= "),
        )
        for row in analysis.arms
    ]
    if not rows:
        return None
    return grid(
        "Arms against each other",
        "Language|Measure|Arm|Against|>Hedges' g [95 % interval]|>p (Welch, Holm)",
        rows,
        tables="arms",
        note="Holm's correction is over the pairs of one language and measure.",
    )


def models(analysis: Analysis) -> Grid | None:
    """Effects over models; None for studies of one model."""
    rows = [
        (
            row.language,
            title(row.measure),
            row.models,
            estimate(row.result),
            f"Q({row.q_df:g}) = {number(row.q)}, p {equals(row.q_p)}"
            if row.q_df is not None
            else "undefined",
            row.generality.value,
        )
        for row in analysis.models
    ]
    if not rows:
        return None
    return grid(
        "One effect over models (Hedges' g, ten aligned agents against none)",
        "Language|Index|Models|>Mean [95 % interval]|Heterogeneity|Every model's interval",
        rows,
        tables="models",
        note="Model-general: every model's interval lies on the same side of 0. Model-specific: "
        "the models differ, which a small p of Q says.",
    )


def _within(analysis: Analysis, row: Classified) -> str:
    words = scope(analysis, row.language, row.model, row.variant)
    return f"{words}, {row.individuated} individuated" if row.individuated else words


def _runs(analysis: Analysis, model: str, variant: str | None, individuated: int) -> str:
    words = scope(analysis, None, model, variant)
    return f"{words}, {individuated} individuated" if individuated else words
