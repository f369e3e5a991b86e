"""A GGUF file: its weights, its vocabulary, and what its metadata says of its size."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.engine.chat import ChatTemplate, Piece, plain_template
from kit.engine.library import first_complaint, load_library
from kit.engine.protocol import Prompt
from kit.engine.vocabulary import Vocabulary
from kit.errors import EngineError
from kit.gguf import read_model
from kit.spec.pins import Q8_0_BYTES, Q8_0_VALUES
from kit.spec.study import EngineSettings

_METADATA_BYTES = 4096
_REASON = 300
"""Characters of the library's reason that are shown."""
_CONTROL_ATTRIBUTES = 0b1011
"""Unknown, unused and control tokens stand for no text."""
_USER_DEFINED = 0b10000
_MARKUP = re.compile(r"<[^<>\s]+>")
"""What a user-defined token looks like that is no word: ``<|channel|>``, ``<think>``."""


def one_line(words: str) -> str:
    """What the library said, fit for a terminal: it may repeat words of the file."""
    shown = "".join(letter if letter.isprintable() else " " for letter in words.strip())
    return shown if len(shown) <= _REASON else f"{shown[:_REASON]}..."


class LlamaModel:
    """A GGUF file's weights and vocabulary.

    Args:
        path: the file, or the first part of a split one.
        fast: accept a build whose bits depend on batch and chunk.
        settings: how much of the model is computed on GPUs, and on which.
        outline: read sizes and vocabulary only, and take no memory for the weights.

    Raises:
        BuildError: the library cannot be trusted or loaded, or has no GPU where one is asked for.
        ModelError: the file is missing, cut short or no sound GGUF file.
        EngineError: the library refuses it.
    """

    def __init__(
        self,
        path: Path,
        *,
        fast: bool = False,
        settings: EngineSettings | None = None,
        outline: bool = False,
    ):
        placement = settings or EngineSettings()
        self.on_gpu = placement.gpu_layers > 0
        """Whether some layers are computed on a GPU."""
        self.path = path
        read_model(path)  # llama.cpp ends the process on some files that this refuses
        self.library, self.build = load_library(fast=fast, gpu=placement.gpu_layers > 0)
        parameters = self.library.llama_model_default_params()
        parameters.n_gpu_layers = placement.gpu_layers
        parameters.main_gpu = placement.main_gpu
        if placement.tensor_split:
            shares = ctypes.c_float * self.library.llama_max_devices()
            if len(placement.tensor_split) > shares._length_:
                raise EngineError(
                    f"engine.tensor_split names {len(placement.tensor_split)} GPUs, the library "
                    f"knows of {shares._length_} at most"
                )
            self._shares = shares(*placement.tensor_split)
            parameters.tensor_split = self._shares
        if outline:
            parameters.vocab_only = True
        first_complaint()  # of something else
        self._handle = self.library.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._handle:
            reason = one_line(first_complaint()) or "no reason given"
            raise EngineError(
                f"llama.cpp refuses the model file: {reason}",
                where=path,
                hint="kit models verify --full",
            )
        self._vocab = self.library.llama_model_get_vocab(self._handle)
        self.vocabulary = self._read_vocabulary()
        self.context_length = self._metadata_int("context_length", 0)
        """Tokens the model was trained to read."""

    def close(self) -> None:
        """Free the weights."""
        if self._handle:
            self.library.llama_model_free(self._handle)
            self._handle = None

    def cache_bytes(self, k_type: str) -> int:
        """KV cache bytes per token of a dialogue; an upper bound for windows and hybrids."""
        width = self._metadata_int("attention.head_count_kv", self._heads)
        value_length = self._metadata_int("attention.value_length", self._head_length)
        layers = self._metadata_int("block_count", 0)
        key_bytes = Q8_0_BYTES / Q8_0_VALUES if k_type == "q8_0" else 2
        return int(layers * width * (self.key_length * key_bytes + value_length * 2))

    @property
    def key_length(self) -> int:
        """Values of one head's key."""
        return self._metadata_int("attention.key_length", self._head_length)

    @property
    def _heads(self) -> int:
        return max(1, self._metadata_int("attention.head_count", 1))

    @property
    def _head_length(self) -> int:
        return self._metadata_int("embedding_length", 0) // self._heads

    @property
    def layers(self) -> int:
        """Layers that can be put on a GPU; the output layer is one more."""
        return self._metadata_int("block_count", 0)

    @property
    def context_shapes_positions(self) -> bool:
        """The context's size selects the rotary factors (as in Phi), so it enters the bits."""
        return self._metadata_int("rope.scaling.original_context_length", 0) > 0

    def _metadata_int(self, name: str, otherwise: int) -> int:
        """A number of the model's own metadata; of a list, one per layer, the largest."""
        architecture = self._metadata("general.architecture")
        found = self._metadata(f"{architecture}.{name}")
        numbers = re.findall(r"-?\d+", found or "")
        return max(map(int, numbers), default=otherwise)

    def _metadata(self, name: str) -> str | None:
        buffer = ctypes.create_string_buffer(_METADATA_BYTES)
        found = self.library.llama_model_meta_val_str(
            self._handle, name.encode(), buffer, _METADATA_BYTES
        )
        return None if found < 0 else buffer.value.decode(errors="replace")

    @property
    def handle(self) -> Any:
        """The library's pointer."""
        return self._handle

    def template(self, *, plain: bool = False) -> ChatTemplate:
        """The model's chat template, or the kit's plain one.

        Raises:
            EngineError: the model carries none.
        """
        source = plain_template()
        if not plain:
            found = self.library.llama_model_chat_template(self._handle, None)
            if not found:
                raise EngineError(
                    "the model carries no chat template",
                    where=self.path,
                    hint="pin it with 'chat_template: plain' in models.yaml",
                )
            try:
                source = found.decode()
            except UnicodeDecodeError as error:
                raise EngineError(
                    "the model's chat template is not UTF-8 text",
                    where=self.path,
                    hint="pin it with 'chat_template: plain' in models.yaml",
                ) from error
        return ChatTemplate(
            source,
            bos=self._token_text(self.library.llama_vocab_bos(self._vocab)),
            eos=self._token_text(self.library.llama_vocab_eos(self._vocab)),
            add_bos=bool(self.library.llama_vocab_get_add_bos(self._vocab)),
        )

    def tokenize(self, pieces: Sequence[Piece]) -> Prompt:
        """Token ids of ``pieces``, each tokenised on its own."""
        tokens: list[int] = []
        marks: list[int] = []
        for piece in pieces:
            tokens.extend(self._tokenize(piece.text.encode(), special=piece.special))
            if piece.shareable:
                marks.append(len(tokens))
        return Prompt(tuple(tokens), tuple(marks))

    def count(self, text: str) -> int:
        """Tokens of plain text."""
        return len(self._tokenize(text.encode(), special=False))

    def _tokenize(self, text: bytes, *, special: bool) -> list[int]:
        if special or self._inside_markup is None:
            return self._tokenize_part(text, special=special)
        return [
            token
            for part in self._inside_markup.split(text)
            for token in self._tokenize_part(part, special=False)
        ]

    def _tokenize_part(self, text: bytes, *, special: bool) -> list[int]:
        room = len(text) + 8
        buffer = (self.library.llama_token * room)()
        count = self.library.llama_tokenize(
            self._vocab, text, len(text), buffer, room, False, special
        )
        if count < 0:
            raise EngineError(f"the text cannot be tokenised ({-count} tokens)")
        return list(buffer[:count])

    def _token_text(self, token: int) -> str:
        if token < 0:
            return ""
        found = self.library.llama_vocab_get_text(self._vocab, token)
        return found.decode(errors="replace") if found else ""

    def _read_vocabulary(self) -> Vocabulary:
        library, vocab = self.library, self._vocab
        size = library.llama_vocab_n_tokens(vocab)
        buffer = ctypes.create_string_buffer(1024)
        pieces: list[bytes] = []
        ends: list[int] = []
        markup: list[str] = []
        for token in range(size):
            attributes = library.llama_vocab_get_attr(vocab, token)
            if library.llama_vocab_is_eog(vocab, token):
                ends.append(token)
                pieces.append(b"")
            elif attributes & _CONTROL_ATTRIBUTES:
                pieces.append(b"")
            elif attributes & _USER_DEFINED and _MARKUP.fullmatch(self._token_text(token)):
                markup.append(self._token_text(token))
                pieces.append(b"")
            else:
                length = library.llama_token_to_piece(vocab, token, buffer, 1024, 0, False)
                pieces.append(buffer.raw[: max(0, length)])
        # The library finds such tokens in any text, also where special tokens are off. A text that
        # is cut inside them holds none.
        cuts = "|".join(f"(?<={re.escape(text[0])})(?={re.escape(text[1:])})" for text in markup)
        self._inside_markup = re.compile(cuts.encode()) if cuts else None
        return Vocabulary(pieces, ends)
