"""llama.cpp, driven token by token: many dialogues in one context, each with its own KV cache.

The settings are those under which, on the invariant build, a token's logits depend on its own
prefix alone: one KV stream per dialogue (``kv_unified`` off), flash attention off, V in F16.
Dialogues can then be answered together in any company and any one of them alone gives the same
bits.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kit.engine.chat import ChatTemplate, Piece, plain_template
from kit.engine.grammar import State
from kit.engine.library import last_message, load_library
from kit.engine.protocol import Completion, Prompt, Request, Tokens
from kit.engine.sampler import Logits, draw, legal_mass
from kit.engine.vocabulary import Vocabulary
from kit.errors import ContextFull, EngineError
from kit.spec.seeds import key
from kit.spec.study import EngineSettings

BATCH = 512
"""Tokens computed at once; on the invariant build it changes speed, not bits."""
MAX_SEQUENCES = 256
_MAGIC = b"GGUF"
_F16, _Q8_0 = 1, 8
_CONTROL_ATTRIBUTES = 0b1011
"""Unknown, unused and control tokens stand for no text."""


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class _Dialogue:
    """What one sequence of the context holds."""

    done: int = 0
    """Tokens whose keys and values are in the cache."""
    waiting: list[int] = field(default_factory=list)
    """Tokens that belong to the dialogue and are not computed yet."""


@dataclass(slots=True)
class _Answer:
    """One answer being made."""

    request: Request
    state: State
    path: int
    digest: Any
    tokens: list[int] = field(default_factory=list)
    legal_mass: list[float] = field(default_factory=list)
    stop: str | None = None


class LlamaModel:
    """A GGUF file's weights and vocabulary.

    Args:
        path: the file, or the first part of a split one.
        fast: accept a build whose bits depend on batch and chunk.
        gpu_layers: layers to put on a GPU.

    Raises:
        BuildError: the library cannot be trusted or loaded.
        EngineError: the file is missing, cut short, not a GGUF or of an unknown kind.
    """

    def __init__(self, path: Path, *, fast: bool = False, gpu_layers: int = 0):
        self.path = path
        try:
            with path.open("rb") as file:
                magic = file.read(4)
        except OSError as error:
            raise EngineError(
                f"the model file cannot be read: {error.strerror}",
                where=path,
                hint="kit models verify",
            ) from error
        if magic != _MAGIC:
            raise EngineError(
                "is not a GGUF model file", where=path, hint="kit models verify --full"
            )
        self.library, self.build = load_library(fast=fast)
        parameters = self.library.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        self._handle = self.library.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._handle:
            raise EngineError(
                f"llama.cpp refuses the model file: {last_message() or 'no reason given'}",
                where=path,
                hint="kit models verify --full",
            )
        self._vocab = self.library.llama_model_get_vocab(self._handle)
        self.vocabulary = self._read_vocabulary()
        self.context_length = int(self.library.llama_model_n_ctx_train(self._handle))

    def close(self) -> None:
        """Free the weights."""
        if self._handle:
            self.library.llama_model_free(self._handle)
            self._handle = None

    def cache_bytes(self, k_type: str) -> int:
        """KV cache bytes per token of a dialogue; an upper bound for windows and hybrids."""
        library, handle = self.library, self._handle
        heads = library.llama_model_n_head(handle)
        embedding = library.llama_model_n_embd(handle)
        width = library.llama_model_n_head_kv(handle)
        key_length = self._metadata_int("attention.key_length", embedding // max(1, heads))
        value_length = self._metadata_int("attention.value_length", embedding // max(1, heads))
        # Q8_0 keeps 32 values in 34 bytes.
        key_bytes = 34 / 32 if k_type == "q8_0" else 2
        layers = library.llama_model_n_layer(handle)
        return int(layers * width * (key_length * key_bytes + value_length * 2))

    @property
    def context_shapes_positions(self) -> bool:
        """The context's size selects the rotary factors (as in Phi), so it enters the bits."""
        return self._metadata_int("rope.scaling.original_context_length", 0) > 0

    def _metadata_int(self, name: str, otherwise: int) -> int:
        buffer = ctypes.create_string_buffer(256)
        read = self.library.llama_model_meta_val_str
        if read(self._handle, b"general.architecture", buffer, 256) < 0:
            return otherwise
        key_name = f"{buffer.value.decode()}.{name}".encode()
        if read(self._handle, key_name, buffer, 256) < 0:
            return otherwise
        return int(buffer.value)

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
            source = found.decode()
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
        for token in range(size):
            if library.llama_vocab_is_eog(vocab, token):
                ends.append(token)
                pieces.append(b"")
            elif library.llama_vocab_get_attr(vocab, token) & _CONTROL_ATTRIBUTES:
                pieces.append(b"")
            else:
                length = library.llama_token_to_piece(vocab, token, buffer, 1024, 0, False)
                pieces.append(buffer.raw[: max(0, length)])
        return Vocabulary(pieces, ends)


class LlamaEngine:
    """Dialogues of one model in one context.

    Args:
        model: the weights; may serve several engines. model_sha256: the file's hash, part of the
        identity. settings: context per dialogue and cache type. capacity: how many dialogues to
        hold. threads: worker threads; changes speed, not bits. None: every core this process may
        use. plain: use the kit's chat template. bit_class: what
        :func:`kit.engine.environment.bit_class` found. batch: tokens computed at once; changes
        speed, not bits. room: tokens to allocate per dialogue where fewer than the settings allow
        are needed; changes
            memory, not bits (models whose bits it would change get the full context).

    Raises:
        EngineError: the context cannot be made, for want of memory as a rule.
    """

    KIND = "llama.cpp"

    def __init__(
        self,
        model: LlamaModel,
        *,
        model_sha256: str,
        settings: EngineSettings,
        capacity: int = 10,
        threads: int | None = None,
        plain: bool = False,
        bit_class: str | None = None,
        batch: int = BATCH,
        room: int | None = None,
    ):
        self.model = model
        self.capacity = capacity
        self.vocabulary = model.vocabulary
        self.template = model.template(plain=plain)
        self.bit_class = bit_class
        self.identity: dict[str, Any] = {
            "kind": self.KIND,
            "build": str(model.build.kind),
            "model_sha256": model_sha256,
            "k_type": settings.k_type,
            "template": hashlib.sha256(self.template.source.encode()).hexdigest(),
        }
        self._library = model.library
        self._batch_size = batch
        parameters = self._library.llama_context_default_params()
        if room is None or model.context_shapes_positions:
            room = settings.context
        parameters.n_ctx = room * capacity
        parameters.n_batch = batch
        parameters.n_ubatch = batch
        parameters.n_seq_max = capacity
        parameters.n_threads = parameters.n_threads_batch = threads or cores()
        parameters.flash_attn_type = self._library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.kv_unified = False
        parameters.type_k = _Q8_0 if settings.k_type == "q8_0" else _F16
        parameters.type_v = _F16
        parameters.no_perf = True
        if not 1 <= capacity <= MAX_SEQUENCES:
            raise EngineError(f"{capacity} dialogues at once; at most {MAX_SEQUENCES} are possible")
        self._context = self._library.llama_init_from_model(model.handle, parameters)
        if not self._context:
            raise EngineError(
                f"no context of {capacity} dialogues of {room:,} tokens: "
                f"{last_message() or 'not enough memory'}",
                hint="lower --cohort, or the study's engine.context",
            )
        self._memory = self._library.llama_get_memory(self._context)
        self._limit = int(self._library.llama_n_ctx_seq(self._context))
        self._batch = self._library.llama_batch_init(batch, 0, 1)
        self._row = ctypes.c_float * len(self.vocabulary)
        self._dialogues = [_Dialogue() for _ in range(capacity)]

    def close(self) -> None:
        """Free the context."""
        if self._context:
            self._library.llama_batch_free(self._batch)
            self._library.llama_free(self._context)
            self._context = None

    def tokenize(self, pieces: Sequence[Piece]) -> Prompt:
        """Token ids of ``pieces``, each tokenised on its own."""
        return self.model.tokenize(pieces)

    def clear(self) -> None:
        """Forget every dialogue."""
        self._library.llama_memory_clear(self._memory, True)
        self._dialogues = [_Dialogue() for _ in range(self.capacity)]

    def append(self, sequence: int, prompt: Prompt, answer: Tokens) -> None:
        """Put a recorded prompt and answer into a dialogue; computed with the next request."""
        self._dialogues[sequence].waiting.extend((*prompt.tokens, *answer))

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer ``requests`` together."""
        if not requests:
            return []
        answers = [_open(request) for request in requests]
        fresh: dict[int, Prompt] = {}
        for answer in answers:
            sequence, prompt = answer.request.sequence, answer.request.prompt
            dialogue = self._dialogues[sequence]
            if not dialogue.done and not dialogue.waiting:
                fresh[sequence] = prompt
            dialogue.waiting.extend(prompt.tokens)
            self._check_room(dialogue, answer.request.sampling.max_tokens)
        self._share(fresh)
        for group in _same_prompt(answers, fresh):
            leader, *others = group
            self._read(leader.request.sequence)
            logits = self._logits(-1).copy()
            for other in others:
                self._copy(leader.request.sequence, other.request.sequence)
            for answer in group:
                self._decide(answer, logits)
        speaking = [answer for answer in answers if answer.stop is None]
        while speaking:
            for start in range(0, len(speaking), self._batch_size):
                together = speaking[start : start + self._batch_size]
                self._speak(together)
            speaking = [answer for answer in speaking if answer.stop is None]
        return [_close(answer) for answer in answers]

    def logits_after(self, sequence: int, tokens: Tokens) -> Logits:
        """Read ``tokens`` into a dialogue and return the logits of what comes next."""
        dialogue = self._dialogues[sequence]
        dialogue.waiting.extend(tokens)
        self._check_room(dialogue, 0)
        self._read(sequence)
        return self._logits(-1).copy()

    def _check_room(self, dialogue: _Dialogue, answer: int) -> None:
        need = dialogue.done + len(dialogue.waiting) + answer
        if need > self._limit:
            raise ContextFull(
                f"the dialogue needs {need:,} tokens, its context holds {self._limit:,}",
                hint="fewer turns, a shorter budget (--profile), or a larger engine.context",
            )

    def _share(self, fresh: Mapping[int, Prompt]) -> None:
        """Compute beginnings that fresh dialogues have in common once, and copy the whole cache.

        A cache is only ever copied at its exact end: some architectures cannot be cut back.
        """
        depth = max((len(prompt.marks) for prompt in fresh.values()), default=0)
        for level in range(depth):
            groups: dict[Tokens, list[int]] = {}
            for sequence, prompt in fresh.items():
                if level < len(prompt.marks):
                    groups.setdefault(prompt.tokens[: prompt.marks[level]], []).append(sequence)
            for beginning, (leader, *others) in groups.items():
                if not others:
                    continue
                dialogue = self._dialogues[leader]
                rest = list(fresh[leader].tokens[len(beginning) :])
                dialogue.waiting = list(beginning[dialogue.done :])
                self._read(leader)
                dialogue.waiting = rest
                for other in others:
                    self._copy(leader, other)
                    self._dialogues[other].waiting = list(fresh[other].tokens[len(beginning) :])

    def _copy(self, source: int, target: int) -> None:
        """Give ``target`` everything ``source`` has computed."""
        self._library.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        self._dialogues[target] = _Dialogue(self._dialogues[source].done)

    def _read(self, sequence: int) -> None:
        """Compute what waits in one dialogue; the last token's logits stay with the library."""
        dialogue = self._dialogues[sequence]
        waiting = dialogue.waiting
        for start in range(0, len(waiting), self._batch_size):
            chunk = waiting[start : start + self._batch_size]
            batch = self._batch
            for index, token in enumerate(chunk):
                batch.token[index] = token
                batch.pos[index] = dialogue.done + index
                batch.n_seq_id[index] = 1
                batch.seq_id[index][0] = sequence
                batch.logits[index] = start + index == len(waiting) - 1
            batch.n_tokens = len(chunk)
            self._decode()
            dialogue.done += len(chunk)
        dialogue.waiting = []

    def _speak(self, answers: Sequence[_Answer]) -> None:
        """One token further for each of ``answers``."""
        batch = self._batch
        for index, answer in enumerate(answers):
            dialogue = self._dialogues[answer.request.sequence]
            batch.token[index] = dialogue.waiting.pop()
            batch.pos[index] = dialogue.done
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = answer.request.sequence
            batch.logits[index] = True
            dialogue.done += 1
        batch.n_tokens = len(answers)
        self._decode()
        for index, answer in enumerate(answers):
            self._decide(answer, self._logits(index))

    def _decide(self, answer: _Answer, logits: Logits) -> None:
        """Draw the next token of one answer and note whether it goes on."""
        grammar = answer.request.grammar
        answer.digest.update(logits.tobytes())
        mask = grammar.mask(answer.state)
        if grammar.is_decision(answer.state):
            answer.legal_mass.append(legal_mass(logits, mask))
        token = draw(
            logits,
            mask,
            answer.request.sampling,
            key(answer.path, len(answer.tokens)),
        ).token
        following = grammar.next(answer.state, token)
        if token not in self.vocabulary.ends:
            answer.tokens.append(token)
            self._dialogues[answer.request.sequence].waiting.append(token)
        if following is None:
            answer.stop = "end"
        elif len(answer.tokens) == answer.request.sampling.max_tokens:
            answer.stop = "ceiling"
        else:
            answer.state = following

    def _decode(self) -> None:
        status = self._library.llama_decode(self._context, self._batch)
        if status:
            reason = {1: "no room in the KV cache", 2: "aborted"}.get(status, f"code {status}")
            raise EngineError(f"llama.cpp failed to compute a batch: {last_message() or reason}")

    def _logits(self, index: int) -> Logits:
        """One row of the last batch, as a view that the next batch overwrites."""
        pointer = self._library.llama_get_logits_ith(self._context, index)
        if not pointer:
            raise EngineError("llama.cpp returned no logits")
        address = ctypes.addressof(pointer.contents)
        row: Logits = np.ctypeslib.as_array(self._row.from_address(address))
        return row


def _same_prompt(answers: Sequence[_Answer], fresh: Mapping[int, Prompt]) -> list[list[_Answer]]:
    """Answers whose dialogues are fresh and begin with the very same prompt; all others alone."""
    groups: dict[Tokens | int, list[_Answer]] = {}
    for answer in answers:
        sequence = answer.request.sequence
        whole = fresh[sequence].tokens if sequence in fresh else sequence
        groups.setdefault(whole, []).append(answer)
    return list(groups.values())


def _open(request: Request) -> _Answer:
    digest = hashlib.sha256(bytes.fromhex(request.digest))
    return _Answer(request, request.grammar.start, key(*request.key), digest)


def _close(answer: _Answer) -> Completion:
    return Completion(
        tuple(answer.tokens),
        "ceiling" if answer.stop == "ceiling" else "end",
        tuple(answer.legal_mass),
        answer.digest.hexdigest(),
    )
