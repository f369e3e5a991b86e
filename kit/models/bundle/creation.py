"""Make a bundle on a machine with a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.utils import parse_wheel_filename

import kit
from kit.errors import ModelError
from kit.models.bundle.bom import CarriedWheel, bill
from kit.models.bundle.folder import BundleFolder
from kit.models.bundle.island import FORMAT, MANIFEST, REQUIREMENTS, StoredFile
from kit.models.bundle.licences import check_accepted, is_free, papers, without_text
from kit.models.bundle.packages import (
    KIT,
    LLAMA,
    build_kit,
    closure,
    download,
    download_pip,
    metadata_of,
    platform_of,
    read_lock,
    unpacked_bytes,
)
from kit.models.bundle.portable import check_names, lengths_of_pieces
from kit.models.bundle.readme import readme
from kit.models.bundle.signature import check_key, sign
from kit.models.progress import Report, unheard
from kit.models.pull import pull
from kit.models.store import State, Store, mismatch
from kit.spec.pins import ModelPin

_PACKAGES = 400_000_000
"""Bytes of disk that the wheels may take, for the check before anything is fetched."""

Say = Callable[[str], None]


def _silent(_: str) -> None:
    """For callers that want no news."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes into a bundle."""

    pins: tuple[ModelPin, ...]
    """The models."""
    llama_wheel: Path
    """The wheel of the llama.cpp that is loaded here."""
    workspace: Mapping[str, Path]
    """Files that a researcher edits, by name within ``workspace/``."""
    accepted: frozenset[str] = frozenset()
    """Licences whose terms were accepted."""
    licence_files: Mapping[str, Path] = field(default_factory=dict)
    """Licence texts that came with the models, by model id."""
    piece: int | None = None
    """Bytes of the longest piece of a model; None splits only what FAT cannot hold."""
    key: Path | None = None
    """The secret key to sign with."""


def source_tree() -> Path:
    """The checkout that this kit runs from.

    Raises:
        ModelError: it was installed from a wheel.
    """
    root = Path(kit.__file__).parents[1]
    if not all((root / name).is_file() for name in ("pyproject.toml", "requirements.lock")):
        raise ModelError(
            "a bundle is made from a checkout of the kit, and this kit was installed as a package",
            where=root,
            hint="get the kit's source, then: scripts/setup, .venv/bin/kit bundle create",
        )
    return root


def workspace_files(models: Path, folders: Mapping[str, Path]) -> dict[str, Path]:
    """What a researcher edits: ``models.yaml`` and whole folders, by name in the bundle.

    Args:
        models: the file with the pins.
        folders: ``studies`` and ``judges``.
    """
    files = {"models.yaml": models}
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            if path.is_file() and not any(part.startswith((".", "__")) for part in inner.parts):
                files[f"{name}/{inner.as_posix()}"] = path
    return files


def create(
    contents: Contents,
    out: Path,
    store: Store,
    *,
    report: Report = unheard,
    say: Say = _silent,
) -> Path:
    """Make the bundle ``contents`` in ``out``. The same call continues after an interruption.

    Models that the store lacks are pulled first. Two bundles of the same contents, made on the same
    machine, have the same bytes, but for a signature.

    Raises:
        ModelError: terms are not accepted, a package or model cannot be had, or the disk is full.
        ModelCorrupt: a model in the store is not the pinned one.
    """
    root = source_tree()
    check_accepted(contents.pins, contents.accepted)
    check_names(contents.workspace)
    if contents.key is not None:
        check_key(contents.key)
    folder = BundleFolder(out)
    folder.begin()
    _check_space(contents, out)
    for pin in contents.pins:
        if store.state(pin) is not State.PRESENT:
            say(f"{pin.id} is not in the store yet")
        pull(pin, store, report=report)

    say("gathering the packages")
    wheels = _add_wheels(folder, root, contents.llama_wheel)
    platform = platform_of(wheels)
    carried = [_carried(folder, wheel) for wheel in wheels]
    folder.write(REQUIREMENTS, _requirements(carried))
    models = []
    for pin in contents.pins:
        say(f"laying down {pin.id}, {pin.total_bytes / 1e9:,.2f} GB")
        models.append(_add_model(folder, pin, contents.piece, store))
    for name, path in contents.workspace.items():
        folder.copy(f"workspace/{name}", path)
    folder.copy(f"licenses/{KIT}/LICENSE.txt", root / "LICENSE")
    for pin in contents.pins:
        for name, data in papers(pin, contents.licence_files.get(pin.id)).items():
            folder.write(f"licenses/{pin.id}/{name}", data)
    folder.write("sbom.cdx.json", bill(kit.__version__, carried, contents.pins))
    program = resources.files("kit.models.bundle") / "island.py"
    folder.write("install.py", program.read_bytes())
    bound = [pin for pin in contents.pins if not is_free(pin.license)]
    lacking = without_text(bound, contents.licence_files.keys())
    folder.write("README.txt", readme(kit.__version__, platform, contents.pins, lacking))
    manifest = {
        "format": FORMAT,
        "kit": kit.__version__,
        "platform": platform._asdict(),
        "pip": next(f"wheels/{path.name}" for path in wheels if path.name.startswith("pip-")),
        "unpacked": unpacked_bytes(wheels),
        "models": models,
        "lengths": {name: folder.length(name) for name in folder.sha256},
    }
    folder.write(MANIFEST, _json(manifest))
    folder.finish()
    if contents.key is not None:
        sign(out, contents.key)
    return out


def _check_space(contents: Contents, out: Path) -> None:
    """Models that are there are not written again, so what the folder holds is taken off."""
    present = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    models = sum(file.bytes for pin in contents.pins for file in pin.files)
    needed = models + _PACKAGES - present
    free = shutil.disk_usage(out).free
    if needed > free:
        raise ModelError(
            f"the bundle takes {(models + _PACKAGES) / 1e9:,.1f} GB, {present / 1e9:,.1f} GB of it "
            f"are there, and {free / 1e9:,.1f} GB are free",
            where=out,
            hint="make room there, or name a folder on a larger disk",
        )


def _add_wheels(folder: BundleFolder, root: Path, llama_wheel: Path) -> list[Path]:
    """Every wheel, in place and sorted by name."""
    lock = read_lock(root / "requirements.lock")
    wanted = [one for one in closure(root / "pyproject.toml", lock) if one.name != LLAMA]
    place = folder.root / "wheels"
    try:
        place.mkdir(exist_ok=True)
        wheels = [*download(wanted, place), download_pip(place)]
    except OSError as error:
        raise ModelError(
            f"cannot be written: {error.strerror}",
            where=place,
            hint="make room there; the same command continues",
        ) from error
    for wheel in wheels:
        folder.add(f"wheels/{wheel.name}")
    with TemporaryDirectory() as scratch:
        for wheel in (build_kit(root, Path(scratch)), llama_wheel):
            folder.copy(f"wheels/{wheel.name}", wheel)
            wheels.append(place / wheel.name)
    return sorted(wheels)


def _carried(folder: BundleFolder, wheel: Path) -> CarriedWheel:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return CarriedWheel(
        name, str(version), folder.sha256[f"wheels/{wheel.name}"], metadata_of(wheel)
    )


def _requirements(wheels: list[CarriedWheel]) -> bytes:
    lines = [f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in wheels]
    return "".join(sorted(lines)).encode("ascii")


def _add_model(
    folder: BundleFolder, pin: ModelPin, piece: int | None, store: Store
) -> dict[str, Any]:
    """Put the files of ``pin`` into the bundle; its row of the manifest."""
    files: list[dict[str, Any]] = []
    for file in pin.files:
        lengths = lengths_of_pieces(file.bytes, piece)
        name = f"models/{file.sha256}"
        names: tuple[str, ...] = (name,)
        if len(lengths) > 1:
            names = tuple(f"{name}.{number:03}" for number, _ in enumerate(lengths, 1))
        source = store.object_path(file)
        found = folder.split(names, lengths, source)
        if found != file.sha256:
            raise mismatch(
                pin, file, source, file.bytes, found, hint=f"kit models verify --full {pin.id}"
            )
        files.append(StoredFile(file.name, file.sha256, file.bytes, names)._asdict())
    return {"id": pin.id, "license": pin.license, "files": files}


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode("ascii")
