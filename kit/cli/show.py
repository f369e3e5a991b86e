"""``kit show``: a run's transcript in the terminal."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import regex

from kit.audit.replay import find_run
from kit.cli import console
from kit.cli.replay import run_path
from kit.errors import RunLogError
from kit.report.transcript import render
from kit.runlog.reader import RunLog, read
from kit.runlog.records import Outcome, Turn, Utterance
from kit.runlog.writer import write_atomically
from kit.spec.experiment import Experiment, load_experiment
from kit.spec.language import Channel

_WIDTH = 80
_SIGN = {Channel.TALK: "says", Channel.WHISPER: "whispers to", Channel.MONOLOGUE: "thinks"}
_COLOUR = {Channel.TALK: None, Channel.WHISPER: "yellow", Channel.MONOLOGUE: "cyan"}


@click.command(help="Read RUN (a log, or a run id): who said what, to whom.")
@click.argument("run")
@click.option("--turn", type=click.IntRange(1), help="Only this turn.")
@click.option("--agent", help="Only this agent (p01 ... p10, or a name).")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the whole run as a page instead.",
)
def command(run: str, turn: int | None, agent: str | None, html: Path | None) -> None:
    """Parse, call, print."""
    path = run_path(run)
    log = read(path)
    experiment = load_experiment(path.absolute().parent.parent)
    find_run(experiment, log.header.run_id, path)
    if html is not None:
        write_atomically(html, render(log, experiment))
        console.say(f"{html}  ({html.stat().st_size / 1000:,.0f} kB)")
        return
    _check_choice(log, experiment, turn, agent, path)
    for line in transcript(log, experiment, turn=turn, agent=agent):
        console.say(line)


def _check_choice(
    log: RunLog, experiment: Experiment, turn: int | None, agent: str | None, path: Path
) -> None:
    turns = log.turns[-1].turn if log.turns else 0
    if turn is not None and turn > turns:
        raise RunLogError(f"the run has no turn {turn}", where=path, hint=f"it has {turns}")
    personas = experiment.languages[log.header.language].personas
    if agent is not None and not any(agent in (one.id, one.name) for one in personas):
        known = ", ".join(f"{one.id} {one.name}" for one in personas)
        raise RunLogError(f"the run has no agent '{agent}'", where=path, hint=f"it has {known}")


def transcript(
    log: RunLog, experiment: Experiment, *, turn: int | None, agent: str | None
) -> Iterator[str]:
    """The lines of a transcript, at most 80 columns wide."""
    head = log.header
    language = experiment.languages[head.language]
    names = {persona.id: persona.name for persona in language.personas}
    yield click.style(f"{head.run_id}  ({language.name}, model {head.model})", bold=True)
    if head.profile:
        yield f"profile {head.profile}: shortened, for small models"
    marked = ", ".join(names[who] for who in head.aligned_agents) or "nobody"
    yield from textwrap.wrap(f"carry the intervention: {marked}", _WIDTH, subsequent_indent="  ")
    if head.individuated_agents:
        told = ", ".join(names[who] for who in head.individuated_agents)
        yield from textwrap.wrap(f"told to think independently: {told}", _WIDTH)
    for number, turns in groupby(log.turns, key=lambda record: record.turn):
        if turn is not None and number != turn:
            continue
        yield ""
        yield click.style(f"Turn {number}", bold=True)
        letter = head.protocol["wording"]
        announcement = language.announcements[number - 1].wording(letter)
        said = announcement.format(evicted=names[language.evicted])
        yield from _wrap(said, "  | ", _WIDTH)
        for record in turns:
            if agent is None or agent in (record.agent, names[record.agent]):
                yield from _turn(record, names, head.aligned_agents)


def _turn(record: Turn, names: dict[str, str], aligned: tuple[str, ...]) -> Iterator[str]:
    mark = "*" if record.agent in aligned else " "
    name = f"{mark}{names[record.agent]}"
    if not record.utterances:
        yield f"{name} says nothing that can be read ({record.outcome})"
    for utterance in record.utterances:
        yield from _utterance(name, utterance, names)


def _utterance(name: str, utterance: Utterance, names: dict[str, str]) -> Iterator[str]:
    to = f" {names[utterance.to]}" if utterance.to else ""
    note = "" if utterance.outcome is Outcome.OK else f" [{utterance.outcome}]"
    colour = _COLOUR[utterance.channel]
    yield click.style(f"{name} {_SIGN[utterance.channel]}{to}:{note}", fg=colour)
    for line in _wrap(utterance.text, "    ", _WIDTH):
        yield click.style(line, fg=colour)


def _wrap(text: str, indent: str, width: int) -> Iterator[str]:
    """Lines no wider than ``width`` columns; wide characters count two, and may break anywhere."""
    room = width - len(indent)
    line = ""
    for word in _breakable(_visible(text)):
        if _columns(line + word) <= room:
            line += word
            continue
        if line.strip():
            yield indent + line.rstrip()
        line = word.lstrip()
        while _columns(line) > room:  # a word longer than a line
            head = _head(line, room)
            yield indent + head
            line = line[len(head) :]
    if line.strip():
        yield indent + line.rstrip()


def _head(line: str, room: int) -> str:
    """As many whole characters, with their marks, as fit."""
    head = ""
    for cluster in regex.findall(r"\X", line):
        if head and _columns(head + cluster) > room:
            break
        head += cluster
    return head


def _columns(text: str) -> int:
    """Columns of a terminal: wide characters take two, marks on another character none."""
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _breakable(text: str) -> Iterator[str]:
    """Words with the blanks before them; a wide character is a word of its own."""
    word = ""
    for char in text:
        wide = unicodedata.east_asian_width(char) in "WF"
        if (char == " " or wide) and word.strip():
            yield word
            word = ""
        word += char
        if wide:
            yield word
            word = ""
    if word:
        yield word


def _visible(text: str) -> str:
    """No control characters: a model's words cannot steer the terminal."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" or char == "\u200d" else "\ufffd"
        for char in text
    )
