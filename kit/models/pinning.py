"""A new row of ``models.yaml``, from what the hub lists and what the file's header says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from kit.errors import ModelError
from kit.gguf import Header, Series, read_header
from kit.gguf.parts import check_parts
from kit.models.repository import Snapshot, beginning
from kit.spec.pins import Attention, ModelPin, PinnedFile, Size, Tier

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
_SIZE_WORD = re.compile(r"(\d+x)?\d+(\.\d+)?[bmk]")
_TUNED = frozenset({"chat", "instruct", "it"})
_UNTUNED = frozenset({"base", "pt"})
_SIZES = ((0.95e9, Size.TINY), (2.5e9, Size.SMALL), (60e9, Size.MID))
"""Parameters below which a size is guessed; a model of nominally one billion often has fewer."""
_ABOUT_STORED_FILES = "kit models verify --full"
"""What the reader of headers advises."""


class Said(NamedTuple):
    """What the user said of the model; None leaves it to the file or to a guess."""

    id: str | None = None
    tier: Tier = Tier.EXTRA
    family: str | None = None
    size: Size | None = None
    license: str | None = None
    instruct: bool | None = None
    chat_template: Literal["own", "plain"] | None = None


class Draft(NamedTuple):
    """A pin that is in no file yet."""

    pin: ModelPin
    guesses: Mapping[str, str]
    """Keys that neither the hub nor the file states, and what each was guessed from."""


def draft(listed: Snapshot, name: str, said: Said = Said()) -> Draft:  # noqa: B008 - immutable
    """The pin of file ``name``, or of all parts of a split model whose first part it is.

    Of each file only the header is fetched: that the bytes are the listed ones is for a pull to
    prove.

    Raises:
        ModelError: the hub lists no such file, or no hash of it; a part is missing; it is no GGUF
            file; or a key can neither be read nor guessed.
    """
    files = [_pinned(listed, part) for part in _parts(listed, name)]
    headers = _headers(listed, files)
    guesses: dict[str, str] = {}
    pin = {
        "id": said.id or _id(name),
        "family": said.family or _family(headers[0], name, guesses),
        "tier": said.tier,
        "size": said.size or _size(headers, guesses),
        "license": said.license or _license(listed, headers[0], guesses),
        "instruct": _instruct(listed.repo, headers[0], name, guesses)
        if said.instruct is None
        else said.instruct,
        "context_length": headers[0].context_length,
        "chat_template": _template(listed, headers[0], said.chat_template),
        "template_sha256": headers[0].template_sha256,
        "attention": attention_of(headers[0]),
        "source": {"kind": "hub", "repo": listed.repo, "revision": listed.commit},
        "files": files,
    }
    return Draft(_validated(pin, listed.place), guesses)


def attention_of(header: Header) -> Attention | None:
    """What the model's KV cache takes, or None where its metadata does not say.

    Layers without heads for keys keep no cache, nor do those between the layers of full attention
    of a hybrid. All others count in full: the kit keeps every token's keys in a sliding window too.
    """

    def numbers(key: str) -> tuple[int, ...]:
        value = header.metadata.get(f"{header.architecture}.{key}")
        if value is None or isinstance(value, Series):
            return ()
        values = value if isinstance(value, tuple) else (value,)
        return tuple(one for one in values if isinstance(one, int))

    def largest(key: str, otherwise: int = 0) -> int:
        return max(numbers(key), default=otherwise)

    heads = largest("attention.head_count")
    kv_heads = numbers("attention.head_count_kv") or numbers("attention.head_count")
    length = largest("embedding_length") // heads if heads else 0
    layers = largest("block_count")
    if len(kv_heads) > 1:
        layers = sum(map(bool, kv_heads))
    if interval := largest("full_attention_interval"):
        layers //= interval
    keys = max(kv_heads, default=0) * largest("attention.key_length", length)
    values = max(kv_heads, default=0) * largest("attention.value_length", length)
    if not (layers and keys and values):
        return None
    return Attention(layers=layers, key_width=keys, value_width=values)


def _parts(listed: Snapshot, name: str) -> list[str]:
    found = _PART.fullmatch(name)
    if found is None:
        return [name]
    count = int(found["count"])
    parts = [f"{found['stem']}-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1)]
    if name != parts[0]:
        raise ModelError(
            f"'{name}' is a later part of a split model",
            where=listed.place,
            hint=f"name the first part, which stands for all: '{parts[0]}'",
        )
    return parts


def _pinned(listed: Snapshot, name: str) -> PinnedFile:
    found = listed.files.get(name)
    if found is None:
        models = sorted(other for other in listed.files if other.endswith(".gguf"))
        raise ModelError(
            f"holds no '{name}'",
            where=listed.place,
            hint=f"it holds {', '.join(models)}" if models else "it holds no GGUF file at all",
        )
    if found.sha256 is None or not found.bytes:
        raise ModelError(
            f"the hub knows no SHA-256 of '{name}', which is kept in git itself",
            where=listed.place,
            hint="a pin needs one; GGUF files of other repositories have it",
        )
    file = {"name": name, "bytes": found.bytes, "sha256": found.sha256}
    try:
        return PinnedFile.model_validate(file)
    except ValidationError as error:
        raise _invalid(error, listed.place) from error


def _headers(listed: Snapshot, files: Sequence[PinnedFile]) -> list[Header]:
    places = [f"{listed.place}: {file.name}" for file in files]
    headers = []
    try:
        for file, place in zip(files, places, strict=True):
            with beginning(listed, file.name, file.bytes) as stream:
                headers.append(read_header(stream, size=file.bytes, where=place))
        check_parts(headers, places)
    except ModelError as error:
        if error.hint != _ABOUT_STORED_FILES:
            raise
        hint = "this file cannot be pinned; the repository may hold others"
        raise ModelError(error.message, where=error.where, hint=hint) from error
    return headers


def _id(name: str) -> str:
    found = _PART.fullmatch(name)
    stem = PurePosixPath(found["stem"] if found else name.removesuffix(".gguf")).name
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).lstrip("._-")


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[-_ /]|\.(?!\d)", name.lower()) if word]


def _family(header: Header, name: str, guesses: dict[str, str]) -> str:
    """The words before the size, which is how most names are made."""
    said = header.metadata.get("general.basename")
    basis, words = "the file's name", _words(PurePosixPath(name).name.removesuffix(".gguf"))
    if isinstance(said, str) and _words(said):
        basis, words = "the basename in the file", _words(said)
    ends = [i for i, word in enumerate(words) if _SIZE_WORD.fullmatch(word)]
    guesses["family"] = basis
    return "-".join(words[: ends[0]] if ends and ends[0] else words)


def _size(headers: Sequence[Header], guesses: dict[str, str]) -> Size:
    parameters = sum(math.prod(tensor.shape) for header in headers for tensor in header.tensors)
    guesses["size"] = f"{parameters / 1e9:.2f} billion parameters"
    return next((size for bound, size in _SIZES if parameters < bound), Size.STUDY)


def _license(listed: Snapshot, header: Header, guesses: dict[str, str]) -> str:
    declared = listed.licenses
    if not declared and header.license:
        guesses["license"] = "the file; the hub states none"
        declared = (header.license,)
    if len(declared) == 1 and re.fullmatch(r"\S+", declared[0]):
        return declared[0]
    stated = " and ".join(f"'{one}'" for one in declared)
    raise ModelError(
        f"states {stated or 'no licence'}, and a pin names one licence in one word",
        where=listed.place,
        hint="read the repository's page, then add --license NAME",
    )


def _instruct(repo: str, header: Header, name: str, guesses: dict[str, str]) -> bool:
    words = {*_words(repo.rpartition("/")[2]), *_words(PurePosixPath(name).name)}
    guesses["instruct"] = "the name"
    if words & _TUNED:
        return True
    if words & _UNTUNED:
        return False
    guesses["instruct"] = "whether the file has a chat template"
    return header.chat_template is not None


def _template(listed: Snapshot, header: Header, said: str | None) -> str:
    if said == "own" and header.chat_template is None:
        raise ModelError(
            "the file carries no chat template", where=listed.place, hint="--template plain"
        )
    return said or ("plain" if header.chat_template is None else "own")


def _validated(pin: Mapping[str, Any], where: str) -> ModelPin:
    try:
        return ModelPin.model_validate(pin)
    except ValidationError as error:
        raise _invalid(error, where) from error


def _invalid(error: ValidationError, where: str) -> ModelError:
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    given = f"{first['input']!r:.60}"
    return ModelError(
        f"makes no pin: {key}: {first['msg']} (found {given})",
        where=where,
        hint="kit models pin --help: options say what cannot be taken from the hub",
    )
