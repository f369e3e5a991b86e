"""What the commands print with: plain lines on stdout, problems on stderr, one crash log."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from kit import __version__
from kit.cli.terminal import coloured, spelled
from kit.errors import KitError


def say(line: str = "", *, fg: str | None = None, bold: bool = False) -> None:
    """One line of result."""
    _print(line, sys.stdout, fg=fg, bold=bold)


def note(line: str) -> None:
    """One line about what is being done, kept out of piped results."""
    _print(line, sys.stderr)


def problem(line: str) -> None:
    """One line about what went wrong."""
    _print(line, sys.stderr, fg="red")


def error(failure: KitError) -> None:
    """What, where, why, and the command to run next."""
    head = f"{failure.where}: {failure.message}" if failure.where else failure.message
    problem(f"kit: {head}")
    if failure.hint:
        note(f"  next: {failure.hint}")


def _print(line: str, stream: TextIO, *, fg: str | None = None, bold: bool = False) -> None:
    """Nothing that a model or a file says can steer the terminal, or fail to be encoded."""
    shown = spelled(line, keep="\n\t", encoding=stream.encoding)
    click.secho(shown, stream, color=coloured(), fg=fg, bold=bold or None)


def crash_log(trace: str, args: Sequence[str] | None) -> str:
    """Write a paste-ready account of a bug; falls back to stderr on a read-only disk."""
    text = "\n".join(
        [
            "### version",
            f"kit {__version__}, Python {sys.version.split()[0]}, {platform.platform()}",
            "### command",
            f"kit {' '.join(args if args is not None else sys.argv[1:])}",
            "### error",
            f"```\n{trace}```",
            "",
        ]
    )
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        path = folder / "kit-crash.md"
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return str(path)
    note(text)
    return "the text above"
