"""The gold set as something to be judged."""

from __future__ import annotations

from kit.judge.excerpt import GROUP
from kit.judge.gold import DISARMED, gold_sources, load_gold_set
from kit.judge.setup import judge_path
from kit.spec.excerpt import Says
from kit.spec.judge import Judge, load_judge


def shipped(name: str) -> Judge:
    return load_judge(judge_path(name))


def test_a_judge_of_residents_is_shown_one_resident_and_the_announcements() -> None:
    judge = shipped("compliance")
    for source in gold_sources(load_gold_set(judge), judge):
        for excerpt in source.excerpts:
            assert {line.who for line in excerpt.lines} <= {excerpt.about, None}
            assert any(line.says is Says.ANNOUNCEMENT for line in excerpt.lines)


def test_a_judge_without_announcements_is_shown_none() -> None:
    judge = shipped("individuation")
    for source in gold_sources(load_gold_set(judge), judge):
        assert all(line.who for excerpt in source.excerpts for line in excerpt.lines)


def test_a_judge_of_groups_is_shown_all_and_every_injection_twice() -> None:
    judge = shipped("pathology")
    gold = load_gold_set(judge)
    excerpts = [one for source in gold_sources(gold, judge) for one in source.excerpts]
    assert {one.subject for one in excerpts} == {GROUP}
    twice = {one.id for one in excerpts if one.id.endswith(DISARMED)}
    assert twice == {one.id + DISARMED for _, one in gold.excerpts() if one.injection}
    assert len(twice) == 13


def test_labels_are_found_by_excerpt() -> None:
    judge = shipped("refusal")
    labels = load_gold_set(judge).labels("refusal", "kind")
    assert len(labels) == 144
    assert set(labels.values()) == {"none", "in_role", "out_of_role"}
