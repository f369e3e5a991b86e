"""Every value of the study with its evidence: what is published, what is reconstructed."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import Any, NamedTuple

from pydantic import BaseModel

from kit.spec.evidence import Evidence, Sourced
from kit.spec.experiment import Experiment
from kit.spec.study import Protocol


class DesignValue(NamedTuple):
    """One value of the study."""

    part: str
    """``study``, ``protocol``, or ``variant <name>`` for what a variant changes."""
    key: str
    value: str
    evidence: Evidence
    note: str | None


class TextEvidence(NamedTuple):
    """Where the texts of one language come from."""

    language: str
    known: Evidence
    """How it is known that the paper used the language."""
    native_review: str
    texts: dict[Evidence, int]
    """How many texts (announcements, rules, prefixes, personas, lexicons) have which evidence."""


def design(experiment: Experiment) -> list[DesignValue]:
    """The study's values, the protocol under the profile in use, and what each variant changes."""
    study = experiment.study
    rows = [_value("study", key, value) for key, value in _sourced(study)]
    plain = study.protocol_of(
        *([study.profiles[experiment.profile]] if experiment.profile is not None else [])
    )
    rows += _protocol("protocol", plain, study.protocol, experiment.profile)
    for variant in study.variants:
        varied = experiment.protocol(variant)
        rows += [
            row
            for row in _protocol(f"variant {variant}", varied, study.protocol, experiment.profile)
            if getattr(varied, row.key).value != getattr(plain, row.key).value
        ]
    return rows


def text_evidence(experiment: Experiment) -> list[TextEvidence]:
    """The evidence of every language that runs are in."""
    rows = []
    for code in experiment.study.languages.value:
        if code in experiment.missing_languages:
            continue
        language = experiment.languages[code]
        sourced = [
            *language.personas,
            *(value for _, value in language.texts),
            *language.announcements,
            *(value for _, value in language.lexicons),
        ]
        counts = Counter(text.evidence for text in sourced)
        ordered = {evidence: counts[evidence] for evidence in Evidence if counts[evidence]}
        rows.append(TextEvidence(code, language.evidence, language.native_review, ordered))
    return rows


def _protocol(
    part: str, protocol: Protocol, written: Protocol, profile: str | None
) -> list[DesignValue]:
    rows = []
    for key, value in _sourced(protocol):
        row = _value(part, key, value)
        if part == "protocol" and value.value != getattr(written, key).value:
            row = row._replace(note=f"changed by the profile '{profile}'")
        rows.append(row)
    return rows


def _value(part: str, key: str, sourced: Sourced[Any]) -> DesignValue:
    return DesignValue(part, key, _shown(sourced.value), sourced.evidence, sourced.note)


def _sourced(model: BaseModel) -> list[tuple[str, Sourced[Any]]]:
    return [(name, value) for name, value in model if isinstance(value, Sourced)]


def _shown(value: object) -> str:
    if isinstance(value, BaseModel):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value)
    if isinstance(value, tuple):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)
