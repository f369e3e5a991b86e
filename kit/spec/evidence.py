"""Where a design value comes from, carried beside the value itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import model_validator

from kit.spec.loading import Frozen

Value = TypeVar("Value")


class Evidence(StrEnum):
    """How a value of the design is known."""

    PUBLISHED = "published"
    """Stated by the paper's abstract or the opening of its text."""
    REPORTED = "reported"
    """Stated by a reader of the paper, not checked against its text."""
    COMPANION = "companion"
    """Stated for a companion study by the same author."""
    INFERRED = "inferred"
    """Follows from published numbers; the note says how."""
    OURS = "ours"
    """Chosen by this kit because the paper's choice is unknown."""


class Sourced(Frozen, Generic[Value]):
    """A design value with its evidence.

    A bare value in a file means ``evidence: ours``: a user's own study need not argue with a paper.
    """

    value: Value
    """The value itself."""
    evidence: Evidence = Evidence.OURS
    """How it is known."""
    note: str | None = None
    """The reasoning, where the evidence needs one."""

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, data: Any) -> Any:
        if isinstance(data, dict) and "value" in data:
            return data
        if isinstance(data, Sourced):
            return data
        return {"value": data}
