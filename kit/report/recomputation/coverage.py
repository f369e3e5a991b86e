"""What is not recomputed, and why; and how closely numbers have to agree."""

from __future__ import annotations

from typing import NamedTuple

from kit.report.recomputation.tables import Row

RELATIVE = 1e-9
ABSOLUTE = 1e-12
"""Below this, what is 0 on paper is rounding on both sides."""


class Reason(NamedTuple):
    """Numbers that have no second path."""

    what: str
    why: str


WORDS = Reason(
    "counts of words, hits and lines in another language",
    "they need the kit's own word lists, rules of matching and language detection; planted texts "
    "hold them in the tests",
)
JUDGED = Reason(
    "everything made of judges' answers",
    "no exported table holds an answer by run; read them with kit judge",
)
INTERCEPTS = Reason(
    "mixed model with varying intercepts",
    "its likelihood is maximised over three parameters, and a second search agrees only to a few "
    "digits",
)
SIMULATED = Reason(
    "power of trends, pooled slopes and correlations",
    "they are shares of simulated data; the simulation itself is the method",
)
OVERLAP = Reason("overlap of texts with word lists", "it needs the kit's own rules of matching")
MULTIVERSE = Reason(
    "specifications of the multiverse",
    "every specification is an analysis of its own; the primary one is recomputed",
)
REASONS = (WORDS, JUDGED, INTERCEPTS, SIMULATED, OVERLAP, MULTIVERSE)

_COUNTED = ("runs", "agents", "channels")
_HITS = ("sexual", "protective", "group_harmony", "individual_address")
_RESAMPLED = {"hedges_g_bca", "pearson_bootstrap"}


def reason(table: str, column: str, row: Row) -> Reason | None:
    """Why a number is not recomputed; None where nothing says so."""
    if str(row.get("measure") or "").startswith("judged_") or table.startswith("judged"):
        return JUDGED
    if table == "overlap":
        return OVERLAP
    if table.startswith("multiverse"):
        return MULTIVERSE
    if table == "power":
        return SIMULATED
    if table == "across" and row["estimator"] == "mixed":
        return INTERCEPTS
    off = column in ("words", "lines_off_language", "turns_off_language", "lines")
    if table in (*_COUNTED, "drift") and (off or column.startswith(_HITS)):
        return WORDS
    return None


def tolerance(table: str, column: str, row: Row) -> tuple[float, float]:
    """Relative and absolute tolerance of one number.

    Loose where a search ends at a tolerance of its own: the variance between units and the mixed
    model, also where a claim or a check repeats the mixed model's slope. The prediction interval
    reads the variance off a grid of 2,000 places, which costs it all but five digits. A p value
    of equivalence near 0 is the difference of two numbers near 1 and has no more digits than they.
    """
    mixed = "mixed model" in str(row.get("method") or "")
    if mixed or table == "checks":
        return 1e-6, 1e-9
    if column in ("p_value", "q_p", "p_holm", "welch_p", "welch_p_holm", "p_benjamini_hochberg"):
        return RELATIVE, 1e-14 if row.get("kind") == "equivalence" else 1e-300
    if column.startswith("prediction_"):
        return 1e-4, ABSOLUTE
    if column.startswith("tau2"):
        return 1e-7, ABSOLUTE
    return RELATIVE, ABSOLUTE
