"""The report: one HTML file that opens anywhere and asks for nothing.

No script, no font, no picture from elsewhere; a content security policy in the page forbids them
as well. Everything that comes from a model, a study file or a log is escaped by the template
engine.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from kit import __version__
from kit.analysis.collection import RunState
from kit.analysis.effects import Factor
from kit.analysis.replication import Verdict
from kit.analysis.results import Analysis
from kit.measure.echo import HEARD_TURNS
from kit.report import across, background, claims, curve, effects, excerpts, inference, judged
from kit.report.cautions import cautions
from kit.report.figure import panels
from kit.report.grid import Grid
from kit.report.html import environment, style

FILE_NAME = "report.html"

_MINUS = re.compile(r"(?<![\w-])-(?=[\d.])|(?<=\de)-(?=\d)")
_TOGETHER = re.compile(r"[\d.e-]+(?: %)? \[[^\]]*\]|t\([\d.]+\) = [\d.e-]+|p [<=] [\d.]+")


class _Effects(NamedTuple):
    at: str
    grid: Grid


class _Part(NamedTuple):
    title: str
    means: Grid
    effects: list[_Effects]
    withheld: list[str]


class _Language(NamedTuple):
    code: str
    name: str
    parts: list[_Part]


def render(analysis: Analysis, folder: Path) -> bytes:
    """The page as UTF-8 HTML.

    Args:
        analysis: of the folder.
        folder: the result folder, for excerpts of its logs.

    Raises:
        RunLogError: a log changed since it was analysed.
    """
    pages = environment()
    pages.filters["signed"] = _signed
    pages.globals["verdict_words"] = [verdict.value for verdict in Verdict]
    experiment = analysis.collection.experiment
    states = analysis.collection.states
    runs = background.runs(analysis)
    page = pages.get_template("page.html.jinja").render(
        version=__version__,
        style=style(),
        study=experiment.study,
        profile=experiment.profile,
        planned=len(states),
        complete=analysis.collection.count(RunState.COMPLETE),
        cautions=cautions(analysis),
        claims_here=claims.verdicts(analysis, here=True),
        claims_elsewhere=claims.verdicts(analysis, here=False),
        checks=claims.checks(analysis),
        panels=panels(analysis),
        languages=_languages(analysis),
        missing_languages=experiment.missing_languages,
        pooled=across.pooled(analysis),
        culture=across.culture(analysis),
        syntheses=inference.syntheses(analysis),
        classes=inference.classes(analysis),
        over_models=inference.models(analysis),
        arms=inference.arms(analysis),
        limits=inference.limits(analysis),
        references=across.references(analysis),
        gaps=across.gaps(analysis),
        multiverse=curve.multiverse(analysis),
        judged=judged.judged(analysis, folder),
        plan=background.plan(analysis),
        legality=background.legality(analysis),
        outcomes=background.outcomes(analysis),
        drift=background.drift(analysis),
        excerpts=excerpts.excerpts(analysis, folder),
        longest=excerpts.LONGEST,
        heard_turns=HEARD_TURNS,
        measures=background.measures(),
        overlap=background.overlap(analysis),
        design=background.values(analysis),
        texts=background.texts(analysis),
        models=background.models(analysis),
        runs=runs,
        replay=runs.rows[0][-1] if runs.rows else "no run is complete",
        paper=analysis.published.paper,
        sources=analysis.published.sources,
    )
    return page.encode()


def _languages(analysis: Analysis) -> list[_Language]:
    found: dict[str, _Language] = {}
    for stratum in effects.strata(analysis):
        name = analysis.collection.experiment.languages[stratum.language].name
        language = found.setdefault(stratum.language, _Language(stratum.language, name, []))
        language.parts.append(
            _Part(
                stratum.title(analysis),
                effects.means(analysis, stratum),
                [
                    _Effects(
                        _at(analysis, factor, other),
                        effects.effects(analysis, stratum, factor, other),
                    )
                    for factor, other in effects.factors(analysis, stratum)
                ],
                effects.withheld(analysis, stratum),
            )
        )
    return list(found.values())


def _at(analysis: Analysis, factor: Factor, other: int) -> str:
    """Where the factor that is not contrasted is held; empty if the study does not vary it."""
    if analysis.collection.experiment.study.individuated.value == (0,):
        return ""
    held = Factor.INDIVIDUATED if factor is Factor.ALIGNED else Factor.ALIGNED
    return f"With {other} {held} agents:"


def _signed(cell: str) -> str:
    """Numbers with a true minus sign, and kept on one line with their interval.

    Hyphens inside words and names stay.
    """
    joined = _TOGETHER.sub(lambda match: match[0].replace(" ", "\u00a0"), cell)
    return _MINUS.sub("\u2212", joined)
