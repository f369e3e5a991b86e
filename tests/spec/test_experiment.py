"""Run ids and overrides: each planned run once, under a name that says what it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.errors import OutputError
from kit.spec.evidence import Evidence
from kit.spec.experiment import (
    FILE_NAME,
    Cell,
    Experiment,
    canonical_json,
    content_hash,
    load_experiment,
)
from kit.spec.study import EngineSettings, Protocol, Sampling, Study
from tests import planted

LEVELS = st.lists(st.integers(0, 10), min_size=1, max_size=3, unique=True)
VARIANTS = st.lists(st.sampled_from(["base", "slots", "b2", "x_y"]), max_size=3, unique=True)
MODELS = st.lists(
    st.sampled_from([planted.TINY, planted.LLAMA, planted.QWEN]),
    min_size=1,
    max_size=2,
    unique=True,
)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
EN, JA = planted.language(), planted.language("ja", "JPN")


def experiment(**study: Any) -> Experiment:
    return planted.experiment({"en": EN, "ja": JA}, **study)


@given(LEVELS, LEVELS, VARIANTS, MODELS, st.integers(1, 12))
def test_every_planned_run_has_a_name_of_its_own(
    aligned: list[int],
    individuated: list[int],
    variants: list[str],
    models: list[str],
    replicates: int,
) -> None:
    planned = experiment(
        aligned=aligned,
        individuated=individuated,
        variants={name: {} for name in variants},
        models=models,
        replicates=replicates,
    )
    runs = planned.runs()

    cells = len(aligned) * len(individuated) * max(1, len(variants)) * len(models) * 2
    assert len(runs) == cells * replicates
    assert len({run.run_id for run in runs}) == len(runs)
    assert len({(run.cell, run.replicate) for run in runs}) == len(runs)
    for run in runs:
        assert run.run_id == planned.run_id(run.cell, run.replicate)
        name = run.run_id.removeprefix("study1/")
        assert name.startswith(f"{run.cell.language}-a{run.cell.aligned}")
        assert name.endswith(f"-r{run.replicate}")
        assert "/" not in name
        assert bool(re.search(r"-a\d+-i\d+", name)) == (individuated != [0])


def test_a_name_leaves_out_what_a_study_does_not_vary() -> None:
    cell = Cell(planted.QWEN, "ja", "slots", 5, 10)

    assert experiment().run_id(cell._replace(variant=None), 3) == "study1/ja-a10-r3"
    varied = experiment(individuated=[0, 5], models=[planted.LLAMA, planted.QWEN])
    assert varied.run_id(cell, 3) == f"study1/ja-a10-i5-vslots-m{planted.QWEN}-r3"


def test_more_replicates_leave_the_names_of_the_first_alone() -> None:
    few = {run.run_id for run in experiment(replicates=2).runs()}

    assert few < {run.run_id for run in experiment(replicates=11).runs()}


def test_a_language_without_a_file_has_no_runs() -> None:
    planned = planted.experiment({"en": EN}, missing=("xx",))

    assert planned.study.languages.value == ("en", "xx")
    assert {run.cell.language for run in planned.runs()} == {"en"}


def study(**changes: Any) -> Study:
    return experiment(
        protocol={
            "turns": {"value": 12, "evidence": "published", "note": "seen"},
            "sampling": {
                "value": {"temperature": 0.7, "max_tokens": 50},
                "evidence": "companion",
            },
            "engine": {"context": 4096},
        },
        **changes,
    ).study


@pytest.mark.parametrize(
    "sampling",
    [{"max_tokens": 9}, {"value": {"max_tokens": 9}, "evidence": "inferred", "note": "why"}],
    ids=["bare", "sourced"],
)
def test_an_override_changes_only_what_it_names(sampling: dict[str, Any]) -> None:
    plain = study().protocol

    changed = study().protocol_of({"sampling": sampling})

    assert changed.sampling.value == Sampling(temperature=0.7, max_tokens=9)
    for name in set(Protocol.model_fields) - {"sampling"}:
        assert getattr(changed, name) == getattr(plain, name)


def test_an_overridden_value_carries_its_own_evidence() -> None:
    asked = study()

    assert asked.protocol.turns.evidence is Evidence.PUBLISHED
    bare = asked.protocol_of({"turns": 3}).turns
    assert (bare.value, bare.evidence, bare.note) == (3, Evidence.OURS, None)
    sourced = asked.protocol_of({"turns": {"value": 3, "evidence": "inferred"}}).turns
    assert (sourced.value, sourced.evidence, sourced.note) == (3, Evidence.INFERRED, None)


def test_a_profile_lies_over_a_variant() -> None:
    planned = experiment(
        variants={"long": {"turns": 9, "engine": {"k_type": "q8_0"}}},
        profiles={"smoke": {"turns": 3, "engine": {"context": 512}}},
    )
    both = planned.model_copy(update={"profile": "smoke"}).protocol("long")

    assert planned.protocol("long").turns.value == 9
    assert both.turns.value == 3
    assert both.engine.value == EngineSettings(context=512, k_type="q8_0")


@pytest.mark.parametrize("kind", ["variants", "profiles"])
@pytest.mark.parametrize(
    ("override", "loc"),
    [
        ({"turn": 3}, ("turn",)),
        ({"turns": 16}, ("turns", "value")),
        ({"sampling": {"max_token": 9}}, ("sampling", "value", "max_token")),
        ({"sampling": {"temperature": "hot"}}, ("sampling", "value", "temperature")),
        ({"turns": {"value": 3, "evidnce": "ours"}}, ("turns", "evidnce")),
    ],
)
def test_a_wrong_override_is_refused_at_its_place(
    kind: str, override: dict[str, Any], loc: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        study(**{kind: {"good": {"turns": 2}, "bad": override}})

    [problem] = caught.value.errors()
    assert problem["loc"] == (kind, "bad", *loc)


@in_one_folder
@given(st.integers(0, 2**63 - 1), LEVELS, st.text(max_size=10))
def test_a_frozen_experiment_is_read_back_whole(
    tmp_path: Path, seed: int, aligned: list[int], title: str
) -> None:
    planned = experiment(seed=seed, aligned=aligned, title=title, variants={"s": {"turns": 1}})
    (tmp_path / FILE_NAME).write_bytes(planned.to_json())

    again = load_experiment(tmp_path)

    assert again == planned
    assert again.to_json() == planned.to_json()


def test_a_folder_without_a_readable_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"holds no spec\.json"):
        load_experiment(tmp_path)
    for text in ("", "[]", '{"study": 1}', "[" * 100_000):
        (tmp_path / FILE_NAME).write_text(text)
        with pytest.raises(OutputError, match="another release, or edited") as caught:
            load_experiment(tmp_path)
        assert caught.value.where == str(tmp_path / FILE_NAME)


@given(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=5))
def test_a_hash_depends_on_values_and_not_on_their_order(data: dict[str, Any]) -> None:
    turned = dict(reversed(list(data.items())))

    assert canonical_json(turned) == canonical_json(data)
    assert content_hash(turned) == content_hash(data)
    assert content_hash({**data, "new": 1}) != content_hash(data)
