"""A growing file keeps every byte, and its hash is that of all bytes, whoever wrote them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.models.part import Part

from .support import ROOT, content


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@settings(max_examples=40, deadline=None)
@given(
    pieces=st.lists(st.integers(0, 1_200_000), max_size=6),
    ends=st.sets(st.integers(0, 6)),
)
def test_bytes_and_hash_are_those_written_however_often_the_file_was_closed(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], ends: set[int]
) -> None:
    path = tmp_path_factory.mktemp("part") / "x.part"
    whole = b""
    for number, size in enumerate(pieces):
        data = content(number, size)
        whole += data
        with Part(path) as part:
            part.write(data)
            assert part.size == len(whole)
            if number in ends:
                assert part.finish() == sha256(whole)
    with Part(path) as part:
        assert part.finish() == sha256(whole)
    assert path.read_bytes() == whole if whole else not path.exists()


def test_what_was_there_is_read_once_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    path.write_bytes(content(1, 5_000_000))
    counts: list[int] = []

    with Part(path, hashed=counts.append) as part:
        part.write(b"more")
        found = part.finish()

    assert found == sha256(content(1, 5_000_000) + b"more")
    assert counts == [4_194_304, 5_000_000]


def test_a_restart_forgets_bytes_hash_and_tag(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    with Part(path) as part:
        part.write(content(1, 2_000_000))
        part.remember_tag('"one"')
        part.restart()
        assert (part.size, part.tag) == (0, None)
        part.write(b"new")
        assert part.finish() == sha256(b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["x.part"]


def test_an_error_loses_no_byte_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "x.part"

    def fail() -> None:
        with Part(path) as part:
            part.write(b"a few bytes")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"a few bytes"


def test_the_count_tells_what_is_on_the_disk(tmp_path: Path) -> None:
    counts: list[int] = []
    with Part(tmp_path / "x.part", count=counts.append) as part:
        for _ in range(5):
            part.write(bytes(600_000))
    assert counts == [1_200_000, 2_400_000, 3_000_000]


def test_a_killed_writer_leaves_a_beginning_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    program = (
        "import sys; from pathlib import Path; from kit.models.part import Part\n"
        "part = Part(Path(sys.argv[1])).__enter__()\n"
        "for number in range(10**9):\n"
        "    part.write(number.to_bytes(8, 'big') * 1000)\n"
        "    if number == 500: print(flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    with writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
    left = path.read_bytes()
    assert len(left) >= 500 * 8000 - (1 << 20)
    expected = b"".join(number.to_bytes(8, "big") * 1000 for number in range(len(left) // 8000 + 1))
    assert left == expected[: len(left)]
