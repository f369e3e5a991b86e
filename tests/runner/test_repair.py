from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kit.errors import OutputError
from kit.runlog.records import Footer
from kit.runlog.writer import canonical
from kit.runner.folder import ResultFolder
from kit.runner.inspection import QUARANTINE, Finding, Kind, Remedy, inspect
from kit.runner.repair import repair
from tests.runner.support import contents, result_folder, simulate, talker
from tests.society.support import experiment

EN = experiment(languages=["en"])
NAME = "en-a0-r1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ResultFolder:
    """Four complete runs; not to be changed."""
    made = result_folder(tmp_path_factory.mktemp("whole"))
    simulate(EN, made, talker(EN))
    return made


@pytest.fixture
def folder(whole: ResultFolder, tmp_path: Path) -> ResultFolder:
    """The same, to be damaged."""
    shutil.copytree(whole.path, tmp_path / "results")
    return ResultFolder(tmp_path / "results")


def everything(folder: ResultFolder) -> dict[str, bytes]:
    """Files and the targets of links, by relative path; the lock left out."""
    return {
        str(path.relative_to(folder.path)): str(path.readlink()).encode()
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(folder.path.rglob("*"))
        if (path.is_symlink() or path.is_file()) and path.name != ".lock"
    }


def mended(folder: ResultFolder, whole: ResultFolder) -> tuple[Finding, ...]:
    """Inspect, repair, inspect again, and make what is missing.

    Returns:
        What was found.
    """
    before = everything(folder)
    found = inspect(folder.path).findings
    assert everything(folder) == before
    assert repair(folder.path).findings == found
    assert inspect(folder.path).findings == ()
    # No byte is lost but those of a torn line.
    torn = {str(one.path) for one in found if one.remedy is Remedy.CUT}
    kept = list(everything(folder).values())
    assert all(data in kept for name, data in before.items() if name not in torn)
    simulate(EN, folder, talker(EN))
    assert contents(folder) == contents(whole)
    assert inspect(folder.path).findings == ()
    return found


def log(folder: ResultFolder) -> Path:
    return folder.runs / f"{NAME}.jsonl"


def test_a_sound_folder_has_no_findings(whole: ResultFolder) -> None:
    found = inspect(whole.path)
    assert found.findings == found.notes == ()
    assert (found.sound, found.unfinished, found.planned) == (4, 0, 4)


def test_a_log_cut_at_every_line_and_at_random_bytes(whole: ResultFolder, tmp_path: Path) -> None:
    data = log(whole).read_bytes()
    ends = [place + 1 for place, byte in enumerate(data) if byte == ord("\n")][:-1]
    drawn = np.random.default_rng(9).integers(1, len(data), 12)
    cuts = [0, *ends, *map(int, drawn), len(data) - 1]
    for number, cut in enumerate(cuts):
        folder = ResultFolder(tmp_path / str(number))
        shutil.copytree(whole.path, folder.path)
        log(folder).write_bytes(data[:cut])
        kinds = [(one.kind, one.path.name) for one in mended(folder, whole)]
        assert kinds == [(Kind.LOG, f"{NAME}.jsonl"), (Kind.SIDECAR, f"{NAME}.json")], cut
        assert (folder.path / QUARANTINE / "runs" / f"{NAME}.jsonl").read_bytes() == data[:cut]


@pytest.mark.parametrize("at", [10, 3000, -130, -40, -2])
def test_a_changed_byte_in_a_finished_log(
    folder: ResultFolder, whole: ResultFolder, at: int
) -> None:
    data = bytearray(log(folder).read_bytes())
    data[at] ^= 1
    log(folder).write_bytes(data)
    assert [one.kind for one in mended(folder, whole)] == [Kind.LOG, Kind.SIDECAR]


def test_an_edit_that_mends_the_digest_but_not_the_study(
    folder: ResultFolder, whole: ResultFolder
) -> None:
    """Another run's log under this name, and a log of half of the answers."""
    shutil.copy(folder.runs / "en-a0-r2.jsonl", log(folder))
    assert mended(folder, whole)[0].kind is Kind.OTHER_RUN
    lines = log(folder).read_bytes().splitlines(keepends=True)[:11]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    log(folder).write_bytes(b"".join(lines) + canonical(Footer(turns=10, digest=digest)))
    found = mended(folder, whole)[0]
    assert (found.kind, found.what) == (Kind.LOG, "has another number of answers than its study")


def test_an_unfinished_log_with_a_torn_line_keeps_its_whole_ones(
    folder: ResultFolder, whole: ResultFolder
) -> None:
    lines = log(folder).read_bytes().splitlines(keepends=True)
    partial = folder.partial(EN.runs()[0])
    log(folder).unlink()
    (folder.sidecars / f"{NAME}.json").unlink()
    partial.write_bytes(b"".join(lines[:13]) + lines[13][:50])
    assert [(one.kind, one.remedy) for one in inspect(folder.path).findings] == [
        (Kind.TORN, Remedy.CUT)
    ]
    repair(folder.path)
    assert partial.read_bytes() == b"".join(lines[:13])
    assert inspect(folder.path).unfinished == 1
    steps = simulate(EN, folder, talker(EN))
    assert sum(step.answers for step in steps if step.restored) == 10
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:0],
        lambda data: data[:100],
        lambda data: data.replace(b'"run_hash":"', b'"run_hash":"0', 1),
        lambda data: data.replace(b'"type":"turn"', b'"type":"turm"', 1),
        lambda data: b"[" * 100_000 + data,
    ],
)
def test_an_unfinished_log_that_cannot_be_continued(
    folder: ResultFolder, whole: ResultFolder, spoil: Callable[[bytes], bytes]
) -> None:
    partial = folder.partial(EN.runs()[0])
    log(folder).rename(partial)
    partial.write_bytes(spoil(partial.read_bytes()))
    assert [one.kind for one in mended(folder, whole)] == [Kind.UNFINISHED, Kind.SIDECAR]


def test_leftovers_and_files_that_do_not_belong(folder: ResultFolder, whole: ResultFolder) -> None:
    (folder.path / ".spec.json.123.tmp").write_bytes(b"{")
    (folder.sidecars / ".en-a0-r1.json.123.tmp").write_bytes(b"{")
    (folder.path / "tables").mkdir()
    (folder.path / "tables" / ".cells.csv.123.tmp").write_bytes(b"")
    (folder.path / "notes.md").write_text("mine")
    shutil.copy(log(folder), folder.runs / "en-a0-r1 (copy).jsonl")
    shutil.copy(log(folder), folder.partial(EN.runs()[0]))
    (folder.runs / "notes.txt").write_text("mine")
    (folder.runs / "below").mkdir()
    (folder.sidecars / "en-a3-r1.json").write_bytes(b"{}")
    (folder.sidecars / "en-a0-r2.json").write_bytes(b"[" * 100_000)
    found = {str(one.path): one.kind for one in mended(folder, whole)}
    assert found == {
        ".spec.json.123.tmp": Kind.TEMPORARY,
        "sidecars/.en-a0-r1.json.123.tmp": Kind.TEMPORARY,
        "tables/.cells.csv.123.tmp": Kind.TEMPORARY,
        "runs/en-a0-r1 (copy).jsonl": Kind.SECOND_LOG,
        "runs/en-a0-r1.partial.jsonl": Kind.SECOND_LOG,
        "runs/notes.txt": Kind.FOREIGN,
        "runs/below": Kind.FOREIGN,
        "sidecars/en-a3-r1.json": Kind.FOREIGN,
        "sidecars/en-a0-r2.json": Kind.DAMAGED_SIDECAR,
    }
    assert (folder.path / "notes.md").read_text() == "mine"
    assert [note.kind for note in inspect(folder.path).notes] == [Kind.NO_SIDECAR]


def test_two_repairs_of_one_name_keep_both(folder: ResultFolder) -> None:
    for text in ("one", "two", "three"):
        (folder.runs / "notes.txt").write_text(text)
        repair(folder.path)
    place = folder.path / QUARANTINE / "runs"
    assert sorted(path.read_text() for path in place.iterdir()) == ["one", "three", "two"]


def test_a_study_that_cannot_be_read_is_moved_and_made_again(
    folder: ResultFolder, whole: ResultFolder
) -> None:
    spec = folder.path / "spec.json"
    spec.write_bytes(spec.read_bytes()[:-100])
    assert [one.kind for one in inspect(folder.path).findings] == [Kind.SPEC]
    repair(folder.path)
    with pytest.raises(OutputError, match=r"holds no spec\.json"):
        inspect(folder.path)
    assert simulate(EN, folder, talker(EN)) == []
    assert inspect(folder.path).findings == ()
    assert contents(folder) == contents(whole)


def test_an_analysis_of_other_counts_is_a_note(folder: ResultFolder) -> None:
    results = folder.path / "results.json"
    for complete, notes in ((4, []), (3, [Kind.STALE])):
        results.write_text(f'{{\n "runs": {{\n  "complete": {complete},\n  "missing": 0\n }}\n}}')
        assert [note.kind for note in inspect(folder.path).notes] == notes
    assert repair(folder.path).findings == ()


def test_nothing_is_moved_while_another_process_writes(folder: ResultFolder) -> None:
    (folder.path / ".spec.json.123.tmp").write_bytes(b"{")
    partial = folder.partial(EN.runs()[0])
    log(folder).rename(partial)
    partial.write_bytes(partial.read_bytes()[:5000])
    (folder.runs / "notes.txt").write_text("mine")
    before = everything(folder)
    with folder.writing():
        found = inspect(folder.path)
        assert found.holder == str(os.getpid())
        assert [one.kind for one in found.findings] == [Kind.FOREIGN, Kind.SIDECAR]
        with pytest.raises(OutputError, match="is writing here"):
            repair(folder.path)
    assert everything(folder) == before


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no result folder may touch."""
    place = tmp_path / "outside"
    place.mkdir()
    (place / "precious").write_text("mine")
    return place


def test_links_are_moved_themselves_and_never_followed(
    folder: ResultFolder, whole: ResultFolder, outside: Path
) -> None:
    log(folder).rename(outside / "log")
    log(folder).symlink_to(outside / "log")
    shutil.rmtree(folder.sidecars)
    folder.sidecars.symlink_to(outside)
    (folder.path / "tables").symlink_to(outside)
    (folder.path / "judgements").mkdir()
    (folder.path / "judgements" / "panel").symlink_to(outside)
    (folder.path / "spare").symlink_to("spare")
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    found = mended(folder, whole)
    assert {one.kind for one in found} == {Kind.LINK}
    assert len(found) == 5
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_a_study_or_a_lock_that_is_a_link(folder: ResultFolder, outside: Path) -> None:
    spec = folder.path / "spec.json"
    spec.rename(outside / "spec.json")
    spec.symlink_to(outside / "spec.json")
    assert [one.kind for one in inspect(folder.path).findings] == [Kind.SPEC]
    (folder.path / ".lock").unlink(missing_ok=True)
    (folder.path / ".lock").symlink_to(outside / "precious")
    with pytest.raises(OutputError, match="is a link"):
        repair(folder.path)
    assert (outside / "precious").read_text() == "mine"


@pytest.mark.parametrize("place", [QUARANTINE, f"{QUARANTINE}/runs"])
def test_nothing_is_moved_through_a_link(folder: ResultFolder, outside: Path, place: str) -> None:
    (folder.runs / "notes.txt").write_text("mine")
    (folder.path / place).parent.mkdir(exist_ok=True)
    (folder.path / place).symlink_to(outside)
    # A link at the top is a finding itself, and must not be moved into itself.
    with pytest.raises(OutputError, match="nothing is moved into it"):
        repair(folder.path)
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (folder.runs / "notes.txt").read_text() == "mine"


def test_pipes_huge_files_and_deep_folders_do_not_hold_it_up(
    folder: ResultFolder, whole: ResultFolder
) -> None:
    log(folder).unlink()
    os.mkfifo(log(folder))
    with (folder.runs / "en-a0-r2.jsonl").open("wb") as file:
        file.truncate(1 << 40)
    with (folder.path / "results.json").open("wb") as file:
        file.truncate(1 << 40)
    deep = folder.path / "tables"
    for _ in range(200):
        deep /= "d"
    deep.mkdir(parents=True)
    found = inspect(folder.path)
    assert [(one.kind, one.path.name) for one in found.findings[:2]] == [
        (Kind.FOREIGN, f"{NAME}.jsonl"),
        (Kind.LOG, "en-a0-r2.jsonl"),
    ]
    assert found.findings[1].what == "1,099,511,627,776 bytes is too large"
    repair(folder.path)
    simulate(EN, folder, talker(EN))
    assert contents(folder) == contents(whole)


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is not a result folder"):
        repair(tmp_path)
    assert list(tmp_path.iterdir()) == []
