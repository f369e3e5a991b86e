"""Marked agents against the others of their group."""

from __future__ import annotations

import pytest

from kit.analysis.agents import Gap, gaps
from kit.analysis.effects import Factor

Row = dict[str, object]


def group(
    run: str, individuated: int, shares: list[float | None], language: str = "en"
) -> list[Row]:
    """Ten agents that differ in their monologue alone; the first ``individuated`` are marked."""
    return [
        {
            "run_id": run,
            "model": "m",
            "language": language,
            "variant": None,
            "individuated": individuated,
            "aligned": 0,
            "agent_aligned": False,
            "agent_individuated": number < individuated,
            "monologue_share": share,
            "sexual": number % 2,
            "protective": number % 2,
            "conformity_share": 0.5 if number < individuated else 0.25,
        }
        for number, share in enumerate(shares)
    ]


def pick(found: list[Gap], *, language: str | None, level: int | None) -> Gap:
    (gap,) = (
        gap
        for gap in found
        if gap.language == language and gap.individuated == level and gap.measure == "cpi"
    )
    return gap


def test_the_gap_is_one_number_per_run() -> None:
    rows = [
        *group("r1", 2, [0.8, 0.8, 0.2, 0.2]),
        *group("r2", 2, [0.6, 0.6, 0.4, 0.4]),
    ]
    found = gaps(rows)
    gap = pick(found, language="en", level=2)

    # Share SD over all eight agents: mean 0.5, squares 4 x 0.09 + 4 x 0.01 = 0.4, SD sqrt(0.4 / 7).
    sd = (0.4 / 7) ** 0.5
    assert gap.factor is Factor.INDIVIDUATED
    assert gap.result.n == 2
    assert gap.result.estimate == pytest.approx((0.6 / sd + 0.2 / sd) / 2)
    # Who carries it: both sides of the gap, about the mean of all agents.
    assert gap.marked == pytest.approx((0.3 / sd + 0.1 / sd) / 2)
    assert gap.others == pytest.approx(-(0.3 / sd + 0.1 / sd) / 2)
    assert pick(found, language=None, level=None).result == gap.result


def test_shares_of_marked_agents_are_compared_too() -> None:
    (gap,) = (
        gap
        for gap in gaps(group("r1", 2, [0.8, 0.8, 0.2, 0.2]))
        if gap.measure == "conformity_share" and gap.individuated == 2
    )

    assert (gap.marked, gap.others, gap.result.estimate) == (0.5, 0.25, 0.25)


def test_more_agents_of_the_same_kind_are_no_more_runs() -> None:
    rows = [*group("r1", 2, [0.8, 0.8, 0.2, 0.2]), *group("r2", 2, [0.6, 0.6, 0.4, 0.4])]
    once = pick(gaps(rows), language="en", level=2).result
    twice = pick(gaps([*rows, *rows]), language="en", level=2).result

    assert twice.n == once.n == 2
    assert twice.p_value == pytest.approx(once.p_value)


def test_groups_of_all_or_none_have_no_gap() -> None:
    rows = [
        *group("r1", 0, [0.8, 0.7, 0.2, 0.1]),
        *group("r2", 4, [0.6, 0.5, 0.4, 0.3]),
    ]

    assert gaps(rows) == []


def test_languages_are_joined_run_by_run() -> None:
    rows = [
        *group("r1", 2, [0.8, 0.8, 0.2, 0.2]),
        *group("r2", 2, [0.9, 0.9, 0.1, 0.1], "ja"),
    ]
    found = gaps(rows)
    each = [pick(found, language=code, level=2).result.estimate for code in ("en", "ja")]
    whole = pick(found, language=None, level=None).result

    assert whole.n == 2
    # Each language has an SD of its own, so both gaps are the same number of SDs.
    assert each[0] == pytest.approx(each[1])
    assert whole.estimate == pytest.approx(each[0])


def test_a_run_whose_marked_agents_said_nothing_is_counted_as_undefined() -> None:
    rows = [
        *group("r1", 2, [None, None, 0.2, 0.3]),
        *group("r2", 2, [0.6, 0.6, 0.4, 0.4]),
    ]
    gap = pick(gaps(rows), language="en", level=2)

    assert gap.undefined == 1
    assert gap.result.n == 1
