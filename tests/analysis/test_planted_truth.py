"""What agents say in a play of known words is what the tables say: the whole road, real texts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kit.analysis.collection import Collection, collect
from kit.measure.tally import Forms, Registers
from kit.runner.folder import ResultFolder
from kit.runner.resolve import resolve, study_path
from kit.spec.experiment import Experiment
from kit.spec.language import Channel
from tests.measure.test_corpora import language as shipped
from tests.play import COLUMNS, JOINT, SHIFTS, Play, differences, fitting, rates
from tests.runner.support import simulate

TURNS = 2


def study1() -> Experiment:
    """All 150 runs of study 1, two turns long."""
    full = resolve(study_path("study1"))
    changed = {"turns": {"value": TURNS, "evidence": "ours"}}
    short = full.study.model_copy(update={"protocol": full.study.protocol_of(changed)})
    return full.model_copy(update={"study": short})


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Play, Path]:
    """The play, and the folder of its logs."""
    play = Play(study1())
    folder = tmp_path_factory.mktemp("planted")
    simulate(play.experiment, ResultFolder(folder), play.engine(15), cohort=15)
    return play, folder


@pytest.fixture(scope="module")
def read(played: tuple[Play, Path]) -> Collection:
    """The logs, read."""
    return collect(played[1])


def test_every_run_and_channel_is_read_as_it_was_planted(
    played: tuple[Play, Path], read: Collection
) -> None:
    play, _ = played

    assert len(read.runs) == 150
    assert differences(play, read) == []
    planted = sum(
        (counts for run in play.experiment.runs() for counts in play.planted(run).values()),
        Counter[str](),
    )
    assert all(planted[column] > 500 for column in COLUMNS), planted


def test_one_word_lost_in_one_line_is_seen(
    played: tuple[Play, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    play, folder = played
    forms = Registers.forms
    lost: list[str] = []

    def forgetful(registers: Registers, text: str) -> Forms:
        found = forms(registers, text)
        for words in found.values():
            if not lost:
                lost.append(next(iter(words)))
                words.subtract(lost)
        return found

    monkeypatch.setattr(Registers, "forms", forgetful)
    # The run as a whole, and the channel of that line.
    assert len(differences(play, collect(folder))) == 2


def test_one_run_too_few_is_seen(played: tuple[Play, Path], read: Collection) -> None:
    fewer = Collection(read.experiment, read.runs[1:], read.states, ())

    assert [line.split(": ")[1] for line in differences(played[0], fewer)] == [
        "not in the table"
    ] * 4


def test_the_planted_effect_is_that_of_its_language(read: Collection) -> None:
    def protective(language: str, aligned: int) -> float:
        runs = [
            run.speech.total.hits.protective / run.speech.total.lines
            for run in read.runs
            if (run.header.language, run.header.aligned) == (language, aligned)
        ]
        return sum(runs) / len(runs)

    assert protective("en", 10) > 1.4 * protective("en", 0)
    assert protective("ja", 10) < 0.6 * protective("ja", 0)


@pytest.mark.parametrize("code", SHIFTS)
def test_every_kind_of_sentence_fits_every_channel(code: str) -> None:
    language = shipped(code)
    kinds = set(rates(code, 0))

    assert {sum(rates(code, aligned).values()) for aligned in (0, 2, 5, 8, 10)} == {1000}
    for channel in Channel:
        assert set(fitting(code, language.budgets.of(channel))) == kinds
    for _, lexicon in language.lexicons:
        assert not any(JOINT.strip() in word for word in (*lexicon.words, *lexicon.not_counted))
