"""``kit validate``: every kind of file, and every file even after a faulty one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.support import kit, line_of, refused, write_judge, write_study
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
    line = line_of(path, 'pathology: {level: "1')
    assert f"kit: {path}:{line}: excerpts.0.labels.pathology: '1" in said
    assert "is no value of the scale 'level'" in said


def test_labels_that_are_missing_are_placed_where_they_should_stand(tmp_path: Path) -> None:
    text = (ROOT / "judges" / "gold" / "de.yaml").read_text(encoding="utf-8")
    path = tmp_path / "de.yaml"
    path.write_text(re.sub("(?m)^ *refusal: .*\n", "", text, count=1), encoding="utf-8")

    said = refused(kit("validate", path, cwd=ROOT), tmp_path)
    place = f"{path}:{line_of(path, 'labels:')}: excerpts.0.labels.refusal"
    assert said == f"kit: {place}: 'de_01' needs one label each for kind\n"


def test_words_of_an_older_judge_are_refused_with_their_line(desk: Path) -> None:
    path = written_words(desk, "refusal", version=7)

    said = refused(kit("validate", path, cwd=desk), desk)
    place = f"{path}:{line_of(path, 'refusal:')}: judges.refusal"
    assert f"kit: {place}: of version 7, the judge is of version 1\n" in said
    assert "next: bring the texts up to date, then raise their version" in said


def test_every_judge_that_words_do_not_fit_is_named(desk: Path) -> None:
    path = written_words(desk, "refusal", "pathology", "compliance", version=7)

    said = refused(kit("validate", path, cwd=desk), desk)
    assert said.count("of version 7, the judge is of version 1") == 3


def test_words_of_a_judge_that_is_not_there_are_refused_with_the_nearest(desk: Path) -> None:
    path = written_words(desk, "refusall", version=1)

    said = refused(kit("validate", path, cwd=desk), desk)
    assert "no judge 'refusall'; did you mean 'refusal'?" in said


def test_a_judge_of_a_checkout_is_read_as_a_judge(desk: Path) -> None:
    path = write_judge(desk)

    done = kit("validate", path, "gold/en.yaml", cwd=desk)
    assert done.out == f"ok: {path} (judge)\nok: gold/en.yaml (gold excerpts)\n"


def written_words(folder: Path, *judges: str, version: int) -> Path:
    """English words with a translation of these judges into nothing."""
    text = (ROOT / "judges" / "languages" / "en.yaml").read_text(encoding="utf-8")
    path = folder / "xx.yaml"
    found = "".join(f"  {name}:\n    version: {version}\n    wordings: {{}}\n" for name in judges)
    text = text.replace("framing: en\n", "framing: xx\n")
    path.write_text(f"{text}judges:\n{found}", encoding="utf-8")
    return path
