"""What a model of the zoo is described by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gguf import GGMLQuantizationType as Kind

from tests.zoo.words import Family

Role = Literal["low", "high", "expert", "router", "norm", "small", "decay"]
Value = str | int | float | bool


class Mix(NamedTuple):
    """Block formats of a file by the role of a tensor."""

    low: Kind
    """Most matrices."""
    high: Kind
    """Values, down projections, embeddings and outputs."""
    expert: Kind


class Tensor(NamedTuple):
    """One tensor of a file."""

    name: str
    shape: tuple[int, ...]
    """Rows before columns; experts first."""
    role: Role


@dataclass(frozen=True, slots=True)
class Animal:
    """A model of the zoo."""

    name: str
    architecture: str
    """As llama.cpp names it."""
    mix: Mix
    anatomy: Callable[[Animal], Iterator[Tensor]]
    vocabulary: Family = "bpe"
    pre: str = "default"
    """How a byte-pair vocabulary splits text."""
    specials: tuple[str, ...] = ("<|begin|>", "<|im_start|>", "<|im_end|>")
    end: str = "<|im_end|>"
    space_prefix: bool = False
    context: int = 8192
    embedding: int = 256
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head: int = 64
    feed_forward: int = 512
    tied: bool = False
    """Embeddings serve as outputs."""
    keys: Mapping[str, Value] = field(default_factory=dict)
    """Further metadata, under the architecture's name."""
    tokens: int = 0
    """Size of the vocabulary; filled in by the writer."""
