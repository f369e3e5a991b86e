"""The processors and graphics cards that the installed library can compute on."""

from __future__ import annotations

import ctypes
from enum import IntEnum
from typing import NamedTuple

from kit.engine.library import load_library


class DeviceKind(IntEnum):
    """What the library calls a device's type (``enum ggml_backend_dev_type``)."""

    CPU = 0
    GPU = 1
    INTEGRATED_GPU = 2
    """Shares the machine's memory."""
    ACCELERATOR = 3
    """Helps the CPU, such as a BLAS library."""


class Device(NamedTuple):
    """Something that can compute."""

    name: str
    """The library's name for it, such as ``CUDA0``."""
    description: str
    kind: DeviceKind
    free: int
    """Bytes of memory."""
    total: int


def devices(*, fast: bool = False, gpu: bool = False) -> tuple[Device, ...]:
    """Every device of the installed library, in its own order.

    Args:
        fast: accept a build whose bits depend on batch and chunk.
        gpu: want a build that computes on a GPU.

    Raises:
        BuildError: the library cannot be trusted or loaded.
    """
    library, _ = load_library(fast=fast, gpu=gpu)
    functions = library._lib  # noqa: SLF001 - the bindings leave these functions out
    get, count = functions.ggml_backend_dev_get, functions.ggml_backend_dev_count
    count.argtypes, count.restype = [], ctypes.c_size_t
    get.argtypes, get.restype = [ctypes.c_size_t], ctypes.c_void_p
    name, description = functions.ggml_backend_dev_name, functions.ggml_backend_dev_description
    for text in (name, description):
        text.argtypes, text.restype = [ctypes.c_void_p], ctypes.c_char_p
    kind, memory = functions.ggml_backend_dev_type, functions.ggml_backend_dev_memory
    kind.argtypes, kind.restype = [ctypes.c_void_p], ctypes.c_int
    size = ctypes.POINTER(ctypes.c_size_t)
    memory.argtypes, memory.restype = [ctypes.c_void_p, size, size], None
    found = []
    for index in range(count()):
        device = get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        memory(device, ctypes.byref(free), ctypes.byref(total))
        found.append(
            Device(
                name(device).decode(errors="replace"),
                description(device).decode(errors="replace"),
                DeviceKind(kind(device)),
                free.value,
                total.value,
            )
        )
    return tuple(found)
