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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kit.engine.chat import Piece
from kit.engine.devices import DeviceKind, devices
from kit.engine.grammar import State
from kit.engine.library import first_complaint
from kit.engine.model import LlamaModel
from kit.engine.protocol import Completion, Prompt, Request, Tokens
from kit.engine.reading import Reader, Reading, Recorded, plan_reading
from kit.engine.sampler import Logits, draw, legal_mass, word_shares
from kit.errors import ContextFull, EngineError
from kit.spec.pins import Q8_0_VALUES
from kit.spec.seeds import key
from kit.spec.study import EngineSettings

BATCH = 512
"""Tokens computed at once; on the invariant build it changes speed, not bits."""
MAX_SEQUENCES = 256
_OUTPUTS = 64
"""Rows of logits that one batch may ask for."""
_F16, _Q8_0 = 1, 8


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
    shares: list[tuple[float, ...]] = field(default_factory=list)
    stop: str | None = None


class LlamaEngine:
    """Dialogues of one model in one context.

    Args:
        model: the weights; may serve several engines.
        model_sha256: the file's hash, part of the identity.
        settings: context per dialogue, cache type, flash attention.
        capacity: how many dialogues to hold.
        threads: worker threads; changes speed, not bits. None: every core this process may use.
        plain: use the kit's chat template.
        bit_class: what :func:`kit.engine.environment.bit_class` found.
        batch: tokens computed at once; on the invariant build it changes speed, not bits.
        room: tokens to allocate per dialogue where fewer than the settings allow are needed;
            changes memory, not bits (models whose bits it would change get the full context).
        unified: keep all dialogues in one KV stream: other bits, wanted only to disturb a path.

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
        unified: bool = False,
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
            "flash_attention": settings.flash_attention,
            "template": hashlib.sha256(self.template.source.encode()).hexdigest(),
        }
        if model.on_gpu:
            found = devices(fast=True, gpu=True)
            self.identity["devices"] = [
                device.description for device in found if device.kind is not DeviceKind.CPU
            ]
        self._library = model.library
        self._batch_size = batch
        parameters = self._library.llama_context_default_params()
        if room is None or model.context_shapes_positions:
            room = settings.context
        parameters.n_ctx = room * capacity
        # The library's own buffers must hold a token of every dialogue, whatever is asked for.
        parameters.n_batch = parameters.n_ubatch = room_for_all = max(batch, capacity)
        parameters.n_seq_max = capacity
        # The output layer's buffer has a row per output: a model with a large vocabulary would
        # otherwise hold half a gigabyte for rows that are never asked for.
        self._outputs = parameters.n_outputs_max = min(room_for_all, max(capacity, _OUTPUTS))
        parameters.n_threads = parameters.n_threads_batch = threads or cores()
        parameters.flash_attn_type = (
            self._library.LLAMA_FLASH_ATTN_TYPE_ENABLED
            if settings.flash_attention
            else self._library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        parameters.kv_unified = unified
        parameters.type_k = _Q8_0 if settings.k_type == "q8_0" else _F16
        parameters.type_v = _F16
        parameters.no_perf = True
        if not 1 <= capacity <= MAX_SEQUENCES:
            raise EngineError(f"{capacity} dialogues at once; at most {MAX_SEQUENCES} are possible")
        if settings.k_type == "q8_0" and model.key_length % Q8_0_VALUES:
            # Without flash attention the library does not check this, and computes nonsense.
            raise EngineError(
                f"k_type q8_0 needs keys of a multiple of {Q8_0_VALUES} values; this model's have "
                f"{model.key_length}",
                where=model.path,
                hint="set engine.k_type to f16",
            )
        self._context = self._library.llama_init_from_model(model.handle, parameters)
        if not self._context:
            raise EngineError(
                f"no context of {capacity} dialogues of {room:,} tokens: "
                f"{first_complaint() or 'not enough memory'}",
                hint="lower --cohort, or the study's engine.context",
            )
        self._memory = self._library.llama_get_memory(self._context)
        self._limit = int(self._library.llama_n_ctx_seq(self._context))
        self._batch = self._library.llama_batch_init(room_for_all, 0, 1)
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
            for start in range(0, len(speaking), self._outputs):
                self._speak(speaking[start : start + self._outputs])
            speaking = [answer for answer in speaking if answer.stop is None]
        return [_close(answer) for answer in answers]

    def read_back(
        self,
        dialogues: Mapping[int, Sequence[Recorded]],
        report: Callable[[int], None] = lambda _: None,
    ) -> dict[int, list[Reading]]:
        """Read recorded answers instead of making them, and say what would have been drawn.

        Every token is the recorded one, so a disagreement stays where it is: it does not change
        what comes after it. On the invariant build the digests are those of having made the
        answers.

        Args:
            dialogues: by sequence, its questions and recorded answers from the first on; the
                sequences must be fresh.
            report: called with the number of answers of a dialogue that was read.

        Raises:
            GrammarError: a recorded answer does not keep its form.
            ContextFull: a dialogue would outgrow its context.
            EngineError: the library failed.
        """
        plans = {
            sequence: [plan_reading(each, self.vocabulary.ends) for each in recorded]
            for sequence, recorded in dialogues.items()
            if recorded
        }
        fresh = {sequence: dialogues[sequence][0].request.prompt for sequence in plans}
        for sequence, prompt in fresh.items():
            dialogue = self._dialogues[sequence]
            dialogue.waiting = list(prompt.tokens)
            said = sum(
                len(each.request.prompt.tokens) + len(each.tokens) for each in dialogues[sequence]
            )
            self._check_room(dialogue, said - len(prompt.tokens))
        self._share(fresh)
        found: dict[int, list[Reading]] = {}
        for sequence, readers in plans.items():
            self._read_dialogue(sequence, dialogues[sequence], readers)
            found[sequence] = [reader.close() for reader in readers]
            self._forget(sequence)
            report(len(readers))
        return found

    def _read_dialogue(
        self, sequence: int, recorded: Sequence[Recorded], readers: Sequence[Reader]
    ) -> None:
        """Compute one dialogue to its end, handing every row of logits to who reads it."""
        waiting = self._dialogues[sequence].waiting
        first = len(recorded[0].request.prompt.tokens) - len(waiting)
        tokens = [
            token for each in recorded for token in (*each.request.prompt.tokens, *each.tokens)
        ]
        rows: dict[int, Reader] = {}
        place = 0
        for each, reader in zip(recorded, readers, strict=True):
            place += len(each.request.prompt.tokens)
            rows.update(dict.fromkeys(range(place - 1, place - 1 + reader.decisions), reader))
            place += len(each.tokens)
        last = max(rows, default=-1) + 1
        while first < last:
            wanted = [
                place
                for place in range(first, min(first + self._batch_size, last))
                if place in rows
            ]
            end = min(first + self._batch_size, last)
            if len(wanted) > self._outputs:
                end = wanted[self._outputs]
            chunk = range(first, end)
            self._compute(sequence, tokens[first:end], [place in rows for place in chunk])
            for index, place in enumerate(chunk):
                if place in rows:
                    rows[place].see(self._logits(index))
            first = end

    def _forget(self, sequence: int) -> None:
        """Make a dialogue fresh again."""
        if not self._library.llama_memory_seq_rm(self._memory, sequence, -1, -1):
            raise EngineError("llama.cpp kept a dialogue that was to be forgotten")
        self._dialogues[sequence] = _Dialogue()

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
                # A row of logits is wanted at a prompt's end, so its last token is never shared.
                if level < len(prompt.marks) and prompt.marks[level] < len(prompt.tokens):
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
        waiting = self._dialogues[sequence].waiting
        for start in range(0, len(waiting), self._batch_size):
            chunk = waiting[start : start + self._batch_size]
            is_last = start + len(chunk) == len(waiting)
            self._compute(sequence, chunk, [False] * (len(chunk) - 1) + [is_last])
        self._dialogues[sequence].waiting = []

    def _compute(self, sequence: int, tokens: Sequence[int], rows: Sequence[bool]) -> None:
        """One batch of one dialogue; ``rows`` says after which tokens logits are wanted."""
        dialogue = self._dialogues[sequence]
        batch = self._batch
        for index, (token, wanted) in enumerate(zip(tokens, rows, strict=True)):
            batch.token[index] = token
            batch.pos[index] = dialogue.done + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wanted
        batch.n_tokens = len(tokens)
        self._decode()
        dialogue.done += len(tokens)

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
        if words := grammar.scored(answer.state):
            answer.shares.append(word_shares(logits, words))
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
            raise EngineError(f"llama.cpp failed to compute a batch: {first_complaint() or reason}")

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
        tuple(answer.shares),
    )
