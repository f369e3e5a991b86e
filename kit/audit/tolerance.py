"""How far honest machines of another bit class may lie from a recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError

from kit.errors import RunLogError
from kit.spec.experiment import canonical_json
from kit.spec.loading import Frozen

FILE_NAME = "tolerance.json"
_HEADROOM = 2.0
"""The tolerance is this many times the largest margin of any disturbed honest path."""
_LEAST_TAU = 0.5
_DEVIATIONS = 4.0
"""Near ties may exceed their expected number by this many standard deviations."""


class Sample(NamedTuple):
    """One agent's dialogue, read on a disturbed honest path."""

    decisions: int
    margins: tuple[float, ...]
    """Of every token that would not have been drawn on that path."""


class Tolerance(Frozen):
    """Measured on disturbed honest paths, or chosen by hand."""

    tau: float = Field(gt=0)
    """Largest margin, in logits, that still counts as a near tie."""
    model_sha256: str | None = None
    k_type: str | None = None
    bit_class: str | None = None
    """Where it was measured."""
    near_tie_share: float | None = None
    """Share of tokens that were near ties; None where nothing was measured."""
    dispersion: float = 1.0
    """Variance of the number of near ties of a dialogue, over that of independent tokens."""
    largest_margin: float | None = None
    dialogues: int = 0
    decisions: int = 0
    paths: tuple[str, ...] = ()
    """The disturbances."""

    def most_near_ties(self, decisions: int) -> float:
        """Near ties that honest paths stay below, among so many tokens.

        A binomial's mean plus four standard deviations, widened by the dispersion between
        dialogues (McCullagh & Nelder 1989, section 4.5), plus one.
        """
        if self.near_tie_share is None:
            return math.inf
        share = self.near_tie_share
        deviation = math.sqrt(decisions * share * (1 - share) * self.dispersion)
        return decisions * share + _DEVIATIONS * deviation + 1


def tolerance_of(
    samples: Sequence[Sample],
    *,
    model_sha256: str,
    k_type: str,
    bit_class: str | None,
    paths: Sequence[str],
) -> Tolerance:
    """The tolerance that follows from disturbed honest paths.

    Raises:
        RunLogError: there is no token to learn from.
    """
    decisions = sum(sample.decisions for sample in samples)
    if not decisions:
        raise RunLogError("no recorded answers to calibrate with", hint="kit run STUDY")
    margins = [margin for sample in samples for margin in sample.margins]
    largest = max(margins, default=0.0)
    share = len(margins) / decisions
    expected = [sample.decisions * share * (1 - share) for sample in samples]
    pearson = [
        (len(sample.margins) - sample.decisions * share) ** 2 / variance
        for sample, variance in zip(samples, expected, strict=True)
        if variance > 0
    ]
    dispersion = sum(pearson) / max(1, len(pearson) - 1)
    return Tolerance(
        tau=max(_LEAST_TAU, _HEADROOM * largest),
        model_sha256=model_sha256,
        k_type=k_type,
        bit_class=bit_class,
        near_tie_share=share,
        dispersion=max(1.0, dispersion),
        largest_margin=largest,
        dialogues=len(samples),
        decisions=decisions,
        paths=tuple(paths),
    )


class Tolerances(Frozen):
    """A result folder's tolerances, one per model and K cache type."""

    measured: tuple[Tolerance, ...] = ()

    def find(self, model_sha256: str, k_type: str) -> Tolerance | None:
        """The tolerance for recordings of one model."""
        for one in self.measured:
            if (one.model_sha256, one.k_type) == (model_sha256, k_type):
                return one
        return None

    def with_one(self, new: Tolerance) -> Tolerances:
        """The same with ``new`` in place of what it supersedes."""
        rest = [
            one
            for one in self.measured
            if (one.model_sha256, one.k_type) != (new.model_sha256, new.k_type)
        ]
        return Tolerances(measured=(*rest, new))

    def to_json(self) -> bytes:
        """As a file."""
        return canonical_json(self.model_dump(mode="json")) + b"\n"


def load_tolerances(folder: Path) -> Tolerances:
    """The tolerances of a result folder; none where nothing was calibrated.

    Raises:
        RunLogError: the file is damaged.
    """
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Tolerances()
    try:
        return Tolerances.model_validate_json(data)
    except ValidationError as error:
        raise RunLogError(
            "is not a file of tolerances", where=path, hint="remove it and calibrate again"
        ) from error
