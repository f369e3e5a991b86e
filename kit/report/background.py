"""The tables behind the results: plan, answer form, outcomes, design, measures, identity."""

from __future__ import annotations

from kit.analysis.collection import RunState
from kit.analysis.design import design, text_evidence
from kit.analysis.measures import MEASURES
from kit.analysis.results import Analysis
from kit.measure.overlap import interventions
from kit.measure.speech import LEGAL_MASS_FLOOR
from kit.measure.tally import Register
from kit.report.effects import where
from kit.report.grid import Grid, grid
from kit.report.numbers import number, percent
from kit.runlog.records import Outcome
from kit.spec.registration import SHORT


def plan(analysis: Analysis) -> Grid:
    """Planned, complete, incomplete and missing runs by cell."""
    rows = [
        (where(row.condition, analysis), *(str(count) for count in row[1:]))
        for row in analysis.plan
    ]
    states = analysis.collection
    total = (
        str(len(states.states)),
        *(str(states.count(state)) for state in RunState),
    )
    study = states.experiment.study.id
    sample = analysis.published.samples.get(study)
    size = f" The published study had {sample.runs} runs." if sample else ""
    return grid(
        "Runs by cell",
        "Cell|>Planned|>Complete and analysed|>Incomplete|>Not begun",
        [*rows, ("all", *total)],
        tables="plan",
        note=f"{registration(analysis)}{size}",
    )


def registration(analysis: Analysis) -> str:
    """Whether the plan was written down before the runs, in a sentence or two."""
    found = analysis.registered
    others = (
        f" {found.other_runs} of {found.complete} complete runs carry the hash of another document."
        if found.other_runs
        else ""
    )
    if found.sha256 is None:
        return f"The plan was not registered before the runs.{others}"
    state = "unchanged" if found.unchanged else "edited after it was written"
    which = "" if found.same_plan else ", and of another plan than the one analysed"
    return (
        f"The plan was registered (document {found.sha256[:SHORT]}, {state}{which}); "
        f"{found.runs} of {found.complete} complete runs carry its hash.{others}"
    )


def legality(analysis: Analysis) -> Grid:
    """How freely the channel tags were chosen."""
    rows = []
    for cell in analysis.legality:
        mass = cell.legality
        low = mass.mean is not None and mass.mean < LEGAL_MASS_FLOOR
        rows.append(
            (
                where(cell.condition, analysis),
                str(mass.decisions),
                number(mass.mean, 3),
                number(mass.minimum, 3),
                percent(mass.below_half),
                "below 0.5: the form chose" if low else "",
            )
        )
    return grid(
        "legal_mass: share of the model's own probability on the tags the answer form allows",
        "Cell|>Tag decisions|>Mean|>Lowest|>Below 0.5|Warning",
        rows,
        tables="legality",
    )


def outcomes(analysis: Analysis) -> Grid:
    """How answers and lines ended."""
    counts = {(row.condition, row.channel, row.outcome): row.number for row in analysis.outcomes}
    keys = dict.fromkeys((row.condition, row.channel) for row in analysis.outcomes)
    rows = [
        (
            where(condition, analysis),
            "whole answer" if channel == "turn" else channel,
            *(str(counts.get((condition, channel, outcome.value), 0)) for outcome in Outcome),
        )
        for condition, channel in keys
    ]
    return grid(
        "Outcomes by cell and channel",
        "Cell|Channel|" + "|".join(f">{outcome.replace('_', ' ')}" for outcome in Outcome),
        rows,
        tables="outcomes",
        note="Lines with the outcome 'provider refusal' are left out of every word count.",
    )


def drift(analysis: Analysis) -> Grid:
    """Lines that left the language of their run."""
    rows = [
        (
            where(row.condition, analysis),
            str(row.lines),
            str(row.away),
            percent(row.away / row.lines) if row.lines else "",
            row.spoken,
        )
        for row in analysis.drift
    ]
    return grid(
        "Lines in another language",
        "Cell|>Lines|>In another language|>Share|Which (lines)",
        rows,
        tables="drift",
        note="The word lists of a language find hardly anything in another one. Lines too short "
        "to tell count as at home.",
    )


def overlap(analysis: Analysis) -> Grid:
    """Counted words in the texts that marked agents of this study read."""
    experiment = analysis.collection.experiment
    spoken = dict.fromkeys(run.header.language for run in analysis.collection.runs)
    individuated = experiment.study.individuated.value != (0,)
    read = dict.fromkeys(
        (text.key, text.language, text.wording, code)
        for variant in experiment.study.variants or (None,)
        for code in spoken
        for text in interventions(
            experiment.protocol(variant), code, experiment.languages, individuated=individuated
        )
    )
    counts: dict[tuple[str, str, str, str], dict[str, str]] = {key: {} for key in read}
    for row in analysis.tables["overlap"].iter_rows(named=True):
        key = (row["text"], row["text_language"], row["wording"], row["lexicon_language"])
        if key in counts:
            counts[key][row["register"]] = f"{row['hits']} ({row['entries']})"
    rows = [
        (
            f"{text.replace('_', ' ')}, wording {wording}",
            language,
            lexicon,
            *(found[register.value] for register in Register),
        )
        for (text, language, wording, lexicon), found in counts.items()
    ]
    return grid(
        "Counted words in the texts that marked agents read: hits (different entries)",
        "Text|Its language|Words of|"
        + "|".join(f">{register.replace('_', ' ')}" for register in Register),
        rows,
        tables="overlap",
        note="A prefix primes its readers to use its words, in its own language only.",
    )


def values(analysis: Analysis) -> Grid:
    """Every value of the study with its evidence."""
    rows = [
        (row.key.replace("_", " "), row.part, row.value, row.evidence.value, row.note or "")
        for row in design(analysis.collection.experiment)
    ]
    return grid("Design values", "Value|Part|Setting|Evidence|Note", rows, tables="design")


def texts(analysis: Analysis) -> Grid:
    """Where the texts come from."""
    languages = analysis.collection.experiment.languages
    rows = [
        (
            f"{languages[row.language].name} ({row.language})",
            row.known.value,
            ", ".join(f"{count} {evidence}" for evidence, count in row.texts.items()),
            row.native_review,
        )
        for row in text_evidence(analysis.collection.experiment)
    ]
    return grid(
        "Texts: how they are known",
        "Language|Used by the paper|Texts by evidence|Native review",
        rows,
        note="No text of the paper was available: every text is this kit's own wording.",
    )


def measures() -> Grid:
    """What each measure means."""
    rows = [
        (measure.title, measure.definition, measure.evidence.value) for measure in MEASURES.values()
    ]
    return grid("Measures", "Measure|Definition|Evidence", rows)


def models(analysis: Analysis) -> Grid:
    """Which bytes made these runs."""
    experiment = analysis.collection.experiment
    rows = []
    for model in experiment.study.models.value:
        pin = experiment.models[model]
        headers = [run.header for run in analysis.collection.runs if run.header.model == model]
        classes = sorted({header.bit_class or "none" for header in headers})
        engines = sorted({str(header.engine.get("kind", "unknown")) for header in headers})
        rows.append(
            (
                pin.id,
                f"{pin.size}, {pin.tier}",
                pin.license,
                " ".join(file.sha256 for file in pin.files),
                ", ".join(classes) or "no run",
                ", ".join(engines) or "no run",
            )
        )
    return grid("Models", "Model|Size, tier|Licence|SHA-256 of its files|Bit class|Engine", rows)


def runs(analysis: Analysis) -> Grid:
    """Every analysed run with the command that replays it."""
    rows = [
        (
            run.header.run_id,
            run.header.run_hash,
            f"kit replay runs/{run.header.run_id.partition('/')[2]}.jsonl",
        )
        for run in analysis.collection.runs
    ]
    return grid(
        "Analysed runs",
        "Run|Run hash|Replay, from inside the result folder",
        rows,
        tables="runs",
    )
