"""How much work a study is for a model, and how long it takes, with no tokenizer to ask."""

from __future__ import annotations

from typing import NamedTuple

from kit.runner import calibration
from kit.runner.speed import AGENTS, ActiveWeights, SpeedRange
from kit.society.scene import Scene
from kit.spec.experiment import Experiment
from kit.spec.pins import KeyType, ModelPin
from kit.spec.study import EngineSettings

_LEAST, _LIKELY, _MOST = 0.2, 0.33, 1.25
"""Tokens per UTF-8 byte of the kit's texts: 0.20 to 0.44 with a vocabulary of 262 thousand, by
language; up to 1.2 with one of 49 thousand, in Korean."""


class Demand(NamedTuple):
    """What a study asks of one model, as far as no tokenizer is needed."""

    study: str
    runs: int
    answers: int
    ceiling: int
    """Tokens of one answer, at most."""
    context: int
    """Tokens that one agent's dialogue may take, by the study's setting."""
    k_type: KeyType
    floor: int
    """Tokens that the longest dialogue needs room for, at least, with any tokenizer."""
    least: int
    """Tokens that all agents of all runs read if every answer is as long as it may be, with a
    tokenizer that cuts the kit's texts into few."""
    likely: int
    """The same with an ordinary one."""
    most: int
    """The same with one that was made for another language."""


class Duration(NamedTuple):
    """Seconds that a study takes."""

    low: float | None
    """None where only an upper bound is known."""
    likely: float | None
    high: float


NO_STUDY = Demand(
    study="",
    runs=0,
    answers=0,
    ceiling=0,
    context=EngineSettings().context,
    k_type=EngineSettings().k_type,
    floor=0,
    least=0,
    likely=0,
    most=0,
)
"""Ten agents with a study's usual settings, and no work."""


def demand(experiment: Experiment) -> Demand:
    """What a study asks of each of its models, or of one that takes their place."""
    model = experiment.study.models.value[0]
    replicates = experiment.study.replicates.value
    scenes = [
        Scene(experiment, run)
        for run in experiment.runs()
        if run.cell.model == model and run.replicate == 1
    ]
    settings = [scene.protocol.engine.value for scene in scenes]

    def tokens(per_byte: float) -> int:
        return sum(
            replicates * len(scene.agents) * round(_spoken(scene) + per_byte * _written(scene))
            for scene in scenes
        )

    return Demand(
        study=experiment.study.id,
        runs=replicates * len(scenes),
        answers=sum(replicates * scene.turns * len(scene.agents) for scene in scenes),
        ceiling=max(scene.protocol.sampling.value.max_tokens for scene in scenes),
        context=max(each.context for each in settings),
        k_type="f16" if any(each.k_type == "f16" for each in settings) else "q8_0",
        floor=max(_spoken(scene) for scene in scenes),
        least=tokens(_LEAST),
        likely=tokens(_LIKELY),
        most=tokens(_MOST),
    )


def _spoken(scene: Scene) -> int:
    """Tokens of answers in one dialogue, its own and what it hears, when all are at their ceiling.

    :func:`kit.runner.size.worst_case` counts the same and more.
    """
    ceiling = scene.protocol.sampling.value.max_tokens
    heard = (len(scene.agents) - 1) * ceiling
    hearing = sum(turn > 1 or len(scene.speakers(1)) > 1 for turn in range(1, scene.turns + 1))
    return scene.turns * ceiling + hearing * heard


def _written(scene: Scene) -> int:
    """UTF-8 bytes of the kit's own texts in one dialogue."""
    system = max(
        sum(len(text.encode()) for text in scene.system(agent).segments) for agent in scene.agents
    )
    turns = sum(
        len(text.encode())
        for turn in range(1, scene.turns + 1)
        for text in scene.user(scene.agents[0], turn, ()).segments
    )
    return system + turns


def at_most(pin: ModelPin) -> ActiveWeights:
    """An upper bound where only a model's length is known: every weight, for every token."""
    return ActiveWeights(pin.total_bytes, pin.total_bytes, pin.total_bytes)


def duration(speeds: SpeedRange, asked: Demand, context: int, *, bounded: bool = False) -> Duration:
    """How long a study takes.

    Args:
        speeds: the model's.
        asked: the study.
        context: tokens that an agent's dialogue may take; a longer one is refused by the plan.
        bounded: the speeds are those of an upper bound on the weights.
    """
    allowed = AGENTS * asked.runs * context

    def seconds(speed: calibration.Speed, prompts: int) -> calibration.Estimate:
        return calibration.estimate(
            speed,
            answers=asked.answers,
            prompt_tokens=min(prompts, allowed),
            ceiling=asked.ceiling,
        )

    high = seconds(speeds.slow, asked.most).high
    if bounded:
        return Duration(None, None, high)
    low = seconds(speeds.fast, asked.least).low
    return Duration(low, seconds(speeds.likely, asked.likely).likely, high)
