"""The tensors of each architecture, named and shaped as llama.cpp looks for them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.zoo.species import Animal, Tensor


def _whole(animal: Animal) -> Iterator[Tensor]:
    yield Tensor("token_embd.weight", (animal.tokens, animal.embedding), "high")
    yield Tensor("output_norm.weight", (animal.embedding,), "norm")
    if not animal.tied:
        yield Tensor("output.weight", (animal.tokens, animal.embedding), "high")


def _attention(animal: Animal, layer: str, *, gated: bool = False) -> Iterator[Tensor]:
    query, kv = animal.heads * animal.head, animal.kv_heads * animal.head
    yield Tensor(f"{layer}.attn_norm.weight", (animal.embedding,), "norm")
    yield Tensor(f"{layer}.attn_q.weight", (query * (2 if gated else 1), animal.embedding), "low")
    yield Tensor(f"{layer}.attn_k.weight", (kv, animal.embedding), "low")
    yield Tensor(f"{layer}.attn_v.weight", (kv, animal.embedding), "high")
    yield Tensor(f"{layer}.attn_output.weight", (animal.embedding, query), "low")


def _biases(animal: Animal, layer: str) -> Iterator[Tensor]:
    for part, heads in (("q", animal.heads), ("k", animal.kv_heads), ("v", animal.kv_heads)):
        yield Tensor(f"{layer}.attn_{part}.bias", (heads * animal.head,), "small")


def _head_norms(animal: Animal, layer: str) -> Iterator[Tensor]:
    yield Tensor(f"{layer}.attn_q_norm.weight", (animal.head,), "norm")
    yield Tensor(f"{layer}.attn_k_norm.weight", (animal.head,), "norm")


def _gated_ffn(animal: Animal, layer: str) -> Iterator[Tensor]:
    wide, narrow = animal.feed_forward, animal.embedding
    yield Tensor(f"{layer}.ffn_norm.weight", (narrow,), "norm")
    yield Tensor(f"{layer}.ffn_gate.weight", (wide, narrow), "low")
    yield Tensor(f"{layer}.ffn_up.weight", (wide, narrow), "low")
    yield Tensor(f"{layer}.ffn_down.weight", (narrow, wide), "high")


def _experts(animal: Animal, layer: str, count: int) -> Iterator[Tensor]:
    wide, narrow = animal.feed_forward, animal.embedding
    yield Tensor(f"{layer}.post_attention_norm.weight", (narrow,), "norm")
    yield Tensor(f"{layer}.ffn_gate_inp.weight", (count, narrow), "router")
    yield Tensor(f"{layer}.ffn_gate_exps.weight", (count, wide, narrow), "expert")
    yield Tensor(f"{layer}.ffn_up_exps.weight", (count, wide, narrow), "expert")
    yield Tensor(f"{layer}.ffn_down_exps.weight", (count, narrow, wide), "expert")


def _layers(animal: Animal) -> Iterator[str]:
    return (f"blk.{index}" for index in range(animal.layers))


def llama(animal: Animal) -> Iterator[Tensor]:
    """Llama 2, Mistral, SmolLM2."""
    yield from _whole(animal)
    for layer in _layers(animal):
        yield from _attention(animal, layer)
        yield from _gated_ffn(animal, layer)


def llama3(animal: Animal) -> Iterator[Tensor]:
    """With factors on the rotary frequencies."""
    yield from llama(animal)
    yield Tensor("rope_freqs.weight", (animal.head // 2,), "norm")


def qwen2(animal: Animal) -> Iterator[Tensor]:
    """With biases on queries, keys and values."""
    yield from llama(animal)
    for layer in _layers(animal):
        yield from _biases(animal, layer)


def qwen3(animal: Animal) -> Iterator[Tensor]:
    """With norms on queries and keys."""
    yield from llama(animal)
    for layer in _layers(animal):
        yield from _head_norms(animal, layer)


def gemma3(animal: Animal) -> Iterator[Tensor]:
    """With norms behind attention and feed-forward too; most layers see a window only."""
    yield from qwen3(animal)
    for layer in _layers(animal):
        yield Tensor(f"{layer}.post_attention_norm.weight", (animal.embedding,), "norm")
        yield Tensor(f"{layer}.post_ffw_norm.weight", (animal.embedding,), "norm")


def phi3(animal: Animal) -> Iterator[Tensor]:
    """Fused projections, and two sets of rotary factors for a part of each head."""
    yield from _whole(animal)
    rotary = int(animal.keys["rope.dimension_count"]) // 2
    yield Tensor("rope_factors_long.weight", (rotary,), "norm")
    yield Tensor("rope_factors_short.weight", (rotary,), "norm")
    fused = (animal.heads + 2 * animal.kv_heads) * animal.head
    wide, narrow = animal.feed_forward, animal.embedding
    for layer in _layers(animal):
        yield Tensor(f"{layer}.attn_norm.weight", (narrow,), "norm")
        yield Tensor(f"{layer}.attn_qkv.weight", (fused, narrow), "low")
        yield Tensor(f"{layer}.attn_output.weight", (narrow, narrow), "low")
        yield Tensor(f"{layer}.ffn_norm.weight", (narrow,), "norm")
        yield Tensor(f"{layer}.ffn_up.weight", (2 * wide, narrow), "low")
        yield Tensor(f"{layer}.ffn_down.weight", (narrow, wide), "high")


def gpt_oss(animal: Animal) -> Iterator[Tensor]:
    """A mixture of experts with biases, attention sinks, and a window on every second layer."""
    yield from _whole(animal)
    count = int(animal.keys["expert_count"])
    wide, narrow = animal.feed_forward, animal.embedding
    for layer in _layers(animal):
        yield from _attention(animal, layer)
        yield from _biases(animal, layer)
        yield Tensor(f"{layer}.attn_output.bias", (narrow,), "small")
        yield Tensor(f"{layer}.attn_sinks.weight", (animal.heads,), "small")
        yield from _experts(animal, layer, count)
        yield Tensor(f"{layer}.ffn_gate_inp.bias", (count,), "small")
        yield Tensor(f"{layer}.ffn_gate_exps.bias", (count, wide), "small")
        yield Tensor(f"{layer}.ffn_up_exps.bias", (count, wide), "small")
        yield Tensor(f"{layer}.ffn_down_exps.bias", (count, narrow), "small")


def qwen3next(animal: Animal) -> Iterator[Tensor]:
    """A mixture of experts; most layers keep a state (gated delta net) instead of a cache."""
    yield from _whole(animal)
    count = int(animal.keys["expert_count"])
    wide, narrow = animal.feed_forward, animal.embedding
    state, values = int(animal.keys["ssm.state_size"]), int(animal.keys["ssm.inner_size"])
    rank = int(animal.keys["ssm.time_step_rank"])
    mixed = 2 * state * int(animal.keys["ssm.group_count"]) + values
    for index, layer in enumerate(_layers(animal)):
        if (index + 1) % int(animal.keys["full_attention_interval"]):
            yield Tensor(f"{layer}.attn_norm.weight", (narrow,), "norm")
            yield Tensor(f"{layer}.attn_qkv.weight", (mixed, narrow), "low")
            yield Tensor(f"{layer}.attn_gate.weight", (values, narrow), "low")
            yield Tensor(f"{layer}.ssm_conv1d.weight", (mixed, 4), "small")
            yield Tensor(f"{layer}.ssm_dt.bias", (rank,), "small")
            yield Tensor(f"{layer}.ssm_a", (rank,), "decay")
            yield Tensor(f"{layer}.ssm_ba.weight", (2 * rank, narrow), "low")
            yield Tensor(f"{layer}.ssm_norm.weight", (state,), "norm")
            yield Tensor(f"{layer}.ssm_out.weight", (narrow, values), "low")
        else:
            yield from _attention(animal, layer, gated=True)
            yield from _head_norms(animal, layer)
        yield from _experts(animal, layer, count)
        yield Tensor(f"{layer}.ffn_gate_inp_shexp.weight", (narrow,), "small")
        yield Tensor(f"{layer}.ffn_gate_shexp.weight", (wide, narrow), "low")
        yield Tensor(f"{layer}.ffn_up_shexp.weight", (wide, narrow), "low")
        yield Tensor(f"{layer}.ffn_down_shexp.weight", (narrow, wide), "high")
