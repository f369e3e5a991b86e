"""What will be run and how it will be judged, written down before the runs.

The document is a function of the plan and of this release: no clock and no host, so that the same
plan gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kit import __version__
from kit.analysis.cells import Condition
from kit.analysis.design import design, text_evidence
from kit.analysis.estimates import ESTIMATES
from kit.analysis.measures import MEASURES
from kit.analysis.verdicts import is_of_family
from kit.errors import OutputError
from kit.runlog.writer import write_atomically
from kit.spec.experiment import Experiment
from kit.spec.language import AGENTS
from kit.spec.published import RULES, Claim, Published, Quantity, Rule
from kit.spec.registration import FILE_NAME, SHORT, closed, plan_digest, read_document

EXCLUSIONS = (
    "A run without a footer in its log is incomplete: counted, never measured.",
    "A planned run that is missing is counted; a claim that needs it gets no verdict.",
    "Lines in which the model steps out of its role are counted and left out of word counts.",
    "Refusing within the role is behaviour and stays.",
    "A run in which a measure is undefined is left out of that measure, and counted.",
    "No run, agent or line is left out for its value.",
)
"""What is left out of the numbers, and what never is."""


class Registration(NamedTuple):
    """A registration document, not yet written."""

    text: bytes
    digest: str
    """SHA-256 of the resolved plan."""


def registration(experiment: Experiment, published: Published) -> Registration:
    """The registration document of a plan."""
    digest = plan_digest(experiment, published)
    body = "\n".join(_lines(experiment, published))
    return Registration(closed(f"{body}\n\n", digest), digest)


def write(document: Registration, folder: Path) -> Path:
    """Write the document into a result folder; what is there already is never replaced.

    Returns:
        Its path.

    Raises:
        OutputError: the folder holds another document, is read-only, or the disk is full.
    """
    path = folder / FILE_NAME
    there = read_document(folder)
    if there is None:
        write_atomically(path, document.text)
    elif path.read_bytes() != document.text:
        if there.plan != document.digest:
            old = "no plan" if there.plan is None else f"the plan {there.plan[:SHORT]}"
            what = f"registers {old} already, not {document.digest[:SHORT]}"
        else:
            what = (
                f"registers the same plan {document.digest[:SHORT]} in other words: it was edited, "
                "or written by another release"
            )
        raise OutputError(
            what,
            where=path,
            hint="a registration is never replaced; name another folder with --out",
        )
    return path


def _lines(experiment: Experiment, published: Published) -> Iterator[str]:
    study = experiment.study
    yield f"# Registration of {study.id}"
    yield ""
    yield f"**{_flat(study.title)}**"
    yield ""
    yield _flat(study.question)
    yield ""
    profile = f"Profile: {experiment.profile}." if experiment.profile else "No profile."
    yield (
        f"{profile} Written by kit {__version__} from the study, its languages and its models, "
        "before any run: nothing here depends on a result."
    )
    yield from _models(experiment)
    yield from _design(experiment)
    yield from _cells(experiment)
    yield from _section("Seeds")
    yield (
        f"Study seed {study.seed}. There is no random generator with a state: every number is a "
        "function of the path that names its use. A token: study seed, run, agent, turn, place. "
        "Who is aligned or individuated: study seed, replicate; not level or language. Order of "
        "speakers: study seed, replicate, turn. Resampling: study seed, name of the analysis, and "
        "what it is of."
    )
    yield from _section("Measures")
    yield from _table(
        ("Measure", "Definition", "Evidence"),
        ((one.title, one.definition, one.evidence.value) for one in MEASURES.values()),
    )
    yield from _section("Contrasts and estimators")
    yield (
        "The run is the unit: ten agents of a group are one observation. Intervals are 95 % "
        "intervals unless said otherwise. By table of the analysis:"
    )
    yield ""
    yield from _table(("Table", "What is estimated, and how"), ESTIMATES.items())
    yield from _claims(experiment, published)
    yield from _section("Exclusions")
    yield from (f"- {rule}" for rule in EXCLUSIONS)
    yield from _reconstructed(experiment)


def _models(experiment: Experiment) -> Iterator[str]:
    yield from _section("Models")
    yield from _table(
        ("Model", "Size, tier", "File", "Bytes", "SHA-256"),
        (
            (name, f"{pin.size}, {pin.tier}", file.name, str(file.bytes), file.sha256)
            for name, pin in experiment.models.items()
            for file in pin.files
        ),
    )


def _design(experiment: Experiment) -> Iterator[str]:
    yield from _section("Design")
    yield from _table(
        ("Part", "Value", "Setting", "Evidence", "Note"),
        (
            (row.part, row.key, row.value, row.evidence.value, row.note or "")
            for row in design(experiment)
        ),
    )


def _cells(experiment: Experiment) -> Iterator[str]:
    runs = experiment.runs()
    planned = Counter(Condition(*run.cell) for run in runs)
    turns = sum(experiment.protocol(run.cell.variant).turns.value * AGENTS for run in runs)
    yield from _section("Cells and runs")
    yield f"{len(planned)} cells, {len(runs):,} runs, {turns:,} answers."
    if experiment.missing_languages:
        yield f"Named by the study and without a file: {', '.join(experiment.missing_languages)}."
    yield ""
    yield from _table(
        ("Model", "Language", "Variant", "Individuated", "Aligned", "Planned runs"),
        (
            (
                one.model,
                one.language,
                one.variant or "",
                str(one.individuated),
                str(one.aligned),
                str(number),
            )
            for one, number in planned.items()
        ),
    )


def _claims(experiment: Experiment, published: Published) -> Iterator[str]:
    yield from _section("Claims and the rules they are judged by")
    yield (
        "One rule decides each claim; all other checks are reported beside it. Whatever the rule, "
        "a claim with a sign is reversed if our interval lies on the other side of 0. An interval "
        "that neither meets the rule nor rules it out gives 'same direction but inconclusive' if "
        "the estimate has the published sign (without a sign: lies where the claim puts it), else "
        "'not replicated'. A claim is 'not testable here' unless the runs are of its model family, "
        "without a profile, in its languages, and all complete."
    )
    own = [claim for claim in published.claims if claim.study == experiment.study.id]
    used = {claim.rule for claim in own}
    yield ""
    yield from (f"- `{rule}`: {RULES[rule]}" for rule in Rule if rule in used)
    for claim in own:
        yield ""
        yield from _claim(claim, experiment)
    if not own:
        yield f"No published claim belongs to {experiment.study.id}."


def _claim(claim: Claim, experiment: Experiment) -> Iterator[str]:
    yield f"### {claim.id}"
    yield ""
    yield _flat(claim.statement)
    yield ""
    languages = ", ".join(claim.languages) or "all languages"
    yield f"- Number: {claim.quantity} of {claim.outcome}, {languages}, {claim.model_family}"
    yield f"- Published: {_published(claim)}"
    margin = f", margin {claim.margin:g}" if claim.margin is not None else ""
    yield f"- Rule: `{claim.rule}`{margin}"
    yield f"- Why: {_flat(claim.why)}"
    models = experiment.study.models.value
    if not any(is_of_family(model, claim.model_family) for model in models):
        yield "- In this plan: not testable, because no model is of the claim's family"
    elif experiment.profile is not None:
        yield "- In this plan: not testable, because a profile changes the protocol"


def _published(claim: Claim) -> str:
    interval, size = claim.interval, claim.per_cell
    known = {
        "estimate": f"{claim.estimate:g}" if claim.estimate is not None else None,
        **({"sign": claim.sign} if claim.sign else {}),
        "p": f"{claim.p.relation} {claim.p.value:g}" if claim.p else None,
        "95 % interval": f"[{interval.low:g}, {interval.high:g}] ({interval.evidence})"
        if interval
        else None,
        "runs": str(claim.n) if claim.n else None,
    }
    if claim.quantity is Quantity.HEDGES_G:
        known["runs per cell"] = f"{size.value} ({size.evidence})" if size else None
    return ", ".join(f"{name} {value or 'unknown'}" for name, value in known.items())


def _reconstructed(experiment: Experiment) -> Iterator[str]:
    values = Counter(row.evidence.value for row in design(experiment))
    counts = ", ".join(f"{number} {evidence}" for evidence, number in values.most_common())
    yield from _section("What is reconstructed")
    yield f"The paper's full text was not available. Values of the design: {counts}. Texts:"
    yield ""
    yield from _table(
        ("Language", "Used by the paper", "Texts by evidence", "Native review"),
        (
            (
                row.language,
                row.known.value,
                ", ".join(f"{count} {evidence}" for evidence, count in row.texts.items()),
                row.native_review,
            )
            for row in text_evidence(experiment)
        ),
    )


def _section(title: str) -> tuple[str, ...]:
    return "", f"## {title}", ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_flat(cell).replace('|', chr(92) + '|') for cell in row)} |"


def _flat(words: str) -> str:
    """Words on one line."""
    return " ".join(words.split())
