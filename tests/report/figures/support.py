"""Analyses that the tests of figures draw."""

from __future__ import annotations

from pathlib import Path

from kit.analysis.results import Analysis
from kit.spec.experiment import Run
from tests.planted import AGENTS, QWEN, TINY, Said, experiment, language, talk, think
from tests.report.test_page import analysis_of

NAMES = {
    "en": ("English", "English", "USA"),
    "ar": ("Arabic", "العربية", "ARA"),
    "th": ("Thai", "ภาษาไทย", "THA"),
    "ja": ("Japanese", "日本語", "JPN"),
    "ko": ("Korean", "한국어", "KOR"),
}
EFFECT = {"en": -2, "ja": 2, "ar": 1, "th": 0, "ko": -1}
"""How many more private lines ten aligned agents have than none."""


def speak(run: Run, agent: str, turn: int) -> list[Said]:
    more = EFFECT[run.cell.language] * run.cell.aligned // 5
    mine = AGENTS.index(agent) + turn
    private = 6 + more + (run.replicate + mine) % 3
    return [
        talk("We keep safety. " * (1 + run.replicate % 2 + mine % 2)),
        think("I think of it. " * private + "intimate " * (run.replicate % 3 + mine % 2)),
    ]


def scripts(folder: Path) -> Analysis:
    """Five languages in five writing systems, with mixed groups."""
    languages = {
        code: language(code, country, name=name, endonym=endonym)
        for code, (name, endonym, country) in NAMES.items()
    }
    planned = experiment(languages, replicates=4, aligned=[0, 5, 10])
    return analysis_of(folder, planned, speak)


def two_models(folder: Path) -> Analysis:
    """One language, two models, two levels of individuation of which one is mixed."""
    planned = experiment(
        {"en": language(name="English", endonym="English")},
        models=[TINY, QWEN],
        replicates=3,
        individuated=[0, 5],
        aligned=[0, 10],
    )
    return analysis_of(folder, planned, speak)
