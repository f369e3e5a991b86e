"""What every language's lexicons express: one inventory for all languages."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from kit.spec.lexicon import Identifier, Text
from kit.spec.loading import Frozen, load


class RegisterConcepts(Frozen):
    """The concepts of one register."""

    intent: Text
    """What the register is, in English."""
    concepts: dict[Identifier, Text] = Field(min_length=1)
    """What each concept means, in English, in the order in which lexicons list them."""


class RegisterInventory(Frozen):
    """The concepts by register."""

    sexual: RegisterConcepts
    protective: RegisterConcepts
    group_harmony: RegisterConcepts
    individual_address: RegisterConcepts
    provider_refusal: RegisterConcepts


class Inventory(Frozen):
    """The file ``studies/concepts.yaml``."""

    concepts: RegisterInventory


def load_inventory(path: Path) -> Inventory:
    """Read the inventory.

    Raises:
        SpecError: with file, line and key.
    """
    return load(Inventory, path)
