"""The hub's own API on loopback, beside the files that `support` serves, and models to pin."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path

import gguf
import numpy as np

from .support import REPO, REVISION, ROOT, Handler, Hub, Workplace

LATER = "fedcba9876543210fedcba9876543210fedcba98"
"""A commit behind `REVISION`."""
PROGRAM = """
from kit.cli import main, models, pinning
models.command.add_command(pinning.pin)
models.command.add_command(pinning.check)
main.main()
"""


def run(
    workplace: Workplace, *args: str, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run ``kit models ARGS`` with the commands of `kit.cli.pinning`."""
    command = [*prefix, sys.executable, "-c", PROGRAM, "models", *args]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        command,
        cwd=workplace.checkout,
        env=environment | {"KIT_HOME": str(workplace.home)} | workplace.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass
class ApiHub(Hub):
    """A hub with branches and more than one commit; files are read at `REVISION` only."""

    branches: dict[str, str] = field(default_factory=lambda: {"main": REVISION})
    later: dict[str, bytes] = field(default_factory=dict)
    """The files at `LATER`."""
    card: Mapping[str, object] | None = field(default_factory=lambda: {"license": "mit"})
    """What the repository's page declares."""
    in_git: set[str] = field(default_factory=set)
    """Files of which the hub knows no SHA-256."""
    failing: dict[str, int] = field(default_factory=dict)
    """How questions about a revision are refused."""
    no_length: bool = False
    """Do not say how long a range is, so that a cut one looks whole."""
    said: bytes | None = None
    """The body of every answer of the API."""

    def questions(self) -> list[str]:
        """The paths that the API was asked for."""
        return [path for _, path, _ in self.asked if path.startswith("/api/")]


MODEL = re.compile(r"^/api/models/([\w.-]+/[\w.-]+)/revision/([^/?]+)")


class ApiHandler(Handler):
    """Answers questions about models, and ranges with an end."""

    hub: ApiHub

    def _answer(self, *, body: bool) -> None:
        found = MODEL.match(self.path)
        if found is None or self.hub.status is not None:
            return super()._answer(body=body)
        self.hub.asked.append((self.command, self.path, None))
        if token := self.headers.get("Authorization"):
            self.hub.tokens.append((self.path, token))
        if self.hub.refusals:
            return self._plain(self.hub.refusals.pop(0))
        if found[2] in self.hub.failing:
            return self._plain(self.hub.failing[found[2]])
        if found[1] != REPO:
            return self._plain(401, "RepoNotFound")
        commit = self.hub.branches.get(found[2], found[2])
        files = {REVISION: self.hub.files, LATER: self.hub.later}.get(commit)
        if files is None:
            return self._plain(404, "RevisionNotFound")
        siblings = [self._sibling(name, data) for name, data in files.items()]
        listed = {"id": REPO, "sha": commit, "cardData": self.hub.card, "siblings": siblings}
        answer = self.hub.said or json.dumps(listed).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        return None

    def _sibling(self, name: str, data: bytes) -> dict[str, object]:
        found: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": "0" * 40}
        if name not in self.hub.in_git:
            digest = hashlib.sha256(data).hexdigest()
            found["lfs"] = {"size": len(data), "sha256": digest, "pointerSize": 134}
        return found

    def _bytes(self, name: str, *, body: bool) -> None:
        hub, data = self.hub, self.hub.files[name]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None or hub.no_ranges or hub.cdn_refusals or hub.refuse_download is not None:
            return super()._bytes(name, body=body)
        first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
        said = first + 1 if hub.wrong_range else first
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {said}-{last}/{len(data)}")
        if hub.no_length:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if hub.cut_after:
            last = first + hub.cut_after.pop(0) - 1
            self.close_connection = True
        self._send(data[first : last + 1])
        return None


def model(
    folder: Path,
    name: str = "one.gguf",
    *,
    keys: Callable[[gguf.GGUFWriter], None] = lambda _: None,
    sized: bool = True,
    padding: int = 0,
    tensor: str = "token_embd.weight",
) -> bytes:
    """A GGUF file of three layers by its header, with ``padding`` bytes of weights."""
    path = folder / name
    writer = gguf.GGUFWriter(path, "llama")
    if sized:
        writer.add_context_length(2048)
        writer.add_embedding_length(64)
        writer.add_block_count(3)
        writer.add_head_count(4)
        writer.add_head_count_kv(2)
    keys(writer)
    writer.add_tensor(tensor, np.zeros((8 + padding // 256, 64), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@contextmanager
def serving(hub: ApiHub, workplace: Workplace) -> Iterator[ApiHub]:
    """Let ``hub`` answer on loopback; the workplace's HF_ENDPOINT points to it."""
    answering = type("Answering", (ApiHandler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), answering) for _ in range(2)]
    threads = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in servers]
    for thread in threads:
        thread.start()
    hub.endpoint, hub.cdn = (f"http://127.0.0.1:{one.server_port}" for one in servers)
    workplace.environment["HF_ENDPOINT"] = hub.endpoint
    workplace.environment["HF_HOME"] = str(workplace.home.parent / "hf")
    yield hub
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()
