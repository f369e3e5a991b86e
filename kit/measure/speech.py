"""Shares and ratios of what one agent, or a whole group, said in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from kit.measure.tally import Tally
from kit.spec.language import Channel

LEGAL_MASS_FLOOR = 0.5
"""Below this share of the model's own probability, the form chose more than the model did."""


class LegalMass(NamedTuple):
    """How much of the model's own probability lay on legal tags, over all tag decisions."""

    decisions: int
    mean: float | None
    minimum: float | None
    below_half: float | None
    """Share of decisions with less than half of the probability on legal tags."""


@dataclass(frozen=True)
class Speech:
    """What was said, by channel."""

    turns: int
    """Agent turns, silent ones included."""
    turns_with_monologue: int
    """Agent turns with at least one counted monologue line."""
    turns_away: int
    """Agent turns with more than half of their characters in lines of another language."""
    channels: Mapping[Channel, Tally]
    """Every channel is there, with zeros where nothing was said."""
    legal_mass: tuple[float, ...] = ()

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.turns + other.turns,
            self.turns_with_monologue + other.turns_with_monologue,
            self.turns_away + other.turns_away,
            {channel: self.channels[channel] + other.channels[channel] for channel in Channel},
            self.legal_mass + other.legal_mass,
        )

    @cached_property
    def total(self) -> Tally:
        """All channels together."""
        return sum((self.channels[channel] for channel in Channel), Tally())

    @property
    def monologue_share(self) -> float | None:
        """Characters of monologue / characters of all channels: the primary definition (ours)."""
        return _share(self.channels[Channel.MONOLOGUE].characters, self.total.characters)

    @property
    def monologue_share_lines(self) -> float | None:
        """Lines of monologue / lines of all channels."""
        return _share(self.channels[Channel.MONOLOGUE].lines, self.total.lines)

    @property
    def monologue_share_turns(self) -> float | None:
        """Turns that use the monologue / turns, silent ones included."""
        return _share(self.turns_with_monologue, self.turns)

    @property
    def conformity_ratio(self) -> float | None:
        """Group-harmony hits : individual-address hits; None when no individual address occurs."""
        hits = self.total.hits
        return _share(hits.group_harmony, hits.individual_address)

    @property
    def conformity_share(self) -> float | None:
        """Group-harmony hits / (group-harmony + individual-address hits): r / (1 + r)."""
        hits = self.total.hits
        return _share(hits.group_harmony, hits.group_harmony + hits.individual_address)

    @property
    def harmony_share(self) -> float | None:
        """Group-harmony hits / (group-harmony + protective hits).

        Ours: the published share (89.2 % of Japanese protective speech) does not say how
        protective speech was coded. A word in both lexicons counts on both sides.
        """
        hits = self.total.hits
        return _share(hits.group_harmony, hits.group_harmony + hits.protective)

    @property
    def legality(self) -> LegalMass:
        """How freely the channel tags were chosen."""
        mass = self.legal_mass
        if not mass:
            return LegalMass(0, None, None, None)
        below = sum(value < LEGAL_MASS_FLOOR for value in mass)
        return LegalMass(len(mass), sum(mass) / len(mass), min(mass), below / len(mass))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
