"""Result folders that cannot be written, disks that are full, and two writers at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.support import (
    LOG,
    checkout,
    command,
    contents,
    environment,
    in_namespace,
    kit,
    refused,
    write_study,
)


@pytest.fixture
def copied(finished_study: Path, tmp_path: Path) -> Path:
    """A checkout with a finished study of its own, which asks for one run more."""
    desk = checkout(tmp_path / "copied")
    write_study(desk, replicates=2)
    shutil.copytree(finished_study, desk / "results" / "tiny")
    return desk


@pytest.fixture
def mounting() -> tuple[str, ...]:
    """A prefix that runs a command where it may mount."""
    space = in_namespace("--mount")
    if space is None:
        pytest.skip("this system allows no mount of one's own")
    return space


def test_a_file_in_the_way_of_the_results(desk: Path) -> None:
    (desk / "taken").write_text("mine")

    for place in ("taken", "taken/below"):
        said = refused(kit("run", "tiny", "--out", place, cwd=desk), desk)
        assert "something else has this name" in said
        assert "next: choose another folder with --out" in said
    assert (desk / "taken").read_text() == "mine"


@pytest.mark.parametrize("place", ["/proc/results", "/sys/kernel/results"])
def test_a_place_where_nobody_may_write(desk: Path, place: str) -> None:
    if not Path(place).parent.is_dir():
        pytest.skip(f"this system has no {Path(place).parent}")

    said = refused(kit("run", "tiny", "--out", place, cwd=desk), desk)

    assert f"{place}: " in said
    assert "be written" in said
    assert "next: choose another" in said


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def test_a_read_only_folder_still_shows_what_it_holds(
    copied: Path, mounting: tuple[str, ...]
) -> None:
    results = copied / "results" / "tiny"
    prefix = (*mounting, "sh", "-c", READ_ONLY, str(results))
    before = contents(results)

    said = refused(kit("run", "tiny", cwd=copied, prefix=prefix), copied)
    assert "results/tiny: the result folder cannot be written" in said
    assert "next: choose another with --out" in said
    assert kit("show", results / LOG, cwd=copied, prefix=prefix).code == 0
    write_study(copied)
    assert "Nothing to do" in kit("run", "tiny", cwd=copied, prefix=prefix).out
    assert contents(results) == before


def test_a_log_that_finds_the_disk_full_ends_the_run_and_keeps_the_rest(copied: Path) -> None:
    """The device that is always full stands in for the second run's log."""
    results = copied / "results" / "tiny"
    partial = results / "runs" / "en-a10-r2.partial.jsonl"
    partial.symlink_to("/dev/full")
    before = (results / LOG).read_bytes()

    said = refused(kit("run", "tiny", cwd=copied), copied)

    assert f"{partial.relative_to(copied)}: the disk is full; finished runs are safe" in said
    assert "next: free some space and run the same command again" in said
    assert (results / LOG).read_bytes() == before


FILLED = """
mount -t tmpfs -o size=512k none "$0" || exit 99
(
    until ls "$0"/runs/*.partial.jsonl > /dev/null 2>&1; do sleep 0.02; done
    cat /dev/zero > "$0/filler" 2> /dev/null
) &
"$@"
echo "ended with $?"
wait
rm "$0/filler"
"$@"
code=$?
cp -r "$0/runs" "$0.kept"
exit $code
"""
"""A disk of 512 kB that fills up under the first log; then there is room, and a second try."""


def test_a_disk_that_fills_up_under_a_run_and_is_freed_again(
    desk: Path, finished_study: Path, tmp_path: Path, mounting: tuple[str, ...]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    prefix = (*mounting, "sh", "-c", FILLED, str(disk))

    done = kit("run", "tiny", "--out", disk, cwd=desk, prefix=prefix)

    assert done.code == 0, done.err
    assert "ended with 1" in done.out
    assert "en-a10-r1.partial.jsonl: the disk is full; finished runs are safe" in done.err
    assert "Traceback" not in done.err
    assert contents(tmp_path / "disk.kept") == contents(finished_study / "runs")


def test_a_plan_larger_than_the_disk_is_refused_before_it_starts(
    desk: Path, tmp_path: Path, mounting: tuple[str, ...]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    small = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'
    write_study(desk, replicates=100)
    prefix = (*mounting, "sh", "-c", small, str(disk))

    said = refused(kit("run", "tiny", "--out", disk, cwd=desk, prefix=prefix), desk)

    assert f"{disk}: the logs can take " in said
    assert "MB are free" in said


def test_a_second_run_on_one_folder_is_refused_and_the_first_goes_on(
    desk: Path, finished_study: Path
) -> None:
    first = subprocess.Popen(
        command("run", "tiny"),
        cwd=desk,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    spec = desk / "results" / "tiny" / "spec.json"
    deadline = time.monotonic() + 120
    while not spec.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    try:
        said = refused(kit("run", "tiny", cwd=desk), desk)
    finally:
        first.send_signal(signal.SIGCONT)
        code = first.wait(timeout=600)

    assert f"results/tiny: another 'kit run' (process {first.pid}) is writing here" in said
    assert "next: wait for it, or choose another folder with --out" in said
    assert code == 0
    assert contents(desk / "results" / "tiny" / "runs") == contents(finished_study / "runs")
