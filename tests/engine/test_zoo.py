"""Every architecture that a pin uses, in small: what holds for it, and what does not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Kind

from kit.audit.invariance import DEEP, Probe, Rows
from kit.engine.chat import Message, Piece
from kit.engine.grammar import END, Choice, Grammar, Line, Node
from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
from kit.engine.protocol import Completion, Request, Tokens
from kit.errors import EngineError
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from kit.spec.study import EngineSettings, Sampling
from tests.conftest import ROOT
from tests.zoo.animals import ANIMALS, ARCHITECTURES
from tests.zoo.keeper import write
from tests.zoo.pins import ANIMAL_OF
from tests.zoo.species import Animal
from tests.zoo.tensors import blocks

# What is known not to hold: exactly these, so that a repaired one is noticed too.
OTHER_BITS: dict[tuple[str, str], set[str]] = {}
"""Circumstances that change bits, by model and K cache type."""
NO_Q8_0 = {"stories260k", "stories15m"}
"""Heads of 8 and 48 values, where a K cache in Q8_0 needs a multiple of 32."""
CANNOT_BE_CUT = {"qwen3next"}
"""The state of a gated delta net knows no earlier time."""
SIZE_SHAPES_POSITIONS = {"phi3"}
"""The context's size selects the rotary factors."""
PLACE = 12
"""Bytes that a saved token takes beside its keys and values."""

FORM: dict[str, Node] = {
    "tag": Choice({"TALK:": "line", "THOUGHT:": "line"}, decision=True),
    "line": Line(40, "more"),
    "more": Choice({"WHISPER Noah:": "last"}, may_end=True, decision=True),
    "last": Line(20, END),
}
RULES = "You live in a closed facility with nine others. Answer with one or two lines. " * 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


@pytest.fixture(scope="module", params=ANIMALS, ids=lambda animal: animal.name)
def animal(request: pytest.FixtureRequest) -> Animal:
    found: Animal = request.param
    return found


@pytest.fixture(scope="module")
def model(animal: Animal, folder: Path) -> Iterator[LlamaModel]:
    loaded = LlamaModel(write(animal, folder))
    yield loaded
    loaded.close()


class Opened(LlamaEngine):
    """An engine whose cache can be looked at."""

    def cut(self, position: int) -> bool:
        """Whether the first dialogue can be forgotten from ``position`` on."""
        return bool(self._library.llama_memory_seq_rm(self._memory, 0, position, -1))

    def stored(self, tokens: Tokens) -> int:
        """Bytes that the first dialogue's cache takes after reading ``tokens`` too."""
        self.logits_after(0, tokens)
        return int(self._library.llama_state_seq_get_size(self._context, 0))


def engine_of(
    model: LlamaModel,
    *,
    capacity: int = 2,
    context: int = 512,
    k_type: str = "f16",
    room: int | None = None,
) -> Opened:
    settings = EngineSettings.model_validate({"context": context, "k_type": k_type})
    return Opened(
        model, model_sha256="", settings=settings, capacity=capacity, threads=2, room=room
    )


def question(engine: LlamaEngine, speaker: int, sequence: int) -> Request:
    dialogue = [
        Message("system", (RULES, f"You are resident {speaker}.")),
        Message("user", ("Noah said: 人が自由 — été, not für us? Speak.",)),
    ]
    return Request(
        sequence,
        engine.tokenize(engine.template.opening(dialogue)),
        Grammar(FORM, "tag", engine.vocabulary),
        Sampling(max_tokens=16),
        ("zoo", speaker),
    )


def answers(engine: LlamaEngine, speakers: list[int]) -> list[Completion]:
    try:
        return engine.generate([question(engine, who, at) for at, who in enumerate(speakers)])
    finally:
        engine.close()


def test_every_pin_has_a_model_of_its_kind() -> None:
    first = [animal.architecture for animal in ANIMALS[:ARCHITECTURES]]
    assert sorted(first) == sorted({animal.architecture for animal in ANIMALS})
    pins = load_pins(library_file("models.yaml", start=ROOT))
    assert set(ANIMAL_OF) == set(pins)
    assert set(ANIMAL_OF.values()) == {animal.name for animal in ANIMALS}


def test_the_page_of_architectures_names_every_pin() -> None:
    page = (ROOT / "docs" / "architectures.md").read_text("utf-8")
    table = [line.split("|") for line in page.partition("\n## ")[0].splitlines() if "| `" in line]
    told = {
        row[1].strip(" `"): set(row[2].replace("`", "").replace(",", " ").split()) for row in table
    }
    architecture = {animal.name: animal.architecture for animal in ANIMALS}
    kept: dict[str, set[str]] = {}
    for pin, name in ANIMAL_OF.items():
        kept.setdefault(architecture[name], set()).add(pin)
    assert told == kept


def test_the_weights_are_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        place.mkdir()
    assert write(ANIMALS[0], first).read_bytes() == write(ANIMALS[0], second).read_bytes()
    data = blocks(Kind.Q4_K, (2, 256), 0.06, "a test").tobytes()
    assert hashlib.sha256(data).hexdigest().startswith("24afd3f0d6399d4a")


@pytest.mark.parametrize("k_type", ["f16", "q8_0"])
def test_bits_depend_on_the_prefix_alone(animal: Animal, model: LlamaModel, k_type: str) -> None:
    if k_type == "q8_0" and animal.name in NO_Q8_0:
        return
    settings = EngineSettings.model_validate({"k_type": k_type})
    depth = min(DEEP, model.context_length - 512)
    rows = Rows.FULL if k_type == "f16" or animal in ANIMALS[:ARCHITECTURES] else Rows.QUICK
    probe = Probe(model, settings, depth=depth, question=96, answer=6, rows=rows)
    results = list(probe.check())
    assert len(results) > (15 if rows is Rows.FULL else 7)
    assert all(result.tokens > 2048 or animal.context == 2048 for result in results)
    found = {result.name for result in results if not result.holds}
    assert found == OTHER_BITS.get((animal.name, k_type), set())


def test_an_answer_keeps_its_form(model: LlamaModel) -> None:
    for completion in answers(engine_of(model), [1, 2]):
        text = model.vocabulary.decode(completion.tokens)
        assert text.startswith(("TALK:", "THOUGHT:"))
        assert 0 < completion.legal_mass[0] < 1


def test_a_beginning_in_common_is_copied_whole(model: LlamaModel) -> None:
    together = answers(engine_of(model, capacity=3), [1, 2, 1])
    alone = [answers(engine_of(model, capacity=1), [speaker])[0] for speaker in (1, 2)]
    assert together == [alone[0], alone[1], alone[0]]


@pytest.mark.parametrize("name", sorted(NO_Q8_0))
def test_a_k_cache_that_cuts_blocks_apart_is_refused(name: str, folder: Path) -> None:
    """llama.cpp takes it, and computes something else."""
    [animal] = [animal for animal in ANIMALS if animal.name == name]
    model = LlamaModel(write(animal, folder))
    try:
        with pytest.raises(EngineError, match="q8_0"):
            engine_of(model, k_type="q8_0").close()
    finally:
        model.close()


def test_only_a_state_cannot_be_cut_back(animal: Animal, model: LlamaModel) -> None:
    """Which is why the engine copies a beginning at its exact end, and never trims a copy."""
    engine = engine_of(model, capacity=1)
    tokens = engine.tokenize([Piece(RULES, special=False)]).tokens
    engine.logits_after(0, tokens)
    can_be_cut = engine.cut(len(tokens) - 2)
    engine.close()
    assert can_be_cut == (animal.name not in CANNOT_BE_CUT)


@pytest.mark.parametrize("k_type", ["f16", "q8_0"])
def test_cache_bytes_are_an_upper_bound(animal: Animal, model: LlamaModel, k_type: str) -> None:
    if k_type == "q8_0" and animal.name in NO_Q8_0:
        return
    engine = engine_of(model, capacity=1, context=1024, k_type=k_type)
    tokens = engine.tokenize([Piece(RULES * 4, special=False)]).tokens[:512]
    before = engine.stored(tokens[:256])
    each = (engine.stored(tokens[256:]) - before) / (len(tokens) - 256)
    engine.close()
    assert 0 < each - PLACE <= model.cache_bytes(k_type)
    if animal.architecture in {"llama", "qwen2", "qwen3", "mistral3", "phi3"}:
        assert each - PLACE == model.cache_bytes(k_type)


def test_room_changes_memory_and_no_bits(animal: Animal, model: LlamaModel) -> None:
    large = answers(engine_of(model, context=2048, room=512), [1, 2])
    assert large == answers(engine_of(model, context=2048), [1, 2])
    small = answers(engine_of(model, context=512), [1, 2])
    assert (small != large) == (animal.name in SIZE_SHAPES_POSITIONS)
    if animal.name in SIZE_SHAPES_POSITIONS:
        assert model.context_shapes_positions


def test_words_hold_no_markup(animal: Animal, model: LlamaModel) -> None:
    """Nobody can write, or be given, a token that opens or closes a turn, channel or thought."""
    words = "and ".join(animal.specials)
    marks = {model.tokenize([Piece(name, special=True)]).tokens[-1] for name in animal.specials}
    assert len(marks) == len(animal.specials)
    tokens = model.tokenize([Piece(words, special=False)]).tokens
    assert not marks & set(tokens)
    assert words in model.vocabulary.decode(tokens)
    assert not any(model.vocabulary.pieces[mark] for mark in marks)
