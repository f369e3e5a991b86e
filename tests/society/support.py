"""A small experiment on the shipped English texts, and engines that say what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.engine.protocol import Engine, Request
from kit.engine.scripted import ScriptedEngine
from kit.runlog.records import Turn
from kit.runner.resolve import resolve
from kit.society.group import simulate
from kit.society.scene import Scene
from kit.spec.experiment import Experiment
from kit.spec.study import Study

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m-instruct-q4_1"


def experiment(**study: Any) -> Experiment:
    """The demo's study with some fields changed."""
    base = resolve(ROOT / "studies" / "demo.yaml")
    data = base.study.model_dump() | study
    languages = dict(base.languages)
    changed = Study.model_validate(data)
    return Experiment(study=changed, profile=None, languages=languages, models=base.models)


def scene(run_id: str, **study: Any) -> Scene:
    """One run of it."""
    made = experiment(**study)
    return Scene(made, next(run for run in made.runs() if run.run_id == f"demo/{run_id}"))


def say(scenes: Sequence[Scene], engine: Engine) -> list[list[Turn]]:
    """Everything each group says."""
    said: list[list[Turn]] = [[] for _ in scenes]
    for spoken in simulate(scenes, engine):
        said[spoken.group].extend(spoken.turns)
    return said


class Listening(ScriptedEngine):
    """Says every agent's secrets on its own channel, and remembers every prompt."""

    def __init__(self, scene: Scene):
        super().__init__(self._speak, capacity=100)
        self._scene = scene

    def _speak(self, request: Request) -> str:
        *_, agent, turn = request.key
        language = self._scene.language
        tags = language.tags
        others = [persona for persona in language.personas if persona.id != agent]
        to = others[(int(str(agent)[1:]) + int(turn)) % len(others)]
        return (
            f"{tags.talk}: open {agent} {turn}\n"
            f"{tags.whisper} {to.name}: hush {agent} {turn} for {to.id}\n"
            f"{tags.monologue}: mind {agent} {turn}\n"
        )
