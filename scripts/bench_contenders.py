"""The ways to answer ten agents that scripts/bench compares, each in a process of its own.

Started as ``bench_contenders.py NAME`` with a job as JSON on standard input; prints its result as
JSON. Each function runs under another Python (the kit's, a stock build's, the server's), so it
imports what it needs itself, and this module imports the standard library only.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import itertools
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

TEMPERATURE = 0.9
LOOK = 3
"""How many agents' texts are compared between companies."""
_F16, _Q8_0 = 1, 8

Job = dict[str, Any]
Result = dict[str, Any]


def megabytes() -> float:
    """The most memory this process held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3


def _hash(digests: list[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


class Tape:
    """Times what the kit does, seen from outside, and keeps what it asked llama.cpp to compute."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.tokens: dict[str, int] = defaultdict(int)
        self.calls: list[tuple[str, float, float]] = []
        self.schedule: list[list[Any]] = []

    def timed(self, name: str, function: Any) -> Any:
        """``function``, its time added to ``name``."""

        def call(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[name] += time.perf_counter() - started

        return call

    def decoding(self, function: Any) -> Any:
        """``llama_decode``, timed as prefill or decode, its batch kept.

        A batch in which every token wants logits is one token further for its dialogues.
        """

        def call(context: Any, batch: Any) -> int:
            started = time.perf_counter()
            status: int = function(context, batch)
            ended = time.perf_counter()
            rows = range(batch.n_tokens)
            wanted = [row for row in rows if batch.logits[row]]
            kind = "decode" if len(wanted) == batch.n_tokens else "prefill"
            self.seconds[kind] += ended - started
            self.tokens[kind] += batch.n_tokens
            self.calls.append((kind, started, ended))
            sequences = [batch.seq_id[row][0] for row in rows]
            self.schedule.append(
                [kind, batch.token[: len(rows)], batch.pos[: len(rows)], sequences, wanted]
            )
            self.seconds["taping"] += time.perf_counter() - ended
            return status

        return call

    def copying(self, function: Any) -> Any:
        """``llama_memory_seq_cp``, kept."""

        def call(memory: Any, source: int, target: int, first: int, last: int) -> None:
            function(memory, source, target, first, last)
            self.schedule.append(["copy", source, target])

        return call

    def hash(self, data: bytes) -> TapedHash:
        """What stands in for ``hashlib.sha256``."""
        return TapedHash(self, data)

    def watch(self, library: Any) -> None:
        """Put the taped functions where the kit looks for them."""
        from kit.engine.grammar import Grammar  # noqa: PLC0415

        engine: Any = importlib.import_module("kit.engine.llama")
        library.llama_decode = self.decoding(library.llama_decode)
        library.llama_memory_seq_cp = self.copying(library.llama_memory_seq_cp)
        engine.draw = self.timed("draw", engine.draw)
        engine.legal_mass = self.timed("legal mass", engine.legal_mass)
        for name in ("mask", "is_decision", "next"):
            setattr(Grammar, name, self.timed("form", getattr(Grammar, name)))
        engine.hashlib = self
        self.sha256 = self.hash


class TapedHash:
    """A hash whose work is timed."""

    def __init__(self, tape: Tape, data: bytes):
        self._hash = hashlib.sha256(data)
        self.update = tape.timed("digest", self._hash.update)
        self.hexdigest = self._hash.hexdigest


def _scene(job: Job) -> Any:
    from kit.runner.resolve import resolve, study_path  # noqa: PLC0415
    from kit.society.scene import Scene  # noqa: PLC0415

    experiment = resolve(study_path(job["study"]), model=job["model"], profile=job["profile"])
    [run] = [run for run in experiment.runs() if run.run_id.partition("/")[2] == job["run"]]
    return experiment, Scene(experiment, run)


def _weights(job: Job) -> Any:
    from kit.runner.weights import load_weights  # noqa: PLC0415

    experiment, scene = _scene(job)
    weights = load_weights(experiment.models[job["model"]])
    return experiment, scene, weights


def kit(job: Job) -> Result:
    """The kit: prompts, form, sampler, digests and the log on disk, as in ``kit run``."""
    from kit.runlog.writer import RunWriter  # noqa: PLC0415
    from kit.runner.folder import ResultFolder  # noqa: PLC0415
    from kit.runner.plan import cost, plan  # noqa: PLC0415
    from kit.society.group import simulate  # noqa: PLC0415
    from kit.society.identity import header  # noqa: PLC0415

    experiment, scene, weights = _weights(job)
    with tempfile.TemporaryDirectory() as folder:
        planned = plan(experiment, ResultFolder(Path(folder)), only=scene.run.run_id)
        room = cost(planned, weights, cohort=1).room
        settings = scene.protocol.engine.value.model_copy(update=job.get("settings", {}))
        engine = weights.engine(
            settings, capacity=10, threads=job["threads"], room=room, with_bit_class=False
        )
        tape = Tape()
        if job.get("watch", True):
            tape.watch(weights.model.library)
            engine.generate = tape.timed("engine", engine.generate)
        turns: list[list[dict[str, Any]]] = []
        seconds: list[float] = []
        with RunWriter(Path(folder) / "run.jsonl", header(experiment, scene, engine)) as writer:
            begun = taped = 0.0
            begun = time.perf_counter()
            for said in itertools.islice(simulate([scene], engine), job["turns"]):
                writer.append(said.turns)
                now = time.perf_counter()
                seconds.append(now - begun - (tape.seconds["taping"] - taped))
                begun, taped = now, tape.seconds["taping"]
                tape.schedule.append(["turn"])
                turns.append(
                    [{"prompt": turn.prompt, "tokens": turn.tokens} for turn in said.turns]
                )
        tape.seconds["engine"] -= tape.seconds["taping"]
        result = {
            "seconds": seconds,
            "tokens": tape.tokens,
            "shares": tape.seconds,
            "digest": _hash([turn.digest for turn in said.turns]),
            "megabytes": megabytes(),
        }
        plan_file = {
            "path": str(weights.model.path),
            "room": room,
            "turns": turns,
            "schedule": tape.schedule,
        }
        Path(job["plan"]).write_text(json.dumps(plan_file), encoding="utf-8")
    return result


def share(job: Job) -> Result:
    """The first answers of one group and of fifteen replicates with the same first prompts.

    The cost of a beginning is the time to the first decoded batch, plus what that batch takes
    longer than the next one: the library copies a shared cache when it is first used.
    """
    from kit.society.group import Group  # noqa: PLC0415

    _, scene, weights = _weights(job)
    found: Result = {}
    for replicates in (1, job["replicates"]):
        engine = weights.engine(
            scene.protocol.engine.value,
            capacity=10 * replicates,
            threads=job["threads"],
            room=job["share_room"],
            with_bit_class=False,
        )
        group = Group(scene, engine, 0)
        first = [group.request(agent, 1, group.prompt(agent, 1)) for agent in scene.agents]
        sampling = first[0].sampling.model_copy(update={"max_tokens": 3})
        requests = [
            request._replace(
                sequence=10 * replicate + place, sampling=sampling, key=(replicate, place)
            )
            for replicate in range(replicates)
            for place, request in enumerate(first)
        ]
        tape = Tape()
        plain = weights.model.library.llama_decode
        weights.model.library.llama_decode = tape.decoding(plain)
        started = time.perf_counter()
        engine.generate(requests)
        weights.model.library.llama_decode = plain
        spoken = [call for call in tape.calls if call[0] == "decode"]
        (_, begin, end), (_, again, done), *_ = spoken
        found[str(replicates)] = {
            "computing": sum(call[2] - call[1] for call in tape.calls if call[0] == "prefill"),
            "seconds": (begin - started) + max(0.0, (end - begin) - (done - again)),
            "tokens": tape.tokens["prefill"],
        }
        engine.close()
    found["megabytes"] = megabytes()
    return found


class _Batches:
    """Batches made beforehand, so that nothing but ``llama_decode`` is left to do."""

    def __init__(self, library: Any):
        self._library = library
        self._one: dict[int, Any] = {}

    def _sequence(self, number: int) -> Any:
        kind = self._library.llama_seq_id
        if number not in self._one:
            self._one[number] = (kind * 1)(number)
        return ctypes.cast(self._one[number], ctypes.POINTER(kind))

    def make(self, step: list[Any]) -> Any:
        """A batch from a kept step."""
        library = self._library
        _, tokens, positions, sequences, wanted = step
        size = len(tokens)
        batch = library.llama_batch()
        batch.n_tokens = size
        batch.token = (library.llama_token * size)(*tokens)
        batch.pos = (library.llama_pos * size)(*positions)
        batch.n_seq_id = (ctypes.c_int32 * size)(*[1] * size)
        pointer = ctypes.POINTER(library.llama_seq_id)
        batch.seq_id = (pointer * size)(*[self._sequence(number) for number in sequences])
        marks = set(wanted)
        batch.logits = (ctypes.c_int8 * size)(*[row in marks for row in range(size)])
        return batch


def reshaped(schedule: list[list[Any]], chunk: int | None, *, joined: bool) -> list[list[Any]]:
    """The same tokens in other batches: prefill in smaller chunks, or several dialogues at once."""
    found: list[list[Any]] = []
    for step in schedule:
        last = found[-1] if found else ["nothing"]
        if step[0] == "prefill" and chunk:
            _, tokens, positions, sequences, wanted = step
            for start in range(0, len(tokens), chunk):
                part = slice(start, start + chunk)
                rows = [row - start for row in wanted if start <= row < start + chunk]
                found.append(["prefill", tokens[part], positions[part], sequences[part], rows])
        elif joined and step[0] == last[0] == "prefill" and not set(step[3]) & set(last[3]):
            rows = [*last[4], *(row + len(last[1]) for row in step[4])]
            found[-1] = ["prefill", *(last[i] + step[i] for i in (1, 2, 3)), rows]
        else:
            found.append(step)
    return found


def narrowed(schedule: list[list[Any]], dialogues: int) -> list[list[Any]]:
    """The same batches of the first ``dialogues`` sequences alone."""
    found: list[list[Any]] = []
    for step in schedule:
        if step[0] == "copy" and max(step[1:]) >= dialogues:
            continue
        if len(step) == 5:
            rows = [row for row, sequence in enumerate(step[3]) if sequence < dialogues]
            if rows:
                columns = [[column[row] for row in rows] for column in step[1:4]]
                wanted = [place for place, row in enumerate(rows) if row in step[4]]
                found.append([step[0], *columns, wanted])
        else:
            found.append(step)
    return found


def limit(job: Job) -> Result:
    """What llama.cpp itself takes for the batches that the kit computed."""
    import llama_cpp.llama_cpp as library  # noqa: PLC0415

    plan = json.loads(Path(job["plan"]).read_text(encoding="utf-8"))
    schedule = narrowed(plan["schedule"], job.get("dialogues", 10))
    schedule = reshaped(schedule, job.get("chunk"), joined=job.get("joined", False))
    quiet = library.llama_log_callback(lambda *_: None)
    library.llama_log_set(quiet, ctypes.c_void_p(0))
    library.llama_backend_init()
    options = library.llama_model_default_params()
    options.use_extra_bufts = job.get("repack", True)
    model = library.llama_model_load_from_file(os.fsencode(plan["path"]), options)
    longest = max(len(step[1]) for step in schedule if step[0] in ("prefill", "decode"))
    parameters = library.llama_context_default_params()
    parameters.n_ctx = plan["room"] * 10
    parameters.n_batch = max(512, longest)
    parameters.n_ubatch = job.get("chunk") or 512
    parameters.n_seq_max = 10
    parameters.n_outputs_max = job.get("outputs", 64)
    parameters.n_threads = parameters.n_threads_batch = job["threads"]
    parameters.flash_attn_type = (
        library.LLAMA_FLASH_ATTN_TYPE_ENABLED
        if job.get("flash")
        else library.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    parameters.kv_unified = False
    parameters.type_k = _Q8_0 if job.get("k_type") == "q8_0" else _F16
    parameters.no_perf = True
    context = library.llama_init_from_model(model, parameters)
    memory = library.llama_get_memory(context)
    width = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
    batches = _Batches(library)
    ready = [batches.make(step) if len(step) == 5 else step for step in schedule]
    spent: dict[str, float] = defaultdict(float)
    tokens: dict[str, int] = defaultdict(int)
    turns = [0.0]
    bits: dict[int, Any] = defaultdict(hashlib.sha256)
    for step, batch in zip(schedule, ready, strict=True):
        if step[0] == "turn":
            turns.append(0.0)
            continue
        if step[0] == "copy":
            library.llama_memory_seq_cp(memory, step[1], step[2], -1, -1)
            continue
        started = time.perf_counter()
        status = library.llama_decode(context, batch)
        took = time.perf_counter() - started
        if status:
            raise SystemExit(f"llama_decode: {status}")
        turns[-1] += took
        spent[step[0]] += took
        tokens[step[0]] += len(step[1])
        if job.get("bits"):
            for row in step[4]:
                logits = library.llama_get_logits_ith(context, row)
                bits[step[3][row]].update(ctypes.string_at(logits, 4 * width))
    return {
        "seconds": turns[: len(plan["turns"])],
        "shares": spent,
        "tokens": tokens,
        "bits": _hash([bits[sequence].hexdigest() for sequence in sorted(bits)]) if bits else None,
        "system": library.llama_print_system_info().decode(),
        "megabytes": megabytes(),
    }


def loop(job: Job) -> Result:
    """The high-level ``Llama``, started afresh before every call, one agent after another."""
    high_level: Any = importlib.import_module("llama_cpp")
    plan = json.loads(Path(job["plan"]).read_text(encoding="utf-8"))
    llama = high_level.Llama(
        plan["path"],
        n_ctx=plan["room"],
        n_threads=job["threads"],
        n_threads_batch=job["threads"],
        verbose=False,
    )
    spent: dict[str, float] = defaultdict(float)
    tokens: dict[str, int] = defaultdict(int)

    def answer(history: list[int], count: int, seed: int) -> list[int]:
        llama.reset()
        llama.set_seed(seed)
        started = time.perf_counter()
        stream = llama.generate(history, temp=TEMPERATURE, top_k=0, top_p=1.0, min_p=0.0)
        said = [next(stream)]
        first = time.perf_counter()
        said += itertools.islice(stream, count - 1)
        spent["prefill"] += first - started
        spent["decode"] += time.perf_counter() - first
        tokens["prefill"] += len(history)
        tokens["decode"] += count - 1
        return said

    if job.get("texts"):
        opening = [turn["prompt"] for turn in plan["turns"][0]]

        def look(order: range) -> dict[int, list[int]]:
            return {agent: answer(opening[agent], job["texts"], agent) for agent in order}

        together = look(range(LOOK))
        return {"again": _same(together, look(range(LOOK))),
                "alone": _same(together, look(range(LOOK - 1, -1, -1)))}  # fmt: skip
    agents = range(job["agents"])
    histories: list[list[int]] = [[] for _ in agents]
    seconds: list[float | None] = []
    for number, turn in enumerate(plan["turns"]):
        started = time.perf_counter()
        asked = number % job.get("every", 1) == 0
        for agent in agents:
            histories[agent] += turn[agent]["prompt"]
            said = turn[agent]["tokens"]
            if asked:
                said = answer(histories[agent], max(1, len(said)), 100 * number + agent)
            histories[agent] += said
        seconds.append(time.perf_counter() - started if asked else None)
    return {
        "seconds": seconds,
        "shares": spent,
        "tokens": tokens,
        "agents": len(agents),
        "megabytes": megabytes(),
    }


def _same(first: dict[int, Any], second: dict[int, Any]) -> list[bool]:
    """For each agent looked at, whether both texts are the same."""
    return [first[agent] == second[agent] for agent in range(LOOK)]


def server(job: Job) -> Result:
    """llama-server inside the process: ten slots, each agent its own, cached prompts."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    plan = json.loads(Path(job["plan"]).read_text(encoding="utf-8"))
    parameters = xllamacpp.CommonParams()
    parameters.model.path = plan["path"]
    parameters.n_parallel = 10
    parameters.n_ctx = 10 * plan["room"]
    parameters.cpuparams.n_threads = job["threads"]
    parameters.cpuparams_batch.n_threads = job["threads"]
    parameters.cache_prompt = True
    parameters.verbosity = -1
    for name, value in job.get("parameters", {}).items():
        setattr(parameters, name, value)
    machine = xllamacpp.Server(parameters)
    tokens: dict[str, int] = defaultdict(int)

    def answer(agent: int, history: list[int], count: int, seed: int) -> list[int]:
        reply = machine.handle_completions(
            {
                "prompt": history,
                "max_tokens": count,
                "temperature": TEMPERATURE,
                "top_k": 0,
                "top_p": 1.0,
                "min_p": 0.0,
                "seed": seed,
                "ignore_eos": True,
                "cache_prompt": True,
                "id_slot": agent,
                "return_tokens": True,
                "verbose": True,
            }
        )
        timings = reply["timings"]
        tokens["prefill"] += timings["prompt_n"]
        tokens["decode"] += timings["predicted_n"] - 1
        said: list[int] = reply["__verbose"]["tokens"]
        return said

    def together(asked: dict[int, tuple[list[int], int, int]]) -> dict[int, list[int]]:
        said: dict[int, list[int]] = {}

        def ask(agent: int) -> None:
            said[agent] = answer(agent, *asked[agent])

        threads = [threading.Thread(target=ask, args=(agent,)) for agent in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return said

    if job.get("texts"):
        return _server_texts(plan, job, together)
    spent: dict[str, float] = defaultdict(float)
    histories: dict[int, list[int]] = {agent: [] for agent in range(10)}
    seconds = []
    for number, turn in enumerate(plan["turns"]):
        counts = {agent: max(1, len(turn[agent]["tokens"])) for agent in histories}
        for agent, history in histories.items():
            history.extend(turn[agent]["prompt"])
        started = time.perf_counter()
        if job.get("apart"):
            said = together({a: (h, 1, 100 * number + a) for a, h in histories.items()})
            read = time.perf_counter()
            more = {a: (histories[a] + said[a], counts[a] - 1, a) for a in said if counts[a] > 1}
            rest = together(more)
            spent["prefill"] += read - started
            spent["decode"] += time.perf_counter() - read
            said = {agent: said[agent] + rest.get(agent, []) for agent in said}
        else:
            said = together({a: (h, counts[a], 100 * number + a) for a, h in histories.items()})
        seconds.append(time.perf_counter() - started)
        for agent, history in histories.items():
            history.extend(said[agent])
    if job.get("apart"):
        # Each agent's second request reads its first token again: that is a decoded token.
        again = sum(len(turn[a]["tokens"]) > 1 for turn in plan["turns"] for a in range(10))
        tokens["prefill"] -= again
        tokens["decode"] += again
    return {
        "seconds": seconds,
        "shares": spent,
        "tokens": tokens,
        "system": xllamacpp.get_system_info(),
        "version": xllamacpp.__version__,
        "megabytes": megabytes(),
    }


def _server_texts(plan: Any, job: Job, together: Any) -> Result:
    """The same seeded questions asked in one company; ``job`` says in which."""
    opening = [turn["prompt"] for turn in plan["turns"][0]]
    count = job["texts"]
    everyone = {agent: (opening[agent], count, agent) for agent in range(10)}
    if job["company"] == "alone":
        said: dict[int, list[int]] = {}
        for agent in range(LOOK):
            said |= together({agent: everyone[agent]})
        return {"said": [said[agent] for agent in range(LOOK)]}
    if job["company"] == "others":
        for agent in range(LOOK, 10):
            everyone[agent] = (opening[agent][: 40 * agent], count, 1000 + agent)
    found = [together(everyone)]
    if job["company"] == "twice":
        found.append(together(everyone))
    return {
        "said": [found[0][agent] for agent in range(LOOK)],
        "again": [found[-1][agent] for agent in range(LOOK)],
    }


CONTENDERS = {"kit": kit, "share": share, "limit": limit, "loop": loop, "server": server}


def main() -> int:
    """Do one job."""
    job = json.load(sys.stdin)
    # What a library prints goes to standard error; standard output is the result's alone.
    out = os.dup(1)
    os.dup2(2, 1)
    result = CONTENDERS[sys.argv[1]](job)
    with os.fdopen(out, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
