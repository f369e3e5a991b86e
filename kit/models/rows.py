"""Rows of ``models.yaml`` as text: added at the end, never edited."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from kit.errors import ModelError, SpecError
from kit.models.pinning import Draft
from kit.spec.loading import read_yaml
from kit.spec.pins import HubOrigin, ModelPin, load_pins

_BY_HAND = "add --print, and put the row where it belongs"
_OPTIONAL = frozenset({"template_sha256", "attention"})


def text_of(drafted: Draft) -> str:
    """The row in YAML, with a comment on each line that is a guess."""
    data = drafted.pin.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump([data], sort_keys=False, allow_unicode=True, width=float("inf"))
    lines = text.splitlines()
    for index, line in enumerate(lines):
        key = re.match(r"  (\w+):", line)
        if key is not None and (basis := drafted.guesses.get(key[1])):
            lines[index] += f"  # a guess, from {basis}"
    return "\n".join(lines) + "\n"


def differences(old: ModelPin, new: ModelPin) -> tuple[str, ...]:
    """What the hub and the file say otherwise than ``old``, one line each.

    Keys that are guessed, or are the user's to choose, are not compared, nor is what ``old`` leaves
    out.
    """
    was, now = _facts(old), _facts(new)
    return tuple(
        f"{key}: pinned {was.get(key, 'nowhere')}, found {now.get(key, 'nowhere')}"
        for key in {**was, **now}
        if was.get(key) != now.get(key) and (key in was or key not in _OPTIONAL)
    )


def append(drafted: Draft, path: Path) -> None:
    """Put the row behind the last one in ``path``, in one step; every byte before it stays.

    Raises:
        ModelError: the file would not be one of pins afterwards, or cannot be written. It is as it
            was.
    """
    path = path.resolve()
    with _alone(path.parent):
        before, old = load_pins(path), path.read_bytes()
        indent = _indent(path)
        row = "".join(f"{indent}{line}\n" for line in text_of(drafted).splitlines())
        new = old + (b"" if old.endswith(b"\n") else b"\n") + b"\n" + row.encode()
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.write_bytes(new)
            try:
                after = load_pins(beside)
            except SpecError as error:
                raise ModelError(
                    f"no row can be added at the end: {error.message}", where=path, hint=_BY_HAND
                ) from error
            if after != {**before, drafted.pin.id: drafted.pin}:
                raise ModelError("no row can be added at the end", where=path, hint=_BY_HAND)
            shutil.copymode(path, beside)
            _flush(beside)
            beside.replace(path)
        except OSError as error:
            raise ModelError(
                f"cannot be written: {error.strerror}", where=path, hint=_BY_HAND
            ) from error
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time add rows in ``folder``, where its file system can tell."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _indent(path: Path) -> str:
    """The spaces before the last row."""
    data, lines = read_yaml(path)
    last = lines.get(("models", len(data["models"]) - 1), 1)
    found = re.match(r"( *)- ", path.read_text(encoding="utf-8").splitlines()[last - 1])
    return found[1] if found else ""


def _facts(pin: ModelPin) -> dict[str, str]:
    """What is read and neither guessed nor chosen, in words."""
    facts = {"license": pin.license, "context_length": str(pin.context_length)}
    if pin.template_sha256 is not None:
        facts["template_sha256"] = pin.template_sha256
    if pin.attention is not None:
        facts["attention"] = str(pin.attention)
    if isinstance(pin.source, HubOrigin):
        facts |= {"repo": pin.source.repo, "revision": pin.source.revision}
    return facts | {file.name: f"{file.bytes:,} bytes {file.sha256}" for file in pin.files}


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
