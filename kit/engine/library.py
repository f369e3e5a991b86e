"""The inference library: loaded after the processor was checked, its messages kept, not printed."""

from __future__ import annotations

import ctypes
from collections import deque
from types import ModuleType
from typing import Any

from kit.engine.build import BuildInfo, require_build

_messages: deque[str] = deque(maxlen=50)
_ERROR_LEVEL = 4
_loaded: dict[tuple[bool, bool], tuple[ModuleType, BuildInfo]] = {}
_callback: Any = None


def load_library(*, fast: bool = False, gpu: bool = False) -> tuple[ModuleType, BuildInfo]:
    """The low-level bindings and what was found out about the build.

    Args:
        fast: accept a build whose bits depend on batch and chunk.
        gpu: want a build that computes on a GPU.

    Raises:
        BuildError: the library is missing, of other flags, or this processor cannot run it.
    """
    if (fast, gpu) not in _loaded:
        info = require_build(fast=fast, gpu=gpu)
        import llama_cpp.llama_cpp as library  # noqa: PLC0415 - only after the check

        global _callback  # noqa: PLW0603 - the library keeps the pointer, so it must live on
        if _callback is None:
            _callback = library.llama_log_callback(_keep)
            library.llama_log_set(_callback, ctypes.c_void_p(0))
            library.llama_backend_init()
        _loaded[fast, gpu] = (library, info)
    return _loaded[fast, gpu]


def _keep(level: int, text: bytes, _data: object) -> None:
    if level >= _ERROR_LEVEL:
        _messages.append(text.decode(errors="replace").strip())


def first_complaint() -> str:
    """What the library complained of first, or an empty string; asking clears all.

    The reason comes first: what follows says only what failed because of it.
    """
    found = next((message for message in _messages if message not in {"", "."}), "")
    _messages.clear()
    return found
