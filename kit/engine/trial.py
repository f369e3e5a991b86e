"""The first load of a model file, in a process of its own.

llama.cpp ends its process where a file breaks what it takes for granted (``GGML_ASSERT``), and no
check beforehand knows all of that. So a file that was never loaded on this machine is loaded, and
a few tokens are computed with it, in a child. What the child survives the parent may do. A receipt
spares the next trial of the same bytes with the same library and settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from kit.engine.chat import Message
from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel, one_line
from kit.errors import BuildError, EngineError, KitError, ModelError
from kit.gguf import read_model
from kit.spec.study import EngineSettings

TRIAL_VERSION = 1
"""Enters every receipt; a trial that asks more of a file gets another."""
_SECONDS = 60.0
_BYTES_PER_SECOND = 20_000_000
"""What the slowest disk reads."""
_CONTEXT = 256
_TOKENS = 8
_HINT = "kit models verify --full; if the bytes are right, take another model"
_LAST_WORDS = 2_000
"""Bytes of the child's standard error that may be shown."""
_BUILD_FOLDER = re.compile(r"/\S*/(?=llama\.cpp/)")
_ERRORS = {kind.__name__: kind for kind in (ModelError, EngineError, BuildError)}


def try_model(
    path: Path,
    *,
    sha256: str,
    build_sha256: str,
    settings: EngineSettings | None = None,
    fast: bool = False,
    plain: bool = False,
    outline: bool = False,
    cache: Path | None = None,
) -> None:
    """Load the model at ``path`` in a child process, unless a receipt says that it was done.

    Args:
        path: the file, or the first part of a split one.
        sha256: its identity.
        build_sha256: the library's.
        settings: where its layers are computed, and the K cache's type.
        fast: accept a build whose bits depend on batch and chunk.
        plain: prompts are written by the kit's chat template, not by the file's.
        outline: read sizes and vocabulary only.
        cache: folder of receipts.

    Raises:
        ModelError: the file is no sound GGUF file, or a part is missing.
        BuildError: the library cannot be trusted or loaded.
        EngineError: llama.cpp refuses the file, ends on it or does not come back, its chat template
            fails, or what it computes is of no use.
    """
    request = {
        "path": str(path),
        "settings": (settings or EngineSettings()).model_dump(mode="json"),
        "fast": fast,
        "plain": plain,
        "outline": outline,
    }
    receipt = None if cache is None else cache / _receipt_name(request, sha256, build_sha256)
    if receipt is not None and receipt.is_file():
        return
    headers = read_model(path)
    size = sum(header.data_start + header.data_size for header in headers)
    _run(request, seconds=_SECONDS + size / _BYTES_PER_SECOND)
    if receipt is not None:
        _write(receipt, {"version": TRIAL_VERSION, "model": sha256, "build": build_sha256})


def _receipt_name(request: dict[str, Any], sha256: str, build_sha256: str) -> str:
    """Everything but the place of the file, which says nothing of its bytes."""
    asked = {name: value for name, value in request.items() if name != "path"}
    facts = json.dumps([TRIAL_VERSION, sha256, build_sha256, asked], sort_keys=True)
    return f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.json"


def _write(receipt: Path, record: dict[str, Any]) -> None:
    temporary = receipt.with_name(f"{receipt.name}.{os.getpid()}")
    try:
        receipt.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(record) + "\n", encoding="ascii")
        temporary.replace(receipt)
    except OSError:
        pass  # a read-only store only costs the next trial


def _run(request: dict[str, Any], *, seconds: float) -> None:
    """Start the child, wait, and raise what came of it."""
    where = request["path"]
    with tempfile.TemporaryFile() as noise:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noise,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            start_new_session=True,
        )
        try:
            sent = json.dumps({**request, "seconds": seconds}).encode("ascii")
            answer, _ = child.communicate(sent, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"llama.cpp did not finish loading this file in {seconds:,.0f} s",
                where=where,
                hint=_HINT,
            ) from None
        finally:
            _end(child)
        last_words = _tail(noise)
    _judge(answer, child.returncode, last_words, where)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End what still runs of the child and of what it started."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def _tail(noise: IO[bytes]) -> str:
    """The last line that says something, without the folder llama.cpp was compiled in."""
    end = noise.seek(0, os.SEEK_END)
    noise.seek(max(0, end - _LAST_WORDS))
    lines = noise.read().decode(errors="replace").splitlines()
    said = next((line for line in reversed(lines) if line.strip()), "no last words")
    return one_line(_BUILD_FOLDER.sub("", said))


def _judge(answer: bytes, code: int, last_words: str, where: str) -> None:
    if code < 0:
        raise EngineError(
            f"llama.cpp ended on this file: {signal.Signals(-code).name}: {last_words}",
            where=where,
            hint=_HINT
            if -code != signal.SIGKILL
            else "free some memory: the system ends processes",
        )
    try:
        error = json.loads(answer)["error"]
    except (ValueError, KeyError, TypeError):
        raise EngineError(
            f"the process that was to load this file ended with {code}: {last_words}",
            where=where,
            hint=_HINT,
        ) from None
    if error is not None:
        kind = _ERRORS.get(error["kind"], EngineError)
        raise kind(error["message"], where=error["where"] or where, hint=error["hint"])


def load(request: dict[str, Any]) -> None:
    """What the child does: all that a study would, in small.

    Raises:
        KitError: loading raises it, or the model computes numbers that are none.
    """
    settings = EngineSettings.model_validate(request["settings"])
    path, plain = Path(request["path"]), bool(request["plain"])
    model = LlamaModel(path, fast=request["fast"], settings=settings, outline=request["outline"])
    if not plain:
        model.template().opening([Message("system", ("s",)), Message("user", ("u",))])
    if not request["outline"]:
        _compute(model, settings, plain=plain)
    model.close()


def _compute(model: LlamaModel, settings: EngineSettings, *, plain: bool) -> None:
    engine = LlamaEngine(
        model,
        model_sha256="",
        settings=settings.model_copy(update={"context": _CONTEXT}),
        capacity=1,
        plain=plain,
    )
    words = [token for token, piece in enumerate(model.vocabulary.pieces) if piece][:_TOKENS]
    if not words:
        raise EngineError(
            "no token of the vocabulary stands for text", where=model.path, hint=_HINT
        )
    if np.isnan(engine.logits_after(0, tuple(words))).any():
        raise EngineError(
            "the model computes values that are no numbers (NaN)",
            where=model.path,
            hint=_HINT,
        )
    engine.close()


def main() -> None:
    """Answer on standard output, where nothing else may write."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        request = json.load(sys.stdin)
        signal.alarm(int(request["seconds"]) + 60)  # should the parent be gone by then
        answer: dict[str, Any] = {"error": None}
        try:
            load(request)
        except KitError as error:
            answer["error"] = {
                "kind": type(error).__name__,
                "message": error.message,
                "where": error.where,
                "hint": error.hint,
            }
        json.dump(answer, out)


if __name__ == "__main__":
    main()
