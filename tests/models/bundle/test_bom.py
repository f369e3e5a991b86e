"""The bill of materials: valid, complete, the same each time."""

from __future__ import annotations

import json
from email import message_from_string
from email.message import Message
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from kit.models.bundle.bom import CarriedWheel, bill
from kit.models.bundle.packages import KIT
from kit.spec.pins import load_pins
from tests.conftest import ROOT

PINS = [*load_pins(ROOT / "models.yaml").values()]


def metadata(*lines: str) -> Message:
    return message_from_string("\n".join(("Metadata-Version: 2.4", *lines, "", "")))


WHEELS = [
    CarriedWheel(KIT, "1.0", "a" * 64, metadata("License-Expression: MIT")),
    CarriedWheel("one", "1.0", "b" * 64, metadata("License-Expression: Apache-2.0 OR MIT")),
    CarriedWheel("two", "2.0", "c" * 64, metadata("License: BSD, of a kind")),
    CarriedWheel(
        "three",
        "3.0",
        "d" * 64,
        metadata("License: UNKNOWN", "Classifier: License :: OSI Approved :: BSD License"),
    ),
    CarriedWheel("four", "4.0", "e" * 64, metadata()),
    CarriedWheel("five", "5.0", "f" * 64, metadata("License: © someone\n  and a long text")),
]


def parsed(text: bytes) -> dict[str, Any]:
    data = json.loads(text)
    assert isinstance(data, dict)
    return data


def test_it_is_valid_cyclonedx() -> None:
    text = bill("1.0", WHEELS, PINS).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.replace("library", "books"))


def test_every_package_and_every_file_of_a_model_is_listed() -> None:
    data = parsed(bill("1.0", WHEELS, PINS))
    main = data["metadata"]["component"]
    assert (main["name"], main["hashes"][0]["content"]) == (KIT, "a" * 64)
    by_name = {one["name"]: one for one in data["components"]}
    assert len(by_name) == len(WHEELS) - 1 + len(PINS)
    assert by_name["one"]["purl"] == "pkg:pypi/one@1.0"
    assert by_name["one"]["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    for pin in PINS:
        files = {one["name"]: one["hashes"][0]["content"] for one in by_name[pin.id]["components"]}
        assert files == {file.name: file.sha256 for file in pin.files}
        assert by_name[pin.id]["licenses"]
    llama = by_name["llama-3.3-70b-instruct-q4_k_m"]
    assert llama["type"] == "machine-learning-model"
    assert llama["version"] == "b6c5c9f176f3279204034e1d16d393105e95cb88"


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("one", {"expression": "Apache-2.0 OR MIT"}),
        ("two", {"license": {"name": "BSD, of a kind"}}),
        ("three", {"license": {"name": "BSD License"}}),
        ("four", None),
    ],
)
def test_licences_are_read_as_far_as_they_are_declared(
    name: str, licence: dict[str, Any] | None
) -> None:
    data = parsed(bill("1.0", WHEELS, []))
    [found] = [one for one in data["components"] if one["name"] == name]
    assert found.get("licenses") == ([licence] if licence else None)


def test_the_bytes_depend_on_the_contents_alone() -> None:
    text = bill("1.0", WHEELS, PINS)
    assert bill("1.0", WHEELS[::-1], PINS[::-1]) == text
    assert b"timestamp" not in text
    other = parsed(bill("1.0", WHEELS[:-1], PINS))
    assert other["serialNumber"] != parsed(text)["serialNumber"]
