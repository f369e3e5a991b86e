"""Small pinned models, the real command line in a process of its own, and a hub on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
    refusals: list[int] = field(default_factory=list)
    """Answer so many requests at the hub with these."""
    cdn_refusals: list[int] = field(default_factory=list)
    """And so many requests for bytes."""
    refuse_download: int | None = None
    """Answer every request for bytes with this."""
    retry_after: str | None = "0"
    """What refusals say of when to come back."""
    announce: bytes | None = None
    """Announce hash and length of these bytes instead of the served ones."""
    cut_after: list[int] = field(default_factory=list)
    """How many bytes to send before cutting the line, one entry per download."""
    stall_after: int | None = None
    """Send so many bytes, then nothing until the end of the test."""
    drip: float | None = None
    """Send one byte in so many seconds."""
    tag: str | None = '"one"'
    """The entity tag of the bytes."""
    after_cut: bytes | None = None
    """The served file becomes this one, under another tag, when a line was cut."""
    no_ranges: bool = False
    """Give the whole file whatever is asked for."""
    wrong_range: bool = False
    """Answer from another place than the one asked for."""
    coding: str | None = None
    """Say that the bytes are compressed."""
    tokens: list[tuple[str, str]] = field(default_factory=list)
    """Path and token of each request that carried one."""
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and Range of each request."""
    sent: int = 0
    """Bytes of files that went out."""
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
            return self._bytes(self.path.removeprefix("/cdn/").partition("?")[0], body=body)
        if self.hub.refusals:
            return self._plain(self.hub.refusals.pop(0))
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
        if (status == 429 or status >= 500) and self.hub.retry_after is not None:
            self.send_header("Retry-After", self.hub.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _bytes(self, name: str, *, body: bool) -> None:
        hub, data = self.hub, self.hub.files[name]
        if body and hub.cdn_refusals:
            return self._plain(hub.cdn_refusals.pop(0))
        if body and hub.refuse_download is not None:
            return self._plain(hub.refuse_download)
        first = self._first()
        if first > len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.send_response(206 if first else 200)
        if first:
            said = first + 1 if hub.wrong_range else first
            self.send_header("Content-Range", f"bytes {said}-{len(data) - 1}/{len(data)}")
        if hub.tag is not None:
            self.send_header("ETag", hub.tag)
        if hub.coding is not None:
            self.send_header("Content-Encoding", hub.coding)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        if not body:
            return None
        if hub.cut_after:
            self._send(data[first : first + hub.cut_after.pop(0)])
            self.close_connection = True
            if hub.after_cut is not None:
                hub.files[name], hub.tag, hub.after_cut = hub.after_cut, '"two"', None
        elif hub.stall_after is not None:
            self._send(data[first : first + hub.stall_after])
            self.wfile.flush()
            hub.stalled.set()
            hub.over.wait(60)
            self.close_connection = True
        elif hub.drip is not None:
            for place in range(first, len(data)):
                if hub.over.wait(hub.drip):
                    break
                try:
                    self._send(data[place : place + 1])
                except OSError:  # whoever waited has gone
                    break
            self.close_connection = True
        else:
            self._send(data[first:])
        return None

    def _first(self) -> int:
        """Where to begin, by Range and If-Range."""
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if asked is None or self.hub.no_ranges or condition not in (None, self.hub.tag):
            return 0
        return int(asked[6:].rstrip("-"))

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.hub.sent += len(data)


@contextlib.contextmanager
def serving(hub: Hub, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of a server that answers for ``hub``, with TLS where a context is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        scheme = "http" if context is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        hub.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody vouches for, and its key."""
    chain, key = folder / "server.pem", folder / "server.key"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    out = ["-keyout", str(key), "-out", str(chain)]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*make, *subject, *out], check=True, capture_output=True)
    return chain, key
