"""Whether metadata makes sense: sizes of the model, and its vocabulary.

Only what is there is checked. What llama.cpp misses it says itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from typing import NoReturn

from kit.gguf.stream import Stream
from kit.gguf.tensors import Row
from kit.gguf.values import FLOATS, INTEGERS, TEXTS, Field, ValueType

ALIGNMENT = 32
"""Bytes, where a file names no other."""
LONGEST_TEMPLATE = 1 << 20
"""Bytes of a chat template."""
MOST_TOKENS = 1 << 22
MOST_PARTS = 1_000

ARCHITECTURE = "general.architecture"
TEMPLATE = "tokenizer.chat_template"
PART, PARTS, ALL_TENSORS = "split.no", "split.count", "split.tensors.count"

_ALIGNMENTS = [1 << power for power in range(3, 17)]
_SINGLE_SIZES = {
    "context_length": range(1, 1 << 28),
    "embedding_length": range(1, 1 << 20),
    "block_count": range(1, 513),
    "vocab_size": range(1, MOST_TOKENS + 1),
    "expert_count": range(1 << 12),
    "expert_used_count": range(1 << 12),
}
"""Far beyond any model, except for the layers: llama.cpp reads 512."""
_LAYER_SIZES = {
    "feed_forward_length": range(1 << 24),
    "attention.head_count": range(1 << 16),
    "attention.head_count_kv": range(1 << 16),
    "attention.key_length": range(1, 1 << 16),
    "attention.value_length": range(1, 1 << 16),
    "rope.dimension_count": range(1 << 16),
}
"""Some files have one number for each layer."""
_ATTENTION = re.compile(r"\.attn_(q|k|qkv)\.weight$")

_WORDS = ("general.name", "general.license", "tokenizer.ggml.model", "tokenizer.ggml.pre", TEMPLATE)
_TOKENS = "tokenizer.ggml.tokens"
_BESIDE_TOKENS = {
    "tokenizer.ggml.scores": frozenset({ValueType.FLOAT32}),
    "tokenizer.ggml.token_type": frozenset({ValueType.INT32, ValueType.UINT32}),
}
_ID = re.compile(r"tokenizer\.ggml\.\w+_token_ids?")
_UNUSED_ID = "tokenizer.ggml.padding_token_id"
"""llama.cpp passes over a wrong one, and there are files that have one and work."""


def check_fields(stream: Stream, fields: Mapping[str, Field], rows: Sequence[Row]) -> None:
    """Refuse metadata that cannot be a model's.

    Raises:
        ModelError: a value is of another type than its key wants, or out of all bounds.
    """
    check = _Check(stream, fields)
    if check.part() == 0:
        check.sizes(attends=any(_ATTENTION.search(row.tensor.name) for row in rows))
    check.words()
    check.vocabulary()


def alignment_of(stream: Stream, fields: Mapping[str, Field]) -> int:
    """The number of bytes that offsets of tensors are multiples of.

    Raises:
        ModelError: it is no power of two between 8 and 65,536.
    """
    key = "general.alignment"
    return next(iter(_Check(stream, fields).integers(key, _ALIGNMENTS)), ALIGNMENT)


class _Check:
    """Looks at one key after the other."""

    def __init__(self, stream: Stream, fields: Mapping[str, Field]):
        self._stream = stream
        self._fields = fields

    def part(self) -> int:
        """Which part of a split model this is; the first, 0, is the one with metadata."""
        part = max(self.integers(PART, range(MOST_PARTS)), default=0)
        parts = max(self.integers(PARTS, range(MOST_PARTS + 1)), default=0)
        self.integers(ALL_TENSORS, range(1 << 31))
        if part and part >= parts:
            self._refuse(PART, f"is {part}, and {PARTS} is {parts}")
        return part

    def sizes(self, *, attends: bool) -> None:
        """The architecture's numbers; a model that ``attends`` has heads to do it with."""
        architecture = self._text(ARCHITECTURE)
        if architecture is None:
            self._stream.refuse(f"the metadata ends, and key {ARCHITECTURE!r} was not there")
        for name, span in _SINGLE_SIZES.items():
            self.integers(f"{architecture}.{name}", span)
        for name, span in _LAYER_SIZES.items():
            self.integers(f"{architecture}.{name}", span, single=False)
        heads = f"{architecture}.attention.head_count"
        if attends and heads in self._fields and not any(self._fields[heads].scalars):
            self._refuse(heads, "is 0, and there are tensors of attention")
        for key, field in self._fields.items():
            if key.startswith(f"{architecture}.") and field.holds(FLOATS):
                for value in field.scalars:
                    if not math.isfinite(float(value)):
                        self._refuse(key, f"is {value}")

    def words(self) -> None:
        """Names and templates."""
        for key in _WORDS:
            self._text(key)
        for key, field in self._fields.items():
            if key.startswith(TEMPLATE):
                for text in field.scalars:
                    if isinstance(text, str) and len(text.encode()) > LONGEST_TEMPLATE:
                        self._refuse(key, f"is longer than {LONGEST_TEMPLATE:,} bytes")

    def vocabulary(self) -> None:
        """Tokens, what is said of each, and the ids of special ones."""
        tokens = self._array(_TOKENS, TEXTS)
        self._array("tokenizer.ggml.merges", TEXTS)
        if tokens is None:
            return
        if not 0 < tokens <= MOST_TOKENS:
            self._refuse(_TOKENS, f"lists {tokens:,} tokens; 1 to {MOST_TOKENS:,} are possible")
        for key, types in _BESIDE_TOKENS.items():
            count = self._array(key, types)
            if count not in (None, tokens):
                self._refuse(key, f"has {count:,} elements for {tokens:,} tokens")
        for key in filter(_ID.fullmatch, self._fields):
            if key != _UNUSED_ID:
                self.integers(key, range(tokens), single=False)

    def integers(self, key: str, span: Container[int], *, single: bool = True) -> tuple[int, ...]:
        """The integers of ``key``, each in ``span``; none where the key is not there."""
        field = self._fields.get(key)
        if field is None:
            return ()
        if not field.holds(INTEGERS) or (single and field.element is not None):
            self._refuse_type(key, "an integer" if single else "an integer, or an array of them")
        found = tuple(int(value) for value in field.scalars)
        if len(found) < field.length:
            self._refuse(key, f"has {field.length:,} elements, more than there can be layers")
        for value in found:
            if value not in span:
                self._refuse(key, f"is {value:,}; possible is {_spoken(span)}")
        return found

    def _text(self, key: str) -> str | None:
        field = self._fields.get(key)
        if field is not None and field.type is not ValueType.STRING:
            self._refuse_type(key, "a string")
        return str(field.value) if field else None

    def _array(self, key: str, types: frozenset[ValueType]) -> int | None:
        """How many elements ``key`` has, each of one of ``types``."""
        field = self._fields.get(key)
        if field is None:
            return None
        if field.element not in types:
            names = " or ".join(sorted(kind.name.lower() for kind in types))
            self._refuse_type(key, f"an array of {names}")
        return field.length

    def _refuse_type(self, key: str, wanted: str) -> NoReturn:
        field = self._fields[key]
        found = field.type.name.lower()
        if field.element is not None:
            found += f" of {field.element.name.lower()}"
        self._refuse(key, f"is of type {found}; {wanted} is wanted")

    def _refuse(self, key: str, message: str) -> NoReturn:
        self._stream.refuse(f"key {key!r:.80} {message}", place=self._fields[key].place)


def _spoken(span: Container[int]) -> str:
    if isinstance(span, range):
        return f"{span.start:,} to {span.stop - 1:,}"
    return "a power of two from 8 to 65,536"
