"""The effects under every specification: Hedges' g within languages, r with Power Distance.

For each model, variant and language: CPI and DI of ten aligned agents against none, with no
individuated agent. For studies of four languages or more: the Pearson correlation of the
languages' slopes per aligned agent with Power Distance, for every choice of countries as well.

Every row has its estimate, standard error and p value. The exact interval of g takes a search for
each, so it is given for the primary specification and for those that differ from it by one choice.

There is no joint test over specifications. Verdicts go by the primary one, which was fixed before
any run; the others say how far it depends on the choices, and none is picked by its result.
Specifications share their runs, so their p values are not independent, and the share that is
significant is a description and no test.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kit.analysis.cells import CONFIDENCE
from kit.analysis.choices import CHOICES
from kit.analysis.collection import Collection
from kit.analysis.components import index_values
from kit.analysis.culture import FEWEST_LANGUAGES, Dimension, Scores, countries
from kit.analysis.curve import CurveRow, OptionRow, options, summary
from kit.analysis.results import Analysis
from kit.analysis.specification import (
    COUNTRY,
    OWN,
    Absence,
    Specification,
    absence,
    absence_within,
    combinations,
    country_choices,
)
from kit.analysis.tables import table
from kit.spec.language import AGENTS
from kit.stats import batch
from kit.stats.batch import Batch
from kit.stats.effects import hedges_g
from kit.stats.result import SCHEMA, Undefined, explained
from kit.stats.sample import FloatArray

MULTIVERSE = "multiverse"
SUMMARY = "multiverse_summary"
OPTIONS = "multiverse_options"
LEFT_OUT = "multiverse_left_out"

HEDGES_G = "hedges_g"
PEARSON = "pearson"

COLUMNS: dict[str, type[pl.DataType]] = {
    "model": pl.String,
    "variant": pl.String,
    "language": pl.String,
    "measure": pl.String,
    "quantity": pl.String,
    **{choice.name: pl.String for choice in CHOICES},
    COUNTRY: pl.String,
    "changed": pl.Int64,
    **SCHEMA,
}
"""One row per specification. `language` is null for correlations over languages, `country` for
contrasts; `changed` counts the choices that are not as in the primary specification."""


class LeftOut(NamedTuple):
    """Combinations of options that one curve does not hold."""

    model: str
    variant: str | None
    language: str | None
    quantity: str
    reason: Absence
    specifications: int


class _Stratum(NamedTuple):
    """Runs without individuated agents that are compared with one another."""

    model: str
    variant: str | None
    language: str


def with_multiverse(
    analysis: Analysis, scores: Scores, *, chosen: Mapping[str, str] | None = None
) -> Analysis:
    """The analysis with the tables of the multiverse; arguments and errors as `multiverse`."""
    tables = multiverse(analysis.collection, scores, chosen=chosen)
    return replace(analysis, tables=analysis.tables | tables)


def multiverse(
    collection: Collection, scores: Scores, *, chosen: Mapping[str, str] | None = None
) -> dict[str, pl.DataFrame]:
    """Every specification, what they amount to by curve and by option, and what is left out.

    Args:
        collection: a result folder, read.
        scores: culture scores by country.
        chosen: as in `kit.analysis.results.analyze`.

    Raises:
        SpecError: ``chosen`` names a language or country that is not there, or a language file an
            alternative country without a score.
    """
    standing = countries(collection.experiment.languages, chosen or {}, scores)
    asked = [one for one in combinations() if absence(one) is None]
    values = index_values(collection.runs, asked)
    within = _within(collection, asked, values)
    across = _across(collection, asked, values, standing, scores)
    rows = pl.concat([pl.DataFrame(schema=COLUMNS), *within, *across])
    return {
        MULTIVERSE: rows,
        SUMMARY: table(CurveRow, summary(rows)),
        OPTIONS: table(OptionRow, options(rows)),
        LEFT_OUT: table(LeftOut, _left_out(collection)),
    }


def _within(
    collection: Collection, asked: Sequence[Specification], values: Mapping[str, FloatArray]
) -> Iterator[pl.DataFrame]:
    """The contrasts of every language."""
    choices = _choices(asked)
    for stratum, places in _strata(collection).items():
        reasons = _reasons(collection, stratum, asked)
        there = np.array([reason is None for reason in reasons])
        for measure, block in values.items():
            label = (*stratum, measure, HEDGES_G, None)
            rows = choices.filter(pl.Series(there))
            yield _contrasts(label, rows, block[there][:, places], _levels(collection, places))


def _across(
    collection: Collection,
    asked: Sequence[Specification],
    values: Mapping[str, FloatArray],
    standing: Mapping[str, str],
    scores: Scores,
) -> Iterator[pl.DataFrame]:
    """The correlations of every model and variant with enough languages."""
    choices, strata = _choices(asked), _strata(collection)
    for (model, variant), codes in _studies(strata).items():
        spoken = {code: collection.experiment.languages[code] for code in codes}
        runs = [strata[_Stratum(model, variant, code)] for code in codes]
        for measure, block in values.items():
            slopes = np.column_stack(
                [batch.slopes(_levels(collection, places), block[:, places]) for places in runs]
            )
            for choice in country_choices(spoken, standing, scores):
                label = (model, variant, None, measure, PEARSON, choice.name)
                distances = [_distance(choice.codes[code], scores) for code in codes]
                yield _correlations(label, choices, slopes, np.array(distances))


def _left_out(collection: Collection) -> Iterator[LeftOut]:
    every = combinations()
    strata = _strata(collection)
    nowhere = Counter(reason for one in every if (reason := absence(one)))
    for stratum in strata:
        asked = [one for one in every if absence(one) is None]
        here = Counter(reason for reason in _reasons(collection, stratum, asked) if reason)
        for reason, number in (*nowhere.items(), *here.items()):
            yield LeftOut(*stratum, HEDGES_G, reason, number)
    for model, variant in _studies(strata):
        for reason, number in nowhere.items():
            yield LeftOut(model, variant, None, PEARSON, reason, number)


def _choices(asked: Sequence[Specification]) -> pl.DataFrame:
    return pl.DataFrame(
        [[*(option.value for option in one), one.changed] for one in asked],
        schema={name: COLUMNS[name] for name in (*Specification._fields, "changed")},
        orient="row",
    )


def _reasons(
    collection: Collection, stratum: _Stratum, asked: Sequence[Specification]
) -> list[Absence | None]:
    language = collection.experiment.languages[stratum.language]
    spoken = {run.header.language for run in collection.runs if run.header.model == stratum.model}
    return [absence_within(one, language, several=len(spoken) > 1) for one in asked]


def _strata(collection: Collection) -> dict[_Stratum, NDArray[np.int64]]:
    """Places of the runs of each stratum."""
    found: dict[_Stratum, list[int]] = defaultdict(list)
    for place, run in enumerate(collection.runs):
        header = run.header
        if header.individuated == 0:
            found[_Stratum(header.model, header.variant, header.language)].append(place)
    return {stratum: np.array(places) for stratum, places in found.items()}


def _studies(
    strata: dict[_Stratum, NDArray[np.int64]],
) -> dict[tuple[str, str | None], list[str]]:
    """Languages of each model and variant that has enough of them."""
    found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for stratum in strata:
        found[stratum.model, stratum.variant].append(stratum.language)
    return {key: codes for key, codes in found.items() if len(codes) >= FEWEST_LANGUAGES}


def _levels(collection: Collection, places: NDArray[np.int64]) -> FloatArray:
    return np.array([float(collection.runs[place].header.aligned) for place in places])


def _contrasts(
    label: tuple[str | None, ...], choices: pl.DataFrame, values: FloatArray, levels: FloatArray
) -> pl.DataFrame:
    full, none = values[:, levels == AGENTS], values[:, levels == 0]
    found = batch.hedges_g(full, none)
    methods = _methods(found, full, none)
    low, high = found.conf_low.copy(), found.conf_high.copy()
    for place in np.flatnonzero((choices["changed"].to_numpy() <= 1) & ~np.isnan(found.estimate)):
        groups = (group[place][~np.isnan(group[place])] for group in (full, none))
        exact = hedges_g(*groups, confidence=CONFIDENCE)
        methods[place] = exact.method
        if exact.conf_low is not None and exact.conf_high is not None:
            low[place], high[place] = exact.conf_low, exact.conf_high
    return _frame(label, choices, found._replace(conf_low=low, conf_high=high), methods)


def _methods(found: Batch, full: FloatArray, none: FloatArray) -> list[str]:
    for level, group in ((AGENTS, full), (0, none)):
        if not group.shape[1]:
            reason = f"not testable: no complete run with {level} of {AGENTS} agents aligned"
            return [reason] * len(group)
    method = "Hedges' g, pooled SD"
    smaller = np.minimum((~np.isnan(full)).sum(axis=1), (~np.isnan(none)).sum(axis=1))
    return [
        explained(method, Undefined.TOO_FEW if n < 2 else Undefined.NO_VARIANCE)
        if np.isnan(estimate)
        else f"{method}, interval not computed"
        for estimate, n in zip(found.estimate, smaller, strict=True)
    ]


def _distance(country: str, scores: Scores) -> float:
    score = scores.get(country, {}).get(Dimension.POWER_DISTANCE)
    return np.nan if score is None else float(score)


def _correlations(
    label: tuple[str | None, ...], choices: pl.DataFrame, slopes: FloatArray, distances: FloatArray
) -> pl.DataFrame:
    found = batch.pearson(distances, slopes, confidence=CONFIDENCE)
    method = f"Pearson r, Fisher {CONFIDENCE:g} interval"
    methods = []
    for estimate, p_value, n in zip(found.estimate, found.p_value, found.n, strict=True):
        if np.isnan(estimate):
            few = n < FEWEST_LANGUAGES
            methods.append(explained(method, Undefined.TOO_FEW if few else Undefined.NO_VARIANCE))
        elif np.isnan(p_value):
            unknown = ("std_error", "statistic", "p_value", "interval")
            methods.append(explained(method, Undefined.BOUNDARY, *unknown))
        else:
            methods.append(method)
    moved = pl.col("changed") + int(label[-1] != OWN)
    return _frame(label, choices.with_columns(moved), found, methods)


def _frame(
    label: tuple[str | None, ...], choices: pl.DataFrame, found: Batch, methods: Sequence[str]
) -> pl.DataFrame:
    """Rows of one curve: its labels, the specifications and their results."""
    names = ("model", "variant", "language", "measure", "quantity", COUNTRY)
    results = found._asdict() | {"method": methods}
    return choices.with_columns(
        *(pl.lit(value, pl.String).alias(name) for name, value in zip(names, label, strict=True)),
        *(_column(name, results[name], dtype) for name, dtype in SCHEMA.items()),
    ).select(list(COLUMNS))


def _column(name: str, values: Any, dtype: type[pl.DataType]) -> pl.Series:
    column = pl.Series(name, values, dtype)
    return column.fill_nan(None) if dtype is pl.Float64 else column
