"""Writes a model of the zoo as a GGUF file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind

from kit.engine.chat import plain_template
from tests.zoo.species import Animal, Mix, Tensor
from tests.zoo.tensors import blocks, fits, uniform
from tests.zoo.words import Vocabulary, byte_pairs, sentence_pieces

_NARROW = {Kind.Q4_K: Kind.Q5_0, Kind.Q6_K: Kind.Q8_0}
"""What llama.cpp falls back to where a row is no multiple of 256 weights."""


def write(animal: Animal, folder: Path) -> Path:
    """Write ``animal`` into ``folder``; the same bytes every time."""
    make = byte_pairs if animal.vocabulary == "bpe" else sentence_pieces
    vocabulary = make(animal.specials)
    animal = replace(animal, tokens=len(vocabulary.tokens))
    path = folder / f"{animal.name}.gguf"
    writer = gguf.GGUFWriter(path, animal.architecture)
    _describe(writer, animal)
    _spell(writer, animal, vocabulary)
    for tensor in animal.anatomy(animal):
        _grow(writer, animal, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, animal: Animal) -> None:
    # llama.cpp treats some vocabularies apart by the name of the model, so this says nothing.
    writer.add_name("random weights")
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(animal.context)
    writer.add_embedding_length(animal.embedding)
    writer.add_block_count(animal.layers)
    writer.add_feed_forward_length(animal.feed_forward)
    writer.add_head_count(animal.heads)
    writer.add_head_count_kv(animal.kv_heads)
    writer.add_key_length(animal.head)
    writer.add_value_length(animal.head)
    writer.add_layer_norm_rms_eps(1e-6)
    if "rope.dimension_count" not in animal.keys:
        writer.add_rope_dimension_count(animal.head)
    for name, value in animal.keys.items():
        full = f"{animal.architecture}.{name}"
        if isinstance(value, str):
            writer.add_string(full, value)
        elif isinstance(value, float):
            writer.add_float32(full, value)
        else:
            writer.add_uint32(full, value)


def _spell(writer: gguf.GGUFWriter, animal: Animal, vocabulary: Vocabulary) -> None:
    begin = next(name for name in animal.specials if name != "<unk>" and name not in _NO_BEGIN)
    writer.add_tokenizer_model("gpt2" if animal.vocabulary == "bpe" else "llama")
    if animal.vocabulary == "bpe":
        writer.add_tokenizer_pre(animal.pre)
        writer.add_token_merges(vocabulary.merges)
    else:
        writer.add_token_scores(vocabulary.scores)
        writer.add_add_space_prefix(animal.space_prefix)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    writer.add_bos_token_id(vocabulary.id(begin))
    writer.add_eos_token_id(vocabulary.id(animal.end))
    writer.add_add_bos_token(animal.vocabulary == "spm")
    writer.add_chat_template(plain_template())


def _grow(writer: gguf.GGUFWriter, animal: Animal, tensor: Tensor) -> None:
    path = (animal.name, tensor.name)
    if tensor.role == "norm":
        writer.add_tensor(tensor.name, uniform(tensor.shape, 0.5, 1.5, *path))
    elif tensor.role == "decay":
        writer.add_tensor(tensor.name, uniform(tensor.shape, -2.0, -0.1, *path))
    elif tensor.role == "small":
        writer.add_tensor(tensor.name, uniform(tensor.shape, -0.5, 0.5, *path))
    else:
        _fill(writer, animal.mix, tensor, path)


def _fill(writer: gguf.GGUFWriter, mix: Mix, tensor: Tensor, path: tuple[str, str]) -> None:
    """A matrix whose products keep the size of what goes in."""
    columns = tensor.shape[-1]
    kinds = {"low": mix.low, "high": mix.high, "expert": mix.expert, "router": Kind.F32}
    kind = kinds[tensor.role]
    if not fits(kind, columns):
        kind = _NARROW[kind]
    deviation = 1 / np.sqrt(columns)
    if kind is Kind.F32:
        bound = float(deviation * np.sqrt(3))
        writer.add_tensor(tensor.name, uniform(tensor.shape, -bound, bound, *path))
    else:
        data = blocks(kind, tensor.shape, float(deviation), *path)
        writer.add_tensor(tensor.name, data, raw_dtype=kind)


_NO_BEGIN = {"<pad>", "<eos>"}
