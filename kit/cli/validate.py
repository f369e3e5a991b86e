"""``kit validate``: check YAML files of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from kit.cli import console
from kit.errors import ExitCode, KitError, SpecError
from kit.judge.setup import judge_path
from kit.spec.concepts import load_inventory
from kit.spec.framing import check_translation, load_framing
from kit.spec.gold import check_gold, load_gold
from kit.spec.judge import Judge, load_judge
from kit.spec.language import load_language
from kit.spec.library import library_file
from kit.spec.loading import read_yaml
from kit.spec.parity import SOURCE, Finding, compare
from kit.spec.passages import Key
from kit.spec.pins import load_pins
from kit.spec.published import load_published
from kit.spec.review import check_review, load_review
from kit.spec.study import load_study

_KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "language": ("language", load_language),
    "review": ("review of a language", load_review),
    "concepts": ("concept inventory", load_inventory),
    "claims": ("published claims", load_published),
    "judge": ("judge", load_judge),
    "framing": ("words of a judge", load_framing),
    "gold": ("gold excerpts", load_gold),
    "id": ("study", load_study),
    "models": ("model pins", load_pins),
}
"""The key that tells a kind of file apart, its name, and its reader.

The first key that a file has decides: a study names models too, so ``models`` comes last.
"""


@click.command(help="Check YAML FILES (default: models.yaml, and all of studies/ and judges/).")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def command(files: tuple[Path, ...]) -> int:
    """Parse, call, print."""
    failed = 0
    for path in files or _everything():
        try:
            kind = check(path)
            found = _COMPARED[kind](path) if kind in _COMPARED else []
        except KitError as error:
            failed += 1
            console.error(error)
            continue
        for difference in found:
            console.error(difference)
        if found:
            failed += 1
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
        "is no file that the kit reads",
        where=path,
        hint=f"such a file has one of these keys: {', '.join(_KINDS)}",
    )


def differences(path: Path) -> list[SpecError]:
    """What a language file does not share with the English one and the concept inventory.

    Raises:
        SpecError: one of the three cannot be read.
    """
    language = load_language(path)
    source = load_language(library_file("studies", "languages", f"{SOURCE}.yaml"))
    inventory = load_inventory(library_file("studies", "concepts.yaml"))
    return _placed(path, compare(language, source, inventory))


def misreadings(path: Path) -> list[SpecError]:
    """What a review leaves out, and where it says that a text presses otherwise than English.

    Raises:
        SpecError: the review, the language or the English review cannot be read.
    """
    review = load_review(path)
    language = load_language(library_file("studies", "languages", f"{review.review}.yaml"))
    source = load_review(library_file("studies", "languages", "review", f"{SOURCE}.yaml"))
    return _placed(path, check_review(review, language, source))


def mistranslations(path: Path) -> list[SpecError]:
    """Where the words of a judge do not fit the judge.

    Raises:
        SpecError: they, or the judge, cannot be read.
    """
    framing = load_framing(path)
    return _collected(path, lambda judge: check_translation(judge, framing, path), framing.judges)


def mislabels(path: Path) -> list[SpecError]:
    """Where gold excerpts lack labels of a judge, or have labels that it does not know.

    Raises:
        SpecError: they, or a judge, cannot be read.
    """
    gold = load_gold(path)
    names = dict.fromkeys(name for one in gold.excerpts for name in one.labels)
    return _collected(path, lambda judge: check_gold(gold, judge, path), names)


def _collected(
    path: Path, check: Callable[[Judge], object], names: Iterable[str]
) -> list[SpecError]:
    _, lines = read_yaml(path)
    found = []
    for name in names:
        judge = load_judge(judge_path(name))
        try:
            check(judge)
        except SpecError as error:
            key = (error.where or "").removeprefix(f"{path}: ")
            at = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
            where = f"{path}:{_line(lines, at)}: {key}"
            found.append(SpecError(error.message, where=where, hint=error.hint))
    return found


def _placed(path: Path, findings: Iterable[Finding]) -> list[SpecError]:
    _, lines = read_yaml(path)
    found = []
    for key, message in findings:
        where = f"{path}:{_line(lines, key)}: {'.'.join(str(part) for part in key)}"
        found.append(SpecError(message, where=where))
    return found


def _line(lines: Mapping[Key, int], key: Key) -> int:
    """Where ``key`` stands, or what would hold it."""
    return next((lines[key[:n]] for n in range(len(key), -1, -1) if key[:n] in lines), 1)


_COMPARED = {
    "language": differences,
    "review of a language": misreadings,
    "words of a judge": mistranslations,
    "gold excerpts": mislabels,
}
"""What is compared with other files, beyond being well formed, and how."""


def _everything() -> list[Path]:
    studies, judges = library_file("studies"), library_file("judges")
    return [
        library_file("models.yaml"),
        *sorted(studies.rglob("*.yaml")),
        *sorted(judges.rglob("*.yaml")),
    ]
