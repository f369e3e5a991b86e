"""Which model of the zoo stands for which pin.

Architecture and block format of a pin are those that llama.cpp's converter gives the family; of the
files named here only the embedded model and the Gemma base model were opened.
"""

from __future__ import annotations

ANIMAL_OF = {
    "smollm2-135m-instruct-q4_1": "smollm2",
    "llama-3.3-70b-instruct-q4_k_m": "llama3",
    "qwen3-next-80b-a3b-instruct-q4_k_m": "qwen3next",
    "gpt-oss-20b-mxfp4": "gpt-oss",
    "gpt-oss-120b-mxfp4": "gpt-oss",
    "qwen3-8b-q4_k_m": "qwen3",
    "qwen3-4b-instruct-2507-q4_k_m": "qwen3",
    "qwen3-4b-instruct-2507-q8_0": "qwen3-q8",
    "qwen3-4b-q4_k_m": "qwen3",
    "qwen2.5-7b-instruct-q4_k_m": "qwen2",
    "llama-3.1-8b-instruct-q4_k_m": "llama3",
    "llama-3.2-3b-instruct-q4_k_m": "llama3",
    "gemma-3-12b-it-q4_k_m": "gemma3",
    "gemma-3-4b-it-q4_k_m": "gemma3",
    "ministral-3-8b-instruct-2512-q4_k_m": "mistral3",
    "mistral-7b-instruct-v0.3-q4_k_m": "mistral7b",
    "mistral-small-3.2-24b-instruct-2506-q4_k_m": "nemo",
    "mistral-nemo-instruct-2407-q4_k_m": "nemo",
    "phi-4-mini-instruct-q4_k_m": "phi3",
    "llama-3.2-1b-instruct-q4_k_m": "llama3",
    "gemma-3-1b-it-q4_k_m": "gemma3-narrow",
    "gemma-3-1b-it-q8_0": "gemma3-q8",
    "qwen2.5-1.5b-instruct-q4_k_m": "qwen2",
    "qwen2.5-1.5b-instruct-q8_0": "qwen2-q8",
    "qwen3-1.7b-q8_0": "qwen3-q8",
    "gemma-3-270m-it-q8_0": "gemma3-q8",
    "smollm2-135m-instruct-q4_k_m": "smollm2-k",
    "smollm2-135m-instruct-q8_0": "smollm2-q8",
    "smollm2-360m-instruct-q4_k_m": "smollm2-k",
    "smollm2-360m-instruct-q8_0": "smollm2-q8",
    "qwen2.5-0.5b-instruct-q4_k_m": "qwen2-narrow",
    "qwen2.5-0.5b-instruct-q8_0": "qwen2-q8",
    "qwen3-0.6b-q8_0": "qwen3-q8",
    "stories260k-f32": "stories260k",
    "stories15m-q4_0": "stories15m",
    "tinygemma3-q8_0": "gemma3-q8",
    "gemma-3-270m-base-q4_k_m": "gemma3-narrow",
}
