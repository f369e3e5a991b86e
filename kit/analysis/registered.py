"""Whether the runs of a result folder were made under a registered plan."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from kit.analysis.collection import Collection, RunState
from kit.spec.published import Published
from kit.spec.registration import plan_digest, read_document

SIDECARS = "sidecars"


class Registered(NamedTuple):
    """What a result folder says about the registration of its plan."""

    sha256: str | None
    """Of the document, as it lies there; None: there is none."""
    unchanged: bool
    """Whether the document is as it was written."""
    same_plan: bool
    """Whether it is of the plan that is analysed."""
    runs: int
    """Complete runs whose sidecar carries this document's hash."""
    other_runs: int
    """Complete runs whose sidecar carries the hash of another document."""
    complete: int
    """Complete runs."""


def registered(folder: Path, collection: Collection, published: Published) -> Registered:
    """Whether the runs of a folder were made under a registered plan.

    Raises:
        OutputError: the document cannot be read.
    """
    document = read_document(folder)
    carried = Counter(
        _carried(folder / SIDECARS / f"{run_id.partition('/')[2]}.json")
        for run_id, state in collection.states.items()
        if state is RunState.COMPLETE
    )
    sha256 = document.sha256 if document else None
    runs = carried[sha256] if sha256 is not None else 0
    return Registered(
        sha256=sha256,
        unchanged=document is not None and document.intact,
        same_plan=document is not None
        and document.plan == plan_digest(collection.experiment, published),
        runs=runs,
        other_runs=carried.total() - carried[None] - runs,
        complete=carried.total(),
    )


def _carried(sidecar: Path) -> str | None:
    """The registration that a sidecar names; a missing or damaged one names none."""
    try:
        found = json.loads(sidecar.read_bytes())["registration"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
