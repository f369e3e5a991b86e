"""The registration document of a plan: which plan it is of, and whether it is as it was written.

A result folder may hold one, written before its runs. What it says is composed in
`kit.analysis.registration`; its last lines, which are read here, hold two hashes: of the plan, and
of all that stands above them.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from kit.errors import OutputError, PlanError
from kit.spec.experiment import Experiment, content_hash
from kit.spec.published import Published

FILE_NAME = "registration.md"
SHORT = 12
"""Digits of a hash that a message shows."""

_CLOSING = re.compile(
    rb"\A(.*\nPlan SHA-256: `([0-9a-f]{64})`\n\n)SHA-256 of all lines above: `([0-9a-f]{64})`\n\Z",
    re.DOTALL,
)


class Document(NamedTuple):
    """A registration document as it lies in a folder."""

    sha256: str
    """Of the whole file; the sidecar of every run made under it carries this."""
    plan: str | None
    """Digest of the plan that it is of; None: its last lines are gone."""
    intact: bool
    """Whether it is as it was written, by the hash in its last line."""


def plan_digest(experiment: Experiment, published: Published) -> str:
    """SHA-256 of the resolved plan: the experiment, and the claims about its study.

    Everything in the experiment counts, notes and evidence too: a registered plan does not change
    at all.
    """
    study = experiment.study.id
    return content_hash(
        {
            "experiment": experiment.model_dump(mode="json"),
            "claims": [
                claim.model_dump(mode="json") for claim in published.claims if claim.study == study
            ],
        }
    )


def closed(body: str, plan: str) -> bytes:
    """The document with its last lines.

    Args:
        body: the text, ending in an empty line.
        plan: digest of the plan.
    """
    above = f"{body}Plan SHA-256: `{plan}`\n\n".encode()
    return above + f"SHA-256 of all lines above: `{hashlib.sha256(above).hexdigest()}`\n".encode()


def read_document(folder: Path) -> Document | None:
    """The registration document of a result folder; None where there is none.

    Raises:
        OutputError: it is there and cannot be read.
    """
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}", where=path) from error
    found = _CLOSING.match(data)
    return Document(
        sha256=hashlib.sha256(data).hexdigest(),
        plan=found[2].decode() if found else None,
        intact=found is not None and hashlib.sha256(found[1]).hexdigest() == found[3].decode(),
    )


def check_plan(experiment: Experiment, published: Published, folder: Path) -> str | None:
    """Make sure that what is about to run is what was registered.

    Returns:
        The SHA-256 of the folder's registration document; None where there is none.

    Raises:
        PlanError: the document is of another plan, or was edited.
        OutputError: it cannot be read.
    """
    document = read_document(folder)
    if document is None:
        return None
    if not document.intact:
        raise PlanError(
            "the registration document was edited after it was written",
            where=folder / FILE_NAME,
            hint="restore it, or choose another folder with --out",
        )
    digest = plan_digest(experiment, published)
    if document.plan != digest:
        raise PlanError(
            f"registers the plan {str(document.plan)[:SHORT]}, and the plan about to run is "
            f"{digest[:SHORT]}: the study, a text, a model, the profile or a claim has changed",
            where=folder / FILE_NAME,
            hint=f"undo the change, or register this plan in another folder: kit freeze "
            f"{experiment.study.id} --out FOLDER",
        )
    return document.sha256
