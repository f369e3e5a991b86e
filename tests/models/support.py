"""Small pinned models, the real command line in a process of its own, and a hub on loopback."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import yaml

from kit.spec.pins import ModelPin

ROOT = Path(__file__).parents[2]
REPO = "someone/tiny-GGUF"
REVISION = "0123456789abcdef0123456789abcdef01234567"


def content(seed: int, size: int = 300_000) -> bytes:
    """Bytes that do not compress and differ by seed."""
    return np.random.default_rng(seed).bytes(size)


def row(files: dict[str, bytes], *, source: dict[str, object] | None = None) -> dict[str, object]:
    """A row of ``models.yaml`` for ``files``."""
    return {
        "id": "tiny",
        "family": "tiny",
        "tier": "test",
        "size": "tiny",
        "license": "mit",
        "instruct": False,
        "context_length": None,
        "source": source or {"kind": "hub", "repo": REPO, "revision": REVISION},
        "files": [
            {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        ],
    }


def pin_of(files: dict[str, bytes], *, source: dict[str, object] | None = None) -> ModelPin:
    """The pin that :func:`row` describes."""
    return ModelPin.model_validate(row(files, source=source))


@dataclass
class Workplace:
    """A checkout of its own, with its own store, and the command line run in it."""

    checkout: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def pin(self, *rows: dict[str, object]) -> None:
        """Write ``models.yaml``."""
        (self.checkout / "studies").mkdir(exist_ok=True)
        text = yaml.safe_dump({"kit_schema": 1, "models": list(rows)}, sort_keys=False)
        (self.checkout / "models.yaml").write_text(text, encoding="utf-8")

    def start(self, *args: str, without_override: bool = False) -> subprocess.Popen[str]:
        """Start ``kit models ARGS``."""
        command = [sys.executable, "-m", "kit", "models", *args]
        if without_override:
            command = [*mortal(), *command]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "KIT_"))}
        return subprocess.Popen(
            command,
            cwd=self.checkout,
            env=inherited
            | {"PYTHONPATH": str(ROOT), "KIT_HOME": str(self.home), "NO_PROXY": "127.0.0.1"}
            | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, without_override: bool = False) -> subprocess.CompletedProcess[str]:
        """Run ``kit models ARGS`` to its end."""
        process = self.start(*args, without_override=without_override)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def mortal() -> list[str]:
    """A command prefix under which even root obeys the permissions of files."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root ignores permissions, and setpriv is not here to take that away")
    drop = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"]


@dataclass
class Hub:
    """What the server on loopback gives out, how it fails, and what it was asked."""

    files: dict[str, bytes]
    endpoint: str = ""
    """Where the hub answers."""
    cdn: str = ""
    """Where it sends clients for the bytes: another origin, as in life."""
    status: int | None = None
    """Answer every request with this."""
    code: str | None = None
    """And with this, the hub's own name for the reason."""
    refuse_download: int | None = None
    """Answer the file's own bytes with this."""
    announce: bytes | None = None
    """Announce hash and length of these bytes instead of the served ones."""
    cut_after: list[int] = field(default_factory=list)
    """How many bytes to send before cutting the line, one entry per download."""
    stall_after: int | None = None
    """Send so many bytes, then nothing until the end of the test."""
    tokens: list[tuple[str, str]] = field(default_factory=list)
    """Path and token of each request that carried one."""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and Range of each request."""
    stalled: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def ranges(self) -> list[str | None]:
        """The Range of each download."""
        return [
            asked for method, path, asked in self.asked if (method, path[:5]) == ("GET", "/cdn/")
        ]


RESOLVE = re.compile(r"^/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)$")


class Handler(BaseHTTPRequestHandler):
    """Answers for one :class:`Hub` and its CDN."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range")))
        if token := self.headers.get("Authorization"):
            self.hub.tokens.append((self.path, token))
        if self.hub.status is not None:
            return self._plain(self.hub.status, self.hub.code)
        if self.path.startswith("/cdn/"):
            return self._bytes(self.hub.files[self.path.removeprefix("/cdn/")], body=body)
        found = RESOLVE.match(self.path)
        if found is None or found[1] != REPO:
            return self._plain(401, "RepoNotFound")
        if found[2] != REVISION:
            return self._plain(404, "RevisionNotFound")
        if found[3] not in self.hub.files:
            return self._plain(404, "EntryNotFound")
        data = self.hub.announce or self.hub.files[found[3]]
        self.send_response(302)
        self.send_header("Location", f"{self.hub.cdn}/cdn/{found[3]}")
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _plain(self, status: int, code: str | None = None) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _bytes(self, data: bytes, *, body: bool) -> None:
        if body and self.hub.refuse_download is not None:
            return self._plain(self.hub.refuse_download)
        first = int((self.headers.get("Range") or "bytes=0-")[6:].rstrip("-"))
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", '"not-a-hash"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        if not body:
            return None
        if self.hub.cut_after:
            self.wfile.write(data[first : first + self.hub.cut_after.pop(0)])
            self.close_connection = True
        elif self.hub.stall_after is not None:
            self.wfile.write(data[first : first + self.hub.stall_after])
            self.wfile.flush()
            self.hub.stalled.set()
            self.hub.over.wait(60)
            self.close_connection = True
        else:
            self.wfile.write(data[first:])
        return None
