"""Pulling a file from a server on loopback, by the kit and by curl with sha256sum, in turns.

Both bring the file to the same disk and check its SHA-256. The kit's command line does all that it
does for a user: it starts Python, asks the server, receives, hashes, makes the bytes durable, and
admits the file to a store.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process
from pathlib import Path
from typing import NamedTuple

import yaml

BLOCK = 1 << 24
NAME = "large.gguf"


class Round(NamedTuple):
    """One turn of one way."""

    seconds: float
    megabytes: float
    """The most memory that its processes held."""


class Server(BaseHTTPRequestHandler):
    """Gives out one file as fast as the kernel can."""

    protocol_version = "HTTP/1.1"
    path_served = Path()

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        """The whole file."""
        size = self.path_served.stat().st_size
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.send_header("ETag", '"large"')
        self.end_headers()
        with self.path_served.open("rb") as file:
            done = 0
            while done < size:
                done += os.sendfile(self.connection.fileno(), file.fileno(), done, BLOCK)


def serve(path: Path, server: ThreadingHTTPServer) -> None:
    """Answer until the process is ended."""
    Server.path_served = path
    server.serve_forever()


def make(path: Path, size: int) -> str:
    """A file of random bytes; its SHA-256."""
    digest = hashlib.sha256()
    block = os.urandom(BLOCK)
    with path.open("wb") as file:
        for number in range(size // BLOCK):
            piece = number.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def measured(command: Sequence[str], env: dict[str, str], folder: Path) -> Round:
    """Run ``command`` to its end."""
    started = time.perf_counter()
    pid = os.posix_spawnp(
        command[0],
        list(command),
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, str(folder / "out"), os.O_WRONLY | os.O_CREAT, 0o644),
            (os.POSIX_SPAWN_OPEN, 2, str(folder / "err"), os.O_WRONLY | os.O_CREAT, 0o644),
        ],
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command[0]} failed: {(folder / 'err').read_text()}")
    return Round(time.perf_counter() - started, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/throughput", description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of 2^30 bytes [2]")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each way [3]")
    options = parser.parse_args()
    if shutil.which("curl") is None:
        sys.exit("there is no curl to compare with: apt install curl")
    size = round(options.gigabytes * 64) * BLOCK
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        sha256 = make(folder / NAME, size)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        process = Process(target=serve, args=(folder / NAME, server), daemon=True)
        process.start()
        try:
            rounds = compare(folder, server.server_port, size, sha256, options.repeat)
        finally:
            process.terminate()
            process.join()
            server.server_close()
    report(rounds, size)


def compare(folder: Path, port: int, size: int, sha256: str, repeat: int) -> dict[str, list[Round]]:
    """Let both ways take turns, each with an empty place to write to."""
    address = f"http://127.0.0.1:{port}"
    (folder / "studies").mkdir()
    pinned = {"name": NAME, "bytes": size, "sha256": sha256}
    row = {
        "id": "large",
        "family": "large",
        "tier": "test",
        "size": "tiny",
        "license": "mit",
        "instruct": False,
        "context_length": None,
        "source": {"kind": "folder"},
        "files": [pinned],
    }
    (folder / "models.yaml").write_text(yaml.safe_dump({"kit_schema": 1, "models": [row]}))
    home = folder / "home"
    env = {
        **os.environ,
        "KIT_HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(Path.cwd()),
    }
    os.chdir(folder)
    copy = folder / "copy"
    check = f"curl -sS -o {copy} {address}/{NAME} && echo '{sha256}  {copy}' | sha256sum -c"
    pull = [sys.executable, "-m", "kit", "models", "pull", "large", "--from", address]
    found: dict[str, list[Round]] = {"kit": [], "curl": []}
    for _ in range(repeat):
        found["kit"].append(measured(pull, env, folder))
        shutil.rmtree(home)
        found["curl"].append(measured(["sh", "-c", check], env, folder))
        copy.unlink()
    os.chdir(folder.parent)
    return found


def report(rounds: dict[str, list[Round]], size: int) -> None:
    """Medians, and the ratio of throughputs."""
    seconds = {
        way: statistics.median(each.seconds for each in turns) for way, turns in rounds.items()
    }
    memory = max(each.megabytes for each in rounds["kit"])
    for way, words in (("kit", "kit models pull"), ("curl", "curl, then sha256sum")):
        turns = ", ".join(f"{each.seconds:.2f}" for each in rounds[way])
        print(f"{words:<22} {size / 1e6 / seconds[way]:7,.0f} MB/s   seconds: {turns}")
    print(f"throughput of the kit as a share of the other: {seconds['curl'] / seconds['kit']:.2f}")
    print(f"memory of the kit at most: {memory:,.0f} MB for a file of {size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
