"""Which llama.cpp is installed, and whether this machine may load it.

The kit's promise, that a token's bits depend on its own prefix alone, holds for one way of building
the library (:data:`INVARIANT_CMAKE_ARGS`) and one version of it. The processor is checked before
the library is loaded: an instruction that it lacks would end the process, not the call.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import os
import platform
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kit.errors import BuildError

LLAMA_VERSION = "0.3.36"
"""The version of llama-cpp-python whose bits and function signatures the kit knows."""

INVARIANT_CMAKE_ARGS = (
    "-DGGML_NATIVE=OFF",
    "-DGGML_LLAMAFILE=OFF",
    "-DGGML_CPU_REPACK=OFF",
    "-DGGML_AVX=ON",
    "-DGGML_AVX2=ON",
    "-DGGML_FMA=ON",
    "-DGGML_F16C=ON",
    "-DGGML_BMI2=ON",
)
"""No kernel is chosen by the number of rows, and every x86-64 machine uses one instruction set."""

REQUIRED_CPU_FLAGS = frozenset({"avx", "avx2", "fma", "f16c", "bmi2"})
"""What the invariant build is compiled for, in the names of /proc/cpuinfo."""

_ENVIRONMENT = {"GGML_CPU_TILED_MM": "0"}
"""Read by the library at its first computation; the tiled path serves eight rows and more."""

_NEEDED = frozenset({"AVX", "AVX2", "FMA", "F16C", "BMI2"})
_HARMLESS = frozenset({"SSE3", "SSSE3", "OPENMP"})
_BY_ROWS = frozenset({"LLAMAFILE", "REPACK"})
_FLAG_OF = {
    "AVX_VNNI": "avx_vnni",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX_INT8": "amx_int8",
}
_FEATURE = re.compile(r"(?:(?P<backend>\S+) : )?(?P<name>\w+) = (?P<value>[^|]*?) *\|")
_X86 = frozenset({"x86_64", "amd64", "i386", "i686"})
_SCRIPT = "scripts/build-llama"
_LIBRARIES = "llama_cpp/lib/"
"""Where the libraries are in a wheel."""


class BuildKind(StrEnum):
    """What may be expected of a build."""

    INVARIANT = "invariant"
    """A token's bits depend on its prefix alone."""
    STOCK = "stock"
    """Kernels are chosen by the number of rows: another schedule gives other bits."""
    GPU = "gpu"
    """It can compute on a device of another kind: not measured."""
    OTHER = "other"
    """Another instruction set: not measured."""


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What the loaded library says about itself.

    ``backends`` are the devices it can compute on, ``features`` what it was compiled with, by name,
    and ``sha256`` covers the shared libraries.
    """

    kind: BuildKind
    version: str
    system_info: str
    backends: tuple[str, ...]
    features: Mapping[str, str]
    sha256: str


def cpu_flags() -> frozenset[str]:
    """Instruction sets of this machine's processors; empty where they are unknown (ARM, macOS)."""
    try:
        return parse_cpu_flags(Path("/proc/cpuinfo").read_text(errors="replace"))
    except OSError:
        return frozenset()


def parse_cpu_flags(cpuinfo: str) -> frozenset[str]:
    """Flags that every processor of a ``/proc/cpuinfo`` has; empty if it names none."""
    lines = [line.partition(":") for line in cpuinfo.splitlines()]
    flags = [frozenset(value.split()) for name, _, value in lines if name.strip() == "flags"]
    return frozenset.intersection(*flags) if flags else frozenset()


def check_cpu(flags: frozenset[str] | None = None) -> None:
    """Refuse a processor that would stop at the library's first instruction.

    Args:
        flags: the processor's flags, this machine's unless given. None at all means unknown, and
            passes.

    Raises:
        BuildError: a flag of :data:`REQUIRED_CPU_FLAGS` is known to be missing.
    """
    known = cpu_flags() if flags is None else flags
    missing = REQUIRED_CPU_FLAGS - known
    if known and missing:
        raise BuildError(
            f"this processor lacks {', '.join(sorted(missing))}, which llama.cpp is built for here",
            hint="use an x86-64 machine with AVX2 (Intel since 2013, AMD since 2015)",
        )


def parse_features(system_info: str) -> dict[str, str]:
    """Features of all backends in ``llama_print_system_info``, without those that are off."""
    found = {match["name"]: match["value"] for match in _FEATURE.finditer(system_info)}
    return {name: value for name, value in found.items() if value != "0"}


def classify(features: Mapping[str, str], backends: tuple[str, ...]) -> BuildKind:
    """The kind of a build, from what it was compiled with and computes on."""
    names = set(features)
    if set(backends) - {"CPU", "BLAS"}:
        return BuildKind.GPU
    if backends != ("CPU",):
        return BuildKind.OTHER
    if names & _BY_ROWS:
        return BuildKind.STOCK
    if names >= _NEEDED and names <= _NEEDED | _HARMLESS:
        return BuildKind.INVARIANT
    return BuildKind.OTHER


def inspect_build() -> BuildInfo:
    """Load the library and read what it is.

    Sets the library's switches in ``os.environ`` first.

    Raises:
        BuildError: the processor cannot run it, or it is missing or cannot be loaded.
    """
    check_cpu()
    os.environ.update(_ENVIRONMENT)
    try:
        package: Any = importlib.import_module("llama_cpp")
        library: Any = importlib.import_module("llama_cpp.llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:
        raise BuildError(f"llama-cpp-python cannot be loaded: {error}", hint=_SCRIPT) from error
    system_info = library.llama_print_system_info().decode()
    features = parse_features(system_info)
    backends = _backends(library._lib)  # noqa: SLF001 - the only handle on what was loaded
    return BuildInfo(
        kind=classify(features, backends),
        version=package.__version__,
        system_info=system_info,
        backends=backends,
        features=features,
        sha256=_hash(_contents(library._base_path)),  # noqa: SLF001 - LLAMA_CPP_LIB_PATH is already in it
    )


def require_build(*, fast: bool = False, gpu: bool = False) -> BuildInfo:
    """The installed build, if the kit can keep its promise with it.

    Args:
        fast: accept any build of the right version that this processor can run.
        gpu: want one that computes on a GPU, which is never invariant.

    Raises:
        BuildError: as :func:`inspect_build`, or the build is of another version, compiled for
            another processor, not invariant, or without the GPU that is wanted.
    """
    info = inspect_build()
    if info.version != LLAMA_VERSION:
        raise BuildError(
            f"llama-cpp-python is version {info.version}, the kit is made for {LLAMA_VERSION}",
            hint=_SCRIPT,
        )
    flags = cpu_flags()
    foreign = sorted(name for name in info.features if flags and not flags >= _flags_of(name))
    if foreign:
        raise BuildError(
            f"llama.cpp was compiled for {', '.join(foreign)}, which this processor lacks",
            hint=_SCRIPT,
        )
    if gpu and info.kind is not BuildKind.GPU:
        raise BuildError(
            "the study asks for layers on a GPU, and this build of llama.cpp computes on none",
            hint="set engine.gpu_layers to 0, or build llama.cpp for the GPU: docs/gpu.md",
        )
    if info.kind is not BuildKind.INVARIANT and not fast and not gpu:
        raise BuildError(f"this build of llama.cpp does not replay: {_reason(info)}", hint=_hint())
    return info


def _flags_of(feature: str) -> frozenset[str]:
    return frozenset({_FLAG_OF[feature]}) if feature in _FLAG_OF else frozenset()


def _reason(info: BuildInfo) -> str:
    if others := [name for name in info.backends if name != "CPU"]:
        return f"it computes on {', '.join(others)} besides the processor"
    names = set(info.features)
    if rows := sorted(names & _BY_ROWS):
        return f"it has {', '.join(rows)}, whose bits depend on what is computed at the same time"
    if platform.machine().lower() not in _X86:
        return f"on {platform.machine()} its bits are a class of their own that was not tested"
    missing, extra = sorted(_NEEDED - names), sorted(names - _NEEDED - _HARMLESS)
    parts = [f"it lacks {', '.join(missing)}"] if missing else []
    parts += [f"it has {', '.join(extra)}, which other machines lack"] if extra else []
    return " and ".join(parts) or "it does not say what it was compiled for"


def _hint() -> str:
    place = os.environ.get("LLAMA_CPP_LIB_PATH")
    own = f"unset LLAMA_CPP_LIB_PATH ({place}), then " if place else ""
    return f"{own}{_SCRIPT}; or do without replay: --fast"


def _backends(library: ctypes.CDLL) -> tuple[str, ...]:
    """Names of the devices the library registered; some of them stay out of the system info."""
    count, get, name = (
        library.ggml_backend_reg_count,
        library.ggml_backend_reg_get,
        library.ggml_backend_reg_name,
    )
    count.restype = ctypes.c_size_t
    get.argtypes, get.restype = [ctypes.c_size_t], ctypes.c_void_p
    name.argtypes, name.restype = [ctypes.c_void_p], ctypes.c_char_p
    return tuple(name(get(index)).decode() for index in range(count()))


def wheel_sha256(wheel: Path) -> str:
    """:attr:`BuildInfo.sha256` of the libraries that a wheel of llama-cpp-python installs.

    Raises:
        BuildError: it is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(_LIBRARIES)]
            return _hash((name.removeprefix(_LIBRARIES), archive.read(name)) for name in names)
    except (OSError, zipfile.BadZipFile) as error:
        raise BuildError(f"is no wheel: {error}", where=wheel) from error


def _hash(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over names and contents of the libraries that compute."""
    digest = hashlib.sha256()
    for name, content in sorted(files):
        if "ggml" in name or "llama" in name:
            digest.update(f"{name}\n".encode())
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.iterdir():
        if path.is_file():
            yield path.name, path.read_bytes()
