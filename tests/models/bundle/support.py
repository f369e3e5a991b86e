"""Small bundles in the real format, with a small kit in them that installs and runs."""

from __future__ import annotations

import ensurepip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.models.bundle import island
from kit.models.bundle.folder import BundleFolder

MODEL = bytes(range(256)) * 40
MODEL_SHA256 = hashlib.sha256(MODEL).hexdigest()

SMALL_KIT = """
import pathlib, sys

def main():
    with pathlib.Path("asked.txt").open("a") as file:
        print(*sys.argv[1:], file=file)
"""
"""Notes, in its working folder, what it was asked to do."""


def wheel(folder: Path, name: str, module: str, *, script: bool = False) -> Path:
    """A wheel of one module, with the command ``kit`` if ``script``."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-1.0"
    files = {
        f"{name.replace('-', '_')}.py": module,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        entry = f"[console_scripts]\nkit = {name.replace('-', '_')}:main\n"
        files[f"{stem}.dist-info/entry_points.txt"] = entry
    listing = "".join(f"{path},,\n" for path in files)
    files[f"{stem}.dist-info/RECORD"] = f"{listing}{stem}.dist-info/RECORD,,\n"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


def own_pip() -> Path:
    """The wheel of pip that Python brings along."""
    [path] = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    return path


def make(root: Path, *, pieces: tuple[int, ...] = (len(MODEL),), **changes: Any) -> Path:
    """A bundle in ``root``.

    Args:
        root: the folder.
        pieces: lengths of the pieces of its model.
        changes: of the manifest.
    """
    folder = BundleFolder(root)
    folder.begin()
    source = root.parent / "source"
    wheels = [wheel(source, "small-kit", SMALL_KIT, script=True), own_pip()]
    for path in wheels:
        folder.copy(f"wheels/{path.name}", path)
    lines = []
    for path in wheels:
        name, version = path.name.split("-")[:2]
        sha256 = folder.sha256[f"wheels/{path.name}"]
        lines.append(f"{name}=={version} --hash=sha256:{sha256}\n")
    folder.write("requirements.txt", "".join(lines).encode())
    (source / "model").write_bytes(MODEL)
    name = f"models/{MODEL_SHA256}"
    names = [name] if len(pieces) == 1 else [f"{name}.{n:03}" for n, _ in enumerate(pieces, 1)]
    folder.split(names, pieces, source / "model")
    folder.write("workspace/models.yaml", b"models: []\n")
    folder.write("workspace/studies/one.yaml", b"id: one\n")
    folder.write("README.txt", b"Read me.\n")
    folder.write("install.py", Path(island.__file__).read_bytes())
    file = {"name": "m.gguf", "sha256": MODEL_SHA256, "bytes": len(MODEL), "pieces": names}
    manifest = {
        "format": 1,
        "kit": "1.0",
        "platform": island.Platform.here()._asdict(),
        "pip": f"wheels/{wheels[1].name}",
        "unpacked": 20_000_000,
        "models": [{"id": "tiny", "license": "mit", "files": [file]}],
        "lengths": {one: folder.length(one) for one in folder.sha256},
    }
    folder.write("bundle.json", json.dumps(manifest | changes).encode())
    folder.finish()
    return root


def resum(root: Path, *, extra: str = "", without: str | None = None) -> None:
    """Write the sums anew for what is there, as somebody who cannot sign could."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n"
        for name, path in files_of(root)
        if name not in {island.SUMS, without}
    ]
    (root / island.SUMS).write_text("".join(lines) + extra, encoding="utf-8")


def files_of(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file below ``root`` with its name there."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path


def contents(root: Path) -> dict[str, bytes]:
    """Every file below ``root``."""
    return {name: path.read_bytes() for name, path in files_of(root)}


def program(bundle: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a bundle's ``install.py`` to its end."""
    return subprocess.run(
        [sys.executable, "-I", str(bundle / "install.py"), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def need(name: str) -> str:
    """Where a program is; empty if it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""


def ssh_key(folder: Path, name: str = "maker") -> Path:
    """A secret key of OpenSSH; its public half is beside it in ``NAME.pub``."""
    if not need("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed")
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a maker", "-f"]
    subprocess.run([*command, str(folder / name)], check=True)
    return folder / name


def minisign_key(folder: Path, name: str = "maker") -> Path:
    """A secret key of minisign, without a password; the public half as for :func:`ssh_key`."""
    if not need("minisign"):
        pytest.skip("minisign is not installed")
    key, public = folder / f"{name}.key", folder / f"{name}.key.pub"
    command = ["minisign", "-G", "-W", "-p", str(public), "-s", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return key
