"""No command but ``kit models pull`` opens a connection beyond this machine.

Every command runs under a guard that ends the process at the first socket call to anywhere but
loopback, and, where the system allows it, in a network namespace without any network, which holds
for compiled code as well.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.cli.main import COMMANDS
from tests.cli.support import Done, checkout, environment, in_namespace, kit
from tests.conftest import SMOLLM

GUARD = """
import os, sys

def guard(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1] if len(args) > 1 else None
        local = isinstance(address, (str, bytes)) or (
            isinstance(address, tuple) and str(address[0]) in ("127.0.0.1", "::1", "localhost"))
        if not local:
            sys.stderr.write(f"GUARD {event} {address}\\n"); sys.stderr.flush(); os._exit(99)
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if str(args[0]) not in ("127.0.0.1", "::1", "localhost"):
            sys.stderr.write(f"GUARD {event} {args[0]}\\n"); sys.stderr.flush(); os._exit(99)

sys.addaudithook(guard)
"""

CASES: dict[str, list[list[str]]] = {
    "demo": [["demo", "--help"]],  # its parts are run below: run, analyze, report
    "models": [["models", "list"], ["models", "verify", SMOLLM], ["models", "path", SMOLLM]],
    "run": [["run", "tiny", "--out", "results/again"]],
    "replay": [["replay", "results/tiny/runs/en-a10-r1.jsonl"]],
    "show": [["show", "results/tiny/runs/en-a10-r1.jsonl"]],
    "analyze": [["analyze", "results/tiny"]],
    "report": [["report", "results/tiny"]],
    "validate": [["validate"]],
    "doctor": [["doctor"]],
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, finished_study: Path) -> Path:
    """A checkout with a finished study and the guard."""
    folder = checkout(tmp_path_factory.mktemp("network") / "desk")
    shutil.copytree(finished_study, folder / "results" / "tiny")
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    return folder


def under_guard(folder: Path, *arguments: str) -> Done:
    search = environment()["PYTHONPATH"]
    return kit(
        *arguments,
        cwd=folder,
        prefix=in_namespace("--net") or (),
        PYTHONPATH=f"{folder / 'guard'}:{search}",
    )


def test_every_command_has_a_case() -> None:
    assert set(CASES) == set(COMMANDS)


@pytest.mark.parametrize("name", CASES)
def test_a_command_stays_on_this_machine(name: str, guarded: Path) -> None:
    for arguments in CASES[name]:
        done = under_guard(guarded, *arguments)
        assert "GUARD" not in done.err
        assert done.code == 0, done


@pytest.mark.parametrize(
    "call",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), 1)",
        "import urllib.request as u; u.urlopen('http://example.invalid/', timeout=1)",
    ],
)
def test_the_guard_bites(call: str, guarded: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", call],
        env=environment(PYTHONPATH=str(guarded / "guard")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 99
    assert "GUARD" in done.stderr


def test_a_pull_is_what_the_guard_stops(guarded: Path, tmp_path: Path) -> None:
    search = environment()["PYTHONPATH"]
    done = kit(
        "models",
        "pull",
        "qwen3-0.6b-q8_0",
        cwd=guarded,
        PYTHONPATH=f"{guarded / 'guard'}:{search}",
        KIT_HOME=str(tmp_path),
        HF_HUB_OFFLINE="0",
    )
    assert "GUARD" in done.err
