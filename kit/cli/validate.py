"""``kit validate``: check YAML files of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from kit.cli import console
from kit.errors import ExitCode, KitError, SpecError
from kit.spec.language import load_language
from kit.spec.library import library_file
from kit.spec.loading import read_yaml
from kit.spec.pins import load_pins
from kit.spec.published import load_published
from kit.spec.study import load_study

_KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "language": ("language", load_language),
    "claims": ("published claims", load_published),
    "id": ("study", load_study),
    "models": ("model pins", load_pins),
}
"""The key that tells a kind of file apart, its name, and its reader.

The first key that a file has decides: a study names models too, so ``models`` comes last.
"""


@click.command(help="Check YAML FILES (default: everything in studies/ and models.yaml).")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def command(files: tuple[Path, ...]) -> int:
    """Parse, call, print."""
    failed = 0
    for path in files or _everything():
        try:
            kind = check(path)
        except KitError as error:
            failed += 1
            console.error(error)
        else:
            console.say(f"ok: {path} ({kind})")
    return ExitCode.ERROR if failed else ExitCode.OK


def check(path: Path) -> str:
    """Read one file as what it is.

    Returns:
        The kind of file.

    Raises:
        SpecError: it is of no known kind, or wrong.
    """
    data, _ = read_yaml(path)
    for key, (kind, load) in _KINDS.items():
        if key in data:
            load(path)
            return kind
    raise SpecError(
        "is not a study, a language, model pins or published claims",
        where=path,
        hint=f"such a file has one of these keys: {', '.join(_KINDS)}",
    )


def _everything() -> list[Path]:
    studies = library_file("studies")
    return [library_file("models.yaml"), *sorted(studies.rglob("*.yaml"))]
