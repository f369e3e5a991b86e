"""The header of a GGUF file: read as the format's own reader does, and believed in nothing."""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import gguf
import pytest
from gguf import GGUFValueType as Type
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from kit.engine.chat import plain_template
from kit.engine.library import load_library
from kit.engine.model import LlamaModel
from kit.errors import ModelError
from kit.gguf import Header, Series, ValueType, read_file, read_header, read_model
from kit.gguf.blocks import BLOCKS
from kit.gguf.values import KEPT
from kit.models.store import Store
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from tests.conftest import GEMMA, ROOT, SMOLLM
from tests.engine.mutation import Draft, Entry, Info, pack_texts, take_apart, texts_of
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import write
from tests.zoo.species import Animal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


@pytest.fixture(scope="module")
def base(folder: Path) -> Path:
    """A small sound file with a byte-pair vocabulary."""
    [animal] = [animal for animal in ANIMALS if animal.name == "qwen2-narrow"]
    return write(animal, folder)


@pytest.fixture
def draft(base: Path) -> Draft:
    return take_apart(base)


def read(data: bytes) -> Header:
    return read_header(io.BytesIO(data), size=len(data), where="a file")


def refusal(data: bytes) -> str:
    """What is said of a file."""
    with pytest.raises(ModelError) as caught:
        read(data)
    assert caught.value.where == "a file"
    assert caught.value.hint == "kit models verify --full"
    return caught.value.message


def same_as_the_format_says(path: Path) -> None:
    header, reader = read_file(path), gguf.GGUFReader(path)
    fields = {name: found for name, found in reader.fields.items() if name[:5] != "GGUF."}
    assert list(header.metadata) == list(fields)
    for key, found in fields.items():
        value = header.metadata[key]
        if isinstance(value, Series):
            assert value.length == len(found.data) > KEPT
            assert value.type.name == found.types[1].name
        else:
            wanted = found.contents()
            assert value == (tuple(wanted) if isinstance(wanted, list) else wanted)
    assert header.data_start == reader.data_offset
    assert header.alignment == reader.alignment
    assert [
        (found.name, found.shape, found.type, header.data_start + found.offset, found.size)
        for found in header.tensors
    ] == [
        (found.name, tuple(found.shape), found.tensor_type, found.data_offset, found.n_bytes)
        for found in reader.tensors
    ]


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_a_model_of_every_architecture_is_read_as_the_format_says(
    animal: Animal, folder: Path
) -> None:
    same_as_the_format_says(write(animal, folder))


@pytest.mark.parametrize("name", [SMOLLM, GEMMA])
def test_a_real_model_is_read_as_the_format_says(name: str) -> None:
    path = Store().path(load_pins(library_file("models.yaml", start=ROOT))[name])
    same_as_the_format_says(path)
    header = read_file(path)
    assert header.data_start + header.data_size == path.stat().st_size


def test_a_header_says_what_a_user_wants_to_know(base: Path) -> None:
    header = read_file(base)
    assert (header.architecture, header.name, header.license) == ("qwen2", "random weights", None)
    assert (header.context_length, header.block_count) == (8192, 2)
    assert header.chat_template == plain_template()
    assert header.template_sha256 == hashlib.sha256(plain_template().encode()).hexdigest()
    assert (header.part, header.parts, header.all_tensors) == (0, 1, None)


def test_blocks_are_those_of_the_library() -> None:
    library, _ = load_library()
    functions = library._lib  # noqa: SLF001 - the bindings leave these functions out
    for number_, block in BLOCKS.items():
        assert functions.ggml_blck_size(number_) == block.values
        assert functions.ggml_type_size(number_) == block.size


def test_blocks_are_those_of_the_format() -> None:
    sizes = {int(kind): (kind.name, *size) for kind, size in gguf.GGML_QUANT_SIZES.items()}
    sizes[9] = ("Q8_1", 32, 36)  # the package keeps a size that ggml gave up in 2024
    assert {number_: tuple(block) for number_, block in BLOCKS.items()} == sizes


def test_value_types_are_those_of_the_format() -> None:
    assert {kind.name: int(kind) for kind in ValueType} == {kind.name: int(kind) for kind in Type}


class Drips:
    """A stream that gives few bytes at a time, and cannot seek."""

    def __init__(self, data: bytes, most: int):
        self._rest = memoryview(data)
        self._most = most

    def read(self, count: int) -> bytes:
        given, self._rest = self._rest[: min(count, self._most)], self._rest[self._most :]
        return bytes(given)


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_a_stream_may_give_few_bytes_at_a_time(base: Path, most: int) -> None:
    drips = cast("io.BytesIO", Drips(base.read_bytes(), most))
    found = read_header(drips, size=None, where="the hub")
    assert found == read_file(base)


def test_only_what_stands_before_the_weights_is_read(base: Path) -> None:
    data = base.read_bytes()
    header = read(data)
    start = io.BytesIO(data[: header.data_start])
    assert read_header(start, size=None, where="the hub") == header


# What is wrong with a file, and what is said of it.


def word(key: str, text: bytes) -> Entry:
    return Entry(key.encode(), Type.STRING, struct.pack("<Q", len(text)) + text)


def number(key: str, value: int, kind: Type = Type.UINT32) -> Entry:
    form = {Type.UINT32: "<I", Type.INT32: "<i", Type.UINT16: "<H"}[kind]
    return Entry(key.encode(), kind, struct.pack(form, value))


def fraction(key: str, value: float) -> Entry:
    return Entry(key.encode(), Type.FLOAT32, struct.pack("<f", value))


def numbers(key: str, *values: int) -> Entry:
    packed = struct.pack(f"<IQ{len(values)}I", Type.UINT32, len(values), *values)
    return Entry(key.encode(), Type.ARRAY, packed)


def put(entry: Entry) -> Callable[[Draft], None]:
    """Set a key, in place of the one of this name or behind all others."""

    def change(draft: Draft) -> None:
        names = [each.key for each in draft.entries]
        at = names.index(entry.key) if entry.key in names else len(names)
        draft.entries[at : at + 1] = [replace(entry)]

    return change


def attribute(name: str, value: object) -> Callable[[Draft], None]:
    return lambda draft: setattr(draft, name, value)


def tensor(at: int, **changes: object) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.infos[at] = replace(draft.infos[at], **changes)  # type: ignore[arg-type]

    return change


def extra(value: bytes, kind: int = Type.ARRAY) -> Callable[[Draft], None]:
    return put(Entry(b"some.key", kind, value))


def tokens_cut(draft: Draft) -> None:
    entry = draft.find("ggml.tokens")
    entry.value = pack_texts(texts_of(entry)[1:])


def no_tokens(draft: Draft) -> None:
    draft.find("ggml.tokens").value = pack_texts([])


def overlapping(draft: Draft) -> None:
    draft.infos[1].offset = draft.infos[0].offset


def named_twice(draft: Draft) -> None:
    draft.infos[1].name = draft.infos[0].name


REFUSED: dict[str, tuple[Callable[[Draft], None], str]] = {
    "magic": (attribute("magic", b"GGML"), "byte 0: it begins with b'GGML', not with b'GGUF'"),
    "version 1": (attribute("version", 1), "byte 4: its version is 1, and 2 or 3 can be read"),
    "big-endian": (attribute("version", 3 << 24), "byte 4: its numbers are big-endian"),
    "many tensors": (attribute("tensors", 2**63), "byte 8: the number of tensors is 9,223"),
    "many keys": (attribute("keys", 20_000), "byte 16: the number of keys is 20,000; at most"),
    "a key too many": (attribute("keys", 25), "the name of key 25"),
    "a tensor too many": (attribute("tensors", 27), "the name of tensor 27"),
    "key not UTF-8": (put(Entry(b"\xff", 4, b"1234")), "the name of key 24 is not UTF-8"),
    "key empty": (put(Entry(b"", 4, b"1234")), "the name of key 24 is ''"),
    "key unprintable": (put(Entry(b"a\n", 4, b"1234")), r"the name of key 24 is 'a\n'"),
    "key long": (put(Entry(b"k" * 65536, 4, b"1234")), "is 65,536; at most 65,535 are possible"),
    "key twice": (
        lambda d: d.entries.append(d.entries[0]),
        "'general.architecture' is there twice",
    ),
    "unknown type": (extra(b"", 13), "the type of key 'some.key' is 13, which stands for no type"),
    "unknown element": (extra(struct.pack("<IQ", 13, 0)), "elements of key 'some.key' is 13"),
    "nested arrays": (extra(struct.pack("<IQ", 9, 1)), "is an array of arrays"),
    "bool": (extra(b"\2", Type.BOOL), "key 'some.key' is 2, and true or false is 1 or 0"),
    "long array": (extra(struct.pack("<IQ", 4, 2**40)), "takes 4,398,046,511,104 bytes, and"),
    "many strings": (extra(struct.pack("<IQ", 8, 2**40)), "takes 8,796,093,022,208 bytes, and"),
    "long string": (extra(struct.pack("<Q", 2**63), Type.STRING), "at most 16,777,216"),
    "string not UTF-8": (put(word("some.key", b"a\xff")), "key 'some.key' is not UTF-8"),
    "no architecture": (lambda d: d.entries.__delitem__(0), "'general.architecture' was not there"),
    "architecture": (put(number("general.architecture", 1)), "is of type uint32; a string is"),
    "alignment 0": (put(number("general.alignment", 0)), "is 0; possible is a power of two"),
    "alignment 48": (put(number("general.alignment", 48)), "is 48; possible is a power of two"),
    "alignment 2^20": (put(number("general.alignment", 2**20)), "is 1,048,576; possible is"),
    "no context": (put(number("qwen2.context_length", 0)), "'qwen2.context_length' is 0; poss"),
    "vast context": (put(number("qwen2.context_length", 2**31)), "is 2,147,483,648; possible is"),
    "no layers": (put(number("qwen2.block_count", 0)), "'qwen2.block_count' is 0; possible is 1"),
    "many layers": (put(number("qwen2.block_count", 513)), "is 513; possible is 1 to 512"),
    "negative": (put(number("qwen2.block_count", -1, Type.INT32)), "is -1; possible is 1 to 512"),
    "layers 2.0": (put(fraction("qwen2.block_count", 2)), "is of type float32; an integer is wa"),
    "list of layers": (put(numbers("qwen2.block_count", 2)), "array of uint32; an integer is"),
    "no width": (put(number("qwen2.embedding_length", 0)), "'qwen2.embedding_length' is 0"),
    "no heads": (
        put(number("qwen2.attention.head_count", 0)),
        "head_count' is 0, and there are tensors of attention",
    ),
    "vast heads": (put(number("qwen2.attention.head_count_kv", 2**16)), "is 65,536; possible is"),
    "more than layers": (
        put(numbers("qwen2.attention.head_count", *[4] * 600)),
        "has 600 elements, more than there can be layers",
    ),
    "infinite": (put(fraction("qwen2.rope.freq_base", float("inf"))), "rope.freq_base' is inf"),
    "not a number": (put(fraction("qwen2.new", float("nan"))), "key 'qwen2.new' is nan"),
    "tokens": (put(numbers("tokenizer.ggml.tokens", 1, 2)), "an array of string is wanted"),
    "no tokens": (no_tokens, "lists 0 tokens; 1 to 4,194,304 are possible"),
    "a token less": (tokens_cut, "token_type' has 563 elements for 562 tokens"),
    "scores": (put(numbers("tokenizer.ggml.scores", 1)), "an array of float32 is wanted"),
    "merges": (put(numbers("tokenizer.ggml.merges", 1)), "an array of string is wanted"),
    "special id": (
        put(number("tokenizer.ggml.eos_token_id", 563)),
        "key 'tokenizer.ggml.eos_token_id' is 563; possible is 0 to 562",
    ),
    "template": (put(number("tokenizer.chat_template", 1)), "is of type uint32; a string is"),
    "long template": (
        put(word("tokenizer.chat_template", b"x" * (2**20 + 1))),
        "'tokenizer.chat_template' is longer than 1,048,576 bytes",
    ),
    "part": (put(number("split.no", 1, Type.UINT16)), "'split.no' is 1, and split.count is 0"),
    "parts": (put(number("split.count", 2000, Type.UINT16)), "is 2,000; possible is 0 to 1,000"),
    "tensor twice": (named_twice, "tensor 'token_embd.weight' is there twice"),
    "tensor empty": (tensor(1, name=b""), "the name of tensor 2 is ''"),
    "tensor long": (tensor(1, name=b"n" * 64), "the name of tensor 2 is 64; at most 63"),
    "tensor not UTF-8": (tensor(1, name=b"\xff"), "the name of tensor 2 is not UTF-8"),
    "no dimensions": (tensor(0, shape=[]), "has 0 dimensions, and 1 to 4 are possible"),
    "five dimensions": (tensor(0, shape=[1] * 5), "has 5 dimensions, and 1 to 4 are possible"),
    "nothing in it": (tensor(0, shape=[32, 0]), "cannot have 32 x 0 weights"),
    "product": (tensor(0, shape=[2**32] * 4), "cannot have 4,294,967,296 x 4,294,967,296 x"),
    "dimension": (tensor(0, shape=[2**63]), "a dimension of tensor"),
    "tensor type": (tensor(0, type=99), "is of type 99, which stands for no type"),
    "type given up": (tensor(0, type=4), "is of type 4, which stands for no type"),
    "half a block": (
        tensor(1, type=8, shape=[33]),
        "has rows of 33 weights, and a block of Q8_0 holds 32",
    ),
    "askew": (tensor(1, offset=33), "begins at byte 33 of the data, no multiple of 32"),
    "overlap": (overlapping, "overlaps tensor"),
    "beyond": (tensor(1, offset=2**40), "ends at byte 1,099,5"),
    "far beyond": (tensor(1, offset=2**63), "the offset of tensor"),
    "large": (tensor(-1, type=0, shape=[2**20]), "and the file at 458,048"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_with_its_reason_and_place(draft: Draft, name: str) -> None:
    change, said = REFUSED[name]
    change(draft)
    message = refusal(draft.pack())
    assert message.startswith("is no sound GGUF model file: byte ")
    assert said in message


ALLOWED: dict[str, Callable[[Draft], None]] = {
    "version 2": attribute("version", 2),
    "one number for each layer": put(numbers("qwen2.attention.head_count", 4, 0)),
    "padding that is never used": put(number("tokenizer.ggml.padding_token_id", 2**32 - 1)),
    "no tensors": attribute("infos", []),
    "short array": put(numbers("some.key", *range(KEPT))),
    "long array": put(numbers("some.key", *range(KEPT + 1))),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_rare_file_is_read(draft: Draft, name: str) -> None:
    ALLOWED[name](draft)
    assert read(draft.pack()).architecture == "qwen2"


def test_a_long_array_is_not_kept(draft: Draft) -> None:
    put(numbers("short", *range(KEPT)))(draft)
    put(numbers("long", *range(KEPT + 1)))(draft)
    metadata = read(draft.pack()).metadata
    assert metadata["short"] == tuple(range(KEPT))
    assert metadata["long"] == Series(ValueType.UINT32, KEPT + 1)


def test_the_byte_is_where_the_fault_stands(draft: Draft) -> None:
    put(number("qwen2.block_count", 77777))(draft)
    data = draft.pack()
    assert f"byte {data.index(struct.pack('<I', 77777)):,}: " in refusal(data)


def test_a_file_cut_anywhere_is_refused(draft: Draft) -> None:
    data = draft.pack()
    parts = [entry.pack() for entry in draft.entries] + [info.pack() for info in draft.infos]
    borders, at = [0, 4, 8, 16, 24], 24
    for part in parts:
        at += len(part)
        borders.append(at)
    cuts = {border + step for border in borders for step in (-1, 0, 1) if border + step >= 0}
    for cut in (*sorted(cuts), len(data) - 1):
        refusal(data[:cut])
        if cut < at:
            with pytest.raises(ModelError, match="the file ends inside"):
                read_header(io.BytesIO(data[:cut]), size=None, where="a file")


class Endless:
    """A beginning, and then zeros for ever."""

    def __init__(self, data: bytes):
        self._start = io.BytesIO(data)

    def read(self, count: int) -> bytes:
        return self._start.read(count) or bytes(count)


@pytest.mark.parametrize(
    ("kind", "length", "said"),
    [
        (Type.STRING, 1_000_000, "the name of key 25 is ''"),
        (Type.FLOAT64, 1_000_000, "the name of key 25 is ''"),
        (Type.UINT8, 2**40, "a header has 67,108,864 at most"),
        (Type.STRING, 2**40, "a header has 67,108,864 at most"),
    ],
)
def test_a_stream_without_end_takes_little_memory(
    draft: Draft, kind: Type, length: int, said: str
) -> None:
    draft.entries.append(Entry(b"vast", Type.ARRAY, struct.pack("<IQ", kind, length)))
    draft.keys, draft.tensors = len(draft.entries) + 1, 0
    draft.infos = []
    head = draft.pack()[: draft.header_end]
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match=said):
            read_header(cast("io.BytesIO", Endless(head)), size=None, where="the hub")
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def readable_or_refused(data: bytes, size: int | None) -> None:
    with contextlib.suppress(ModelError):
        header = read_header(io.BytesIO(data), size=size, where="a file")
        assert header.data_start < len(data) + header.alignment
        if size is not None and header.tensors:
            assert header.data_start + header.data_size <= size


@given(st.binary(max_size=300), st.sampled_from([b"", b"GGUF", b"GGUF\3\0\0\0"]))
def test_any_bytes_are_a_header_or_refused(data: bytes, start: bytes) -> None:
    whole = start + data
    readable_or_refused(whole, len(whole))
    readable_or_refused(whole, None)


@examples(max_examples=300)
@given(st.integers(0, 17_000), st.binary(min_size=1, max_size=12), st.booleans())
def test_a_file_with_other_bytes_anywhere_is_read_or_refused(
    base: Path, at: int, other: bytes, known: bool
) -> None:
    data = bytearray(base.read_bytes())
    data[at : at + len(other)] = other
    readable_or_refused(bytes(data), len(data) if known else None)


# Split models.


def split(draft: Draft, folder: Path, *, parts: int = 2, total: int | None = None) -> list[Path]:
    """Write the parts of a model as llama.cpp's own tool does."""
    paths = []
    share = -(-len(draft.infos) // parts)
    ends = [info.offset for info in draft.infos[1:]] + [len(draft.data)]
    sizes = dict(zip([info.name for info in draft.infos], ends, strict=True))
    for part in range(parts):
        infos = draft.infos[part * share : (part + 1) * share]
        start = infos[0].offset
        entries = [
            *(draft.entries if part == 0 else []),
            number("split.no", part, Type.UINT16),
            number("split.count", parts, Type.UINT16),
            number("split.tensors.count", total or len(draft.infos), Type.INT32),
        ]
        moved = [Info(each.name, each.shape, each.type, each.offset - start) for each in infos]
        path = folder / f"some-{part + 1:05}-of-{parts:05}.gguf"
        path.write_bytes(Draft(entries, moved, draft.data[start : sizes[infos[-1].name]]).pack())
        paths.append(path)
    return paths


def test_the_parts_of_a_model_are_read_and_loaded(draft: Draft, tmp_path: Path) -> None:
    first, *_ = split(draft, tmp_path, parts=3)
    headers = read_model(first)
    assert [(header.part, header.parts) for header in headers] == [(0, 3), (1, 3), (2, 3)]
    assert [header.architecture for header in headers] == ["qwen2", None, None]
    assert sum(len(header.tensors) for header in headers) == len(draft.infos)
    model = LlamaModel(first)
    assert model.layers == 2
    model.close()


def swap(first: Path, second: Path) -> None:
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)


PARTS: dict[str, tuple[Callable[[list[Path]], object], str]] = {
    "missing": (lambda paths: paths[1].unlink(), "the model file cannot be read: No such file"),
    "out of order": (
        lambda paths: swap(paths[1], paths[2]),
        "says that it is part 3 of 3 of a model with 26 tensors; wanted is part 2 of 3",
    ),
    "other name": (lambda paths: paths[0].rename(paths[0].with_name("some.gguf")), "named NAME-"),
    "cut short": (lambda paths: paths[2].write_bytes(paths[2].read_bytes()[:-40]), "and the file"),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_that_do_not_belong_together_are_refused(
    draft: Draft, tmp_path: Path, name: str
) -> None:
    change, said = PARTS[name]
    paths = split(draft, tmp_path, parts=3)
    change(paths)
    first = paths[0] if paths[0].exists() else tmp_path / "some.gguf"
    with pytest.raises(ModelError, match=said) as caught:
        read_model(first)
    assert str(tmp_path) in str(caught.value.where)


def test_parts_hold_every_tensor_once(draft: Draft, tmp_path: Path) -> None:
    first, *_ = split(draft, tmp_path, total=30)
    with pytest.raises(ModelError, match="hold 26 tensors together, and the model has 30"):
        read_model(first)
    draft.infos[-1].name = draft.infos[0].name
    first, *_ = split(draft, tmp_path)
    with pytest.raises(ModelError, match="as an earlier part does"):
        read_model(first)


def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelError, match="cannot be read") as caught:
            read_file(path)
        assert caught.value.where == str(path)
