"""What so many runs can show: exact chances from noncentral t."""

from __future__ import annotations

import math

from scipy import optimize, stats

from kit.report.recomputation.contrasts import MARGIN, noncentral

WANTED = 0.8
PUBLISHED = 0.771
"""The published Japanese effect, in standard deviations."""


def power(effect: float, per_cell: int) -> float:
    """Chance that the t test of two cells finds a true effect at 5 %."""
    df = 2.0 * per_cell - 2.0
    shift = effect / math.sqrt(2.0 / per_cell)
    edge = float(stats.t.isf(0.025, df))
    return noncentral(-edge, df, shift) + noncentral(-edge, df, -shift)


def smallest_effect(per_cell: int, wanted: float = WANTED) -> float:
    """The effect that is found with the power ``wanted``."""
    return float(
        optimize.brentq(lambda effect: power(effect, per_cell) - wanted, 0.0, 100.0, xtol=1e-13)
    )


def units_needed(effect: float) -> int:
    """Runs a cell that find ``effect`` with 80 % power."""
    n = 2
    while power(effect, n) < WANTED:
        n += 1
    return n


def detectable(per_cell: int) -> dict[str, float | bool | None]:
    """Columns of the table of the same name."""
    df = 2.0 * per_cell - 2.0
    error = math.sqrt(2.0 / per_cell)
    return {
        "minimum_effect": smallest_effect(per_cell),
        "half_width": float(stats.t.isf(0.025, df)) * error,
        "null_possible": float(stats.t.isf(0.05, df)) * error < MARGIN,
        "needed_for_margin": units_needed(MARGIN),
        "needed_for_published": units_needed(PUBLISHED),
    }


def chances(effect: float, per_cell: int) -> dict[str, float | str | None]:
    """How often a language with a known effect falls into each class."""
    df = 2.0 * per_cell - 2.0
    root = math.sqrt(2.0 / per_cell)
    inner = _null_bound(df, MARGIN / root)
    outer = max(inner, float(stats.t.isf(0.025, df)))
    shift = effect / root
    parts = {
        "safety": noncentral(-outer, df, shift),
        "backfire": noncentral(-outer, df, -shift),
        "null": noncentral(inner, df, shift) - noncentral(-inner, df, shift) if inner else 0.0,
    }
    truth = "null" if abs(effect) < MARGIN else "backfire" if effect > 0.0 else "safety"
    return {
        **parts,
        "truth": truth,
        "inconclusive": max(0.0, 1.0 - sum(parts.values())),
        "wrong": sum(chance for name, chance in parts.items() if name != truth),
    }


def _null_bound(df: float, shift: float) -> float:
    """The largest |t| that the equivalence test calls null."""
    if noncentral(0.0, df, shift) >= 0.05:
        return 0.0
    return float(
        optimize.brentq(lambda t: noncentral(t, df, shift) - 0.05, 0.0, shift + 10.0, xtol=1e-13)
    )
