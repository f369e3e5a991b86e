"""YAML to types: where an error is said to be, what it suggests, and that no other escapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from kit.errors import SpecError
from kit.spec.evidence import Sourced
from kit.spec.framing import load_framing
from kit.spec.gold import load_gold
from kit.spec.judge import load_judge
from kit.spec.language import load_language
from kit.spec.loading import MAX_DEPTH, MAX_FILE_BYTES, Frozen, load, load_named, read_yaml
from kit.spec.study import load_study
from tests.conftest import ROOT

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Fruit(Frozen):
    name: str
    weight: int = 1


class Basket(Frozen):
    owner: str
    fruits: tuple[Fruit, ...] = ()
    by_colour: dict[str, Fruit] = Field(default_factory=dict)
    best: Fruit | None = None
    size: Sourced[int] = Sourced(value=1)


def refusal(folder: Path, text: str | bytes) -> SpecError:
    path = folder / "basket.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError) as caught:
        load(Basket, path)
    return caught.value


def placed(folder: Path, text: str) -> tuple[int, str, str]:
    """Line, key and message of the error in ``text`` (which lacks the version line)."""
    error = refusal(folder, "kit_schema: 1\n" + text)
    assert error.where is not None
    file, line, key = error.where.split(":", 2)
    assert file == str(folder / "basket.yaml")
    return int(line), key.strip(), error.message


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("ownr: me\n", 2, "ownr", "unknown key; did you mean 'owner'?"),
        ("owner: me\nzzz: 1\n", 3, "zzz", "unknown key"),
        ("owner: me\nweight: 1\n", 3, "weight", "unknown key here; it belongs elsewhere"),
        ("fruits: []\n", 1, "owner", "is required and missing"),
        (
            "owner: me\nfruits:\n- name: fig\n- weight: 2\n",
            5,
            "fruits.1.name",
            "is required and missing",
        ),
        (
            "owner: me\nfruits:\n- name: fig\n  wait: 2\n",
            5,
            "fruits.0.wait",
            "did you mean 'weight'?",
        ),
        (
            "owner: me\nby_colour:\n  red:\n    name: fig\n    weight: heavy\n",
            6,
            "by_colour.red.weight",
            "should be a valid integer, unable to parse string as an integer (found 'heavy')",
        ),
        ("owner: me\nbest:\n  nam: fig\n", 4, "best.nam", "did you mean 'name'?"),
        ("owner: [me]\n", 2, "owner", "should be a valid string"),
        ("owner:\n", 2, "owner", "should be a valid string (found nothing)"),
        ("owner: me\nfruits: fig\n", 3, "fruits", "should be a list (found 'fig')"),
        ("owner: me\nbest: fig\n", 3, "best", "should be a mapping of keys to values"),
        ("owner: me\nsize: big\n", 3, "size", "should be a valid integer"),
        ("owner: me\nsize: {value: 2, evidnce: ours}\n", 3, "size.evidnce", "mean 'evidence'?"),
        ("owner: me\nsize:\n  value: 2\n  evidence: rumour\n", 5, "size.evidence", "'rumour'"),
        ("owner: me\n1: 2\n", 3, "1", "Keys should be strings"),
    ],
)
def test_an_error_has_its_line_its_key_and_the_likely_intention(
    tmp_path: Path, text: str, line: int, key: str, message: str
) -> None:
    found = placed(tmp_path, text)

    assert found[:2] == (line, key)
    assert message in found[2]


def test_a_file_that_is_found_by_name_says_that_name(tmp_path: Path) -> None:
    path = tmp_path / "ann.yaml"
    path.write_text("kit_schema: 1\nsize: 1\nowner: ann\n")
    assert load_named(Basket, path, "owner").owner == "ann"
    copy = path.rename(tmp_path / "bo.yaml")
    with pytest.raises(SpecError, match="'ann' stands in a file that is named 'bo") as caught:
        load_named(Basket, copy, "owner")
    assert caught.value.where == f"{copy}:3: owner"
    assert caught.value.hint == "rename the file to ann.yaml, or write 'owner: bo' in it"


KINDS = {
    "judges/pathology.yaml": load_judge,
    "judges/languages/de.yaml": load_framing,
    "judges/gold/en.yaml": load_gold,
    "studies/study1.yaml": load_study,
    "studies/languages/ja.yaml": load_language,
}


@pytest.mark.parametrize("name", KINDS)
def test_no_copy_of_a_file_passes_for_the_original(tmp_path: Path, name: str) -> None:
    copy = tmp_path / "mine.yaml"
    copy.write_bytes((ROOT / name).read_bytes())
    with pytest.raises(SpecError, match=r"is named 'mine\.yaml'"):
        KINDS[name](copy)


def test_an_unknown_key_is_told_before_what_it_leaves_missing(tmp_path: Path) -> None:
    error = refusal(tmp_path, "kit_schema: 1\nonwer: me\n")

    assert "did you mean 'owner'?" in error.message
    assert error.hint is not None
    assert "1 more problem may be left" in error.hint


def test_a_bare_value_and_a_sourced_one_are_the_same_number(tmp_path: Path) -> None:
    path = tmp_path / "basket.yaml"
    sizes = []
    for size in ("3", "{value: 3, evidence: published, note: seen}"):
        path.write_text(f"kit_schema: 1\nowner: me\nsize: {size}\n")
        sizes.append(load(Basket, path).size)

    assert [size.value for size in sizes] == [3, 3]
    assert [size.evidence for size in sizes] == ["ours", "published"]
    assert [size.note for size in sizes] == [None, "seen"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffkit_schema: 1\nowner: me\n",
        "kit_schema: 1\r\nowner: me\r\n",
        "---\nkit_schema: 1\nowner: me\n...\n",
        "# first a comment\nkit_schema: 1\nowner: me",
        "{kit_schema: 1, owner: me}",
    ],
    ids=["byte order mark", "windows", "markers", "comment", "json"],
)
def test_every_way_of_writing_a_file_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "basket.yaml"
    path.write_bytes(text.encode())

    assert load(Basket, path) == Basket(owner="me")


@pytest.mark.parametrize("version", ["2", "'1'", "true", "1.0", "null", "[1]"])
def test_only_the_number_one_is_this_version(tmp_path: Path, version: str) -> None:
    error = refusal(tmp_path, f"owner: me\nkit_schema: {version}\n")

    assert error.where == f"{tmp_path / 'basket.yaml'}:2"
    assert "this release reads kit_schema: 1" in error.message


def test_a_file_may_be_as_large_and_as_deep_as_the_limits_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "basket.yaml"
    head = b"kit_schema: 1\nowner: me\n#"
    path.write_bytes(head + b"x" * (MAX_FILE_BYTES - len(head)))
    assert load(Basket, path).owner == "me"
    assert "too large" in refusal(tmp_path, path.read_bytes() + b"x").message

    path.write_text("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    assert read_yaml(path)[0].keys() == {"a"}
    for depth in (MAX_DEPTH + 1, 400, 50_000):
        nest = "a: " + "[" * depth + "]" * depth
        assert refusal(tmp_path, nest).message == "is nested too deeply"


WORDS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=8)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@in_one_folder
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), TREES, max_size=4))
def test_what_is_written_is_read_with_a_line_for_every_key(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    text = path.read_text(encoding="utf-8").splitlines()

    found, lines = read_yaml(path)

    assert found == data
    for key in data:
        assert text[lines[key,] - 1].lstrip("'\"{").startswith(key)


@in_one_folder
@given(st.binary(max_size=60) | st.text("abc:-[]{}&*!|>'\"#%@`, \n\t\u0000\ufeff<", max_size=40))
def test_no_file_ends_in_anything_but_a_mapping_or_a_spec_error(
    tmp_path: Path, data: bytes | str
) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    refused: SpecError | None = None
    try:
        found, lines = read_yaml(path)
    except SpecError as error:
        refused = error
    if refused is None:
        assert isinstance(found, dict)
        assert lines[()] >= 1
    else:
        assert refused.where is not None
        assert refused.where.startswith(str(path))
        assert len(refused.message.splitlines()) == 1
