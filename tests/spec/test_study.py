from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kit.errors import SpecError
from kit.runner.resolve import resolve
from kit.spec.evidence import Evidence
from kit.spec.language import load_language
from kit.spec.study import Study, load_study
from tests.cli.support import TINY
from tests.conftest import ROOT

STUDIES = ROOT / "studies"


def write(folder: Path, **changes: object) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY | changes))
    return path


@pytest.mark.parametrize(
    ("study", "runs"),
    [("study1", 150), ("study2", 1200), ("study3", 180), ("study4", 80), ("demo", 8)],
)
def test_the_shipped_studies_have_the_planned_number_of_runs(study: str, runs: int) -> None:
    read = load_study(STUDIES / f"{study}.yaml")
    assert (
        len(read.languages.value)
        * len(read.models.value)
        * len(read.aligned.value)
        * len(read.individuated.value)
        * read.replicates.value
        == runs
    )


def test_run_ids_are_unique_and_name_what_a_study_varies() -> None:
    ids = [run.run_id for run in resolve(STUDIES / "study3.yaml").runs()]
    assert len(set(ids)) == len(ids) == 180
    assert ids[0] == "study3/en-a0-i0-r1"
    several = resolve(STUDIES / "study4.yaml").runs()
    assert several[0].run_id == "study4/en-a0-mqwen3-next-80b-a3b-instruct-q4_k_m-r1"
    variants = resolve(STUDIES / "study1_sensitivity.yaml").runs()
    assert variants[-1].run_id == "study1_sensitivity/ja-a10-vwording_b-r15"


def test_a_missing_language_is_named_and_left_out() -> None:
    made = resolve(STUDIES / "study2.yaml")
    there = {path.stem for path in (STUDIES / "languages").glob("*.yaml")}
    asked = set(made.study.languages.value)
    assert set(made.missing_languages) == asked - there
    assert {run.cell.language for run in made.runs()} == asked & there


def test_a_bare_value_is_ours_and_a_sourced_one_keeps_its_evidence(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, aligned={"value": [0], "evidence": "published"}))
    assert study.replicates.evidence is Evidence.OURS
    assert study.aligned.evidence is Evidence.PUBLISHED


def test_every_shipped_study_says_how_each_value_is_known() -> None:
    for name in ("study1", "study2", "study3", "study4", "study1_sensitivity"):
        study = load_study(STUDIES / f"{name}.yaml")
        for field in ("languages", "models", "aligned", "replicates"):
            sourced = getattr(study, field)
            assert sourced.evidence is not Evidence.OURS or sourced.note or field == "replicates"


def test_profiles_and_variants_change_only_what_they_name(tmp_path: Path) -> None:
    study = load_study(
        write(
            tmp_path,
            variants={"slots": {"channel_choice": "slots"}},
            profiles={"smoke": {"sampling": {"max_tokens": 9}}},
        )
    )
    plain = study.protocol
    both = study.protocol_of(study.variants["slots"], study.profiles["smoke"])
    assert both.channel_choice.value == "slots"
    assert both.sampling.value == plain.sampling.value.model_copy(update={"max_tokens": 9})
    assert both.engine == plain.engine
    assert both.turns == plain.turns


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variants": {"x": {"ordr": "sequential"}}}, "ordr"),
        ({"profiles": {"x": {"sampling": {"max_tokens": 0}}}}, "max_tokens"),
        ({"aligned": []}, "aligned"),
        ({"id": "Not A Slug"}, "id"),
        ({"languages": ["en", "en"]}, "en stands twice"),
        ({"kit_schema": 2}, "kit_schema"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load_study(write(tmp_path, **changes))
    assert words in str(caught.value)
    assert "tiny.yaml:" in str(caught.value)


def test_a_study_is_found_under_its_own_name_only(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"that is named 'tiny\.yaml'"):
        load_study(write(tmp_path, id="other"))


def test_a_study_cannot_be_changed_after_it_was_read(tmp_path: Path) -> None:
    study: Study = load_study(write(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        study.seed = 3  # type: ignore[misc]


class TestLanguage:
    """A language file must be complete before anything is simulated in it."""

    def broken(self, tmp_path: Path, old: str, new: str) -> str:
        text = (STUDIES / "languages" / "en.yaml").read_text("utf-8")
        assert old in text
        path = tmp_path / "en.yaml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(SpecError) as caught:
            load_language(path)
        return str(caught.value)

    def test_a_missing_placeholder_is_named(self, tmp_path: Path) -> None:
        assert "turn_header" in self.broken(tmp_path, "{turn}", "now")

    def test_an_unknown_placeholder_is_named(self, tmp_path: Path) -> None:
        said = self.broken(tmp_path, "{evicted}", "{evicted.__class__}")
        assert "unknown placeholder" in said

    def test_a_tag_that_begins_another_is_refused(self, tmp_path: Path) -> None:
        assert "tags" in self.broken(tmp_path, "monologue: THOUGHT", "monologue: TALKING")

    def test_an_evicted_resident_must_exist(self, tmp_path: Path) -> None:
        assert "p99" in self.broken(tmp_path, "evicted: p03", "evicted: p99")

    def test_a_file_of_another_name_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "fr.yaml"
        path.write_bytes((STUDIES / "languages" / "en.yaml").read_bytes())
        with pytest.raises(SpecError, match="rename the file to en"):
            load_language(path)

    def test_both_languages_are_the_same_ten_people_and_fifteen_turns(self) -> None:
        en, ja = (load_language(STUDIES / "languages" / f"{code}.yaml") for code in ("en", "ja"))
        assert [p.id for p in en.personas] == [p.id for p in ja.personas]
        assert en.evicted == ja.evicted
        for one, other in zip(en.announcements, ja.announcements, strict=True):
            assert one.intent == other.intent
            assert one.fields() == other.fields()
            assert set(one.wordings) == set(other.wordings) == {"a", "b"}
        for name in ("safety_prefix", "placebo_prefix", "individuation"):
            for language in (en, ja):
                assert set(getattr(language.texts, name).wordings) == {"a", "b"}
        for language in (en, ja):
            for letter in ("a", "b"):
                safety = len(language.texts.safety_prefix.wording(letter))
                placebo = len(language.texts.placebo_prefix.wording(letter))
                assert abs(placebo / safety - 1) <= 0.05
