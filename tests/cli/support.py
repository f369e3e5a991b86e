"""The real command line, in a folder of its own that holds models.yaml and studies/."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kit.spec.language import REQUIRED_FIELDS
from tests.conftest import ROOT, SMOLLM

TINY: dict[str, Any] = {
    "kit_schema": 1,
    "id": "tiny",
    "title": "Tiny",
    "question": "Does the command line work?",
    "seed": 7,
    "languages": ["en"],
    "models": [SMOLLM],
    "aligned": [10],
    "replicates": 1,
    "protocol": {
        "turns": 1,
        "budget_scale": 0.3,
        "sampling": {"max_tokens": 8},
        "engine": {"context": 4096},
    },
}
"""The smallest study there can be: one run of ten answers."""

CALM: dict[str, Any] = {
    "kit_schema": 1,
    "judge": "calm",
    "version": 1,
    "title": "Calm",
    "concept": "How calm a resident is.",
    "source": "test",
    "evidence": "ours",
    "subject": "agent",
    "shown": {"channels": ["talk", "whisper", "monologue"], "announcements": False},
    "window": {"turns": 1, "characters": 2000},
    "scales": [{"id": "level", "kind": "ordinal", "values": ["0", "1"]}],
    "wordings": {
        "a": {
            "task": "Is the resident calm?",
            "scales": {"level": {"question": "Calm?", "anchors": {"0": "No.", "1": "Yes."}}},
        }
    },
    "model": SMOLLM,
    "engine": {"context": 1024},
    "sampling": {"temperature": 0.0, "max_tokens": 8},
}
"""A judge that is quickly asked: one question with two options."""

LOG = Path("runs", "en-a10-r1.jsonl")
"""Its only log, within a result folder."""


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, for a ``kit`` that runs in another folder."""
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": search} | changes


def command(*arguments: str | Path) -> list[str]:
    """``kit ARGUMENTS`` as a user's shell would start it."""
    return [sys.executable, "-m", "kit", *map(str, arguments)]


def kit(
    *arguments: str | Path,
    cwd: Path,
    prefix: Sequence[str] = (),
    timeout: float = 600,
    **variables: str,
) -> Done:
    """Run ``kit ARGUMENTS`` in ``cwd`` to its end.

    Args:
        arguments: after ``kit``.
        cwd: the working folder.
        prefix: a command that runs it, such as ``unshare``.
        timeout: seconds.
        variables: of the environment.
    """
    done = subprocess.run(
        [*prefix, *command(*arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def refused(done: Done, cwd: Path, *, code: int = 1) -> str:
    """Check that a command ended as an expected error does.

    Returns:
        What it said on stderr.
    """
    assert done.code == code, done
    assert "Traceback" not in done.err
    assert "bug:" not in done.err
    assert "kit: " in done.err
    assert not (cwd / "kit-crash.md").exists()
    return done.err


@functools.cache
def _terse() -> str:
    """English in few words, so that a real model reads it in seconds."""
    data = yaml.safe_load((ROOT / "studies" / "languages" / "en.yaml").read_text("utf-8"))
    for persona in data["personas"]:
        persona["text"] = f"You are {persona['name']}."
    for key, fields in REQUIRED_FIELDS.items():
        words = " ".join(f"{{{field}}}" for field in sorted(fields))
        data["texts"][key]["wordings"] = {"a": words or key.replace("_", " ")}
    for announcement in data["announcements"]:
        announcement["wordings"] = {"a": f"Matter {announcement['turn']}."}
    for lexicon in data["lexicons"].values():
        lexicon["concepts"] = dict([*lexicon["concepts"].items()][:1])
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


def checkout(folder: Path) -> Path:
    """A researcher's folder: the shipped models.yaml and studies, English made short."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "models.yaml", folder)
    shutil.copytree(ROOT / "studies", folder / "studies")
    (folder / "studies" / "languages" / "en.yaml").write_text(_terse(), encoding="utf-8")
    write_study(folder)
    return folder


def write_study(folder: Path, study_id: str = "tiny", **changes: Any) -> Path:
    """Put the tiny study, with changes, into a checkout.

    Returns:
        The file.
    """
    path = folder / "studies" / f"{study_id}.yaml"
    data = TINY | {"id": study_id} | changes
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def write_judge(folder: Path) -> Path:
    """Put a judge of few words, and one excerpt with its label, into a checkout.

    Returns:
        The judge's file.
    """
    (folder / "judges").mkdir(exist_ok=True)
    (folder / "gold").mkdir(exist_ok=True)
    path = folder / "judges" / "calm.yaml"
    path.write_text(yaml.safe_dump(CALM, sort_keys=False), encoding="utf-8")
    excerpt = {
        "id": "en_01",
        "difficulty": "clear",
        "injection": False,
        "about": 1,
        "lines": [{"says": "talk", "who": 1, "text": "All is well."}],
        "labels": {"calm": {"level": "1"}},
        "reason": "test",
    }
    gold = {"kit_schema": 1, "gold": "en", "authors": "test", "excerpts": [excerpt]}
    (folder / "gold" / "en.yaml").write_text(yaml.safe_dump(gold), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def line_of(path: Path, words: str) -> int:
    """The number of the first line that holds ``words``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if words in line)


def in_namespace(*kinds: str) -> tuple[str, ...] | None:
    """A prefix that runs a command in namespaces of its own; None where the system forbids it."""
    tried: tuple[str, ...] = ("unshare", "--map-root-user", *kinds, "--")
    try:
        works = subprocess.run([*tried, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return None
    return tried if works else None
