"""Which builds of llama.cpp are accepted, and on which processors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.engine.build import (
    INVARIANT_CMAKE_ARGS,
    LLAMA_VERSION,
    REQUIRED_CPU_FLAGS,
    BuildKind,
    check_cpu,
    classify,
    cpu_flags,
    inspect_build,
    parse_cpu_flags,
    parse_features,
    require_build,
)
from kit.errors import BuildError

INVARIANT = (
    "CPU : SSE3 = 1 | SSSE3 = 1 | AVX = 1 | AVX2 = 1 | F16C = 1 | FMA = 1 | BMI2 = 1 | "
    "OPENMP = 1 | "
)
"""As printed by the wheel that scripts/build-llama makes."""
STOCK = INVARIANT.replace("OPENMP = 1", "LLAMAFILE = 1 | OPENMP = 1 | REPACK = 1")
"""As printed by ``pip install llama-cpp-python`` on a processor with AVX2."""
CUDA = "CUDA : ARCHS = 750,800 | USE_GRAPHS = 1 | PEER_MAX_BATCH_SIZE = 128 | " + INVARIANT
ARM = "CPU : NEON = 1 | ARM_FMA = 1 | DOTPROD = 1 | "

HASWELL = """\
processor\t: 0
vendor_id\t: GenuineIntel
flags\t\t: fpu sse2 ssse3 fma sse4_2 movbe avx f16c bmi1 avx2 bmi2
bugs\t\t:

processor\t: 1
flags\t\t: fpu sse2 ssse3 fma sse4_2 avx f16c bmi1 avx2 bmi2
"""
IVY_BRIDGE = "processor\t: 0\nflags\t\t: fpu sse2 ssse3 sse4_2 avx f16c\n"


def test_features_are_read_from_what_the_library_prints() -> None:
    assert parse_features(INVARIANT) == dict.fromkeys(
        ["SSE3", "SSSE3", "AVX", "AVX2", "F16C", "FMA", "BMI2", "OPENMP"], "1"
    )
    assert parse_features(CUDA)["ARCHS"] == "750,800"
    assert parse_features("CPU : AVX = 0 | SVE_CNT = 16 | ") == {"SVE_CNT": "16"}
    assert parse_features("") == {}


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,11}", fullmatch=True)


@given(st.dictionaries(NAMES, st.sampled_from(["1", "16", "750,800"])), st.booleans())
def test_every_feature_is_found_again(features: dict[str, str], with_backend: bool) -> None:
    printed = "".join(f"{name} = {value} | " for name, value in features.items())
    assert parse_features("CPU : " + printed if with_backend else printed) == features


@pytest.mark.parametrize(
    ("system_info", "kind"),
    [
        (INVARIANT, BuildKind.INVARIANT),
        (INVARIANT.replace("OPENMP = 1 | ", ""), BuildKind.INVARIANT),
        (STOCK, BuildKind.STOCK),
        (INVARIANT + "REPACK = 1 | ", BuildKind.STOCK),
        (INVARIANT + "LLAMAFILE = 1 | ", BuildKind.STOCK),
        (INVARIANT + "AVX512 = 1 | ", BuildKind.OTHER),
        (INVARIANT + "AVX_VNNI = 1 | ", BuildKind.OTHER),
        (INVARIANT + "AMX_INT8 = 1 | ", BuildKind.OTHER),
        (INVARIANT + "SOMETHING_NEW = 1 | ", BuildKind.OTHER),
        (INVARIANT.replace("FMA = 1 | ", ""), BuildKind.OTHER),
        (ARM, BuildKind.OTHER),
        ("", BuildKind.OTHER),
    ],
)
def test_only_the_measured_flags_are_invariant(system_info: str, kind: BuildKind) -> None:
    assert classify(parse_features(system_info), ("CPU",)) is kind


@pytest.mark.parametrize(
    ("backends", "kind"),
    [
        (("CUDA", "CPU"), BuildKind.GPU),
        (("MTL", "BLAS", "CPU"), BuildKind.GPU),
        (("BLAS", "CPU"), BuildKind.OTHER),
        ((), BuildKind.OTHER),
    ],
)
def test_a_second_device_is_never_invariant(backends: tuple[str, ...], kind: BuildKind) -> None:
    assert classify(parse_features(INVARIANT), backends) is kind


def test_layers_on_a_gpu_need_a_build_that_has_one() -> None:
    with pytest.raises(BuildError, match="computes on none"):
        require_build(gpu=True)


def test_cpu_flags_are_those_every_processor_has() -> None:
    flags = parse_cpu_flags(HASWELL)
    assert flags >= REQUIRED_CPU_FLAGS
    assert "bmi1" in flags
    assert "movbe" not in flags
    assert "1" not in flags


def test_a_processor_without_avx2_is_refused_by_name() -> None:
    with pytest.raises(BuildError, match="lacks avx2, bmi2, fma,"):
        check_cpu(parse_cpu_flags(IVY_BRIDGE))


@pytest.mark.parametrize("missing", sorted(REQUIRED_CPU_FLAGS))
def test_each_required_flag_counts(missing: str) -> None:
    check_cpu(parse_cpu_flags(HASWELL))
    with pytest.raises(BuildError, match=f"lacks {missing},"):
        check_cpu(parse_cpu_flags(HASWELL) - {missing})


def test_unknown_flags_are_no_reason_to_refuse() -> None:
    check_cpu(parse_cpu_flags("Features\t: fp asimd evtstrm aes\n"))


def test_the_flags_asked_of_cmake_are_those_asked_of_the_processor() -> None:
    on = {arg[len("-DGGML_") : -len("=ON")].lower() for arg in INVARIANT_CMAKE_ARGS if "=ON" in arg}
    assert on == REQUIRED_CPU_FLAGS


def test_the_installed_library_is_invariant() -> None:
    info = inspect_build()
    assert info.kind is BuildKind.INVARIANT, info.system_info
    assert info.version == LLAMA_VERSION
    assert info.backends == ("CPU",)
    assert len(info.sha256) == 64
    assert require_build() == info
    assert os.environ["GGML_CPU_TILED_MM"] == "0"
    assert cpu_flags() >= REQUIRED_CPU_FLAGS


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


REQUIRE = "import kit.engine.build as b; b.require_build(fast=True)"


def test_importing_the_module_does_not_load_the_library() -> None:
    seen = run_python("import kit.engine.build, sys; print('llama_cpp' in sys.modules)")
    assert seen.stdout == "False\n", seen.stderr


def test_the_processor_is_checked_before_the_library_is_loaded() -> None:
    seen = run_python(
        "import pathlib, sys\n"
        f"pathlib.Path.read_text = lambda *_, **__: {IVY_BRIDGE!r}\n"
        "import kit.engine.build as b\n"
        "try:\n    b.require_build(fast=True)\n"
        "except b.BuildError as error:\n"
        "    print(error.message.split(',')[0], 'llama_cpp' in sys.modules)"
    )
    assert seen.stdout == "this processor lacks avx2 False\n", seen.stderr


def test_a_missing_library_names_the_script(tmp_path: Path) -> None:
    hidden = f"import sys; sys.modules['llama_cpp'] = None; {REQUIRE}"
    seen = run_python(hidden)
    assert "BuildError: llama-cpp-python cannot be loaded" in seen.stderr
    assert "next: scripts/build-llama" in seen.stderr
    seen = run_python(REQUIRE, LLAMA_CPP_LIB_PATH=str(tmp_path))
    assert "BuildError: llama-cpp-python cannot be loaded" in seen.stderr


def test_another_version_is_refused_even_when_fast() -> None:
    seen = run_python(f"import llama_cpp; llama_cpp.__version__ = '0.3.2'; {REQUIRE}")
    assert f"is version 0.3.2, the kit is made for {LLAMA_VERSION}" in seen.stderr


def printing(system_info: str, fast: bool) -> str:
    """Code that asks for a build while the library prints ``system_info``."""
    return (
        "import llama_cpp.llama_cpp as library\n"
        f"library.llama_print_system_info = lambda: {system_info.encode()!r}\n"
        f"import kit.engine.build as b; print(b.require_build(fast={fast}).kind)"
    )


def test_a_stock_build_is_refused_with_the_reason_unless_fast() -> None:
    seen = run_python(printing(STOCK, fast=False))
    assert "does not replay: it has LLAMAFILE, REPACK" in seen.stderr
    assert "next: scripts/build-llama" in seen.stderr
    assert run_python(printing(STOCK, fast=True)).stdout == "stock\n"


def test_a_build_for_a_newer_processor_is_refused_even_when_fast() -> None:
    if "amx_int8" in cpu_flags():
        pytest.skip("this processor has everything a build can be compiled for")
    seen = run_python(printing(INVARIANT + "AMX_INT8 = 1 | ", fast=True))
    assert "compiled for AMX_INT8, which this processor lacks" in seen.stderr
