"""What scripts/bench makes of its measurements; nothing is timed here."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(name: str) -> ModuleType:
    """A module of the scripts folder."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


BENCH = script("bench")
CONTENDERS = script("bench_contenders")


def prefill(sequence: int, first: int, size: int, *, ends: bool) -> list[Any]:
    tokens = [1000 * sequence + first + row for row in range(size)]
    positions = [first + row for row in range(size)]
    return ["prefill", tokens, positions, [sequence] * size, [size - 1] if ends else []]


SCHEDULE = [
    prefill(0, 0, 300, ends=False),
    prefill(0, 300, 20, ends=True),
    ["copy", 0, 3],
    prefill(1, 0, 130, ends=True),
    prefill(2, 0, 5, ends=True),
    ["decode", [7, 8], [320, 130], [0, 1], [0, 1]],
    ["turn"],
]


def computed(schedule: list[list[Any]]) -> tuple[list[tuple[int, ...]], list[tuple[int, int]]]:
    """Every token with its place, and every place whose logits are wanted."""
    steps = [step for step in schedule if len(step) == 5]
    tokens = [place for _, *columns, _ in steps for place in zip(*columns, strict=True)]
    wanted = [(step[3][row], step[2][row]) for step in steps for row in step[4]]
    return sorted(tokens), sorted(wanted)


@pytest.mark.parametrize(("chunk", "joined"), [(128, False), (512, False), (None, True)])
def test_other_batches_compute_the_same_tokens_and_rows(chunk: int | None, joined: bool) -> None:
    reshaped = CONTENDERS.reshaped(SCHEDULE, chunk, joined=joined)
    assert computed(reshaped) == computed(SCHEDULE)
    assert [step for step in reshaped if len(step) < 5] == [["copy", 0, 3], ["turn"]]


def test_prefill_is_cut_into_chunks_and_joined_across_dialogues() -> None:
    cut = CONTENDERS.reshaped(SCHEDULE, 128, joined=False)
    assert [len(step[1]) for step in cut if step[0] == "prefill"] == [128, 128, 44, 20, 128, 2, 5]
    joined = CONTENDERS.reshaped(SCHEDULE, None, joined=True)
    # One dialogue's two chunks stay apart, and nothing is moved over a copy.
    assert [len(step[1]) for step in joined if step[0] == "prefill"] == [300, 20, 135]


def test_fewer_dialogues_keep_their_own_tokens_and_rows() -> None:
    alone = CONTENDERS.narrowed(SCHEDULE, 1)
    assert [step for step in alone if step[0] == "decode"] == [["decode", [7], [320], [0], [0]]]
    assert [len(step[1]) for step in alone if step[0] == "prefill"] == [300, 20]
    assert CONTENDERS.narrowed(SCHEDULE, 10) == SCHEDULE


def measured(folder: Path) -> Any:
    """The kit thrice, the loop for two agents of ten and two turns of three."""
    found = folder / "model-2"
    found.mkdir()
    for number, seconds in enumerate((30.0, 10.0, 20.0)):
        result = {
            "seconds": [seconds / 2] * 2,
            "shares": {"prefill": seconds * 0.6, "decode": seconds * 0.3},
            "tokens": {"prefill": 900, "decode": 90},
        }
        (found / f"kit {number}.json").write_text(json.dumps(result))
    loop = {"seconds": [8.0, None, 12.0], "agents": 2}
    (found / "loop.json").write_text(json.dumps(loop))
    return BENCH.Measured(found)


def test_the_median_counts_and_a_partial_loop_is_filled_in(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert (found.model, found.turns) == ("model", 2)
    assert found.total("kit") == 20
    assert found.total("loop") == 40 + 50 + 60
    assert found.rate("kit", "prefill") == pytest.approx(900 / 12)
    assert found.rate("kit", "decode") == pytest.approx(90 / 6)
    assert found.rate("server", "decode") is None
    assert BENCH.overhead(found) == pytest.approx(0.1)


def test_a_turn_counts_with_the_median_of_its_own_repetitions(tmp_path: Path) -> None:
    folder = tmp_path / "model-2"
    folder.mkdir()
    for number, seconds in enumerate(([1.0, 9.0], [2.0, 2.0], [3.0, 1.0])):
        (folder / f"kit {number}.json").write_text(json.dumps({"seconds": seconds}))
    found = BENCH.Measured(folder)
    assert found.seconds("kit") == [2.0, 2.0]
    assert found.seconds("server") == []


def test_the_tokens_of_a_turn_are_counted_from_the_batches(tmp_path: Path) -> None:
    folder = tmp_path / "model-2"
    folder.mkdir()
    schedule = [
        prefill(0, 0, 3, ends=True),
        ["copy", 0, 3],
        ["turn"],
        ["decode", [7, 8], [3, 10], [0, 1], [0, 1]],
        ["turn"],
    ]
    (folder / "plan.json").write_text(json.dumps({"turns": [], "schedule": schedule}))
    assert BENCH.computed(BENCH.Measured(folder)) == [3, 2]


def test_time_per_token_is_a_line_whatever_is_said_in_a_turn(tmp_path: Path) -> None:
    folder = tmp_path / "model-4"
    folder.mkdir()
    said = (5, 2, 9, 3)
    schedule: list[Any] = []
    for tokens in said:
        schedule += [prefill(0, 0, tokens, ends=True), ["turn"]]
    turns = [[{"prompt": [0] * tokens, "tokens": []}] for tokens in said]
    (folder / "plan.json").write_text(json.dumps({"turns": turns, "schedule": schedule}))

    def measure(rates: Sequence[float]) -> None:
        seconds = [rate * tokens for rate, tokens in zip(rates, said, strict=True)]
        (folder / "kit 0.json").write_text(json.dumps({"seconds": seconds}))

    measure([9.0, 0.7, 1.6, 1.9])
    found = BENCH.Measured(folder)
    assert BENCH.linear_per_token(found) == pytest.approx(1)
    assert BENCH.linear(found) < 0.5
    measure([9.0, 0.7, 1.9, 0.7])
    assert BENCH.linear_per_token(found) < 0.5


def test_a_promise_that_is_missed_says_so(tmp_path: Path) -> None:
    promises = {promise.what: promise for promise in BENCH.promises(measured(tmp_path))}
    assert promises["times quicker than the loop"].met is True
    assert promises["times quicker than the loop"].measured == "7.5"
    assert promises["time outside llama.cpp"].met is False


def test_the_page_keeps_the_text_around_the_measurement(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    BENCH.write(page, ["one", ""])
    page.write_text(f"before\n{page.read_text()}after\n")
    BENCH.write(page, ["two", ""])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "two" in text
    assert "one" not in text
