"""One small model for every architecture, block format and vocabulary that a pin uses."""

from __future__ import annotations

from dataclasses import replace

from gguf import GGMLQuantizationType as Kind

from tests.zoo.anatomy import gemma3, gpt_oss, llama, llama3, phi3, qwen2, qwen3, qwen3next
from tests.zoo.species import Animal, Mix

Q4_K_M = Mix(Kind.Q4_K, Kind.Q6_K, Kind.Q4_K)
Q8_0 = Mix(Kind.Q8_0, Kind.Q8_0, Kind.Q8_0)
Q4_1 = Mix(Kind.Q4_1, Kind.Q4_1, Kind.Q4_1)
Q4_0 = Mix(Kind.Q4_0, Kind.Q4_0, Kind.Q4_0)
F32 = Mix(Kind.F32, Kind.F32, Kind.F32)
MXFP4 = Mix(Kind.Q8_0, Kind.Q8_0, Kind.MXFP4)

_LLAMA3 = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
_LLAMA2 = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]")
_MISTRAL = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")
_GEMMA = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
_PHI = ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
_HARMONY = (
    "<|startoftext|>",
    "<|start|>",
    "<|channel|>",
    "<|message|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|constrain|>",
)
_THINKING = ("<|begin|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
_WINDOW = 128

_SMOLLM2 = Animal(
    "smollm2", "llama", Q4_1, llama, pre="smollm", embedding=192, heads=3, kv_heads=1, tied=True
)
_STORIES = Animal(
    "stories15m",
    "llama",
    Q4_0,
    llama,
    vocabulary="spm",
    specials=_LLAMA2[:3],
    end="</s>",
    space_prefix=True,
    embedding=96,
    heads=2,
    head=48,
    feed_forward=256,
)
_QWEN2 = Animal("qwen2", "qwen2", Q4_K_M, qwen2, pre="qwen2", keys={"rope.freq_base": 1e6})
_QWEN3 = Animal(
    "qwen3",
    "qwen3",
    Q4_K_M,
    qwen3,
    pre="qwen2",
    specials=_THINKING,
    heads=3,
    kv_heads=1,
    head=128,
)
_GEMMA3 = Animal(
    "gemma3",
    "gemma3",
    Q4_K_M,
    gemma3,
    vocabulary="spm",
    specials=_GEMMA,
    end="<end_of_turn>",
    layers=6,
    kv_heads=1,
    tied=True,
    keys={"attention.sliding_window": _WINDOW, "rope.freq_base": 1e6},
)

ANIMALS = (
    Animal(
        "llama3",
        "llama",
        Q4_K_M,
        llama3,
        pre="llama-bpe",
        specials=_LLAMA3,
        end="<|eot_id|>",
        keys={"rope.freq_base": 500_000.0},
    ),
    _QWEN2,
    _QWEN3,
    Animal(
        "qwen3next",
        "qwen3next",
        Q4_K_M,
        qwen3next,
        pre="qwen2",
        specials=_THINKING,
        layers=4,
        feed_forward=256,
        keys={
            "rope.dimension_count": 16,
            "expert_count": 8,
            "expert_used_count": 3,
            "expert_feed_forward_length": 256,
            "expert_shared_feed_forward_length": 256,
            "ssm.conv_kernel": 4,
            "ssm.state_size": 64,
            "ssm.group_count": 2,
            "ssm.time_step_rank": 4,
            "ssm.inner_size": 256,
            "full_attention_interval": 4,
        },
    ),
    Animal(
        "gpt-oss",
        "gpt-oss",
        MXFP4,
        gpt_oss,
        pre="gpt-4o",
        specials=_HARMONY,
        end="<|return|>",
        embedding=192,
        feed_forward=96,
        keys={
            "expert_count": 8,
            "expert_used_count": 3,
            "expert_feed_forward_length": 96,
            "attention.sliding_window": _WINDOW,
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": 32.0,
            "rope.scaling.original_context_length": 256,
        },
    ),
    _GEMMA3,
    Animal(
        "mistral3",
        "mistral3",
        Q4_K_M,
        llama,
        pre="tekken",
        specials=_MISTRAL,
        end="</s>",
        keys={
            "rope.freq_base": 1e6,
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": 16.0,
            "rope.scaling.original_context_length": 512,
            "rope.scaling.yarn_beta_fast": 32.0,
            "rope.scaling.yarn_beta_slow": 1.0,
            "rope.scaling.yarn_log_multiplier": 1.0,
            "attention.temperature_scale": 0.1,
        },
    ),
    Animal(
        "phi3",
        "phi3",
        Q4_K_M,
        phi3,
        pre="gpt-4o",
        specials=_PHI,
        end="<|end|>",
        tied=True,
        keys={
            "rope.dimension_count": 48,
            "rope.scaling.attn_factor": 1.19,
            "rope.scaling.original_context_length": 1024,
        },
    ),
    _SMOLLM2,
    replace(_SMOLLM2, name="smollm2-k", mix=Q4_K_M),
    replace(_SMOLLM2, name="smollm2-q8", mix=Q8_0),
    Animal(
        "mistral7b",
        "llama",
        Q4_K_M,
        llama,
        vocabulary="spm",
        specials=_LLAMA2,
        end="</s>",
        space_prefix=True,
    ),
    Animal(
        "nemo",
        "llama",
        Q4_K_M,
        llama,
        pre="tekken",
        specials=_MISTRAL,
        end="</s>",
        heads=2,
        kv_heads=1,
    ),
    _STORIES,
    replace(
        _STORIES,
        name="stories260k",
        mix=F32,
        context=2048,
        embedding=64,
        heads=8,
        kv_heads=4,
        head=8,
        feed_forward=172,
        tied=True,
    ),
    replace(_QWEN2, name="qwen2-narrow", embedding=128, head=32, tied=True),
    replace(_QWEN2, name="qwen2-q8", mix=Q8_0, embedding=128, head=32, tied=True),
    replace(_QWEN3, name="qwen3-q8", mix=Q8_0, embedding=128, tied=True),
    replace(_GEMMA3, name="gemma3-narrow", embedding=160, heads=2),
    replace(_GEMMA3, name="gemma3-q8", mix=Q8_0, embedding=96, heads=2),
)
ARCHITECTURES = 8
"""So many stand first, one for each; the others have further formats, widths and vocabularies."""
