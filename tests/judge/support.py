"""Small judges and scripted engines: what a judge says is planted, its road is the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit.engine.protocol import Request
from kit.engine.scripted import ScriptedEngine
from kit.judge.folder import JudgementFolder
from kit.judge.judging import Judging, Source, judge_source, run_source
from kit.judge.panel import Panel
from kit.judge.scale import DECLINE, LETTERS, order_of
from kit.runlog.reader import read
from kit.runner.folder import ResultFolder
from kit.spec.experiment import load_experiment
from kit.spec.framing import Framing, load_framing
from kit.spec.judge import Judge
from tests.conftest import ROOT
from tests.planted import TINY, pin

ENGLISH: Framing = load_framing(ROOT / "judges" / "languages" / "en.yaml")


def rubric(**scales: tuple[str, ...]) -> dict[str, Any]:
    """A rubric for scales given by their values."""
    return {
        "task": "Read.",
        "scales": {
            name: {
                "question": f"Which {name}?",
                "anchors": {value: f"It is {value}." for value in values},
            }
            for name, values in scales.items()
        },
    }


def judge(**changes: Any) -> Judge:
    """A judge of residents with one scale from 0 to 3."""
    data: dict[str, Any] = {
        "judge": "strictness",
        "version": 1,
        "title": "Strictness",
        "concept": "How strict somebody is.",
        "source": "test",
        "evidence": "ours",
        "subject": "agent",
        "shown": {"channels": ["talk", "monologue"], "announcements": False},
        "window": {"turns": 1, "characters": 1000},
        "scales": [{"id": "level", "kind": "ordinal", "values": ["0", "1", "2", "3"]}],
        "wordings": {"a": rubric(level=("0", "1", "2", "3"))},
        "orders": 2,
        "model": TINY,
    }
    return Judge.model_validate(data | changes)


def panel(of: Judge | None = None, **changes: Any) -> Panel:
    """The judge at work."""
    asked = of or judge()
    data: dict[str, Any] = {
        "name": asked.judge,
        "judge": asked,
        "framings": {"en": ENGLISH},
        "model": pin(TINY),
        "orders": asked.orders,
        "wordings": ("a",),
        "repeats": 1,
        "seed": 7,
    }
    return Panel(**(data | changes))


Say = Callable[[str, int], str | None]
"""Value by excerpt id and order; None declines."""


def scripted(of: Panel, say: Say, *, capacity: int = 4) -> ScriptedEngine:
    """An engine that answers a judge of one scale."""
    [scale] = of.judge.scales

    def answer(request: Request) -> str:
        excerpt, order = str(request.key[3]), int(request.key[4])
        value = say(excerpt, order)
        if value is None:
            return DECLINE
        return LETTERS[order_of(scale, of.judge.judge, order).index(value)]

    return ScriptedEngine(answer, capacity=capacity, name="planted judge")


def sources(results: Path, of: Panel) -> list[Source]:
    """Every complete run of a result folder."""
    experiment = load_experiment(results)
    folder = ResultFolder(results)
    return [
        run_source(
            folder.log(run),
            read(folder.log(run)),
            experiment.languages[run.cell.language],
            of,
        )
        for run in experiment.runs()
    ]


def judged(results: Path, of: Panel, say: Say, *, capacity: int = 4) -> JudgementFolder:
    """Judge every run of a result folder."""
    folder = JudgementFolder(results, of.name)
    folder.freeze(of)
    judging = Judging(of, scripted(of, say, capacity=capacity))
    for source in sources(results, of):
        judge_source(judging, source, folder)
    return folder
