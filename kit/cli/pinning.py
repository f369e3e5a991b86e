"""``kit models pin`` and ``kit models check``: the hub, asked about pins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from kit.cli import console
from kit.errors import ExitCode, ModelError
from kit.spec.library import checkout, library_file
from kit.spec.pins import HubOrigin, ModelPin, Size, Tier, find_pin, load_pins

if TYPE_CHECKING:
    from kit.models.pinning import Draft
    from kit.models.upstream import Comparison, Standing

ID_COLUMN = 42
"""A longer id takes a line of its own, so that lines keep to 80 columns and ids stay whole."""
HASH_SHOWN = 12


@click.command()
@click.argument("repo", metavar="REPO")
@click.argument("file", metavar="FILE")
@click.option("--revision", default="main", help="Commit, branch or tag; main unless given.")
@click.option("--id", "model_id", metavar="ID", help="How studies name it; from FILE unless given.")
@click.option(
    "--tier", type=click.Choice([*map(str, Tier)]), default="extra", help="extra unless given."
)
@click.option("--family", metavar="NAME", help="What a claim names; guessed unless given.")
@click.option(
    "--size", type=click.Choice([*map(str, Size)]), help="Guessed from the parameters unless given."
)
@click.option("--license", "licence", metavar="NAME", help="For a repository that states none.")
@click.option("--instruct/--base", default=None, help="Trained to follow instructions or not.")
@click.option(
    "--template",
    type=click.Choice(["own", "plain"]),
    help="Whose chat template; the file's own unless it has none.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the row and change no file.")
def pin(
    *,
    repo: str,
    file: str,
    revision: str,
    model_id: str | None,
    tier: str,
    family: str | None,
    size: str | None,
    licence: str | None,
    instruct: bool | None,
    template: Literal["own", "plain"] | None,
    only_print: bool,
) -> None:
    """Add a model of the Hugging Face hub to models.yaml.

    REPO is OWNER/NAME, FILE a GGUF file in it or the first part of a split one. Commit, lengths,
    hashes and licence are the hub's; context length, template and cache size are read from the
    file's header, and no more of the file is fetched. What had to be guessed says so in the row.
    Prints the id, or the row itself with --print or outside a checkout.
    """
    from kit.models.pinning import Said, draft
    from kit.models.repository import Refusal, place, snapshot
    from kit.models.rows import append, text_of

    path = library_file("models.yaml")
    pins = load_pins(path)
    listed = snapshot(repo, revision)
    if isinstance(listed, Refusal):
        raise ModelError(listed.reason, where=place(repo, revision), hint=listed.hint)
    said = Said(
        id=model_id,
        tier=Tier(tier),
        family=family,
        size=Size(size) if size else None,
        license=licence,
        instruct=instruct,
        chat_template=template,
    )
    drafted = draft(listed, file, said)
    # A row is written in the user's checkout alone, never among the kit's own copies.
    target = None if only_print else checkout()
    _compare(drafted, pins, path, refuse=target is not None)
    if target is None:
        console.say(text_of(drafted).removesuffix("\n"))
    else:
        append(drafted, target / "models.yaml")
        console.note(f"added to {path}; kit models pull {drafted.pin.id} proves the bytes")
        console.say(drafted.pin.id)
    for key, basis in drafted.guesses.items():
        value = drafted.pin.model_dump(mode="json")[key]
        console.note(f"{key} is a guess: {value}, from {basis}")


def _compare(drafted: Draft, pins: dict[str, ModelPin], path: Path, *, refuse: bool) -> None:
    """Say which pins have the same id or the same bytes."""
    from kit.models.rows import differences

    new = drafted.pin
    old = pins.get(new.id)
    if old is not None:
        found = differences(old, new) or ("the hub and the file say the same today",)
        said = f"'{new.id}' is pinned already, and a pin is never edited:\n    "
        said += "\n    ".join(found)
        if refuse:
            hint = "--id gives the new row another id; --print shows it, to be put in by hand"
            raise ModelError(said, where=path, hint=hint)
        console.note(f"{path}: {said}")
    hashes = {file.sha256 for file in new.files}
    for other in pins.values():
        if other.id != new.id and hashes & {file.sha256 for file in other.files}:
            console.note(f"the same bytes are pinned as '{other.id}'")


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
def check(ids: tuple[str, ...]) -> int:
    """Ask the hub whether pinned files are still there, and what main holds now.

    Without ID, all pins of the hub. Fetches no file and changes nothing. A pin that has moved
    upstream is as good as before: its commit still gives the same bytes.
    """
    from kit.models.upstream import compare

    pins = load_pins(library_file("models.yaml"))
    chosen = [find_pin(pins, model_id) for model_id in ids] or list(pins.values())
    for one in chosen:
        if ids and not isinstance(one.source, HubOrigin):
            console.note(f"{one.id} is not of the hub")
    worst = ExitCode.OK
    done = 0
    try:
        for comparison in compare(chosen):
            console.say(_line(comparison))
            worst = max(worst, _code(comparison.pinned))
            done += 1
    except ModelError as error:
        console.error(error)
        worst = max(worst, ExitCode.ERROR)
        left = sum(isinstance(one.source, HubOrigin) for one in chosen) - done
        console.note(f"not checked: {left}")
    return worst


def _code(pinned: Standing) -> ExitCode:
    from kit.models.upstream import Held

    if pinned.held is Held.SAME:
        return ExitCode.OK
    return ExitCode.ERROR if pinned.held is Held.REFUSED else ExitCode.MISMATCH


def _line(comparison: Comparison) -> str:
    model_id, words = comparison.pin.id, _words(comparison)
    if len(model_id) > ID_COLUMN:
        return f"{model_id}\n{'':<{ID_COLUMN}} {words}"
    return f"{model_id:<{ID_COLUMN}} {words}"


def _words(comparison: Comparison) -> str:
    from kit.models.upstream import Held

    pinned = comparison.pinned
    if pinned.held is Held.OTHER:
        return f"DIFFERS: {_found(pinned)}"
    if pinned.refusal is not None:
        return f"{'GONE: ' if pinned.refusal.gone else ''}{pinned.refusal.reason}"
    if pinned.held is Held.NONE:
        return "GONE: not in its commit"
    if not comparison.moved:
        return "as pinned"
    branch = comparison.branch
    now = {
        Held.SAME: "main moved, same file",
        Held.OTHER: f"main: {_found(branch)}",
        Held.NONE: "not in main any more",
        Held.REFUSED: "main is refused",
    }
    return f"as pinned; {now[branch.held]}"


def _found(standing: Standing) -> str:
    """The beginning of another file's hash, where the hub knows one."""
    found = standing.found
    if found is None:
        return ""
    if found.sha256 is None:
        return "a file in git"
    return f"sha256 {found.sha256[:HASH_SHOWN]}"
