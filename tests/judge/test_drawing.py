"""A sample for raters: every stratum is in it, and its weights add up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import PlanError
from kit.judge.drawing import Candidate, draw, sheets
from kit.judge.judging import Source
from kit.spec.experiment import load_experiment
from tests.judge.support import panel, sources
from tests.planted import everyone, experiment, talk, write_folder

NOWHERE = Source("test/r", "0" * 64, "en", ())


def candidates(sizes: dict[str, int]) -> list[Candidate]:
    return [
        Candidate(NOWHERE._replace(run_id=f"{name}{place}"), place, (name,))
        for name, size in sizes.items()
        for place in range(size)
    ]


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 30), min_size=1), st.integers(1, 60)
)
def test_the_drawn_stand_for_every_stratum_that_is_drawn_from(
    sizes: dict[str, int], number: int
) -> None:
    drawn = draw(candidates(sizes), number, 7)
    assert len(drawn) == min(number, sum(sizes.values()))
    assert len({each.source.run_id for each, _ in drawn}) == len(drawn)
    for name in {each.stratum[0] for each, _ in drawn}:
        weights = [weight for each, weight in drawn if each.stratum == (name,)]
        assert sum(weights) == pytest.approx(sizes[name])
    if number >= len(sizes):
        assert {each.stratum[0] for each, _ in drawn} == set(sizes)


def test_rare_strata_are_drawn_as_often_as_frequent_ones() -> None:
    drawn = draw(candidates({"often": 1000, "rare": 10}), 20, 7)
    assert Counter(each.stratum[0] for each, _ in drawn) == {"often": 10, "rare": 10}


def test_the_same_seed_draws_the_same() -> None:
    sizes = {"a": 20, "b": 20}
    assert draw(candidates(sizes), 10, 7) == draw(candidates(sizes), 10, 7)
    assert draw(candidates(sizes), 10, 7) != draw(candidates(sizes), 10, 8)


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(PlanError, match="no judged excerpt"):
        draw([], 10, 7)


def test_raters_see_what_the_judge_saw_and_nothing_of_the_condition(tmp_path: Path) -> None:
    planned = experiment(aligned=[10], replicates=1)
    results = write_folder(tmp_path, planned, everyone(talk("Namep03, are you well?")))
    of = panel()
    [source] = sources(results, of)
    drawn = draw([Candidate(source, place, ("x",)) for place in range(4)], 4, 7)
    sample = sheets(of, drawn, load_experiment(results).languages)
    assert [one.excerpt for one in sample.drawn] == [
        source.excerpts[each.place].id for each, _ in drawn
    ]
    for sheet in sample.assignment.sheets:
        shown = "\n".join(line.text for line in sheet.lines)
        assert "are you well?" in shown
        assert "Namep03" not in shown
        assert "a10" not in sheet.id
        assert sheet.about is not None
        assert sheet.about in shown
    [question] = sample.assignment.questions
    assert [option.value for option in question.options] == ["0", "1", "2", "3"]
