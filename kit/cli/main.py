"""The ``kit`` command: dispatch, and the one place where an error becomes an exit code."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from kit import __version__
from kit.cli import console
from kit.errors import ExitCode, KitError, OutputError

COMMANDS = {
    "demo": "The whole road on the embedded default model.",
    "models": "Pinned models: list, pull, verify, pin, check, path.",
    "bundle": "All that a machine without a network needs, in one folder.",
    "run": "Simulate a study.",
    "status": "What a result folder holds, what is left, and how long it takes.",
    "fsck": "Check a result folder, and move damaged files out of the way.",
    "freeze": "Write down a study's plan and its rules, before it is run.",
    "replay": "Simulate one run again and compare bytes.",
    "verify": "Read recorded runs back, and compare or score every token.",
    "judge": "Judge transcripts with a local model; hold it against people.",
    "show": "Read a run's transcript.",
    "analyze": "Measure runs and compute every effect.",
    "report": "One HTML page for a study's results.",
    "export": "Every table of a study's results as Parquet and CSV.",
    "validate": "Check YAML files.",
    "doctor": "Check this machine, the library and the model.",
}
"""Command name to its line in ``kit --help``; ``kit.cli.<name>`` holds ``command``."""

_SURROUNDINGS = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EDQUOT", "EIO", "ENAMETOOLONG", "ENOSPC", "EPERM", "EROFS")
)
"""What a disk or its owner may refuse at any place: expected, not a bug."""


class _LazyGroup(click.Group):
    """Imports a command's module when it is used, so that ``kit --help`` loads nothing heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"kit.cli.{name}").command
        assert isinstance(command, click.Command)  # a programming error, not the user's
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kit")
def kit() -> None:
    """Replicate "Alignment Backfire" offline, with open-weight models."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of :class:`kit.errors.ExitCode`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter of a transcript shows its number instead.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    try:
        result = kit.main(args=args, prog_name="kit", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.ERROR
    except (KeyboardInterrupt, click.Abort):
        console.problem("interrupted; the same command continues where it stopped")
        return ExitCode.INTERRUPTED
    except KitError as error:
        console.error(error)
        return error.exit_code
    except (BrokenPipeError, SystemExit):  # the latter is click's answer to the former
        _drop_output()
        return ExitCode.OK
    except Exception as error:
        return _unexpected(error, args)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _unexpected(error: Exception, args: Sequence[str] | None) -> int:
    if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
        if error.filename is None:
            _drop_output()
        console.error(OutputError(str(error.strerror), where=error.filename or "output"))
        return ExitCode.ERROR
    path = console.crash_log(traceback.format_exc(), args)
    console.problem(f"bug: {type(error).__name__}: {error}")
    console.problem(f"  next: please report it with {path}")
    return ExitCode.BUG


def _drop_output() -> None:
    """Send what is left to say nowhere: the interpreter would try it once more as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
