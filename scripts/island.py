"""Make a bundle, then install and use it with no network, no settings and an empty home.

The other side is a network namespace, whose only interface is a loopback that is down, and where it
can be had, a mount namespace in which this checkout and its model store are hidden. The demo is
carried over in short, in English and with one turn, which also shows that an edited study travels.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from kit.cli.main import run as kit
from kit.models.bundle.island import DEFAULT_TARGET
from kit.models.store import home

ROOT = Path(__file__).resolve().parents[1]

NO_NETWORK = """
import socket
print("interfaces:", *(name for _, name in socket.if_nameindex()))
for place in ("127.0.0.1", "192.0.2.1"):
    try:
        socket.create_connection((place, 9), timeout=5)
    except OSError as error:
        print(f"connecting to {place}: {error.strerror}")
        if error.errno != 101:  # the network is unreachable
            raise SystemExit("there is a network here")
"""
"""Loopback counts: where it is down, not even this machine can be reached."""

HIDE = 'mount -t tmpfs none "$1" && mount -t tmpfs none "$2" && cd "$3" && shift 3 && exec "$@"'
"""Cover two folders, then go to a third and run the rest."""


def main() -> None:
    """Parse, make, install, use; the first step that fails ends it."""
    parser = argparse.ArgumentParser(prog="scripts/island", description=__doc__)
    parser.add_argument(
        "--whole", action="store_true", help="run the demo as it is shipped, ten minutes more"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave everything in this folder")
    asked = parser.parse_args()
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
        return way(asked.keep.resolve(), whole=asked.whole)
    with tempfile.TemporaryDirectory(prefix="kit-island-") as scratch:
        return way(Path(scratch).resolve(), whole=asked.whole)


def way(work: Path, *, whole: bool) -> None:
    """From nothing to a verified study, in ``work``."""
    bundle, own, desk, here = work / "bundle", work / "home", work / "desk", work / "checkout"
    for folder in (own, desk, here):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    lay(here, whole=whole)
    alone = namespace()
    started = time.monotonic()
    with contextlib.chdir(here):
        if kit(["bundle", "create", str(bundle), "--study", "demo"]) != 0:
            sys.exit("the bundle could not be made")
    say(f"made a bundle: {time.monotonic() - started:.0f} s")

    python = Path(sys.base_prefix) / "bin" / "python3"
    settings = ["env", "-i", f"HOME={own}", f"PATH=/usr/bin:/bin:{python.parent}"]
    target = desk / DEFAULT_TARGET
    command = str(target / ".venv" / "bin" / "kit")
    log = "results/demo/runs/en-a10-r1.jsonl"
    steps: list[tuple[str, Path, list[str]]] = [
        ("no network", desk, [str(python), "-c", NO_NETWORK]),
        ("install", desk, [str(python), str(bundle / "install.py")]),
        ("kit doctor", target, [command, "doctor"]),
        ("kit demo", target, [command, "demo"]),
        ("kit replay", target, [command, "replay", log]),
        ("kit verify", target, [command, "verify", "results/demo"]),
    ]
    for name, folder, arguments in steps:
        say(name)
        begun = time.monotonic()
        code = subprocess.run(
            [*alone, str(folder), *settings, *arguments], check=False, cwd=work
        ).returncode
        if code != 0:
            sys.exit(f"{name} failed (exit {code})")
        say(f"{name}: {time.monotonic() - begun:.0f} s")
    say(f"all of it: {time.monotonic() - started:.0f} s")


def lay(folder: Path, *, whole: bool) -> None:
    """A researcher's folder, from which models.yaml, studies and judges are carried over."""
    shutil.copy(ROOT / "models.yaml", folder)
    for name in ("studies", "judges"):
        shutil.copytree(ROOT / name, folder / name)
    if not whole:
        path = folder / "studies" / "demo.yaml"
        demo = yaml.safe_load(path.read_text(encoding="utf-8"))
        demo["languages"] = ["en"]
        demo["protocol"]["turns"] = 1
        path.write_text(yaml.safe_dump(demo, sort_keys=False), encoding="utf-8")


def namespace() -> list[str]:
    """A prefix that runs a command without a network; it wants the folder to run it in first."""
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    hiding = [*rights, "--net", "--mount", "--", "sh", "-c", HIDE, "sh", str(ROOT), str(store())]
    reason = tried(hiding)
    if reason is None:
        say("the other side sees neither this checkout nor its store")
        return ["unshare", *hiding]
    say(f"this checkout and its store cannot be hidden here: {reason}")
    plain = [*rights, "--net", "--", "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh"]
    reason = tried(plain)
    if reason is None:
        return ["unshare", *plain]
    sys.exit(f"no network namespace can be made here, so nothing would be shown: {reason}")


def tried(arguments: Sequence[str]) -> str | None:
    """Why ``unshare`` cannot do it; None if it can."""
    try:
        done = subprocess.run(
            [shutil.which("unshare") or "unshare", *arguments, "/", "true"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return f"unshare: {error.strerror}"
    return None if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"


def store() -> Path:
    """This side's store, which may not exist yet."""
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def say(line: str) -> None:
    """One line about what is being done, at once."""
    print(f"island: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
