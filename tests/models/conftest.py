"""Fixtures of the models room."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from kit.models.store import Store

from .support import Handler, Hub, Workplace, content


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "home")


@pytest.fixture
def files() -> dict[str, bytes]:
    """One model file."""
    return {"tiny.gguf": content(1)}


@pytest.fixture
def folder(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """A folder somebody carried here, with the model's files."""
    place = tmp_path / "carried"
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    return place


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A checkout without models yet."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    return Workplace(checkout, tmp_path / "home")


@pytest.fixture
def hub(files: dict[str, bytes], workplace: Workplace) -> Iterator[Hub]:
    """A hub on loopback that serves ``files``; the workplace's HF_ENDPOINT points to it."""
    hub = Hub(dict(files))
    answering = type("Answering", (Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), answering) for _ in range(2)]
    threads = []
    for server in servers:
        server.daemon_threads = True
        threads.append(threading.Thread(target=server.serve_forever, args=(0.05,)))
        threads[-1].start()
    hub.endpoint, hub.cdn = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    workplace.environment["HF_ENDPOINT"] = hub.endpoint
    workplace.environment["HF_HOME"] = str(workplace.home.parent / "hf")
    yield hub
    hub.over.set()
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()
