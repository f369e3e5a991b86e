"""The first load of a file happens in a child process, once, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFValueType as Type

from kit.engine import trial
from kit.engine.model import LlamaModel
from kit.engine.trial import try_model
from kit.errors import EngineError, ModelError
from kit.models.store import Store
from kit.runner.weights import load_weights
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from kit.spec.study import EngineSettings
from tests.conftest import ROOT, SMOLLM
from tests.models.support import mortal
from tests.zoo.animals import ANIMALS
from tests.zoo.keeper import write

from .attempt import adopting, children, stragglers
from .mutation import Draft, pack_texts, take_apart, texts_of

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    [animal] = [animal for animal in ANIMALS if animal.name == "qwen2-narrow"]
    return write(animal, folder)


@pytest.fixture
def draft(sound: Path) -> Draft:
    return take_apart(sound)


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    with adopting():
        before = children()
        yield
        assert stragglers(before) == set()


def attempt(path: Path, **changes: Any) -> None:
    try_model(path, **({"sha256": "a" * 64, "build_sha256": "b" * 64} | changes))


def changed(draft: Draft, folder: Path) -> Path:
    path = folder / "changed.gguf"
    path.write_bytes(draft.pack())
    return path


def is_trial(pid: int) -> bool:
    """Whether the process runs the trial yet, and is not about to."""
    with contextlib.suppress(OSError):
        return b"kit.engine.trial\0" in Path("/proc", str(pid), "cmdline").read_bytes()
    return False


def set_text(draft: Draft, key: str, text: str) -> None:
    draft.find(key).value = struct.pack("<Q", len(text)) + text.encode()


def test_a_receipt_spares_the_next_trial(sound: Path, tmp_path: Path) -> None:
    cache = tmp_path / "loads"
    attempt(sound, cache=cache)
    [receipt] = cache.iterdir()
    assert json.loads(receipt.read_text()) == {
        "version": trial.TRIAL_VERSION,
        "model": "a" * 64,
        "build": "b" * 64,
    }
    attempt(tmp_path / "nothing is read.gguf", cache=cache)
    with pytest.raises(ModelError):
        attempt(tmp_path / "nothing is here.gguf")


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": "c" * 64},
        {"build_sha256": "c" * 64},
        {"settings": EngineSettings(k_type="q8_0")},
        {"fast": True},
        {"plain": True},
        {"outline": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_bytes_library_or_settings_are_tried_anew(
    sound: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    cache = tmp_path / "loads"
    attempt(sound, cache=cache)
    with pytest.raises(ModelError):
        attempt(tmp_path / "other.gguf", cache=cache, **other)
    attempt(sound, cache=cache, **other)
    assert len(list(cache.iterdir())) == 2


def test_a_trial_that_failed_leaves_no_receipt(draft: Draft, tmp_path: Path) -> None:
    draft.infos = [info for info in draft.infos if info.name != b"output_norm.weight"]
    with pytest.raises(EngineError):
        attempt(changed(draft, tmp_path), cache=tmp_path / "loads")
    assert not (tmp_path / "loads").exists()


def test_a_read_only_cache_only_costs_the_next_trial(sound: Path, tmp_path: Path) -> None:
    cache = tmp_path / "loads"
    cache.mkdir()
    cache.chmod(0o555)
    code = (
        "import sys; from pathlib import Path; from kit.engine.trial import try_model;"
        "try_model(Path(sys.argv[1]), sha256='a', build_sha256='b', cache=Path(sys.argv[2]))"
    )
    command = [*mortal(), sys.executable, "-P", "-c", code, str(sound), str(cache)]
    subprocess.run(command, check=True)
    assert list(cache.iterdir()) == []


def test_the_end_of_the_child_is_an_error_with_its_last_words(draft: Draft, tmp_path: Path) -> None:
    tokens = draft.find("ggml.tokens")
    texts = texts_of(tokens)
    tokens.value = pack_texts([*texts[:-1], texts[-2]])
    path = changed(draft, tmp_path)
    with pytest.raises(EngineError) as caught:
        attempt(path, outline=True)
    assert caught.value.message.startswith("llama.cpp ended on this file: SIGABRT: llama.cpp/src/")
    assert "GGML_ASSERT" in caught.value.message
    assert caught.value.where == str(path)
    assert caught.value.hint is not None
    assert not list(Path.cwd().glob("core*"))


def test_what_only_computing_shows_is_found(draft: Draft, tmp_path: Path) -> None:
    draft.find("layer_norm_rms_epsilon").value = struct.pack("<f", -1.0)
    path = changed(draft, tmp_path)
    attempt(path, outline=True)
    with pytest.raises(EngineError, match="SIGABRT"):
        attempt(path)


def test_numbers_that_are_none_are_refused(draft: Draft, tmp_path: Path) -> None:
    [norm] = [info for info in draft.infos if info.name == b"output_norm.weight"]
    nans = struct.pack("<f", float("nan")) * norm.shape[0]
    draft.data = draft.data[: norm.offset] + nans + draft.data[norm.offset + len(nans) :]
    with pytest.raises(EngineError, match="no numbers"):
        attempt(changed(draft, tmp_path))


def test_a_vocabulary_without_text_is_refused(draft: Draft, tmp_path: Path) -> None:
    kinds = draft.find("ggml.token_type")
    count = (len(kinds.value) - 12) // 4
    kinds.value = struct.pack("<IQ", Type.INT32, count) + struct.pack("<i", 3) * count
    with pytest.raises(EngineError, match="no token of the vocabulary stands for text"):
        attempt(changed(draft, tmp_path))


def test_what_the_child_refuses_is_said_in_its_own_words(draft: Draft, tmp_path: Path) -> None:
    set_text(draft, "chat_template", "{% for %}")
    path = changed(draft, tmp_path)
    with pytest.raises(EngineError, match="chat template is not valid") as caught:
        attempt(path)
    assert "plain" in (caught.value.hint or "")
    attempt(path, plain=True)


def test_a_header_that_is_not_sound_needs_no_child(draft: Draft, tmp_path: Path) -> None:
    draft.version = 9
    path = changed(draft, tmp_path)
    with pytest.raises(ModelError, match="byte 4: its version is 9"):
        attempt(path)


def test_a_child_that_does_not_finish_is_ended(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_text(draft, "chat_template", ENDLESS)
    monkeypatch.setattr(trial, "_SECONDS", 1.0)
    with pytest.raises(EngineError, match="did not finish loading this file in 1 s"):
        attempt(changed(draft, tmp_path))


def test_an_interrupt_ends_the_child_too(draft: Draft, tmp_path: Path) -> None:
    set_text(draft, "chat_template", ENDLESS)
    path = changed(draft, tmp_path)
    code = (
        "import sys; from pathlib import Path; from kit.engine.trial import try_model;"
        "try_model(Path(sys.argv[1]), sha256='a', build_sha256='b')"
    )
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(path)], stderr=subprocess.PIPE, text=True
    )
    while not (started := [pid for pid in children(parent.pid) if is_trial(pid)]):
        assert parent.poll() is None
        time.sleep(0.01)
    [child] = started
    os.kill(child, signal.SIGSTOP)  # so that it cannot end by itself
    parent.send_signal(signal.SIGINT)
    try:
        _, said = parent.communicate(timeout=60)
    finally:
        parent.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    assert "KeyboardInterrupt" in said
    assert parent.returncode == -signal.SIGINT


def test_the_child_writes_nothing_to_the_screen(
    sound: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    attempt(sound)
    assert capfd.readouterr() == ("", "")


def test_noise_on_standard_output_is_no_part_of_the_answer() -> None:
    code = (
        "import os; from kit.engine import trial;"
        "trial.load = lambda request: os.write(1, b'noise'); trial.main()"
    )
    child = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input=b'{"seconds": 1}',
        capture_output=True,
        check=True,
    )
    assert json.loads(child.stdout) == {"error": None}
    assert child.stderr == b"noise"


def test_a_child_without_an_answer_is_an_error(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('no such luck')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EngineError, match="ended with 1: ImportError: no such luck"):
        attempt(sound)


def test_a_model_is_opened_after_its_header_was_read(draft: Draft, tmp_path: Path) -> None:
    draft.version = 9
    with pytest.raises(ModelError, match="byte 4: its version is 9"):
        LlamaModel(changed(draft, tmp_path), outline=True)


def test_weights_are_loaded_after_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin, store = load_pins(library_file("models.yaml", start=ROOT))[SMOLLM], Store()
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    for outline in (True, False):
        load_weights(pin, store=store, outline=outline).model.close()
    receipts = [json.loads(path.read_text()) for path in (tmp_path / "loads").iterdir()]
    assert [receipt["model"] for receipt in receipts] == [pin.files[0].sha256] * 2
