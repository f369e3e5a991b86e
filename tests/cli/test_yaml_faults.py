"""Faulty study and language files: the message names file, line, key and the likely intention."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.support import kit, line_of, refused, write_study


class Fault(NamedTuple):
    """One wrong value in a study file."""

    changes: dict[str, Any]
    at: str
    """The line it stands in holds this."""
    key: str
    why: str


FAULTS = {
    "key below another": Fault(
        {"protocol": {"turn": 1}}, "turn: 1", "protocol.turn", "did you mean 'turns'?"
    ),
    "key of another place": Fault(
        {"top_k": 3}, "top_k: 3", "top_k", "unknown key here; it belongs elsewhere in the file"
    ),
    "key in a profile": Fault(
        {"profiles": {"smoke": {"sampling": {"max_token": 9}}}},
        "max_token: 9",
        "profiles.smoke.sampling.max_token",
        "did you mean 'max_tokens'?",
    ),
    "turn too many in a variant": Fault(
        {"variants": {"base": {}, "long": {"turns": 16}}},
        "turns: 16",
        "variants.long.turns",
        "less than or equal to 15 (found 16)",
    ),
    "word for a number": Fault({"replicates": "many"}, "replicates:", "replicates", "'many'"),
    "word for a list": Fault({"aligned": "all"}, "aligned:", "aligned", "should be a list"),
    "word for a mapping": Fault(
        {"protocol": "short"}, "protocol:", "protocol", "should be a mapping of keys to values"
    ),
    "true for a number": Fault({"seed": True}, "seed:", "seed", "valid integer (found True)"),
    "text for a number": Fault({"seed": "3"}, "seed:", "seed", "valid integer (found '3')"),
    "level twice": Fault(
        {"aligned": [0, 10, 0]}, "aligned:", "aligned", "duplicate run: 0 stands twice"
    ),
    "level above ten": Fault(
        {"aligned": [0, 11]}, "- 11", "aligned.1", "less than or equal to 10 (found 11)"
    ),
    "level below none": Fault(
        {"individuated": [-1]}, "- -1", "individuated.0", "greater than or equal to 0 (found -1)"
    ),
    "unquoted norwegian": Fault(
        {"languages": ["en", False]}, "- false", "languages.1", "put the word in quotes"
    ),
    "not a number": Fault(
        {"protocol": {"budget_scale": float("nan")}},
        "budget_scale:",
        "protocol.budget_scale",
        "(found nan)",
    ),
    "very long": Fault({"seed": "x" * 5000}, "seed:", "seed", "xxx...)"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_value_is_shown_with_file_line_and_key(desk: Path, fault: Fault) -> None:
    path = write_study(desk, **fault.changes)

    said = refused(kit("run", "tiny", cwd=desk), desk)

    assert f"kit: {path}:{line_of(path, fault.at)}: {fault.key}: " in said
    assert fault.why in said
    assert len(said) < 600
    assert not (desk / "results").exists()


TEXTS: dict[str, tuple[bytes, str]] = {
    "alias bomb": (
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        ":2: not valid YAML: aliases are not allowed here",
    ),
    "100,000 brackets": (b"a: " + b"[" * 100_000, ": is nested too deeply"),
    "40 mappings": (
        "".join(f"{' ' * n}a:\n" for n in range(40)).encode(),
        ":34: is nested too deeply",
    ),
    "merge key": (b"id: tiny\n<<: {seed: 1}\n", ":2: merge keys ('<<') are not allowed here"),
    "tab": (b"id: tiny\nprotocol:\n\tturns: 1\n", ":3: not valid YAML"),
    "no such date": (b"id: tiny\nseed: 2026-13-45\n", ":2: not valid YAML"),
    "5,000 digits": (b"id: tiny\nseed: " + b"9" * 5000, ":2: not valid YAML"),
    "nul": (b"id: tiny\ntitle: a\0b\n", ":2: not valid YAML: the character U+0000"),
    "latin-1": ("id: tiny\ntitle: Tïny\n".encode("latin-1"), ":2: is not UTF-8 text"),
    "nothing": (b"", ": is not a mapping of keys to values"),
    "two documents": (b"id: tiny\n---\nid: tiny\n", ":2: not valid YAML"),
    "no version": (b"id: tiny\n", ":1: kit_schema is missing"),
    "true for a version": (b"kit_schema: true\nid: tiny\n", ":1: kit_schema is True"),
}


@pytest.mark.parametrize(("text", "why"), TEXTS.values(), ids=TEXTS.keys())
def test_a_file_that_cannot_be_read_says_where(desk: Path, text: bytes, why: str) -> None:
    path = desk / "studies" / "tiny.yaml"
    path.write_bytes(text)

    said = refused(kit("run", "tiny", cwd=desk, timeout=60), desk)

    assert f"kit: {path}{why}" in said
    assert len(said) < 500


def test_a_fault_in_a_language_file_is_shown_with_its_line(desk: Path) -> None:
    path = desk / "studies" / "languages" / "en.yaml"
    path.write_text(path.read_text().replace("evicted: p03", "evicte: p03"))

    said = refused(kit("run", "tiny", cwd=desk), desk)

    assert f"{path}:{line_of(path, 'evicte:')}: evicte: unknown key" in said
    assert "did you mean 'evicted'?" in said


def test_a_folder_or_nothing_in_place_of_a_study(desk: Path) -> None:
    (desk / "folder.yaml").mkdir()

    for name, why in (
        ("folder.yaml", "Is a directory"),
        ("gone.yaml", "No such file"),
        ("x" * 300 + ".yaml", "File name too long"),
        ("x" * 300, "File name too long"),
    ):
        assert why in refused(kit("run", name, cwd=desk), desk)


def test_a_plan_is_refused_before_anything_is_written(desk: Path) -> None:
    """Fifteen turns in which nine others may say 96 tokens each, on a model made for 8,192."""
    write_study(
        desk, protocol={"turns": 15, "sampling": {"max_tokens": 96}, "engine": {"context": 16384}}
    )
    write_study(desk, "small", protocol={"turns": 3, "engine": {"context": 256}})

    said = refused(kit("run", "tiny", cwd=desk), desk)
    assert "language 'en': an agent's dialogue can take " in said
    assert "more than the model's context of 8,192" in said
    said = refused(kit("run", "small", "--dry-run", cwd=desk), desk)
    assert "more than engine.context 256" in said
    assert not list(desk.glob("results/*/runs"))
