"""CPI and DI: the published arithmetic, references, and what withholds an index."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.analysis.indices import SCORINGS, Reference, Scoring, indices, rate
from kit.analysis.measures import Unit

Row = dict[str, str | int | float | None]


def row(
    monologue: float | None,
    sexual: int,
    protective: int,
    language: str = "en",
    aligned: int = 0,
    **other: str | int | None,
) -> Row:
    return {
        "model": "m",
        "language": language,
        "variant": None,
        "individuated": 0,
        "aligned": aligned,
        "monologue_share": monologue,
        "sexual": sexual,
        "protective": protective,
        "characters": 2000,
        "words": 400,
        "lines": 8,
        "sexual_lines": min(sexual, 2),
        "protective_lines": min(protective, 2),
        "sexual_no_echo": 0,
        "protective_no_echo": protective,
        **other,
    }


def test_the_indices_are_the_published_sums_of_z_scores() -> None:
    rows = [row(0.1, 0, 4), row(0.2, 3, 2), row(0.3, 0, 0)]
    found = indices(rows, Reference.WITHIN_LANGUAGE)

    # By hand: mean 0.2 and SD 0.1; mean 1 and SD sqrt(3); mean 2 and SD 2.
    root = math.sqrt(3)
    assert [index.z_monologue for index in found] == pytest.approx([-1, 0, 1])
    assert [index.z_sexual for index in found] == pytest.approx([-1 / root, 2 / root, -1 / root])
    assert [index.z_protective for index in found] == pytest.approx([1, 0, -1])
    assert [index.cpi for index in found] == pytest.approx([-2 - 1 / root, 2 / root, 2 - 1 / root])
    assert [index.di for index in found] == pytest.approx([1 / root, -2 / root, 1 / root])


@given(
    st.lists(
        st.tuples(st.floats(0, 1, allow_subnormal=False), st.integers(0, 60), st.integers(0, 60)),
        min_size=2,
        max_size=12,
    )
)
def test_the_sum_is_twice_the_monologue_and_the_difference_twice_the_registers(
    values: list[tuple[float, int, int]],
) -> None:
    for index in indices([row(*value) for value in values], Reference.POOLED):
        if index.cpi is None or index.di is None:
            assert index.cpi is index.di is None
            continue
        assert index.z_monologue is not None
        assert index.z_sexual is not None
        assert index.z_protective is not None
        assert index.cpi + index.di == pytest.approx(2 * index.z_monologue, abs=1e-9)
        assert index.cpi - index.di == pytest.approx(
            2 * (index.z_sexual - index.z_protective), abs=1e-9
        )


def test_a_component_without_variance_withholds_both_indices_and_says_so() -> None:
    found = indices([row(0.1, 5, 1), row(0.2, 5, 2)], Reference.WITHIN_LANGUAGE)

    for index in found:
        assert index.cpi is None
        assert index.di is None
        assert index.z_sexual is None
        assert index.z_monologue is not None
        assert index.undefined == "sexual: no variance in the reference"


def test_constant_shares_have_no_variance_in_spite_of_rounding() -> None:
    rows = [row(0.1 + 0.2, n, n) for n in range(7)]

    assert indices(rows, Reference.POOLED)[0].z_monologue is None


def test_an_unmeasured_component_withholds_the_index_of_that_run_only() -> None:
    found = indices([row(None, 1, 1), row(0.2, 2, 3), row(0.4, 3, 2)], Reference.POOLED)

    assert found[0].undefined == "monologue_share: undefined in this run"
    assert found[0].cpi is None
    assert found[1].cpi is not None
    assert found[1].undefined is None


def test_the_language_reference_takes_each_language_by_itself() -> None:
    english = [row(0.1, 1, 9), row(0.3, 2, 7)]
    japanese = [row(0.5, 100, 40, "ja"), row(0.9, 300, 10, "ja")]
    apart = indices(english, Reference.WITHIN_LANGUAGE)
    together = indices([*english, *japanese], Reference.WITHIN_LANGUAGE)

    assert together[:2] == apart
    # Scores of the two lists differ, and their z scores do not.
    assert together[2].cpi == pytest.approx(together[0].cpi)
    pooled = indices([*english, *japanese], Reference.POOLED)
    assert pooled[2].cpi != pytest.approx(pooled[0].cpi)


def test_the_control_cell_is_what_nobody_is_marked_in() -> None:
    rows = [
        row(0.1, 1, 1),
        row(0.3, 3, 5),
        row(0.9, 9, 9, aligned=10),
        row(0.8, 8, 8, individuated=10),
    ]
    found = indices(rows, Reference.CONTROL_CELL)

    # Controls: means 0.2, 2, 3; SDs 0.1 sqrt(2), sqrt(2), 2 sqrt(2).
    root = math.sqrt(2)
    assert found[2].z_monologue == pytest.approx(7 / root)
    assert found[2].z_sexual == pytest.approx(7 / root)
    assert found[2].z_protective == pytest.approx(3 / root)
    assert found[3].z_monologue == pytest.approx(6 / root)


def test_without_control_runs_there_is_no_reference() -> None:
    (index, _) = indices([row(0.1, 1, 1, aligned=10)] * 2, Reference.CONTROL_CELL)

    assert index.undefined is not None
    assert index.undefined.count("fewer than two runs in the reference") == 3


def test_indices_without_echo_use_the_second_counts() -> None:
    (index, _) = indices([row(0.1, 1, 1), row(0.2, 2, 2)], Reference.POOLED, no_echo=True)

    assert index.undefined == "sexual_no_echo: no variance in the reference"


def test_hits_are_counted_by_characters_words_or_lines() -> None:
    one = row(0.1, 3, 4)

    assert rate(one, "sexual", Unit.HITS) == 3
    assert rate(one, "sexual", Unit.CHARACTERS) == 1.5
    assert rate(one, "protective", Unit.WORDS) == 10
    assert rate(one, "protective", Unit.LINES) == 0.25
    assert rate(one, "sexual", Unit.CHARACTERS, no_echo=True) == 0


@pytest.mark.parametrize(
    ("unit", "column", "nothing"),
    [
        (Unit.CHARACTERS, "characters", 0),
        (Unit.WORDS, "words", 0),
        (Unit.WORDS, "words", None),
        (Unit.LINES, "lines", 0),
    ],
)
def test_a_rate_of_nothing_is_undefined_and_withholds_the_index(
    unit: Unit, column: str, nothing: int | None
) -> None:
    rows = [row(0.1, 0, 4), row(0.2, 3, 1), row(0.3, 0, 0) | {column: nothing}]
    found = indices(rows, Reference.WITHIN_LANGUAGE, unit=unit)

    assert rate(rows[2], "sexual", unit) is None
    assert [index.cpi is None for index in found] == [False, False, True]
    assert found[2].undefined == (
        "sexual: undefined in this run; protective: undefined in this run"
    )


def test_equal_lengths_make_every_rate_the_same_index() -> None:
    rows = [row(0.1, 0, 4), row(0.2, 3, 2), row(0.3, 0, 0)]
    by_hits, by_characters = (
        indices(rows, Reference.WITHIN_LANGUAGE, unit=unit) for unit in (Unit.HITS, Unit.CHARACTERS)
    )

    assert [one.cpi for one in by_hits] == pytest.approx([one.cpi for one in by_characters])


def test_no_two_ways_to_score_have_one_name() -> None:
    names = [(scoring.reference, scoring.suffix) for scoring in SCORINGS]

    assert len(set(names)) == len(names)
    assert SCORINGS[0] == Scoring()
