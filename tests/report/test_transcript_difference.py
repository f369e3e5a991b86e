"""Where two runs first part: turn, agent, line, channel and character."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.report.transcript.difference import Difference, first_difference
from kit.runlog.reader import RunLog, read
from kit.runlog.records import Outcome
from kit.spec.experiment import Run
from kit.spec.language import Channel
from tests.planted import Said, experiment, language, talk, think, write_folder

SAME = [talk("We agree."), think("I do not.")]


def log(folder: Path, changed: Sequence[Said] = tuple(SAME)) -> RunLog:
    """Everyone says the same, but p04 in the second turn."""

    def speak(run: Run, agent: str, turn: int) -> Sequence[Said]:
        return changed if (agent, turn) == ("p04", 2) else SAME

    planned = experiment({"en": language()}, aligned=[0], replicates=1)
    return read(write_folder(folder, planned, speak) / "runs" / "en-a0-r1.jsonl")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ([SAME[0], think("I do now.")], ("A has \u201ct\u201d, B has \u201cw\u201d", 1, 7)),
        ([SAME[0], think("I do not")], ("A has \u201c.\u201d, B has ended", 1, 8)),
        (
            [SAME[0], think("I do\u202enot.")],
            ("A has \u201c \u201d, B has \u201c\u27e8U+202E\u27e9\u201d", 1, 4),
        ),
        ([think("We agree."), SAME[1]], ("A: talk, B: monologue", 0, None)),
        (SAME[:1], ("only A has this line", 1, None)),
        ([*SAME, talk("More.")], ("only B has this line", 2, None)),
        (
            [Said(Channel.TALK, "We agree.", outcome=Outcome.TRUNCATED), SAME[1]],
            ("A: ok, B: truncated", 0, None),
        ),
    ],
)
def test_the_first_different_character_is_found(
    tmp_path: Path, changed: Sequence[Said], expected: tuple[str, int, int | None]
) -> None:
    found = first_difference(log(tmp_path / "one"), log(tmp_path / "other", changed))

    assert found is not None
    assert (found.turn, found.agent) == (2, "p04")
    assert (found.what, found.line, found.character) == expected
    lines = max(SAME, changed, key=len)
    assert found.channel is (SAME if expected[1] < len(SAME) else lines)[expected[1]].channel


def test_the_addressee_of_a_whisper_counts(tmp_path: Path) -> None:
    one, other = (log(tmp_path / to, [Said(Channel.WHISPER, "Hush.", to)]) for to in ("p07", "p08"))

    assert first_difference(one, other) == Difference(
        2, "p04", "A whispers to p07, B to p08", 0, Channel.WHISPER
    )


def test_equal_runs_have_no_difference_whoever_spoke_first(tmp_path: Path) -> None:
    one = log(tmp_path)
    turned = one._replace(turns=(*one.turns[:10][::-1], *one.turns[10:][::-1]))

    assert first_difference(one, one) is None
    assert first_difference(one, turned) is None


def test_other_words_come_before_other_logits(tmp_path: Path) -> None:
    one, other = log(tmp_path / "one"), log(tmp_path / "other", [talk("We differ.")])
    first = one.turns[0].model_copy(update={"digest": "ff" * 32})
    elsewhere = one._replace(turns=(first, *one.turns[1:]))

    assert first_difference(one, elsewhere) == Difference(
        1, "p01", "the same words and tokens, from other logits"
    )
    found = first_difference(elsewhere, other)
    assert found is not None
    assert (found.turn, found.agent, found.character) == (2, "p04", 3)


def test_the_same_words_from_other_tokens_are_told(tmp_path: Path) -> None:
    one = log(tmp_path)
    last = one.turns[-1].model_copy(update={"tokens": (3, 4)})

    assert first_difference(one, one._replace(turns=(*one.turns[:-1], last))) == Difference(
        2, "p10", "the same words, but answer token 2 is another one"
    )


def test_an_answer_that_one_run_lacks_is_a_difference(tmp_path: Path) -> None:
    one = log(tmp_path)
    shorter = one._replace(turns=one.turns[:-1])

    assert first_difference(one, shorter) == Difference(2, "p10", "only A has this answer")
    assert first_difference(shorter, one) == Difference(2, "p10", "only B has this answer")
