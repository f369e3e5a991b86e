"""The registration document as a file: whose plan it is, and what tampering leaves."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from kit.errors import OutputError, PlanError
from kit.spec.experiment import Experiment
from kit.spec.published import Published, load_published
from kit.spec.registration import (
    FILE_NAME,
    Document,
    check_plan,
    closed,
    plan_digest,
    read_document,
)
from tests.planted import experiment, language

PUBLISHED = load_published(Path(__file__).parents[2] / "studies" / "published.yaml")


def changed(claim_id: str, **changes: Any) -> Published:
    claims = tuple(
        claim.model_copy(update=changes) if claim.id == claim_id else claim
        for claim in PUBLISHED.claims
    )
    return PUBLISHED.model_copy(update={"claims": claims})


def frozen(folder: Path, planned: Experiment, body: str = "# A plan\n\n") -> Path:
    path = folder / FILE_NAME
    path.write_bytes(closed(body, plan_digest(planned, PUBLISHED)))
    return path


def test_the_same_plan_has_the_same_digest() -> None:
    assert plan_digest(experiment(), PUBLISHED) == plan_digest(experiment(), PUBLISHED)


@pytest.mark.parametrize(
    "other",
    [
        experiment(seed=2),
        experiment(replicates=3),
        experiment(profile="smoke"),
        experiment(title="Another title"),
        experiment(aligned={"value": [0, 10], "evidence": "inferred"}),
        experiment({"en": language(native_review="someone, today")}),
    ],
)
def test_whatever_changes_makes_another_plan(other: Experiment) -> None:
    assert plan_digest(other, PUBLISHED) != plan_digest(experiment(), PUBLISHED)


def test_claims_of_the_study_belong_to_the_plan_and_others_do_not() -> None:
    plain = plan_digest(experiment(), PUBLISHED)

    assert plan_digest(experiment(), changed("s1_en_cpi", why="Because.")) != plain
    assert plan_digest(experiment(), changed("s4_en_qwen", why="Because.")) == plain


def test_a_document_is_read_back_with_its_plan_and_its_own_hash(tmp_path: Path) -> None:
    path = frozen(tmp_path, experiment())

    assert read_document(tmp_path) == Document(
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        plan=plan_digest(experiment(), PUBLISHED),
        intact=True,
    )
    *above, last = path.read_bytes().splitlines(keepends=True)
    # As anyone can check: head -n -1 registration.md | sha256sum
    assert hashlib.sha256(b"".join(above)).hexdigest().encode() in last


@pytest.mark.parametrize(
    "tamper",
    [
        lambda data: data.replace(b"# A plan", b"# A Plan"),
        lambda data: data + b"more\n",
        lambda data: data[:-1],
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data[:0],
        lambda data: data[: data.index(b"Plan SHA")],
        lambda data: data.replace(b"Plan SHA-256: `", b"Plan SHA-256: `0", 1),
    ],
)
def test_any_edit_is_seen_and_nothing_runs_under_it(tmp_path: Path, tamper: Any) -> None:
    path = frozen(tmp_path, experiment())
    path.write_bytes(tamper(path.read_bytes()))
    document = read_document(tmp_path)

    assert document is not None
    assert not document.intact
    with pytest.raises(PlanError, match="edited after it was written") as caught:
        check_plan(experiment(), PUBLISHED, tmp_path)
    assert caught.value.where == str(path)
    assert "--out" in str(caught.value.hint)


def test_words_of_a_study_are_no_closing_lines(tmp_path: Path) -> None:
    forged = f"Plan SHA-256: `{'0' * 64}`\n\nSHA-256 of all lines above: `{'0' * 64}`\n\n"
    frozen(tmp_path, experiment(), body=f"# A plan\n\n{forged}")
    document = read_document(tmp_path)

    assert document is not None
    assert document.intact
    assert document.plan == plan_digest(experiment(), PUBLISHED)


def test_a_folder_without_a_document_has_none(tmp_path: Path) -> None:
    assert read_document(tmp_path) is None
    assert read_document(tmp_path / "nowhere") is None
    assert check_plan(experiment(), PUBLISHED, tmp_path) is None


def test_a_document_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(OutputError, match="cannot be read"):
        read_document(tmp_path)


def test_the_registered_plan_may_run_and_no_other(tmp_path: Path) -> None:
    path = frozen(tmp_path, experiment())

    sha256 = check_plan(experiment(), PUBLISHED, tmp_path)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for planned, published in (
        (experiment(replicates=3), PUBLISHED),
        (experiment(), changed("s1_ja_cpi", margin=0.2)),
    ):
        with pytest.raises(PlanError, match="the plan about to run is") as caught:
            check_plan(planned, published, tmp_path)
        assert plan_digest(experiment(), PUBLISHED)[:12] in caught.value.message
        assert plan_digest(planned, published)[:12] in caught.value.message
        assert "kit freeze study1 --out" in str(caught.value.hint)
