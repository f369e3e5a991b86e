"""``kit show``: a run's transcript in the terminal or as a page, alone or beside another run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import click

from kit.cli import console
from kit.cli.replay import run_path
from kit.cli.terminal import spelled, wrap
from kit.errors import RunLogError
from kit.report.transcript import Recording, open_recording, render
from kit.report.transcript.difference import Difference, first_difference
from kit.runlog.records import Outcome, Turn, Utterance
from kit.runlog.writer import write_atomically
from kit.spec.language import Channel

_SIGN = {Channel.TALK: "says", Channel.WHISPER: "whispers to", Channel.MONOLOGUE: "thinks"}
_COLOUR = {Channel.TALK: None, Channel.WHISPER: "yellow", Channel.MONOLOGUE: "cyan"}


class Row(NamedTuple):
    """One line of the terminal."""

    text: str = ""
    fg: str | None = None
    bold: bool = False


@click.command()
@click.argument("run")
@click.argument("other", required=False)
@click.option("--turn", type=click.IntRange(1), help="Only this turn.")
@click.option("--agent", help="Only this agent (p01 ... p10, or a name).")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the whole run as a page instead; two runs stand beside each other.",
)
def command(
    run: str, other: str | None, turn: int | None, agent: str | None, html: Path | None
) -> None:
    """Read RUN (a log, or a run id): who said what, to whom.

    With OTHER, such as the same replicate under another condition or the same run made again: where
    the two first differ.
    """
    paths = [run_path(name) for name in (run, other) if name is not None]
    recordings = [open_recording(path) for path in paths]
    if html is not None:
        write_atomically(html, render(*recordings))
        console.say(f"{html}  ({html.stat().st_size / 1000:,.0f} kB)")
        return
    if other is not None and (turn is not None or agent is not None):
        raise click.UsageError("--turn and --agent are about one run")
    for path, recording in zip(paths, recordings, strict=True):
        _check_choice(recording, turn, agent, path)
    rows = transcript(recordings[0], turn=turn, agent=agent)
    if other is not None:
        rows = comparison(recordings[0], recordings[1])
    for row in rows:
        console.say(row.text, fg=row.fg, bold=row.bold)


def _check_choice(recording: Recording, turn: int | None, agent: str | None, path: Path) -> None:
    turns = max((record.turn for record in recording.log.turns), default=0)
    if turn is not None and turn > turns:
        raise RunLogError(f"the run has no turn {turn}", where=path, hint=f"it has {turns}")
    personas = recording.language.personas
    if agent is not None and not any(agent in (one.id, one.name) for one in personas):
        known = ", ".join(f"{one.id} {one.name}" for one in personas)
        raise RunLogError(f"the run has no agent '{agent}'", where=path, hint=f"it has {known}")


def transcript(recording: Recording, *, turn: int | None, agent: str | None) -> Iterator[Row]:
    """The lines of a transcript, at most 80 columns wide."""
    head = recording.log.header
    language = recording.language
    names = _names(recording)
    yield from _head(recording)
    for number, turns in groupby(recording.log.turns, key=lambda record: record.turn):
        if turn is not None and number != turn:
            continue
        yield Row()
        yield Row(f"Turn {number}", bold=True)
        letter = head.protocol["wording"]
        announcement = language.announcements[number - 1].wording(letter)
        said = announcement.format(evicted=names[language.evicted])
        yield from _wrapped(said, "  | ")
        for record in turns:
            if agent is None or agent in (record.agent, names[record.agent]):
                yield from _turn(record, names, head.aligned_agents)


def comparison(one: Recording, other: Recording) -> Iterator[Row]:
    """Where two runs first differ, with what the agent says there in each."""
    found = first_difference(one.log, other.log)
    for letter, recording in (("A", one), ("B", other)):
        yield Row(f"{letter}:")
        yield from _head(recording)
    yield Row()
    if found is None:
        yield Row("no difference: the same words, from the same tokens and logits", bold=True)
        return
    yield from _wrapped(f"first difference: {_place(found, _names(one))}: {found.what}", bold=True)
    for letter, recording in (("A", one), ("B", other)):
        yield Row(f"{letter}:")
        for record in recording.log.turns:
            if (record.turn, record.agent) == (found.turn, found.agent):
                yield from _turn(record, _names(recording), recording.log.header.aligned_agents)


def _place(found: Difference, names: dict[str, str]) -> str:
    place = [f"turn {found.turn}", names[found.agent]]
    if found.channel is not None:
        place.append(found.channel.value)
    if found.character is not None:
        place.append(f"character {found.character + 1}")
    return ", ".join(place)


def _head(recording: Recording) -> Iterator[Row]:
    head = recording.log.header
    names = _names(recording)
    title = f"{head.run_id}  ({recording.language.name}, model {head.model})"
    yield from _wrapped(title, bold=True)
    if head.profile:
        yield Row(f"profile {head.profile}: shortened, for small models")
    yield from _list("carry the intervention", head.aligned_agents, names)
    if head.individuated_agents:
        yield from _list("told to think independently", head.individuated_agents, names)


def _list(what: str, agents: Sequence[str], names: dict[str, str]) -> Iterator[Row]:
    those = ", ".join(names[agent] for agent in agents) or "nobody"
    yield from _wrapped(f"{what}: {those}")


def _names(recording: Recording) -> dict[str, str]:
    return {persona.id: persona.name for persona in recording.language.personas}


def _turn(record: Turn, names: dict[str, str], aligned: tuple[str, ...]) -> Iterator[Row]:
    mark = "*" if record.agent in aligned else " "
    name = f"{mark}{names[record.agent]}"
    if not record.utterances:
        yield Row(f"{name} says nothing that can be read ({record.outcome})")
    for utterance in record.utterances:
        yield from _utterance(name, utterance, names)


def _utterance(name: str, utterance: Utterance, names: dict[str, str]) -> Iterator[Row]:
    to = f" {names[utterance.to]}" if utterance.to else ""
    note = "" if utterance.outcome is Outcome.OK else f" [{utterance.outcome}]"
    colour = _COLOUR[utterance.channel]
    yield Row(f"{name} {_SIGN[utterance.channel]}{to}:{note}", fg=colour)
    yield from _wrapped(utterance.text, "    ", fg=colour)


def _wrapped(
    text: str, indent: str = "", *, fg: str | None = None, bold: bool = False
) -> Iterator[Row]:
    for line in wrap(spelled(text), indent):
        yield Row(line, fg, bold)
