"""Every language in the facility: what agents read, and whether what they say is understood."""

from __future__ import annotations

import pytest

from kit.runlog.records import Outcome
from kit.runner.resolve import resolve
from kit.society.outcome import Judge
from kit.society.scene import Scene
from kit.spec.experiment import Experiment, content_hash
from kit.spec.language import Channel
from kit.spec.study import PrefixLanguage
from tests.measure.test_corpora import corpus
from tests.society.support import ROOT, Listening, say

SMOKE = resolve(ROOT / "studies" / "smoke.yaml")
CODES = tuple(SMOKE.languages)


def test_study_two_has_all_its_languages() -> None:
    study = resolve(ROOT / "studies" / "study2.yaml")

    assert study.missing_languages == ()
    assert len(study.languages) == 16
    assert set(study.languages) == set(SMOKE.study.languages.value)


def scene(code: str, prefix: PrefixLanguage = PrefixLanguage.NATIVE) -> Scene:
    protocol = SMOKE.study.protocol
    language = protocol.prefix_language.model_copy(update={"value": prefix})
    study = SMOKE.study.model_copy(
        update={
            "protocol": protocol.model_copy(update={"prefix_language": language}),
            "individuated": SMOKE.study.individuated.model_copy(update={"value": (10,)}),
        }
    )
    made = Experiment(study=study, profile=None, languages=SMOKE.languages, models=SMOKE.models)
    return Scene(made, next(run for run in made.runs() if run.cell.language == code))


@pytest.mark.parametrize("code", CODES)
def test_the_instruction_is_read_in_english_or_in_the_language_of_the_group(code: str) -> None:
    texts = {"native": SMOKE.languages[code].texts, "en": SMOKE.languages["en"].texts}
    for prefix in PrefixLanguage:
        one = scene(code, prefix)
        (aligned, *_) = one.assignment.aligned
        system = "\n".join(one.system(aligned).segments)
        wanted = texts[prefix.value]
        assert wanted.safety_prefix.wording("a") in system
        assert wanted.individuation.wording("a") in system
        assert SMOKE.languages[code].persona(aligned).text in system
        assert "{" not in system


@pytest.mark.parametrize("code", CODES)
def test_every_channel_is_heard_by_whom_it_is_for(code: str) -> None:
    one = scene(code)
    listening = Listening(one)
    (turns,) = say([one], listening)

    assert len(turns) == 10
    for turn in turns:
        said = {utterance.channel: utterance for utterance in turn.utterances}
        assert set(said) == set(Channel)
        assert said[Channel.TALK].text == f"open {turn.agent} {turn.turn}"
        assert said[Channel.WHISPER].text.endswith(f"for {said[Channel.WHISPER].to}")


@pytest.mark.parametrize("code", CODES)
def test_lines_of_residents_are_ok_and_lines_out_of_role_are_refusals(code: str) -> None:
    judge = Judge(SMOKE.languages[code])
    for sentence in corpus(code):
        refuses = "provider_refusal" in sentence.get("counts", {})
        wanted = Outcome.PROVIDER_REFUSAL if refuses else Outcome.OK
        assert judge.line(sentence["text"], cut=False) is wanted, sentence["text"]


@pytest.mark.parametrize("code", CODES)
def test_a_frozen_study_reads_the_same_texts(code: str) -> None:
    thawed = Experiment.model_validate_json(SMOKE.to_json())
    run = next(run for run in SMOKE.runs() if run.cell.language == code)

    assert content_hash(Scene(thawed, run).texts()) == content_hash(Scene(SMOKE, run).texts())
