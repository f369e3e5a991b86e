"""Check a bundle of the alignment-backfire-kit and install it, with nothing but Python.

    python3 install.py verify [--key PUBLIC]       compare every file with SHA256SUMS
    python3 install.py [TARGET] [--key PUBLIC]     the same, then install into TARGET

Every bundle carries this module as ``install.py``. So it is one file, however long, imports only
the standard library, and keeps to the syntax of Python 3.9, to be able to say what Python it needs.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = 1
"""The version of ``bundle.json`` that this module reads."""

MANIFEST = "bundle.json"
REQUIREMENTS = "requirements.txt"
SUMS = "SHA256SUMS"
SSH_SIGNATURE = f"{SUMS}.sig"
MINISIGN_SIGNATURE = f"{SUMS}.minisig"
NAMESPACE = "kit-bundle"
"""What an SSH signature is for; ``ssh-keygen`` refuses one that was made for something else."""

DEFAULT_TARGET = "alignment-backfire-kit"
RECORD = ".kit-installed.json"
"""What an installation laid down, within its target."""

CHUNK = 1 << 22
_LARGE = 50_000_000
"""Bytes from which on a file is announced before it is read."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
_DROPPINGS = frozenset(
    {
        "$RECYCLE.BIN",
        ".DS_Store",
        ".Spotlight-V100",
        ".Trashes",
        ".fseventsd",
        "System Volume Information",
        "lost+found",
    }
)
Say = Callable[[str], None]


def unheard(_: str) -> None:
    """For callers that want no news."""


class BundleError(Exception):
    """A bundle that cannot be checked or installed here. ``hint`` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BundleDamaged(BundleError):
    """A bundle that is not what its maker made."""

    exit_code = 2


class Platform(NamedTuple):
    """What the wheels of a bundle run on."""

    python: str
    """Major and minor version."""
    implementation: str
    system: str
    machine: str
    glibc: str | None
    """The oldest GNU C library that will do, or None where another one is used."""
    libraries: tuple[str, ...]
    """Shared libraries that the system has to bring."""

    @classmethod
    def here(cls) -> Platform:
        """This Python, on this machine."""
        library, version = platform.libc_ver()
        return cls(
            python=f"{sys.version_info[0]}.{sys.version_info[1]}",
            implementation=sys.implementation.name,
            system=platform.system(),
            machine=platform.machine(),
            glibc=version if library == "glibc" else None,
            libraries=(),
        )


class StoredFile(NamedTuple):
    """One file of a model, whole or in pieces."""

    name: str
    sha256: str
    bytes: int
    pieces: tuple[str, ...]
    """Files of the bundle which, joined in this order, are the file."""


class StoredModel(NamedTuple):
    """A model that a bundle carries."""

    id: str
    license: str
    files: tuple[StoredFile, ...]


class Manifest(NamedTuple):
    """What ``bundle.json`` says."""

    kit: str
    """The kit's version."""
    platform: Platform
    pip: str
    """The wheel of pip, which installs the others."""
    unpacked: int
    """Bytes of all wheels when unpacked."""
    models: tuple[StoredModel, ...]
    lengths: Mapping[str, int]
    """Bytes of every file except the manifest, by name."""


class Verified(NamedTuple):
    """A bundle whose every byte was read and found right."""

    manifest: Manifest
    files: tuple[str, ...]
    bytes: int
    signature: str
    """``checked``, ``unchecked`` for one that nobody gave a key for, or ``none``."""


class Installed(NamedTuple):
    """A kit that was installed."""

    target: Path
    models: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that the user had changed and that were left as they are."""
    signature: str


def verify(bundle: Path, *, key: Path | None = None, say: Say = unheard) -> Verified:
    """Compare every file of ``bundle`` with ``SHA256SUMS``.

    Args:
        bundle: the folder.
        key: the public key of whoever made it, of OpenSSH or minisign.
        say: called with a line before each large file is read.

    Raises:
        BundleDamaged: a file is missing, superfluous or not what it was, the sums cannot be
            trusted, or the signature is not of ``key``. All such files are named.
        BundleError: there is no finished bundle, or a program or file that is needed is missing.
    """
    sums = _sums(bundle)
    signature = check_signature(bundle, sums, key)
    listed = parse_sums(sums)
    found, odd = _walk(bundle)
    findings = [f"{name}: {why}" for name, why in odd.items()]
    unlisted = found.keys() - listed.keys() - {SUMS, SSH_SIGNATURE, MINISIGN_SIGNATURE}
    findings += [f"{name}: does not belong to the bundle" for name in unlisted]
    findings += [f"{name}: is missing" for name in listed.keys() - found.keys() - odd.keys()]

    manifest = _right_manifest(bundle, listed)
    lengths = manifest.lengths if manifest else {}
    right: set[str] = set()
    for name in sorted(listed.keys() & found.keys()):
        size, wanted = found[name], lengths.get(name, found[name])
        if size >= _LARGE:
            say(f"checking {name}, {size / 1e6:,.0f} MB")
        if size != wanted:
            word = "is cut short" if size < wanted else "is too long"
            findings.append(f"{name}: {word}: {size:,} bytes instead of {wanted:,}")
        elif sha256_of([bundle / name]) != listed[name]:
            findings.append(f"{name}: is damaged: its SHA-256 is another one")
        else:
            right.add(name)
    if manifest is not None:
        findings += _models_amiss(bundle, manifest, listed, right)
        unlisted = manifest.lengths.keys() - listed.keys()
        findings += [f"{name}: is not in {SUMS}" for name in unlisted]
    if findings:
        raise BundleDamaged(
            f"{len(findings)} differences from what was made:\n"
            + "\n".join(f"  {_printable(line)}" for line in sorted(findings)),
            "copy these files again from where the bundle was made, and take away those that do "
            "not belong to it",
        )
    if manifest is None:
        raise BundleDamaged(f"{SUMS} does not list {MANIFEST}", "copy the bundle again")
    return Verified(manifest, tuple(sorted(listed)), sum(found.values()), signature)


def _right_manifest(bundle: Path, listed: Mapping[str, str]) -> Manifest | None:
    """The manifest, if it is the listed one."""
    if MANIFEST not in listed or (bundle / MANIFEST).is_symlink():
        return None
    if not (bundle / MANIFEST).is_file():
        return None
    raw = _read(bundle / MANIFEST)
    return parse_manifest(raw) if hashlib.sha256(raw).hexdigest() == listed[MANIFEST] else None


def _printable(line: str) -> str:
    return line if line.isprintable() else ascii(line)


def parse_sums(sums: bytes) -> dict[str, str]:
    """The lines of ``SHA256SUMS``: name to SHA-256.

    Raises:
        BundleDamaged: a line is malformed, names a file twice, or leads out of the bundle.
    """
    listed: dict[str, str] = {}
    hint = f"copy {SUMS} again from where the bundle was made"
    if not sums.endswith(b"\n"):
        raise BundleDamaged(f"{SUMS} is cut short", hint)
    for number, line in enumerate(sums.decode("utf-8", "replace")[:-1].split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise BundleDamaged(f"{SUMS}:{number}: is no line of checksums", hint)
        name = match[2]
        if not is_inside(name):
            raise BundleDamaged(f"{SUMS}:{number}: {name!r} is no name of a bundle's file", hint)
        if name in listed:
            raise BundleDamaged(f"{SUMS}:{number}: names {name!r} again", hint)
        listed[name] = match[1]
    return listed


def is_inside(name: str) -> bool:
    """Whether ``name`` is a plain path below the bundle, on any file system."""
    parts = name.split("/")
    return not (
        _UNSAFE.search(name)
        or any(part in {"", ".", ".."} for part in parts)
        or name in {SUMS, SSH_SIGNATURE, MINISIGN_SIGNATURE}
    )


def parse_manifest(raw: bytes) -> Manifest:
    """Read ``bundle.json``.

    Raises:
        BundleError: it is of a later kit.
        BundleDamaged: it is none.
    """
    try:
        data = json.loads(raw)
        form = data["format"]
        if form != FORMAT:
            raise BundleError(
                f"the bundle has format {form!r}, and this program reads format {FORMAT}",
                "use the install.py of the bundle itself",
            )
        return Manifest(
            kit=_text(data["kit"]),
            platform=_platform(data["platform"]),
            pip=_inside(data["pip"]),
            unpacked=_count(data["unpacked"]),
            models=tuple(_model(model) for model in data["models"]),
            lengths={_inside(name): _count(size) for name, size in data["lengths"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleDamaged(f"{MANIFEST} is not what a bundle holds: {error}") from error


def _platform(data: Any) -> Platform:
    return Platform(
        python=_text(data["python"]),
        implementation=_text(data["implementation"]),
        system=_text(data["system"]),
        machine=_text(data["machine"]),
        glibc=None if data["glibc"] is None else _text(data["glibc"]),
        libraries=tuple(_text(name) for name in data["libraries"]),
    )


def _model(data: Any) -> StoredModel:
    files = tuple(
        StoredFile(
            name=_text(file["name"]),
            sha256=_text(file["sha256"]),
            bytes=_count(file["bytes"]),
            pieces=tuple(_inside(piece) for piece in file["pieces"]),
        )
        for file in data["files"]
    )
    identifier = _text(data["id"])
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", identifier):
        raise ValueError(f"{identifier!r} is no id of a model")
    return StoredModel(identifier, _text(data["license"]), files)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is no length")
    return value


def _inside(value: Any) -> str:
    if not is_inside(_text(value)):
        raise ValueError(f"{value!r} is no name of a bundle's file")
    return str(value)


def _models_amiss(
    bundle: Path, manifest: Manifest, listed: Mapping[str, str], right: set[str]
) -> Iterator[str]:
    """Models whose right pieces do not make the right file."""
    for model in manifest.models:
        for file in model.files:
            if unlisted := set(file.pieces) - listed.keys():
                yield f"{min(unlisted)}: is not in {SUMS}"
            if not right.issuperset(file.pieces):
                continue  # named already
            if len(file.pieces) == 1:
                found = listed[file.pieces[0]]
            else:
                found = sha256_of([bundle / piece for piece in file.pieces])
            size = sum(manifest.lengths.get(piece, 0) for piece in file.pieces)
            if (found, size) != (file.sha256, file.bytes):
                yield f"{file.name}: the pieces of model {model.id} do not make it"


def _sums(bundle: Path) -> bytes:
    if not bundle.is_dir():
        raise BundleError(f"{bundle}: there is no such folder")
    if not (bundle / SUMS).is_file():
        raise BundleError(
            f"{bundle}: holds no {SUMS}, so it is no bundle or an unfinished one",
            "start 'kit bundle create' again where it was made, or copy the rest of it",
        )
    return _read(bundle / SUMS)


def _walk(bundle: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Length of every regular file, and what is wrong with everything else, by name."""
    found: dict[str, int] = {}
    odd: dict[str, str] = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = [*os.scandir(bundle / folder)]
        except OSError as error:
            raise BundleError(f"{bundle / folder}: cannot be read: {error.strerror}") from error
        for entry in entries:
            name = f"{folder}{entry.name}"
            if not folder and is_dropping(name):
                continue
            if entry.is_symlink():
                odd[name] = "is a link, and a bundle holds none"
            elif entry.is_dir():
                folders.append(f"{name}/")
            elif entry.is_file():
                found[name] = entry.stat().st_size
            else:
                odd[name] = "is no regular file"
    return found, odd


def is_dropping(name: str) -> bool:
    """Whether a system puts this at the top of a disk unasked."""
    return name in _DROPPINGS or name.startswith(".Trash-")


def sha256_of(paths: list[Path]) -> str:
    """SHA-256 of the bytes of ``paths``, one after the other.

    Raises:
        BundleError: one of them cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
        except OSError as error:
            raise BundleError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error


def check_signature(bundle: Path, sums: bytes, key: Path | None) -> str:
    """Whether ``sums`` were signed with ``key``.

    Returns:
        ``checked``, ``unchecked`` without a key, or ``none``.

    Raises:
        BundleDamaged: they were not, or there is no signature of the key's kind.
        BundleError: the key or the program for it is missing.
    """
    if key is None:
        signed = any((bundle / name).is_file() for name in (SSH_SIGNATURE, MINISIGN_SIGNATURE))
        return "unchecked" if signed else "none"
    public = _read(key).decode("utf-8", "replace")
    if "PRIVATE KEY" in public or "secret key" in public.partition("\n")[0]:
        raise BundleError(f"{key}: is a secret key", "give the public one, which ends in .pub")
    minisign = public.startswith("untrusted comment:")
    signature = bundle / (MINISIGN_SIGNATURE if minisign else SSH_SIGNATURE)
    if not signature.is_file():
        raise BundleDamaged(
            f"the bundle holds no {signature.name}, so the key has nothing to check",
            "ask whoever made the bundle for a signed one, or leave out --key",
        )
    with tempfile.TemporaryDirectory() as scratch:
        if minisign:
            # A copy, so that what is checked is what was read.
            copy = Path(scratch, SUMS)
            copy.write_bytes(sums)
            command = ["minisign", "-V", "-q", "-m", str(copy), "-x", str(signature), "-p"]
            command.append(str(key.absolute()))
        else:
            signers = Path(scratch, "allowed_signers")
            signers.write_text(f"signer {_ssh_key(key, public)}\n")
            command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "signer"]
            command += ["-n", NAMESPACE, "-s", str(signature)]
        try:
            done = subprocess.run(command, input=sums, capture_output=True, check=False)
        except FileNotFoundError as error:
            raise BundleError(
                f"{command[0]} is not installed, and the signature cannot be checked without it",
                f"install {command[0]}, or leave out --key",
            ) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise BundleDamaged(
            f"{SUMS} was not signed with {key}: {said[-1] if said else 'no reason given'}",
            "check that the key is the maker's; if it is, do not use this bundle",
        )
    return "checked"


def _ssh_key(path: Path, text: str) -> str:
    """Kind and value of the public key in ``text``."""
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and re.match(r"(sk-)?(ssh|ecdsa)-", words[0]):
            return f"{words[0]} {words[1]}"
    raise BundleError(f"{path}: is no public key of OpenSSH or minisign")


def install(
    bundle: Path, target: Path, *, key: Path | None = None, say: Say = unheard
) -> Installed:
    """Check ``bundle``, then make a working kit in ``target``. Nothing is fetched.

    After an interruption, the same call continues.

    Raises:
        BundleDamaged: as :func:`verify`.
        BundleError: this machine is not what the wheels were made for, the disk is too small, or
            a step failed.
    """
    bundle, target = bundle.resolve(), target.resolve()
    if bundle == target or bundle in target.parents:
        raise BundleError(
            f"{target}: lies within the bundle",
            f"name a folder elsewhere, such as ~/{DEFAULT_TARGET}",
        )
    _refuse_elsewhere(bundle)
    say(f"checking the bundle in {bundle}")
    checked = verify(bundle, key=key, say=say)
    manifest = checked.manifest
    try:
        target.mkdir(parents=True, exist_ok=True)
        _make_environment(bundle, target, manifest, say)
        say("laying down models.yaml, studies and judges")
        kept = _lay_workspace(bundle, target, checked.files)
    except OSError as error:
        raise BundleError(f"{error.filename or target}: {error.strerror}") from error
    models = tuple(model.id for model in manifest.models)
    kit = str(_script(target, "kit"))
    if models:
        say("putting the models into the store")
        source = str(bundle / "models")
        _run([kit, "models", "pull", *models, "--from", source], target, "pull the models")
        _run([kit, "models", "verify", *models], target, "verify the models")
    return Installed(target, models, kept, checked.signature)


def _refuse_elsewhere(bundle: Path) -> None:
    """Raise where the wheels cannot run; asked first, since a check may take an hour."""
    manifest = _right_manifest(bundle, parse_sums(_sums(bundle)))
    differences = differing(manifest.platform) if manifest else []
    if manifest is not None and differences:
        raise BundleError(
            "this bundle was made for another machine:\n"
            + "\n".join(f"  {line}" for line in differences),
            f"install what is missing, such as Python {manifest.platform.python}, and start this "
            "with it; or have a bundle made on a machine like this one",
        )


def differing(wanted: Platform, here: Platform | None = None) -> list[str]:
    """What keeps the wheels made for ``wanted`` from running ``here``, by default this machine."""
    own = here or Platform.here()
    rows = [
        (
            "Python",
            f"{wanted.implementation} {wanted.python}",
            f"{own.implementation} {own.python}",
        ),
        ("the system", wanted.system, own.system),
        ("the processor", wanted.machine, own.machine),
    ]
    differences = [
        f"{what}: {need} is needed, here is {has}" for what, need, has in rows if need != has
    ]
    if wanted.glibc is not None:
        need = f"the C library: glibc {wanted.glibc} or later is needed"
        if own.glibc is None:
            differences.append(f"{need}, here is another one")
        elif _numbers(own.glibc) < _numbers(wanted.glibc):
            differences.append(f"{need}, here is {own.glibc}")
    for library in wanted.libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            differences.append(f"the library {library} is needed and not installed here")
    return differences


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def _script(target: Path, name: str) -> Path:
    return target / ".venv" / "bin" / name


def _make_environment(bundle: Path, target: Path, manifest: Manifest, say: Say) -> None:
    """Make ``.venv`` in ``target`` and install the wheels, unless that was done before."""
    environment, python = target / ".venv", str(_script(target, "python"))
    wanted = hashlib.sha256(_read(bundle / REQUIREMENTS)).hexdigest()
    record = _read_record(target)
    if record.get("environment") == wanted and _works(python):
        say("the packages are installed already")
        return
    if environment.exists() and "environment" not in record:
        raise BundleError(
            f"{environment}: is there already, and was not made by this program",
            "name another target folder",
        )
    free = shutil.disk_usage(target).free
    if free < manifest.unpacked:
        raise BundleError(
            f"{target}: needs {manifest.unpacked / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free"
        )
    # Noted before it is begun, so that what an interruption leaves is known to be this program's.
    _write_record(target, {**record, "environment": None})
    say("making a Python environment")
    _run(
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)],
        target,
        "make .venv",
    )
    say("installing the packages")
    command = [python, str(bundle / manifest.pip / "pip"), "install", "--quiet", "--no-index"]
    command += ["--no-deps", "--require-hashes", "--requirement", str(bundle / REQUIREMENTS)]
    command += ["--find-links", str(bundle / "wheels"), "--no-cache-dir"]
    _run([*command, "--disable-pip-version-check"], target, "install the packages")
    _write_record(target, {**record, "environment": wanted})


def _works(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _run(command: list[str], folder: Path, what: str) -> None:
    """Run ``command`` in ``folder``, out of reach of this user's settings of Python and pip."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    # The name of the null device tells pip to read no configuration at all.
    settings = {**kept, "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(command, cwd=folder, env=settings, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise BundleError(
            f"could not {what} (exit {done.returncode}); the reason is above",
            "mend it and start the same command again; it continues",
        )


def _lay_workspace(bundle: Path, target: Path, files: tuple[str, ...]) -> tuple[str, ...]:
    """Copy ``workspace/`` to ``target``, except over files that the user changed.

    Returns:
        Those files.
    """
    record = _read_record(target)
    laid = dict(record.get("files", {}))
    kept: list[str] = []
    for file in files:
        folder, _, name = file.partition("/")
        if folder != "workspace":
            continue
        data, path = _read(bundle / file), target / name
        fresh = hashlib.sha256(data).hexdigest()
        present = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        if present not in (None, fresh, laid.get(name)):
            kept.append(name)
            continue
        if present != fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, data)
        laid[name] = fresh
    _write_record(target, {**record, "files": laid})
    return tuple(kept)


def _read_record(target: Path) -> dict[str, Any]:
    try:
        data = json.loads((target / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write_record(target: Path, record: Mapping[str, Any]) -> None:
    _replace(target / RECORD, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(
        prog="install.py",
        description="Check this bundle, and install it without a network.",
        epilog=f"install.py alone installs into ./{DEFAULT_TARGET}",
    )
    commands = parser.add_subparsers(dest="command", metavar="verify | install")
    for name, words in (("verify", "check only"), ("install", "check and install")):
        command = commands.add_parser(name, help=words)
        command.add_argument("--key", type=Path, help="public key of whoever made the bundle")
        if name == "install":
            command.add_argument("target", nargs="?", type=Path, default=Path(DEFAULT_TARGET))
    if not arguments or arguments[0] not in {"verify", "install", "-h", "--help"}:
        arguments = ["install", *arguments]
    asked = parser.parse_args(arguments)
    bundle = Path(__file__).resolve().parent
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name of a file may hold what this terminal cannot show.
            stream.reconfigure(errors="backslashreplace")
    try:
        if asked.command == "verify":
            print(said_of(verify(bundle, key=asked.key, say=print)))
        else:
            for line in next_steps(install(bundle, asked.target, key=asked.key, say=print)):
                print(line)
    except BundleError as error:
        print(f"install.py: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  next: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command continues where it stopped", file=sys.stderr)
        return 130
    return 0


def said_of(checked: Verified) -> str:
    """One line about a bundle that is as it was made."""
    words = {
        "checked": "The signature is right.",
        "unchecked": "It is signed; the signature was not checked, --key does that.",
        "none": "It is not signed.",
    }
    size = f"{checked.bytes / 1e9:,.2f} GB"
    return (
        f"ok: {len(checked.files)} files, {size}, all as they were made. {words[checked.signature]}"
    )


def next_steps(done: Installed) -> list[str]:
    """What to tell a user whose kit was installed."""
    lines = [f"kept, because you changed it: {name}" for name in done.kept]
    if done.signature == "unchecked":
        lines.append("The bundle is signed; the signature was not checked, --key does that.")
    lines += [
        f"The kit is installed in {done.target}",
        "Go on with:",
        f"  cd {done.target}",
        "  .venv/bin/kit doctor",
        "  .venv/bin/kit demo",
    ]
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
