"""How large a study is before it starts: tokens, memory, disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from kit.engine.chat import ChatTemplate, Message
from kit.engine.model import LlamaModel
from kit.errors import PlanError
from kit.society.scene import Heard, Scene
from kit.spec.language import Channel

_ROUNDING = 256
_RETOKENISED = 17 / 16
"""An answer read back as text may take more tokens than it was written in; seldom, and little."""
_BYTES_PER_TOKEN = 8
"""Of a log: a token id with its comma, and its share of the text."""
_LINE_BYTES = 700


class TokenCount(NamedTuple):
    """Tokens of one agent's dialogue over a whole run, at worst."""

    system: int
    turns: int
    """All user messages and answers."""

    @property
    def total(self) -> int:
        """Everything the context must hold."""
        return self.system + self.turns


def worst_case(scene: Scene, model: LlamaModel, template: ChatTemplate) -> TokenCount:
    """The longest dialogue any agent of ``scene`` can have.

    Every other agent is taken to spend its whole token ceiling on words this one hears.
    """
    count = _Counter(model)
    agents = scene.agents
    system = max(
        len(model.tokenize(template.opening([scene.system(agent), Message("user", ("",))])).tokens)
        for agent in agents
    )
    ceiling = scene.protocol.sampling.value.max_tokens
    names = sum(
        max(
            count(_heard_line(scene, channel, speaker))
            for channel in (Channel.TALK, Channel.WHISPER)
        )
        for speaker in agents[1:]
    )
    heard = names + (len(agents) - 1) * round(ceiling * _RETOKENISED)
    between = _wrapping(model, template)
    instruction = max(
        count("\n".join(scene.user(agent, 1, ()).segments)) - count(scene.announcement(1))
        for agent in agents
    )
    total = 0
    for turn in range(1, scene.turns + 1):
        total += count(scene.announcement(turn)) + instruction + between + ceiling + 2
        if turn > 1 or len(scene.speakers(turn)) > 1:
            total += heard
    return TokenCount(system, total)


def _heard_line(scene: Scene, channel: Channel, speaker: str) -> str:
    whole = scene.user(scene.agents[0], 1, [Heard(channel, speaker, "")]).segments[0]
    return whole.split("\n")[1] + "\n"


def _wrapping(model: LlamaModel, template: ChatTemplate) -> int:
    """Tokens that the template puts around one turn."""
    dialogue = [
        Message("system", ("x",)),
        Message("user", ("x",)),
        Message("assistant"),
        Message("user", ("",)),
    ]
    return len(model.tokenize(template.continuation(dialogue)).tokens)


class _Counter:
    def __init__(self, model: LlamaModel):
        self._model = model
        self._known: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = self._model.count(text)
        return self._known[text]


def room_for(worst: int, limit: int, trained: int, *, what: str) -> int:
    """Tokens to allocate per dialogue.

    Args:
        worst: the longest dialogue.
        limit: what the study allows (``engine.context``).
        trained: what the model was trained for.
        what: names the language for the error.

    Raises:
        PlanError: it cannot fit.
    """
    most = min(limit, trained)
    if worst > most:
        why = (
            f"the model's context of {trained:,}"
            if trained < limit
            else f"engine.context {limit:,}"
        )
        raise PlanError(
            f"{what}: an agent's dialogue can take {worst:,} tokens, more than {why}",
            hint="fewer turns or a lower sampling.max_tokens (--profile smoke), or another model",
        )
    return min(most, -(-worst // _ROUNDING) * _ROUNDING)


def free_memory() -> int | None:
    """Bytes of memory that can be had without swapping; None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def free_disk(folder: Path) -> int | None:
    """Bytes free where ``folder`` is or will be."""
    for place in (folder, *folder.absolute().parents):
        if place.exists():
            found = os.statvfs(place)
            return found.f_bavail * found.f_frsize
    return None


def log_bytes(tokens: int, turns: int) -> int:
    """Size of one run's log, at worst."""
    return tokens * _BYTES_PER_TOKEN + turns * _LINE_BYTES


def default_cohort(replicates: int, bytes_per_run: int, free: int | None, most: int = 4) -> int:
    """Runs to simulate side by side: replicates of one cell, in half of the free memory."""
    if free is None:
        return 1
    return max(1, min(replicates, most, (free // 2) // max(1, bytes_per_run)))
