"""``kit validate``: every kind of file, and every file even after a faulty one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import kit, refused, write_study
from tests.conftest import ROOT


def test_everything_that_is_shipped_is_valid() -> None:
    done = kit("validate", cwd=ROOT)

    assert done.code == 0, done.err
    shipped = [*(ROOT / "studies").rglob("*.yaml"), *(ROOT / "judges").rglob("*.yaml")]
    files = [ROOT / "models.yaml", *shipped]
    assert len(done.out.splitlines()) == len(files)
    for kind, name in (
        ("model pins", "models.yaml"),
        ("published claims", "studies/published.yaml"),
        ("language", "studies/languages/ja.yaml"),
        ("review of a language", "studies/languages/review/th.yaml"),
        ("concept inventory", "studies/concepts.yaml"),
        ("study", "studies/study4.yaml"),
        ("study", "studies/demo.yaml"),
        ("judge", "judges/pathology.yaml"),
        ("words of a judge", "judges/languages/en.yaml"),
        ("gold excerpts", "judges/gold/ja.yaml"),
    ):
        assert f"ok: {ROOT / name} ({kind})" in done.out.splitlines()


def test_a_checkouts_own_files_are_the_ones_that_are_read(desk: Path) -> None:
    write_study(desk, "mine")
    below = desk / "studies" / "languages"

    assert f"ok: {desk / 'studies' / 'mine.yaml'} (study)" in kit("validate", cwd=below).out


def test_a_faulty_file_does_not_hide_the_others(desk: Path) -> None:
    bad = write_study(desk, "bad", aligned=[11])
    worse = write_study(desk, "worse", sead=3)
    good = write_study(desk, "good")

    done = kit("validate", bad, good, worse, cwd=desk)

    said = refused(done, desk)
    assert f"kit: {bad}:" in said
    assert f"kit: {worse}:" in said
    assert done.out == f"ok: {good} (study)\n"


def test_several_faults_in_one_file_are_counted(desk: Path) -> None:
    path = write_study(desk, replicates="many", seed=-1)

    said = refused(kit("validate", path, cwd=desk), desk)

    assert f"next: mend this, then run 'kit validate {path}': 1 more problem may be left" in said


@pytest.mark.parametrize("name", ["lock.yaml", "requirements.lock"])
def test_a_file_of_no_known_kind_says_what_kinds_there_are(desk: Path, name: str) -> None:
    (desk / name).write_text("kit_schema: 1\npackages: []\n")

    said = refused(kit("validate", name, cwd=desk), desk)

    assert f"kit: {name}: is no file that the kit reads" in said
    assert "language, review, concepts, claims, judge, framing, gold, id, models" in said


@pytest.mark.parametrize(
    ("code", "old", "new", "says"),
    [
        ("fr", "{talk_chars}", "184", "texts.answer_free.wordings.a: placeholders"),
        ("th", "และระบุมาตรการ", "ok และระบุมาตรการ", "'ok' is not written in Thai"),
        ("de", "Die ", "Дie ", "'Д' is not written in Latin"),
        ("zh", "    evidence: ours\n", "    evidence: ours\n    evidence: ours\n", "given twice"),
    ],
)
def test_a_planted_defect_in_a_language_fails_with_its_line(
    tmp_path: Path, code: str, old: str, new: str, says: str
) -> None:
    text = (ROOT / "studies" / "languages" / f"{code}.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / f"{code}.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = kit("validate", path, cwd=ROOT)

    said = refused(done, tmp_path)
    assert f"kit: {path}:" in said
    assert says in said


def test_two_channels_with_one_tag_are_refused(tmp_path: Path) -> None:
    text = (ROOT / "studies" / "languages" / "en.yaml").read_text(encoding="utf-8")
    path = tmp_path / "en.yaml"
    path.write_text(text.replace("whisper: WHISPER", "whisper: TALK"), encoding="utf-8")

    assert "channel tags must differ" in refused(kit("validate", path, cwd=ROOT), tmp_path)


def test_a_gold_label_that_a_judge_does_not_know_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "judges" / "gold" / "de.yaml").read_text(encoding="utf-8")
    path = tmp_path / "de.yaml"
    path.write_text(text.replace('pathology: {level: "', 'pathology: {level: "1', 1), "utf-8")

    said = refused(kit("validate", path, cwd=ROOT), tmp_path)
    assert "is no value of the scale 'level'" in said
    assert "excerpts.0.labels.pathology" in said
