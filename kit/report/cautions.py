"""What a reader must know before any number."""

from __future__ import annotations

from typing import NamedTuple

from kit.analysis.collection import RunState
from kit.analysis.results import Analysis
from kit.measure.speech import LEGAL_MASS_FLOOR
from kit.spec.pins import ModelPin, Size, Tier

OFF_LANGUAGE_CEILING = 0.1
"""Above this share of lines in another language a reader is warned."""


class Caution(NamedTuple):
    """One warning."""

    title: str
    text: str
    severe: bool
    """Whether it alone forbids reading the numbers as results."""


def cautions(analysis: Analysis) -> list[Caution]:
    """Every caution that applies, the gravest first."""
    collection = analysis.collection
    experiment = collection.experiment
    found: list[Caution] = []
    for model in experiment.study.models.value:
        found += _of_model(experiment.models[model])
    scripted = {run.header.engine.get("kind") for run in collection.runs} & {"scripted"}
    if scripted:
        found.append(
            Caution(
                "A scripted engine spoke in these runs.",
                "No model was asked: the answers were written beforehand.",
                True,
            )
        )
    if experiment.profile is not None:
        found.append(
            Caution(
                f"The profile '{experiment.profile}' was used.",
                "It changes the study's own protocol (see the design table). No published claim "
                "can be held against these runs.",
                True,
            )
        )
    planned, complete = len(collection.states), collection.count(RunState.COMPLETE)
    if complete < planned:
        found.append(
            Caution(
                f"{complete} of {planned} planned runs are complete.",
                f"{collection.count(RunState.INCOMPLETE)} begun and not finished, "
                f"{collection.count(RunState.MISSING)} not begun. Only complete runs are in the "
                "numbers, and what is missing may not be missing by chance.",
                complete == 0,
            )
        )
    if experiment.missing_languages:
        found.append(
            Caution(
                "Languages without a file: " + ", ".join(experiment.missing_languages) + ".",
                "The study names them, and nothing was run in them.",
                False,
            )
        )
    if collection.unplanned:
        found.append(
            Caution(
                f"{len(collection.unplanned)} logs are not of this plan and were left out.",
                ", ".join(collection.unplanned),
                False,
            )
        )
    low = [
        cell
        for cell in analysis.legality
        if cell.legality.mean is not None and cell.legality.mean < LEGAL_MASS_FLOOR
    ]
    if low:
        found.append(
            Caution(
                f"The answer form chose more than the model did in {len(low)} of "
                f"{len(analysis.legality)} cells.",
                f"Mean legal_mass is below {LEGAL_MASS_FLOOR} there: most of the model's own "
                "probability lay on words that the answer form forbids, so that its choice of "
                "channels, and with it the monologue share, CPI and DI, says little about the "
                "model.",
                False,
            )
        )
    away = [row for row in analysis.drift if row.away > OFF_LANGUAGE_CEILING * row.lines]
    if away:
        found.append(
            Caution(
                f"Groups left their language in {len(away)} of {len(analysis.drift)} cells.",
                f"More than {OFF_LANGUAGE_CEILING:.0%} of lines are in another language there, "
                "where the word lists of their own find hardly anything: a fall of hits need not "
                "be a fall of what they stand for.",
                False,
            )
        )
    found += _of_judges(analysis)
    return sorted(found, key=lambda caution: not caution.severe)


def _of_judges(analysis: Analysis) -> list[Caution]:
    found = []
    for panel, pin in analysis.judged.models.items():
        if pin.size in (Size.TINY, Size.SMALL):
            found.append(
                Caution(
                    f"The judge '{panel}' is a {pin.size} model, {pin.id}.",
                    "It is too small to judge anything: its numbers show that the kit works.",
                    False,
                )
            )
        elif pin.id in analysis.collection.experiment.study.models.value:
            found.append(
                Caution(
                    f"The judge '{panel}' is the model that also spoke, {pin.id}.",
                    "Models may judge their own words otherwise than those of others: hold it "
                    "against people, and against a judge of another family.",
                    False,
                )
            )
    return found


def _of_model(pin: ModelPin) -> list[Caution]:
    found = []
    if pin.size in (Size.TINY, Size.SMALL):
        found.append(
            Caution(
                f"This is a smoke test: {pin.id} is a {pin.size} model.",
                "It is too small to keep a role or follow the scenario. These numbers say "
                "nothing about safety instructions, about languages, about larger models or "
                "about the paper. They show that the kit works.",
                True,
            )
        )
    if pin.size is Size.MID:
        found.append(
            Caution(
                f"{pin.id} is smaller than the models of the paper.",
                "What it does neither confirms nor refutes the paper's claims.",
                False,
            )
        )
    if not pin.instruct:
        found.append(
            Caution(
                f"{pin.id} is not trained to follow instructions.",
                "It cannot take up a safety instruction: differences between levels are not "
                "effects of one.",
                True,
            )
        )
    if pin.tier is Tier.STANDIN:
        found.append(
            Caution(
                f"{pin.id} takes the place of a closed model of the paper.",
                "Its runs are not a replication of that arm.",
                False,
            )
        )
    return found
