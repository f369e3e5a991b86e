"""The report: one HTML file about one study or several, that opens anywhere and asks for nothing.

No script, no font, no picture from elsewhere; a content security policy in the page forbids them
as well. Everything that comes from a model, a study file or a log is escaped by the template
engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from kit import __version__
from kit.analysis.collection import RunState
from kit.analysis.effects import Factor
from kit.analysis.replication import Verdict
from kit.analysis.results import Analysis
from kit.measure.echo import HEARD_TURNS
from kit.report import across, background, claims, curve, effects, excerpts, inference, judged
from kit.report.carriers import carriers
from kit.report.cautions import Caution, cautions
from kit.report.figure import panels
from kit.report.forest import forests
from kit.report.grid import Grid, grid
from kit.report.html import environment, style
from kit.report.scatter import scatters
from kit.spec.study import Study

FILE_NAME = "report.html"

_MINUS = re.compile(r"(?<![\w-])-(?=[\d.])|(?<=\de)-(?=\d)")
_HASH = re.compile(r"[0-9a-f]{32}")
_TOGETHER = re.compile(r"[\d.e-]+(?: %)? \[[^\]]*\]|t\([\d.]+\) = [\d.e-]+|p [<=] [\d.]+")


MADE = (
    ("kit run STUDY", "runs/: one log per run, and what each was asked for in spec.json"),
    (
        "kit judge FOLDER --judge NAME",
        "judgements/: what a local model answered about the transcripts (only with judges)",
    ),
    ("kit analyze FOLDER", "tables/: every file of numbers named in this report, and results.json"),
    (
        "kit analyze FOLDER --multiverse",
        "the same with multiverse.csv and multiverse_summary.csv",
    ),
    ("kit export FOLDER", "the same tables as Parquet, with a dictionary of all columns"),
    ("kit report FOLDER", "this page, and ro-crate-metadata.json: what was made with what"),
    ("kit report FOLDER --check", "every number again, by a second path, held against this page"),
    ("kit replay RUN", "one run again, compared byte for byte"),
    ("kit verify FOLDER", "every token of every log, read back by the model"),
)
"""Commands, and what they make."""


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


class StudyPart(NamedTuple):
    """One study, ready to stand on a page."""

    study: Study
    profile: str | None
    planned: int
    complete: int
    cautions: list[Caution]
    contents: list[tuple[str, str]]
    """Anchors of its sections, with their titles."""
    claims: tuple[tuple[str, ...], ...]
    """Rows of the table of published claims."""
    body: Markup

    @property
    def id(self) -> str:
        """The study's name."""
        return self.study.id


def render(analysis: Analysis, folder: Path) -> bytes:
    """The page about one study, as UTF-8 HTML.

    Args:
        analysis: of the folder.
        folder: the result folder, for excerpts of its logs.

    Raises:
        RunLogError: a log changed since it was analysed.
    """
    part = study_part(analysis, folder)
    return _page(f"{part.id}: {part.study.title}", [part], cautions=part.cautions)


def render_programme(parts: Sequence[StudyPart], missing: Sequence[Study]) -> bytes:
    """The page about several studies, as UTF-8 HTML.

    Args:
        parts: from `study_part`, asked for with ``together=True``.
        missing: studies of the programme that were not given.
    """
    rows = [(part.id, *row) for part in parts for row in part.claims]
    verdicts = grid(
        "Published claims and what came out here",
        "Study|Claim|Published|Here [95 % interval]|Verdict|Why",
        rows,
    )
    return _page("Alignment Backfire, replicated", parts, verdicts=verdicts, missing=missing)


def _page(
    title: str,
    parts: Sequence[StudyPart],
    *,
    cautions: Sequence[Caution] = (),
    verdicts: Grid | None = None,
    missing: Sequence[Study] = (),
) -> bytes:
    page = (
        _pages()
        .get_template("page.html.jinja")
        .render(
            version=__version__,
            style=style(),
            at="",
            deeper=0,
            title=title,
            programme=verdicts is not None,
            parts=parts,
            cautions=cautions,
            verdicts=verdicts,
            missing=missing,
        )
    )
    return page.encode()


def _pages() -> Environment:
    pages = environment()
    pages.filters["signed"] = _signed
    pages.tests["hash"] = _HASH.search
    pages.globals["verdict_words"] = [verdict.value for verdict in Verdict]
    return pages


def study_part(analysis: Analysis, folder: Path, *, together: bool = False) -> StudyPart:
    """The sections about one study.

    Args:
        analysis: of the folder.
        folder: the result folder, for excerpts of its logs.
        together: other studies stand on the same page, so anchors carry the study's name and
            headings are one level deeper.

    Raises:
        RunLogError: a log changed since it was analysed.
    """
    experiment = analysis.collection.experiment
    study = experiment.study
    at = f"{study.id}-" if together else ""
    found = curve.multiverse(analysis)
    judges = judged.judged(analysis, folder)
    runs = background.runs(analysis)
    claims_here = claims.verdicts(analysis, here=True)
    body = (
        _pages()
        .get_template("study.html.jinja")
        .render(
            at=at,
            deeper=int(together),
            together=together,
            study=study,
            profile=experiment.profile,
            claims_here=claims_here,
            claims_elsewhere=claims.verdicts(analysis, here=False),
            checks=claims.checks(analysis),
            panels=panels(analysis),
            languages=_languages(analysis),
            missing_languages=experiment.missing_languages,
            forests=forests(analysis),
            carriers=carriers(analysis),
            scatters=scatters(analysis),
            pooled=across.pooled(analysis),
            culture=across.culture(analysis),
            syntheses=inference.syntheses(analysis),
            classes=inference.classes(analysis),
            over_models=inference.models(analysis),
            arms=inference.arms(analysis),
            limits=inference.limits(analysis),
            references=across.references(analysis),
            gaps=across.gaps(analysis),
            multiverse=found,
            judged=judges,
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
            made=MADE,
            runs=runs,
            replay=runs.rows[0][-1] if runs.rows else "no run is complete",
            paper=analysis.published.paper,
            sources=analysis.published.sources,
        )
    )
    shown = {"multiverse": found is not None, "judged": judges is not None}
    return StudyPart(
        study,
        experiment.profile,
        len(analysis.collection.states),
        analysis.collection.count(RunState.COMPLETE),
        cautions(analysis),
        [(f"{at}{name}", words) for name, words in SECTIONS.items() if shown.get(name, True)],
        claims_here.rows,
        Markup(body),  # noqa: S704 - made by the escaping templates
    )


SECTIONS = {
    "claims": "Published claims",
    "figure": "Figure",
    "across": "Across languages",
    "languages": "Results by language",
    "multiverse": "Under every open choice",
    "judged": "What the judges said",
    "conduct": "How the runs went",
    "said": "What was said",
    "measured": "How it was measured",
    "design": "What is reconstructed",
    "made": "Where the numbers come from",
    "replay": "Models, hashes, replay",
}
"""Anchors of a study's sections, with their titles."""


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
