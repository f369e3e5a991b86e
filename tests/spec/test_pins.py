"""Model pins: the shipped file, and every way a row can fall short of naming exact bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.errors import ModelError, SpecError
from kit.spec.pins import (
    Attention,
    HubOrigin,
    KeyType,
    ModelPin,
    PinnedFile,
    PypiOrigin,
    Size,
    Tier,
    find_pin,
    load_pins,
)

SHIPPED = Path(__file__).parents[2] / "models.yaml"
SHA256 = "ab" * 32

ROW = f"""\
kit_schema: 1
models:
- id: one
  family: tiny
  tier: extra
  size: tiny
  license: mit
  instruct: true
  context_length: 2048
  source:
    kind: hub
    repo: someone/one-GGUF
    revision: {"0f" * 20}
  files:
  - name: one.gguf
    bytes: 10
    sha256: {SHA256}
"""


def pins_of(tmp_path: Path, text: str) -> dict[str, ModelPin]:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return load_pins(path)


def refusal(tmp_path: Path, text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        pins_of(tmp_path, text)
    return caught.value


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def test_a_full_row_is_read(tmp_path: Path) -> None:
    pin = pins_of(tmp_path, ROW)["one"]

    assert pin.files == (PinnedFile(name="one.gguf", bytes=10, sha256=SHA256),)
    assert pin.source == HubOrigin(kind="hub", repo="someone/one-GGUF", revision="0f" * 20)
    assert (pin.chat_template, pin.note, pin.total_bytes) == ("own", None, 10)


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        ("revision: " + "0f" * 20, "revision: main", "source.revision", "name of a branch or tag"),
        ("revision: " + "0f" * 20, "revision: UNKNOWN", "source.revision", "branch or tag"),
        ("revision: " + "0f" * 20, "revision: 0f0f0f0", "source.revision", "this has 7"),
        (f"sha256: {SHA256}", f"sha256: {SHA256[:-1]}", "files.0.sha256", "this has 63"),
        (f"sha256: {SHA256}", "sha256: UNKNOWN", "files.0.sha256", "is not a SHA-256"),
        ("bytes: 10", "bytes: 0", "files.0.bytes", "greater than 0"),
        ("bytes: 10", "bytes: '10'", "files.0.bytes", "valid integer"),
        ("name: one.gguf", "name: ../one.gguf", "files.0.name", "below the model's folder"),
        ("name: one.gguf", "name: /one.gguf", "files.0.name", "below the model's folder"),
        ("name: one.gguf", 'name: "a\\0b"', "files.0.name", "below the model's folder"),
        ("repo: someone/one-GGUF", "repo: one-GGUF", "source.repo", "pattern"),
        ("context_length: 2048", "context_length: UNKNOWN", "context_length", "valid integer"),
        ("size: tiny", "size: huge", "size", "'study'"),
        ("id: one", "id: One/Two", "id", "pattern"),
    ],
)
def test_a_row_that_does_not_name_exact_bytes_is_refused_at_its_line(
    tmp_path: Path, old: str, new: str, key: str, why: str
) -> None:
    assert old in ROW
    text = ROW.replace(old, new)

    error = refusal(tmp_path, text)

    assert why in error.message
    path = tmp_path / "models.yaml"
    assert error.where == f"{path}:{line_of(text, new)}: models.0.{key}"


@pytest.mark.parametrize("key", ["revision", "bytes", "sha256", "license", "context_length"])
def test_a_row_without_a_required_key_is_refused(tmp_path: Path, key: str) -> None:
    kept = [line for line in ROW.splitlines() if not line.strip().startswith(f"{key}:")]

    error = refusal(tmp_path, "\n".join(kept) + "\n")

    assert "is required and missing" in error.message
    assert error.where is not None
    assert error.where.endswith(key)


def test_an_unknown_key_gets_the_likely_one(tmp_path: Path) -> None:
    error = refusal(tmp_path, ROW.replace("license:", "licence:"))

    assert "did you mean 'license'?" in error.message


def test_an_id_given_twice_is_refused_at_the_second(tmp_path: Path) -> None:
    text = ROW + "".join(ROW.splitlines(keepends=True)[2:])

    error = refusal(tmp_path, text)

    assert "'one' is given twice" in error.message
    assert error.where == f"{tmp_path / 'models.yaml'}:18: models.1.id"
    assert text.splitlines()[17] == "- id: one"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, ROW + "".join(ROW.splitlines(keepends=True)[-3:]))

    assert "two files share a name" in error.message


def test_an_unknown_context_length_is_null(tmp_path: Path) -> None:
    text = ROW.replace("context_length: 2048", "context_length: null")

    assert pins_of(tmp_path, text)["one"].context_length is None


OLDER = f"""\
    superseded:
    - sha256: {"CD" * 32}
      bytes: 9
      note: the file of the first day
"""
READ = f"""\
  template_sha256: {"EF" * 32}
  attention: {{layers: 30, key_width: 192, value_width: 128}}
"""


def test_a_superseded_file_is_known_by_its_note_and_the_pinned_one_is_not(tmp_path: Path) -> None:
    (file,) = pins_of(tmp_path, ROW + OLDER)["one"].files

    assert file.known("cd" * 32) == "the file of the first day"
    assert file.known("CD" * 32) == "the file of the first day"
    assert file.known(SHA256) is None
    assert file.known("00" * 32) is None


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        ("note: the file of the first day", "note: ''", "superseded.0.note", "at least 1"),
        ("bytes: 9", "bytes: 0", "superseded.0.bytes", "greater than 0"),
        ("CD" * 32, "CD", "superseded.0.sha256", "this has 2"),
        ("CD" * 32, SHA256, "files.0", "two versions of the file share a sha256"),
    ],
)
def test_a_superseded_file_has_bytes_hash_and_note_of_its_own(
    tmp_path: Path, old: str, new: str, key: str, why: str
) -> None:
    error = refusal(tmp_path, ROW + OLDER.replace(old, new))

    assert why in error.message
    assert error.where is not None
    assert error.where.endswith(key)


def test_what_was_read_from_the_header_is_optional(tmp_path: Path) -> None:
    without = pins_of(tmp_path, ROW)["one"]
    with_ = pins_of(tmp_path, ROW.replace("  source:", f"{READ}  source:"))["one"]

    assert (without.template_sha256, without.attention) == (None, None)
    assert with_.template_sha256 == "ef" * 32
    assert with_.attention == Attention(layers=30, key_width=192, value_width=128)


@pytest.mark.parametrize(
    ("k_type", "per_token"), [("f16", 30 * 2 * (192 + 128)), ("q8_0", 30 * (192 + 12 + 2 * 128))]
)
def test_a_token_takes_keys_in_their_type_and_values_in_f16(
    k_type: KeyType, per_token: int
) -> None:
    attention = Attention(layers=30, key_width=192, value_width=128)

    assert attention.cache_bytes_per_token(k_type) == per_token


@pytest.mark.parametrize("number", ["30", "192", "128"])
def test_a_cache_of_nothing_is_refused(tmp_path: Path, number: str) -> None:
    read = READ.replace(f": {number}", ": 0")

    error = refusal(tmp_path, ROW.replace("  source:", f"{read}  source:"))

    assert "greater than 0" in error.message


def test_the_shipped_pin_with_a_past_tells_it() -> None:
    (file,) = load_pins(SHIPPED)["gpt-oss-20b-mxfp4"].files
    (older,) = file.superseded

    assert file.bytes - older.bytes == 2_208
    assert file.known(older.sha256) == older.note


def test_a_pin_survives_a_result_folder(tmp_path: Path) -> None:
    text = ROW.replace("  source:", f"{READ}  source:") + OLDER
    for pin in [*load_pins(SHIPPED).values(), *pins_of(tmp_path, text).values()]:
        assert ModelPin.model_validate_json(pin.model_dump_json()) == pin


def test_an_unknown_model_gets_the_nearest_id_and_the_list(tmp_path: Path) -> None:
    pins = load_pins(SHIPPED)

    with pytest.raises(ModelError) as caught:
        find_pin(pins, "llama-3.3-70b-instruct-q4-k-m")

    assert "did you mean 'llama-3.3-70b-instruct-q4_k_m'?" in caught.value.message
    assert caught.value.hint == "kit models list"
    with pytest.raises(ModelError) as caught:
        find_pin(pins, "zzz")
    assert "did you mean" not in caught.value.message


@given(st.text(alphabet="0123456789abcdefABCDEFg", min_size=60, max_size=68))
def test_only_sixty_four_hexadecimal_digits_are_a_hash(text: str) -> None:
    row: dict[str, Any] = {"name": "a", "bytes": 1, "sha256": text}

    if len(text) == 64 and "g" not in text:
        assert PinnedFile.model_validate(row).sha256 == text.lower()
    else:
        with pytest.raises(ValidationError):
            PinnedFile.model_validate(row)


@given(st.text(max_size=40))
def test_no_file_name_leaves_the_folder_of_its_model(name: str) -> None:
    row: dict[str, Any] = {"name": name, "bytes": 1, "sha256": SHA256}
    try:
        file = PinnedFile.model_validate(row)
    except ValidationError:
        return
    inside = Path("/store/models/id")
    assert inside in (inside / file.name).parents


def test_the_shipped_pins_hold_the_models_the_paper_is_about() -> None:
    pins = load_pins(SHIPPED)

    llama = pins["llama-3.3-70b-instruct-q4_k_m"]
    qwen = pins["qwen3-next-80b-a3b-instruct-q4_k_m"]
    assert (llama.tier, llama.size, llama.total_bytes) == (Tier.STUDY, Size.STUDY, 42_520_398_816)
    assert (qwen.tier, qwen.size, qwen.total_bytes) == (Tier.STUDY, Size.STUDY, 48_410_988_384)
    assert {pins[i].tier for i in ("gpt-oss-20b-mxfp4", "gpt-oss-120b-mxfp4")} == {Tier.STANDIN}
    names = [file.name for file in pins["gpt-oss-120b-mxfp4"].files]
    assert names == [f"gpt-oss-120b-mxfp4-0000{n}-of-00003.gguf" for n in (1, 2, 3)]


def test_the_shipped_pins_hold_one_embedded_default_that_needs_no_hub() -> None:
    (default,) = (pin for pin in load_pins(SHIPPED).values() if pin.tier is Tier.EMBEDDED)

    assert default.id == "smollm2-135m-instruct-q4_1"
    assert isinstance(default.source, PypiOrigin)
    assert default.instruct
    assert all(wheel.sha256 for wheel in default.source.wheels)


def test_shipped_models_without_instruction_tuning_are_test_models_with_the_plain_template() -> (
    None
):
    for pin in load_pins(SHIPPED).values():
        assert (pin.tier is Tier.TEST) == (not pin.instruct)
        assert (pin.chat_template == "plain") == (not pin.instruct)


def test_every_shipped_pin_names_its_own_bytes() -> None:
    hashes = [file.sha256 for pin in load_pins(SHIPPED).values() for file in pin.files]

    assert len(set(hashes)) == len(hashes)
    rows = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["models"]
    assert len(rows) == len(load_pins(SHIPPED))
