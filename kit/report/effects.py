"""Result tables within a language: means, effects."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from kit.analysis import Estimate
from kit.analysis.cells import Cell, Condition
from kit.analysis.effects import Effect, Factor, Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import (
    CPI,
    DI,
    JUDGED,
    MONOLOGUE,
    NO_ECHO,
    PROTECTIVE,
    SEXUAL,
    Unit,
    title,
)
from kit.analysis.results import Analysis
from kit.report.grid import Grid, grid
from kit.report.numbers import equals, estimate, number, percent, reason, test

SHOWN = (
    CPI,
    DI,
    MONOLOGUE,
    SEXUAL,
    PROTECTIVE,
    CPI + NO_ECHO,
    DI + NO_ECHO,
    SEXUAL + NO_ECHO,
    PROTECTIVE + NO_ECHO,
    "conformity_share",
    "harmony_share",
)
"""Measures with an effect on the page; the files hold all."""

SHARES = frozenset({MONOLOGUE, "conformity_share", "harmony_share"})


class Stratum(NamedTuple):
    """Runs that are compared with one another."""

    language: str
    model: str
    variant: str | None

    @classmethod
    def of(cls, condition: Condition) -> Stratum:
        """The stratum of a cell."""
        return cls(condition.language, condition.model, condition.variant)

    def title(self, analysis: Analysis) -> str:
        """What tells this stratum from the others of its language; empty if nothing does."""
        study = analysis.collection.experiment.study
        parts = [self.model] if len(study.models.value) > 1 else []
        if self.variant is not None:
            parts.append(self.variant)
        return ", ".join(parts)


def strata(analysis: Analysis) -> list[Stratum]:
    """Every stratum with a complete run, language by language."""
    found = dict.fromkeys(Stratum.of(cell.condition) for cell in analysis.cells)
    codes = analysis.collection.experiment.study.languages.value
    return sorted(found, key=lambda stratum: codes.index(stratum.language))


def where(condition: Condition, analysis: Analysis) -> str:
    """A cell in words, without what the study does not vary."""
    parts = [scope(analysis, condition.language, condition.model, condition.variant)]
    parts.append(f"{condition.aligned} aligned")
    if analysis.collection.experiment.study.individuated.value != (0,):
        parts.append(f"{condition.individuated} individuated")
    return ", ".join(parts)


def scope(analysis: Analysis, language: str | None, model: str, variant: str | None) -> str:
    """Which runs a row is about, without what the study does not vary."""
    parts = ["all languages" if language is None else language]
    if len(analysis.collection.experiment.study.models.value) > 1:
        parts.append(model)
    if variant is not None:
        parts.append(variant)
    return ", ".join(parts)


def means(analysis: Analysis, stratum: Stratum) -> Grid:
    """Means by level."""
    lookup = {
        (cell.condition, cell.measure): cell
        for cell in analysis.cells
        if cell.reference in (None, PRIMARY)
    }
    conditions = dict.fromkeys(
        cell.condition for cell in analysis.cells if Stratum.of(cell.condition) == stratum
    )
    varied = analysis.collection.experiment.study.individuated.value != (0,)
    rows = [
        (
            str(condition.aligned),
            *((str(condition.individuated),) if varied else ()),
            str((lookup[condition, SEXUAL].mean.n or 0) + lookup[condition, SEXUAL].undefined),
            *(
                _mean(lookup[condition, name], name)
                for name in (CPI, DI, MONOLOGUE, SEXUAL, PROTECTIVE)
            ),
            *(_plain_mean(lookup[condition, name + NO_ECHO]) for name in (SEXUAL, PROTECTIVE)),
        )
        for condition in conditions
    ]
    return grid(
        "Means by number of aligned agents [95 % interval]",
        ">Aligned|"
        + (">Individuated|" if varied else "")
        + ">Runs|>CPI|>DI|>Monologue share|>Sexual hits|>Protective hits"
        + "|>Sexual, no echo|>Protective, no echo",
        rows,
        tables="cells",
    )


def _mean(cell: Cell, measure: str) -> str:
    if cell.mean.estimate is None:
        return f"withheld in {cell.undefined} runs" if cell.undefined else reason(cell.mean)
    shown = _in_units(cell.mean, measure)
    return f"{shown} ({cell.undefined} withheld)" if cell.undefined else shown


def _in_units(result: Estimate, measure: str) -> str:
    if measure not in SHARES:
        return estimate(result, 1 if measure in (SEXUAL, PROTECTIVE) else 2)
    if result.conf_low is None or result.conf_high is None:
        return f"{percent(result.estimate)} (no interval)"
    return f"{percent(result.estimate)} [{100 * result.conf_low:.1f}, {100 * result.conf_high:.1f}]"


def _plain_mean(cell: Cell) -> str:
    return number(cell.mean.estimate, 1)


def effects(analysis: Analysis, stratum: Stratum, factor: Factor, other: int) -> Grid:
    """Contrast, test and slope of every shown measure in one stratum."""
    found = {
        (effect.measure, effect.kind): effect
        for effect in analysis.effects
        if (effect.language, effect.model, effect.variant) == stratum
        and (effect.factor, effect.other) == (factor, other)
        and effect.reference in (None, PRIMARY)
    }
    rows = []
    judged = dict.fromkeys(name for name, _ in found if name.startswith(JUDGED))
    for name in (*SHOWN, *judged):
        if (name, Kind.HEDGES_G) not in found:
            continue
        g, welch, slope = (found[name, kind] for kind in (Kind.HEDGES_G, Kind.WELCH, Kind.SLOPE))
        rows.append(
            (
                title(name),
                _counted(g, estimate(g.result)),
                _counted(welch, test(welch.result)),
                _counted(slope, estimate(slope.result, 3)),
                equals(slope.result.p_value).removeprefix("= "),
            )
        )
    return grid(
        f"Ten {factor} agents against none, and the slope per {factor} agent",
        "Measure|>Hedges' g [95 % interval]|>Welch t test|>Slope [95 % interval]|>p of slope",
        rows,
        tables="effects",
    )


def _counted(effect: Effect, shown: str) -> str:
    if not effect.undefined:
        return shown
    if effect.result.n == 0:
        return f"no value in any of {effect.undefined} runs"
    return f"{shown} (no value in {effect.undefined} runs)"


def withheld(analysis: Analysis, stratum: Stratum) -> list[str]:
    """Why indices of a stratum are withheld, by the primary reference; empty if none is."""
    counts: Counter[tuple[bool, str]] = Counter()
    for row in analysis.tables["indices"].iter_rows(named=True):
        own = (row["language"], row["model"], row["variant"]) == stratum
        counted = row["reference"] == PRIMARY and row["unit"] == Unit.HITS
        if own and counted and row["undefined"] is not None:
            counts[row["without_echo"], row["undefined"]] += 1
    return [
        f"CPI and DI{' without echo' if no_echo else ''} are withheld in {count} runs ({why})."
        for (no_echo, why), count in counts.items()
    ]


def factors(analysis: Analysis, stratum: Stratum) -> list[tuple[Factor, int]]:
    """Which factors have effects in a stratum, at which level of the other."""
    return list(
        dict.fromkeys(
            (effect.factor, effect.other)
            for effect in analysis.effects
            if (effect.language, effect.model, effect.variant) == stratum
        )
    )
