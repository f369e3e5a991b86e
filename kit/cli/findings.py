"""What ``kit analyze`` prints: the main tables of an analysis, within 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from kit.analysis import Estimate
from kit.analysis.collection import RunState
from kit.analysis.culture import Coefficient
from kit.analysis.effects import MARGIN, Factor, Kind
from kit.analysis.indices import PRIMARY
from kit.analysis.measures import CPI, DI, MONOLOGUE, PROTECTIVE, SEXUAL
from kit.analysis.multiverse import SUMMARY
from kit.analysis.results import TABLES, Analysis
from kit.cli import console, curves
from kit.report.background import registration
from kit.report.cautions import cautions
from kit.report.effects import Stratum, factors, strata
from kit.report.numbers import equals, interval, number, reason

WIDTH = 80
SHORT = {CPI: "CPI", DI: "DI", MONOLOGUE: "mono", SEXUAL: "sexual", PROTECTIVE: "protect."}
"""The measures shown, by the names that fit."""


def show(analysis: Analysis) -> None:
    """Print the main tables."""
    _head(analysis)
    _means(analysis)
    _effects(analysis)
    _classes(analysis)
    _culture(analysis)
    if SUMMARY in analysis.tables:
        _multiverse(analysis)
    _verdicts(analysis)


def _head(analysis: Analysis) -> None:
    collection = analysis.collection
    experiment = collection.experiment
    console.say(f"{experiment.study.id}: {experiment.study.title}")
    _paragraph(experiment.study.question)
    console.say(f"models   {', '.join(experiment.study.models.value)}")
    console.say(f"profile  {experiment.profile or 'none'}")
    counts = ", ".join(f"{collection.count(state)} {state}" for state in RunState)
    console.say(f"runs     {len(collection.states)} planned: {counts}")
    _paragraph(registration(analysis))
    for caution in cautions(analysis):
        console.say()
        _paragraph(f"{'WARNING' if caution.severe else 'note'}: {caution.title} {caution.text}")


def _means(analysis: Analysis) -> None:
    _title("Means by number of aligned agents (CPI and DI: z within language)")
    lookup = {
        (cell.condition, cell.measure): cell
        for cell in analysis.cells
        if cell.reference in (None, PRIMARY)
    }
    legality = {row.condition: row.legality.mean for row in analysis.legality}
    varied = analysis.collection.experiment.study.individuated.value != (0,)
    for block, members in _blocks(analysis):
        rows = []
        for condition in dict.fromkeys(cell.condition for cell in analysis.cells):
            if Stratum.of(condition) not in members:
                continue
            means = {name: lookup[condition, name].mean.estimate for name in SHORT}
            cell = lookup[condition, SEXUAL]
            rows.append(
                (
                    condition.language,
                    str(condition.aligned),
                    *((str(condition.individuated),) if varied else ()),
                    str((cell.mean.n or 0) + cell.undefined),
                    _number(means[CPI]),
                    _number(means[DI]),
                    _number(means[MONOLOGUE]),
                    _number(means[SEXUAL], 1),
                    _number(means[PROTECTIVE], 1),
                    _number(legality.get(condition)),
                )
            )
        individuated = "|>indiv." if varied else ""
        titles = f"lang|>aligned{individuated}|>n|>CPI|>DI|>mono|>sexual|>protect.|>legal"
        _table(block, titles, rows)
    if not analysis.cells:
        console.say("no complete run")
        return
    console.say("mono: monologue share of characters; sexual, protect.: hits per run;")
    console.say("legal: mean legal_mass, the model's own probability on legal tags")


def _effects(analysis: Analysis) -> None:
    _title("All ten agents marked against none, and slope per marked agent")
    for block, members in _blocks(analysis):
        if block:
            console.say(block)
        contrasts = dict.fromkeys(key for one in members for key in factors(analysis, one))
        for factor, other in contrasts:
            _table(
                _contrast(analysis, factor, other),
                "lang|measure|>g [95 % interval]|>p (Welch)|>slope|>p (slope)",
                _rows(analysis, members, factor, other),
            )
    for why in dict.fromkeys(
        reason(effect.result)
        for effect in analysis.effects
        if effect.measure in SHORT
        and effect.kind is Kind.HEDGES_G
        and effect.reference in (None, PRIMARY)
        and not effect.result.is_defined
    ):
        console.say(f"g is {why}")
    if not analysis.effects:
        console.say("no complete run")


def _rows(
    analysis: Analysis, members: Sequence[Stratum], factor: Factor, other: int
) -> list[tuple[str, ...]]:
    kept = {
        (effect.language, effect.measure, effect.kind): effect.result
        for effect in analysis.effects
        if (effect.language, effect.model, effect.variant) in members
        and (effect.factor, effect.other) == (factor, other)
        and effect.reference in (None, PRIMARY)
    }
    return [
        (
            one.language,
            short,
            _with_interval(kept[one.language, name, Kind.HEDGES_G]),
            _p(kept[one.language, name, Kind.WELCH]),
            _number(kept[one.language, name, Kind.SLOPE].estimate, 3),
            _p(kept[one.language, name, Kind.SLOPE]),
        )
        for one in members
        for name, short in SHORT.items()
        if (one.language, name, Kind.HEDGES_G) in kept
    ]


def _classes(analysis: Analysis) -> None:
    _title("What aligning all ten agents does, language by language")
    rows = [
        (
            row.language,
            SHORT[row.measure],
            *((row.model,) if len(analysis.collection.experiment.study.models.value) > 1 else ()),
            _with_interval(row.result),
            _p(Estimate(p_value=row.equivalence_p, method="equivalence")),
            row.language_class.value,
        )
        for row in analysis.classes
        if row.variant is None and row.individuated == 0
    ]
    if not rows:
        console.say("not testable: the study does not compare ten aligned agents with none")
        return
    several = len(analysis.collection.experiment.study.models.value) > 1
    models = "|model" if several else ""
    _table("", f"lang|index{models}|>g [95 % interval]|>p (null)|class", rows)
    for limit in analysis.detectable:
        _paragraph(
            f"p (null): test that the effect is below {MARGIN:g} SD. {limit.per_cell} runs a cell "
            f"find an effect of {number(limit.minimum_effect)} SD with 80 % power"
            + ("." if limit.null_possible else "; they can never show that there is none.")
        )
    for row in analysis.syntheses:
        if (row.kind, row.reference) == (Kind.HEDGES_G, PRIMARY) and row.measure in SHORT:
            held = f", {row.variant}" if row.variant else ""
            _paragraph(
                f"{SHORT[row.measure]} over {len(row.languages.split())} languages{held}: mean g "
                f"{_with_interval(row.result)}"
            )


def _contrast(analysis: Analysis, factor: Factor, other: int) -> str:
    if analysis.collection.experiment.study.individuated.value == (0,):
        return ""
    held = Factor.INDIVIDUATED if factor is Factor.ALIGNED else Factor.ALIGNED
    return f"{factor} 10 against 0, with {other} {held}:"


def _blocks(analysis: Analysis) -> list[tuple[str, list[Stratum]]]:
    """Strata of one model and variant, with what names them where the study varies either."""
    blocks: dict[str, list[Stratum]] = {}
    for one in strata(analysis):
        blocks.setdefault(one.title(analysis), []).append(one)
    return list(blocks.items())


def _culture(analysis: Analysis) -> None:
    _title("Slope of a language against culture scores (Pearson r)")
    if all(row.result.estimate is None for row in analysis.correlations):
        reasons = dict.fromkeys(reason(row.result) for row in analysis.correlations)
        _paragraph("; ".join(reasons) or "not testable: no run is complete")
        return
    rows = [
        (
            row.dimension.name.replace("_", " ").lower(),
            row.measure,
            str(row.result.n),
            _with_interval(row.result),
            _p(row.result),
        )
        for row in analysis.correlations
        if row.coefficient is Coefficient.PEARSON
    ]
    _table("", "dimension|slope of|>languages|>r [95 % interval]|>p", rows)


def _multiverse(analysis: Analysis) -> None:
    _title("CPI and DI under every open choice")
    for heading, rows in curves.blocks(analysis):
        _table(heading, curves.TITLES, rows)
    if not analysis.cells:
        console.say("no complete run")
        return
    _paragraph(curves.NOTE)
    _paragraph(curves.left_out(analysis))


def _verdicts(analysis: Analysis) -> None:
    study = analysis.collection.experiment.study.id
    _title("Published claims")
    own = [judgement for judgement in analysis.judgements if judgement.claim.study == study]
    for judgement in own:
        console.say(f"{judgement.claim.id}: {judgement.verdict}")
        _paragraph(judgement.claim.statement, indent=2)
        _paragraph(judgement.reason, indent=2)
    if not own:
        console.say(f"no claim of the paper belongs to {study}")
    others = len(analysis.judgements) - len(own)
    console.say(f"{others} claims belong to other studies (see {TABLES}/verdicts.csv)")


def _number(value: float | None, digits: int = 2) -> str:
    return "undef." if value is None else number(value, digits)


def _with_interval(result: Estimate) -> str:
    if result.estimate is None:
        return "undef."
    return f"{number(result.estimate)} {interval(result)}"


def _p(result: Estimate) -> str:
    return "undef." if result.p_value is None else equals(result.p_value).removeprefix("= ")


def _title(words: str) -> None:
    console.say()
    console.say(words)
    console.say("-" * len(words))


def _paragraph(words: str, indent: int = 0) -> None:
    for line in textwrap.wrap(words, WIDTH - indent):
        console.say(" " * indent + line)


def _table(block: str, titles: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Aligned columns under an optional heading; a leading ``>`` sets a column flush right."""
    heads = titles.split("|")
    names = [head.removeprefix(">") for head in heads]
    if block:
        console.say(block)
    widths = [max(len(row[at]) for row in (names, *rows)) for at in range(len(names))]
    for row in (names, *rows):
        cells = [
            cell.rjust(width) if head.startswith(">") else cell.ljust(width)
            for cell, width, head in zip(row, widths, heads, strict=True)
        ]
        console.say("  ".join(cells).rstrip())
