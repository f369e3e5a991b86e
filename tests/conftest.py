"""What every test may use: the two real models, a study in small, no network."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
from kit.models.store import Store
from kit.runner.weights import Weights, load_weights
from kit.spec.library import library_file
from kit.spec.pins import load_pins
from kit.spec.study import EngineSettings
from tests.browser import Browser, Tab

SMOLLM = "smollm2-135m-instruct-q4_1"
GEMMA = "gemma-3-270m-base-q4_k_m"
ROOT = Path(__file__).parent.parent

# A shared machine may stall any single example; slowness is no failure.
settings.register_profile("kit", deadline=None)
settings.load_profile("kit")

# The suite reads the models that scripts/test pulled; nothing else of it may leave this machine.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def weights(model_id: str) -> Weights:
    """A pinned model of the store, loaded."""
    return load_weights(load_pins(library_file("models.yaml", start=ROOT))[model_id], store=Store())


@pytest.fixture(scope="session")
def smollm() -> Iterator[Weights]:
    """SmolLM2-135M-Instruct, Q4_1."""
    loaded = weights(SMOLLM)
    yield loaded
    loaded.model.close()


@pytest.fixture(scope="session")
def gemma() -> Iterator[Weights]:
    """Gemma-3-270M base, Q4_K_M."""
    loaded = weights(GEMMA)
    yield loaded
    loaded.model.close()


def engine_of(
    model: LlamaModel, *, capacity: int = 1, context: int = 1024, **options: Any
) -> LlamaEngine:
    """An engine for a few dialogues."""
    settings = EngineSettings(context=context)
    return LlamaEngine(
        model, model_sha256="0" * 64, settings=settings, capacity=capacity, **options
    )


def quantised(model: LlamaModel, path: Path, kind: str) -> Weights:
    """The same weights in another quantisation, made by llama.cpp."""
    library = model.library
    parameters = library.llama_model_quantize_default_params()
    parameters.ftype = getattr(library, f"LLAMA_FTYPE_MOSTLY_{kind}")
    parameters.allow_requantize = True
    parameters.nthread = 2
    source, target = os.fsencode(model.path), os.fsencode(path)
    assert library.llama_model_quantize(source, target, ctypes.byref(parameters)) == 0
    pin = load_pins(library_file("models.yaml", start=ROOT))[SMOLLM]
    return Weights(pin, LlamaModel(path), "1" * 64)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One headless Chromium for all tests of pages; each opens tabs of its own."""
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def tab(browser: Browser, tmp_path: Path) -> Tab:
    """A tab in a profile of its own, before which nothing happened."""
    browser.events.clear()
    return Tab(browser, tmp_path / "downloads")
