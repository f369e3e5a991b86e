"""``kit bundle``: create, verify, install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from kit.cli import console
from kit.errors import KitError, Mismatch, ModelError, SpecError
from kit.models.bundle import island
from kit.models.progress import Progress, Step
from kit.models.store import Store, home
from kit.spec.library import library_file
from kit.spec.pins import ModelPin, find_pin, load_pins


@click.group(name="bundle")
def command() -> None:
    """The kit, its packages and its models in one folder, for a machine without a network."""


@command.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--models", "ids", metavar="ID[,ID]...", multiple=True, help="Models to carry. Repeatable."
)
@click.option(
    "--study",
    "studies",
    metavar="NAME|PATH",
    multiple=True,
    help="Carry this study and the models that it names. Repeatable.",
)
@click.option(
    "--accept-license",
    "accepted",
    metavar="LICENCE",
    multiple=True,
    help="Accept the terms of this licence, such as llama3.3 or gemma. Repeatable.",
)
@click.option(
    "--license-file",
    "licence_files",
    metavar="ID=PATH",
    multiple=True,
    help="Carry this licence text with a model. Repeatable.",
)
@click.option("--split-size", metavar="SIZE", help="The longest piece of a model, as in 4.3GB.")
@click.option(
    "--sign",
    "key",
    metavar="KEY",
    type=click.Path(path_type=Path),
    help="Sign with this secret key of OpenSSH or minisign.",
)
def create(
    out: Path,
    *,
    ids: tuple[str, ...],
    studies: tuple[str, ...],
    accepted: tuple[str, ...],
    licence_files: tuple[str, ...],
    split_size: str | None,
    key: Path | None,
) -> None:
    """Make a bundle in the folder OUT. The same command continues after an interruption."""
    from kit.models.bundle.creation import Contents, source_tree, workspace_files
    from kit.models.bundle.creation import create as create_bundle
    from kit.models.bundle.portable import parse_size

    source_tree()  # asked first: elsewhere nothing below can work
    workspace = workspace_files(
        library_file("models.yaml"),
        {name: library_file(name) for name in ("studies", "judges")},
    )
    pins = _pins(ids, studies, workspace)
    contents = Contents(
        pins=pins,
        llama_wheel=_llama_wheel(),
        workspace=workspace,
        accepted=frozenset(accepted),
        licence_files=_licence_files(licence_files, pins),
        piece=parse_size(split_size) if split_size is not None else None,
        key=key,
    )
    create_bundle(contents, out, Store(), report=_Heard().tell, say=console.note)
    console.say(str(out))


@command.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The public key of its maker.")
def verify(bundle: Path, key: Path | None) -> None:
    """Compare every file of BUNDLE with its sums."""
    with _explained(bundle):
        console.say(island.said_of(island.verify(bundle, key=key, say=console.note)))


@command.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument(
    "target", type=click.Path(path_type=Path), default=island.DEFAULT_TARGET, required=False
)
@click.option("--key", type=click.Path(path_type=Path), help="The public key of its maker.")
def install(bundle: Path, target: Path, key: Path | None) -> None:
    """Check BUNDLE and install it into TARGET, without a network."""
    with _explained(bundle):
        done = island.install(bundle, target, key=key, say=console.note)
    for line in island.next_steps(done):
        console.say(line)


@contextmanager
def _explained(bundle: Path) -> Iterator[None]:
    try:
        yield
    except island.BundleDamaged as error:
        raise Mismatch(error.message, where=bundle, hint=error.hint) from error
    except island.BundleError as error:
        raise ModelError(error.message, hint=error.hint) from error


def _pins(
    ids: tuple[str, ...], studies: tuple[str, ...], workspace: dict[str, Path]
) -> tuple[ModelPin, ...]:
    """The models that are asked for, each once; studies from elsewhere join the workspace."""
    from kit.runner.resolve import study_path
    from kit.spec.study import load_study

    known = load_pins(library_file("models.yaml"))
    names = [name for given in ids for name in given.split(",")]
    for study in studies:
        path = study_path(study)
        names += load_study(path).models.value
        _carry(path, workspace)
    if not names:
        raise ModelError(
            "a bundle without a model runs nothing",
            hint="--models ID, or --study NAME; 'kit models list' shows the ids",
        )
    return tuple(find_pin(known, name) for name in dict.fromkeys(names))


def _carry(study: Path, workspace: dict[str, Path]) -> None:
    """Put a study from outside ``studies/`` there."""
    if study.resolve() in {path.resolve() for path in workspace.values()}:
        return
    name = f"studies/{study.name}"
    if name in workspace:
        raise SpecError(
            f"the studies of the bundle hold another '{study.name}'",
            where=study,
            hint="rename one of the two",
        )
    if (study.parent / "languages").is_dir():
        raise SpecError(
            "the study has languages of its own, which would not come along",
            where=study,
            hint="change to a folder that holds models.yaml and studies/ with both, and name the "
            "study there",
        )
    workspace[name] = study


def _licence_files(given: tuple[str, ...], pins: tuple[ModelPin, ...]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for one in given:
        model, equals, path = one.partition("=")
        if not equals or not path:
            raise ModelError(f"'{one}' is not ID=PATH", hint="--license-file ID=PATH")
        if model not in {pin.id for pin in pins}:
            raise ModelError(f"the bundle holds no model '{model}'", hint=f"--models {model}")
        files[model] = Path(path)
    return files


def _llama_wheel() -> Path:
    """The kept wheel of the library that is loaded here."""
    from kit.engine.build import require_build, wheel_sha256

    wanted = require_build().sha256
    kept = home() / "wheels"
    for wheel in sorted(kept.glob("*/llama_cpp_python-*.whl")):
        if wheel_sha256(wheel) == wanted:
            return wheel
    raise KitError(
        "the wheel of the llama.cpp that is installed here was not kept, so it cannot be carried",
        where=kept,
        hint=".venv/bin/python -m pip uninstall -y llama-cpp-python, then scripts/build-llama; "
        "it compiles and keeps the wheel",
    )


class _Heard:
    """One line for each step of a model on its way into the store."""

    def __init__(self) -> None:
        self._last: tuple[Step, str] | None = None

    def tell(self, progress: Progress) -> None:
        news = (progress.step, progress.file)
        if news != self._last and progress.step is not Step.PRESENT:
            console.note(f"{progress.model}: {progress.file}: {progress.step} {progress.detail}")
        self._last = news
