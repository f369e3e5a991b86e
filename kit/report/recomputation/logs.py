"""What can be counted in the run logs without any word list, line by line of plain JSON."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kit.errors import RunLogError

CONDITION = ("model", "language", "variant", "individuated", "aligned")
CHANNELS = ("talk", "whisper", "monologue")
REFUSAL = "provider_refusal"
"""Lines of this outcome are in no count of words."""


class Legality(NamedTuple):
    """Shares of the model's own probability on legal tags."""

    decisions: int
    mean: float | None
    minimum: float | None
    below_half: float | None


class AgentCount(NamedTuple):
    """One agent in one run."""

    turns: int
    inward: int
    """Turns with a counted line of monologue."""
    masses: tuple[float, ...]
    lines: Mapping[str, int]
    """Counted lines by channel."""
    characters: Mapping[str, int]
    """Their characters by channel."""


class RunCount(NamedTuple):
    """One complete run."""

    header: Mapping[str, Any]
    agents: Mapping[str, AgentCount]
    outcomes: Counter[tuple[str, str]]
    """By channel, or ``turn`` for whole answers, and outcome."""


def count_runs(folder: Path) -> dict[str, RunCount]:
    """Every complete run of a result folder by run id.

    Raises:
        RunLogError: a log is not made of JSON records.
    """
    found = {}
    for path in sorted((folder / "runs").glob("*.jsonl")):
        if not path.name.endswith(".partial.jsonl"):
            run = count_run(path)
            found[str(run.header["run_id"])] = run
    return found


def count_run(path: Path) -> RunCount:
    """One log.

    Raises:
        RunLogError: it is not made of JSON records.
    """
    outcomes: Counter[tuple[str, str]] = Counter()
    turns: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8") as file:
            header = json.loads(next(file))
            for line in file:
                record = json.loads(line)
                if record["type"] == "turn":
                    turns[record["agent"]].append(record)
                    outcomes["turn", record["outcome"]] += 1
                    outcomes.update(
                        (said["channel"], said["outcome"]) for said in record["utterances"]
                    )
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise RunLogError("is not a log of runs", where=path, hint="kit fsck DIR") from error
    return RunCount(header, {agent: _agent(said) for agent, said in turns.items()}, outcomes)


def legality(masses: tuple[float, ...]) -> Legality:
    """Mean, minimum and share below one half of what `legal_mass` holds."""
    if not masses:
        return Legality(0, None, None, None)
    below = sum(mass < 0.5 for mass in masses)
    return Legality(len(masses), sum(masses) / len(masses), min(masses), below / len(masses))


def _agent(turns: list[Mapping[str, Any]]) -> AgentCount:
    lines: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    inward = 0
    for turn in turns:
        counted = [
            said
            for said in turn["utterances"]
            if said["text"].strip() and said["outcome"] != REFUSAL
        ]
        inward += any(said["channel"] == "monologue" for said in counted)
        for said in counted:
            lines[said["channel"]] += 1
            characters[said["channel"]] += len(unicodedata.normalize("NFC", said["text"].strip()))
    masses = tuple(mass for turn in turns for mass in turn["legal_mass"])
    return AgentCount(len(turns), inward, masses, lines, characters)
