"""Result folders with planted words: real logs, small enough to count by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kit.runlog.records import Header, Outcome, Turn, Utterance
from kit.runlog.writer import RunWriter
from kit.spec.experiment import FILE_NAME, Experiment, Run, content_hash
from kit.spec.language import REQUIRED_FIELDS, TURNS, Channel, Language, phase_of
from kit.spec.pins import ModelPin
from kit.spec.study import Study

TINY = "smollm2-135m-instruct-q4_1"
LLAMA = "llama-3.3-70b-instruct-q4_k_m"
QWEN = "qwen3-next-80b-a3b-instruct-q4_k_m"

AGENTS = tuple(f"p{number:02}" for number in range(1, 11))
EVICTED = "p05"

LEXICONS = {
    "sexual": ["intimate*", "touch", "bare skin"],
    "protective": ["protect*", "safety", "help", "keep together"],
    "group_harmony": ["together", "harmony", "all of us"],
    "individual_address": ["you personally", "your own"],
    "provider_refusal": ["as an ai"],
}
PREFIX = "Protect everyone. Offer help."
"""Holds two protective words."""

SHORT = {"turns": {"value": 2, "evidence": "ours"}}
"""A protocol of two turns."""


class Said(NamedTuple):
    """One line of one agent."""

    channel: Channel
    text: str
    to: str | None = None
    outcome: Outcome = Outcome.OK


Speak = Callable[[Run, str, int], Sequence[Said]]
"""What an agent says in a turn (from 1) of a run."""


def talk(text: str) -> Said:
    """A public line."""
    return Said(Channel.TALK, text)


def think(text: str) -> Said:
    """A private line."""
    return Said(Channel.MONOLOGUE, text)


def everyone(*lines: Said) -> Speak:
    """Every agent says the same lines in every turn; without lines, all are silent."""

    def speak(run: Run, agent: str, turn: int) -> Sequence[Said]:
        return lines

    return speak


def language(code: str = "en", country: str = "USA", **changes: Any) -> Language:
    """A complete language whose texts hold no counted word, except the safety prefix."""

    def text(words: str) -> dict[str, Any]:
        return {"intent": "test", "evidence": "ours", "wordings": {"a": words}}

    data: dict[str, Any] = {
        "language": code,
        "name": f"Test {code}",
        "endonym": f"Test {code}",
        "scripts": ["Latin"],
        "list_separator": ", ",
        "matching": "word",
        "evidence": "published",
        "country": {"code": country, "reason": "test"},
        "native_review": "none",
        "register_note": "test",
        "budgets": {"talk": 280, "whisper": 160, "monologue": 280, "reason": "test"},
        "tags": {"talk": "TALK", "whisper": "WHISPER", "monologue": "THOUGHT"},
        "evicted": EVICTED,
        "personas": [
            {"id": agent, "name": f"Name{agent}", **text("x"), "text": "You are someone."}
            for agent in AGENTS
        ],
        "texts": {
            key: text(" ".join(["words", *(f"{{{field}}}" for field in sorted(fields))]))
            for key, fields in REQUIRED_FIELDS.items()
        },
        "announcements": [
            {"turn": turn, "phase": phase_of(turn).value, **text(f"Announcement {turn}.")}
            for turn in range(1, TURNS + 1)
        ],
        "lexicons": {
            name: {"intent": "test", "evidence": "ours", "concepts": {"word": words}}
            for name, words in LEXICONS.items()
        },
    }
    for persona in data["personas"]:
        del persona["wordings"]
    data["texts"]["safety_prefix"] = text(PREFIX)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = data
        for parent in parents:
            target = target[parent]
        target[last] = value
    return Language.model_validate(data)


def pin(model: str) -> ModelPin:
    """A pin of made-up bytes under a real id."""
    return ModelPin.model_validate(
        {
            "id": model,
            "family": model.split("-", maxsplit=1)[0],
            "tier": "embedded" if model == TINY else "study",
            "size": "tiny" if model == TINY else "study",
            "license": "mit",
            "instruct": True,
            "context_length": 8192,
            "source": {"kind": "folder"},
            "files": [{"name": "model.gguf", "bytes": 1, "sha256": "ab" * 32}],
        }
    )


def experiment(
    languages: Mapping[str, Language] | None = None,
    *,
    profile: str | None = None,
    missing: tuple[str, ...] = (),
    **study: Any,
) -> Experiment:
    """A study of two turns, aligned 0 and 10, two replicates, unless ``study`` says otherwise."""
    known = dict(languages or {"en": language()})
    data: dict[str, Any] = {
        "id": "study1",
        "title": "A planted study",
        "question": "Does a count come out as planted?",
        "seed": 1,
        "languages": [*known, *missing],
        "models": [TINY],
        "aligned": [0, 10],
        "replicates": 2,
        "protocol": SHORT,
        "profiles": {"smoke": {"turns": 1}},
        **study,
    }
    asked = Study.model_validate(data)
    return Experiment(
        study=asked,
        profile=profile,
        languages=known,
        missing_languages=missing,
        models={model: pin(model) for model in asked.models.value},
    )


def header(planned: Experiment, run: Run) -> Header:
    """The header of a run: the first agents are the marked ones."""
    cell = run.cell
    protocol = planned.protocol(cell.variant)
    return Header(
        run_id=run.run_id,
        run_hash=content_hash([run.run_id, planned.profile]),
        study=planned.study.id,
        language=cell.language,
        aligned=cell.aligned,
        individuated=cell.individuated,
        variant=cell.variant,
        profile=planned.profile,
        model=cell.model,
        model_sha256="ab" * 32,
        replicate=run.replicate,
        aligned_agents=AGENTS[: cell.aligned],
        individuated_agents=AGENTS[: cell.individuated],
        evicted=EVICTED,
        evicted_aligned=EVICTED in AGENTS[: cell.aligned],
        protocol={name: value.value for name, value in protocol if name != "sampling"}
        | {"engine": {}},
        engine={"kind": "scripted"},
        bit_class=None,
    )


def turns(
    planned: Experiment, run: Run, speak: Speak, legal_mass: Sequence[float] = (0.9,)
) -> list[list[Turn]]:
    """The rounds of a run."""
    length = planned.protocol(run.cell.variant).turns.value
    return [
        [
            _turn(number, position, agent, speak(run, agent, number), legal_mass)
            for position, agent in enumerate(AGENTS)
        ]
        for number in range(1, length + 1)
    ]


def write_folder(
    folder: Path,
    planned: Experiment,
    speak: Speak,
    *,
    incomplete: Collection[str] = (),
    absent: Collection[str] = (),
    legal_mass: Sequence[float] = (0.9,),
) -> Path:
    """Write a whole result folder.

    Args:
        folder: where to.
        planned: what was asked.
        speak: what everyone says.
        incomplete: run ids whose log ends without a footer.
        absent: run ids that were never begun.
        legal_mass: of every turn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).write_bytes(planned.to_json())
    for run in planned.runs():
        if run.run_id in absent:
            continue
        path = folder / "runs" / f"{run.run_id.partition('/')[2]}.jsonl"
        with RunWriter(path, header(planned, run)) as writer:
            for turn in turns(planned, run, speak, legal_mass):
                writer.append(turn)
            if run.run_id not in incomplete:
                writer.finish()
    return folder


def _turn(
    number: int, position: int, agent: str, said: Sequence[Said], legal_mass: Sequence[float]
) -> Turn:
    return Turn(
        turn=number,
        agent=agent,
        position=position,
        prompt=(1, 2),
        tokens=(3,),
        stop="end",
        text="\n".join(f"{line.channel.upper()}: {line.text}" for line in said),
        utterances=tuple(
            Utterance(channel=line.channel, to=line.to, text=line.text, outcome=line.outcome)
            for line in said
        ),
        outcome=Outcome.OK if said else Outcome.EMPTY,
        legal_mass=tuple(legal_mass),
        digest="00" * 32,
    )
