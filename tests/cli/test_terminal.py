"""What a terminal gets: eighty columns, letters of its encoding, colour only where it is wanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kit.cli.terminal import WIDTH, spelled, wrap
from kit.spec.experiment import Run
from kit.spec.language import Channel
from tests.cli.support import command, environment, kit
from tests.planted import Said, experiment, language, talk, think, write_folder

JAPANESE = "今日から施設は閉ざされます。" * 6
THAI = "ที่นี่" * 60
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u202eback\u2066 \x9b2J \u200b" + "w" * 300
PROGRESS = """
import sys
from kit.cli.progress import progress
sys.stderr.reconfigure(errors="backslashreplace")
with progress() as bar:
    bar.update(bar.add_task("[red]answers[/red]", total=4), advance=4)
"""
ESCAPE = "\x1b"


def speak(run: Run, agent: str, turn: int) -> Sequence[Said]:
    """Wide letters, marks, and words that would steer a terminal."""
    return {
        "p01": [talk(JAPANESE), think(THAI)],
        "p02": [talk(HOSTILE), Said(Channel.WHISPER, "Ça ira.", "p07")],
    }.get(agent, [talk("Yes.")])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose words are known."""
    planned = experiment({"en": language()}, aligned=[10], replicates=1)
    folder = write_folder(tmp_path_factory.mktemp("planted"), planned, speak)
    return folder / "runs" / "en-a10-r1.jsonl"


def on_a_terminal(arguments: Sequence[str], cwd: Path, **variables: str) -> str:
    """What a command writes to a terminal of its own."""
    ours, its = pty.openpty()
    variables = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | variables
    with subprocess.Popen(
        arguments, cwd=cwd, env=environment(**variables), stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        written = b""
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # how Linux says that nobody writes any more
                break
            if not data:
                break
            written += data
    os.close(ours)
    assert process.returncode == 0, written
    return written.decode(errors="surrogateescape").replace("\r\n", "\n")


def test_a_terminal_gets_colour_and_nothing_else_that_steers_it(log: Path) -> None:
    out = on_a_terminal(command("show", log), log.parent, NO_COLOR="")

    assert "\x1b[36m" in out
    plain = re.sub(r"\x1b\[\d*m", "", out)
    assert [char for char in plain if unicodedata.category(char)[0] == "C" and char != "\n"] == []
    assert max(map(cell_len, plain.splitlines())) == WIDTH


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb", "NO_COLOR": ""}])
def test_a_terminal_that_wants_no_colour_gets_none(log: Path, variables: dict[str, str]) -> None:
    assert ESCAPE not in on_a_terminal(command("show", log), log.parent, **variables)


def test_a_terminal_that_wants_no_colour_gets_none_in_an_error(tmp_path: Path) -> None:
    arguments = ["sh", "-c", '! "$@"', "sh", *command("show", tmp_path / "none.jsonl")]

    assert "\x1b[31m" in on_a_terminal(arguments, tmp_path, NO_COLOR="")
    assert ESCAPE not in on_a_terminal(arguments, tmp_path, NO_COLOR="1")


def test_a_pipe_gets_no_colour(log: Path) -> None:
    done = kit("show", log, cwd=log.parent, TERM="xterm-256color", NO_COLOR="")

    assert done.code == 0, done.err
    assert ESCAPE not in done.out
    assert JAPANESE in "".join(line.strip() for line in done.out.splitlines())
    assert THAI in "".join(line.strip() for line in done.out.splitlines())


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX"},
    ],
)
def test_letters_that_an_encoding_lacks_are_spelled(log: Path, variables: dict[str, str]) -> None:
    done = subprocess.run(
        command("show", log),
        cwd=log.parent,
        env=environment(**variables),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    posix = variables.get("LC_ALL") == "POSIX"  # where Python takes UTF-8
    lines = done.stdout.decode("utf-8" if posix else "latin-1")
    assert max(map(cell_len, lines.splitlines())) <= WIDTH
    said = "".join(line.strip() for line in lines.splitlines())
    if posix:
        assert JAPANESE in said
    else:
        assert JAPANESE.encode("ascii", "backslashreplace").decode() in said
        assert "<U+202E>back<U+2066>" in said
    assert ("Ça ira." in said) == (variables.get("PYTHONIOENCODING") == "latin-1" or posix)


def test_an_error_that_quotes_hostile_words_steers_nothing(log: Path) -> None:
    done = kit("show", log, "--agent", "\x1b[31m\u202eevil", cwd=log.parent)

    assert done.code == 1
    assert "the run has no agent '\u27e8U+001B\u27e9[31m\u27e8U+202E\u27e9evil'" in done.err


@pytest.mark.parametrize(
    "variables", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_progress_fits_a_terminal(tmp_path: Path, variables: dict[str, str]) -> None:
    out = on_a_terminal([sys.executable, "-c", PROGRESS], tmp_path, **variables)

    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", out)
    assert "[red]answers[/red]" in plain
    assert "4/4" in plain
    assert max(map(cell_len, re.split(r"[\r\n]", plain))) <= WIDTH
    if "TERM" in variables:
        assert ESCAPE not in out
    if "NO_COLOR" in variables:
        assert not re.search(r"\x1b\[(?:\d+;)*[34][0-8]", out)
    if "PYTHONIOENCODING" in variables:
        assert out.isascii()


def test_piped_progress_is_plain(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRESS],
        cwd=tmp_path,
        env=environment(TERM="xterm-256color"),
        capture_output=True,
        check=True,
    )

    assert b"4/4" in done.stderr
    assert ESCAPE.encode() not in done.stderr


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "日é\u27e8U+200B \u00d72\u27e9"),
        ("latin-1", "\\u65e5é<U+200B \u00d72>"),
        ("ascii", "\\u65e5\\xe9<U+200B x2>"),
    ],
)
def test_text_is_spelled_for_an_encoding(encoding: str, shown: str) -> None:
    assert spelled("日é\u200b\u200b", encoding=encoding) == shown


@given(
    st.text(st.characters(exclude_categories=[])), st.sampled_from(["ascii", "latin-1", "utf-8"])
)
def test_anything_can_be_written_in_any_encoding(text: str, encoding: str) -> None:
    shown = spelled(text, encoding=encoding)

    assert shown.encode(encoding).decode(encoding) == shown


@given(
    st.text(st.characters(exclude_categories=["C", "Z", "M"]) | st.sampled_from(" 日本。é\\")),
    st.integers(4, 40),
)
def test_wrapping_keeps_every_letter_within_the_width(text: str, width: int) -> None:
    lines = list(wrap(text, " ", width=width))

    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.startswith(" ") and line.strip() for line in lines)


def test_marks_take_no_column_and_stay_with_their_letter() -> None:
    arabic = "كَرَامَةٌ " * 12

    assert len([*wrap(arabic.strip(), "    ")]) == 1
    lines = [*wrap(THAI, "    ")]
    assert "".join(line.strip() for line in lines) == THAI
    assert not any(unicodedata.category(line.strip()[0]) == "Mn" for line in lines)


def test_a_line_does_not_end_within_a_spelled_letter() -> None:
    lines = [*wrap(spelled(JAPANESE, encoding="ascii"), "  ")]

    assert len(lines) > 3
    assert all(re.fullmatch(r"  (\\u[0-9a-f]{4})+", line) for line in lines)


def test_a_line_without_end_is_wrapped_at_once() -> None:
    text = "w" * 100_000 + " " + "語" * 50_000

    lines = [*wrap(text)]

    assert "".join(lines) == text.replace(" ", "")
    assert {cell_len(line) for line in lines[:-1]} == {WIDTH}
