"""GGUF files with one thing changed: in their words, numbers, tables or weights.

A file is taken apart into keys and tensors, one kind of change is made, and it is put together
again, so that everything else still fits. Which change a number gives is always the same.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np
from gguf import GGUFValueType as Type

BASES = ("stories15m", "qwen2-narrow")
"""The smallest models of the zoo with a vocabulary of each kind."""
SEED = 20260304
_ALIGNMENT = 32
_HUGE = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
_LONG = (0, 1, 2**20, 2**31, 2**32, 2**48, 2**63 - 1, 2**63, 2**64 - 1)

Rng = np.random.Generator


@dataclass
class Entry:
    """A key and the bytes of its value."""

    key: bytes
    type: int
    value: bytes

    def pack(self) -> bytes:
        return (
            struct.pack("<Q", len(self.key)) + self.key + struct.pack("<I", self.type) + self.value
        )


@dataclass
class Info:
    """A row of the table of tensors."""

    name: bytes
    shape: list[int]
    type: int
    offset: int

    def pack(self) -> bytes:
        shape = [length % 2**64 for length in self.shape]
        return (
            struct.pack("<Q", len(self.name))
            + self.name
            + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
            + struct.pack("<IQ", self.type, self.offset % 2**64)
        )


@dataclass
class Draft:
    """A file in pieces; numbers that are not set follow from them."""

    entries: list[Entry]
    infos: list[Info]
    data: bytes
    magic: bytes = b"GGUF"
    version: int = 3
    tensors: int | None = None
    keys: int | None = None
    header_end: int = field(default=0, init=False)
    """Set by :meth:`pack`: the byte where the tables end."""

    def pack(self) -> bytes:
        tensors = len(self.infos) if self.tensors is None else self.tensors
        keys = len(self.entries) if self.keys is None else self.keys
        head = self.magic + struct.pack("<IQQ", self.version, tensors % 2**64, keys % 2**64)
        head += b"".join(entry.pack() for entry in self.entries)
        head += b"".join(info.pack() for info in self.infos)
        self.header_end = len(head)
        return head + bytes(-len(head) % _ALIGNMENT) + self.data

    def find(self, key: str) -> Entry:
        """The entry whose key ends like this."""
        return next(entry for entry in self.entries if entry.key.decode().endswith(key))


def take_apart(path: Path) -> Draft:
    """The pieces of a sound file."""
    reader = gguf.GGUFReader(path)
    entries = [
        Entry(
            entry.name.encode(),
            int(entry.types[0]),
            b"".join(part.tobytes() for part in entry.parts[3:]),
        )
        for entry in reader.fields.values()
        if not entry.name.startswith("GGUF.")
    ]
    infos = [
        Info(
            tensor.name.encode(),
            [int(length) for length in tensor.shape],
            int(tensor.tensor_type),
            int(tensor.data_offset - reader.data_offset),
        )
        for tensor in reader.tensors
    ]
    return Draft(entries, infos, path.read_bytes()[reader.data_offset :])


def _magic(rng: Rng, draft: Draft) -> bytes:
    if rng.random() < 0.4:
        draft.magic = [rng.bytes(4), b"GGML", b"FUGG", b"PK\x03\x04"][rng.integers(4)]
    else:
        draft.version = int(rng.choice([0, 1, 2, 4, 2**16, 2**24 * 3, 2**32 - 1]))
    return draft.pack()


def _counts(rng: Rng, draft: Draft) -> bytes:
    step = int(rng.choice([-2, -1, 1, 2]))
    far = _LONG[rng.integers(len(_LONG))]
    near = bool(rng.random() < 0.5)
    if rng.random() < 0.5:
        draft.tensors = len(draft.infos) + step if near else far
    else:
        draft.keys = len(draft.entries) + step if near else far
    return draft.pack()


def _flips(rng: Rng, draft: Draft) -> bytes:
    data = bytearray(draft.pack())
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(draft.header_end)] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _overwritten(rng: Rng, draft: Draft) -> bytes:
    data = bytearray(draft.pack())
    length = int(rng.integers(1, 33))
    at = int(rng.integers(draft.header_end - length))
    data[at : at + length] = [rng.bytes(length), bytes(length), b"\xff" * length][rng.integers(3)]
    return bytes(data)


def _key(rng: Rng, draft: Draft) -> bytes:
    entry, other = (draft.entries[at] for at in rng.integers(len(draft.entries), size=2))
    entry.key = [b"", other.key, b"\xff" + entry.key, entry.key[:-1], entry.key * 3000, b"\0\n"][
        rng.integers(6)
    ]
    return draft.pack()


def _missing_key(rng: Rng, draft: Draft) -> bytes:
    del draft.entries[rng.integers(len(draft.entries))]
    return draft.pack()


def _value_type(rng: Rng, draft: Draft) -> bytes:
    entry = draft.entries[rng.integers(len(draft.entries))]
    entry.type = int(rng.choice([*range(14), 255, 2**31]))
    return draft.pack()


def _length(rng: Rng, draft: Draft) -> bytes:
    found = [entry for entry in draft.entries if entry.type in (Type.STRING, Type.ARRAY)]
    entry = found[rng.integers(len(found))]
    at = 0 if entry.type == Type.STRING else 4
    (length,) = struct.unpack_from("<Q", entry.value, at)
    choices = [*_LONG, length - 1, length + 1, length + 2**16]
    length = choices[rng.integers(len(choices))] % 2**64
    entry.value = entry.value[:at] + struct.pack("<Q", length) + entry.value[at + 8 :]
    return draft.pack()


def _number(rng: Rng, draft: Draft) -> bytes:
    found = [entry for entry in draft.entries if entry.type == Type.UINT32]
    entry = found[rng.integers(len(found))]
    (value,) = struct.unpack("<I", entry.value)
    choices = [*_HUGE, value + 1, value - 1, value * 2, value // 2, value * 1000]
    entry.value = struct.pack("<I", choices[rng.integers(len(choices))] % 2**32)
    return draft.pack()


def _other_type(rng: Rng, draft: Draft) -> bytes:
    """The same number as a value of another type, well formed."""
    found = [entry for entry in draft.entries if entry.type == Type.UINT32]
    entry = found[rng.integers(len(found))]
    (value,) = struct.unpack("<I", entry.value)
    kind, packed = [
        (Type.FLOAT32, struct.pack("<f", value)),
        (Type.STRING, struct.pack("<Q", 1) + b"1"),
        (Type.UINT64, struct.pack("<Q", value)),
        (Type.INT32, struct.pack("<i", value)),
        (Type.INT64, struct.pack("<q", -value)),
        (Type.BOOL, b"\1"),
        (Type.ARRAY, struct.pack("<IQ", Type.UINT32, 0)),
        (Type.ARRAY, struct.pack("<IQ2I", Type.UINT32, 2, value, value)),
    ][rng.integers(8)]
    entry.type, entry.value = int(kind), packed
    return draft.pack()


def _fraction(rng: Rng, draft: Draft) -> bytes:
    found = [entry for entry in draft.entries if entry.type == Type.FLOAT32]
    entry = found[rng.integers(len(found))]
    choices = [0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e-38, 3e38]
    entry.value = struct.pack("<f", choices[rng.integers(len(choices))])
    return draft.pack()


def texts_of(entry: Entry) -> list[bytes]:
    """The elements of an array of strings."""
    found, at = [], 12
    while at < len(entry.value):
        (length,) = struct.unpack_from("<Q", entry.value, at)
        found.append(entry.value[at + 8 : at + 8 + length])
        at += 8 + length
    return found


def pack_texts(texts: list[bytes]) -> bytes:
    """The value of an array of strings."""
    packed = b"".join(struct.pack("<Q", len(text)) + text for text in texts)
    return struct.pack("<IQ", Type.STRING, len(texts)) + packed


def _tokens(rng: Rng, draft: Draft) -> bytes:
    entry = draft.find("ggml.tokens")
    texts = texts_of(entry)
    at, other = rng.integers(len(texts), size=2)
    match rng.integers(7):
        case 0:
            texts[at] = texts[other]
        case 1:
            texts[at] = b""
        case 2:
            texts[at] = b"\xff\xfe\x80"
        case 3:
            texts[at] = b"a" * int(rng.choice([100, 5000, 10**6]))
        case 4:
            del texts[at]
        case 5:
            texts = []
        case _:
            texts = texts * 2
    entry.value = pack_texts(texts)
    return draft.pack()


def _merges(rng: Rng, draft: Draft) -> bytes:
    """The merges of a byte-pair vocabulary, or the scores of a SentencePiece one."""
    try:
        entry = draft.find("ggml.merges")
    except StopIteration:
        entry = draft.find("ggml.scores")
        scores = np.frombuffer(entry.value[12:], "<f4").copy()
        scores[rng.integers(len(scores))] = [np.nan, np.inf, -np.inf, 1e30][rng.integers(4)]
        kept = scores[: len(scores) - int(rng.integers(2))]
        entry.value = struct.pack("<IQ", Type.FLOAT32, len(kept)) + kept.tobytes()
        return draft.pack()
    texts = texts_of(entry)
    at = int(rng.integers(len(texts)))
    texts[at] = [b"", b" ", b"nospace", b"a b c d", b"\xff \xfe", b"zz zz"][rng.integers(6)]
    entry.value = pack_texts(texts if rng.random() < 0.8 else texts[:at])
    return draft.pack()


def _token_types(rng: Rng, draft: Draft) -> bytes:
    entry = draft.find("ggml.token_type")
    kinds = np.frombuffer(entry.value[12:], "<i4").copy()
    match rng.integers(4):
        case 0:
            kinds[rng.integers(len(kinds))] = rng.choice([-1, 0, 2, 5, 6, 7, 2**30])
        case 1:
            kinds[:] = rng.choice([0, 2, 3, 5, 6])
        case 2:
            kinds = kinds[: rng.integers(len(kinds))]
        case _:
            kinds = rng.integers(-(2**31), 2**31, size=len(kinds)).astype("<i4")
    entry.value = struct.pack("<IQ", Type.INT32, len(kinds)) + kinds.tobytes()
    return draft.pack()


def _element_type(rng: Rng, draft: Draft) -> bytes:
    found = [entry for entry in draft.entries if entry.type == Type.ARRAY]
    entry = found[rng.integers(len(found))]
    entry.value = struct.pack("<I", int(rng.choice([*range(14), 99]))) + entry.value[4:]
    return draft.pack()


def _special_id(rng: Rng, draft: Draft) -> bytes:
    found = [entry for entry in draft.entries if entry.key.endswith(b"_token_id")]
    entry = found[rng.integers(len(found))]
    size = len(texts_of(draft.find("ggml.tokens")))
    choices = [0, size // 2, size - 1, size, size + 1, 2**31 - 1, 2**31, 2**32 - 1]
    entry.value = struct.pack("<I", choices[rng.integers(len(choices))])
    return draft.pack()


def _word(rng: Rng, draft: Draft) -> bytes:
    names = ("general.architecture", "ggml.model", "general.name", "chat_template")
    entry = draft.find(names[rng.integers(4)])
    text = [
        b"",
        b"nothing",
        b"llama",
        b"gpt2",
        b"bert",
        b"mamba",
        b"\xff",
        b"{% for a in range(9) %}",
        b"{{ messages[0].content * 100000000 }}",
        b"x" * (2**20 + 1),
    ][rng.integers(10)]
    entry.value = struct.pack("<Q", len(text)) + text
    return draft.pack()


def _order(rng: Rng, draft: Draft) -> bytes:
    if rng.random() < 0.5:
        draft.entries = [draft.entries[at] for at in rng.permutation(len(draft.entries))]
    else:
        draft.infos = [draft.infos[at] for at in rng.permutation(len(draft.infos))]
    return draft.pack()


def _tensor_name(rng: Rng, draft: Draft) -> bytes:
    info, other = (draft.infos[at] for at in rng.integers(len(draft.infos), size=2))
    info.name = [b"", other.name, b"\xff" + info.name, info.name[:-1], b"n" * 64, b"blk.99.x"][
        rng.integers(6)
    ]
    return draft.pack()


def _missing_tensor(rng: Rng, draft: Draft) -> bytes:
    del draft.infos[rng.integers(len(draft.infos))]
    return draft.pack()


def _shape(rng: Rng, draft: Draft) -> bytes:
    info = draft.infos[rng.integers(len(draft.infos))]
    at = int(rng.integers(len(info.shape)))
    match rng.integers(6):
        case 0:
            info.shape[at] = _LONG[rng.integers(len(_LONG))]
        case 1:
            info.shape[at] += int(rng.choice([-32, -1, 1, 32, 256]))
        case 2:
            info.shape.reverse()
        case 3:
            info.shape = info.shape * 3
        case 4:
            info.shape = []
        case _:
            info.shape = [2**32, 2**32, 2**32, 2**32]
    return draft.pack()


def _tensor_type(rng: Rng, draft: Draft) -> bytes:
    info = draft.infos[rng.integers(len(draft.infos))]
    info.type = int(rng.choice([*range(42), 100, 2**31, 2**32 - 1]))
    return draft.pack()


def _offset(rng: Rng, draft: Draft) -> bytes:
    info, other = (draft.infos[at] for at in rng.integers(len(draft.infos), size=2))
    choices = [0, 1, 32, -32, other.offset, info.offset + 32, info.offset - 32, *_LONG[3:]]
    info.offset = choices[rng.integers(len(choices))]
    return draft.pack()


def _cut(rng: Rng, draft: Draft) -> bytes:
    data = draft.pack()
    if rng.random() < 0.5:
        return data[: rng.integers(1, draft.header_end)]
    return data[: rng.integers(draft.header_end, len(data))]


def _weights(rng: Rng, draft: Draft) -> bytes:
    data = bytearray(draft.data)
    if rng.random() < 0.5:
        at = int(rng.integers(len(data) - 4096))
        data[at : at + 4096] = [b"\xff" * 4096, bytes(4096), rng.bytes(4096)][rng.integers(3)]
    else:
        for _ in range(rng.integers(1, 100)):
            data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    draft.data = bytes(data)
    return draft.pack()


CHANGES: dict[str, Callable[[Rng, Draft], bytes]] = {
    "magic, version": _magic,
    "counts": _counts,
    "bits of the header": _flips,
    "bytes of the header": _overwritten,
    "name of a key": _key,
    "key left out": _missing_key,
    "type of a value": _value_type,
    "length of a string or array": _length,
    "number": _number,
    "number of another type": _other_type,
    "fraction": _fraction,
    "tokens": _tokens,
    "merges, scores": _merges,
    "types of tokens": _token_types,
    "type of elements": _element_type,
    "id of a special token": _special_id,
    "name or template": _word,
    "order of keys or tensors": _order,
    "name of a tensor": _tensor_name,
    "tensor left out": _missing_tensor,
    "shape of a tensor": _shape,
    "type of a tensor": _tensor_type,
    "offset of a tensor": _offset,
    "file cut short": _cut,
    "weights": _weights,
}
"""What is changed, and how."""


class Mutant(NamedTuple):
    """A changed file."""

    change: str
    data: bytes


def mutate(path: Path, number: int) -> Mutant:
    """The file at ``path`` with the change that ``number`` stands for."""
    change = list(CHANGES)[number % len(CHANGES)]
    rng = np.random.default_rng([SEED, number])
    return Mutant(change, CHANGES[change](rng, take_apart(path)))
