"""``kit models``: list, pull, verify, path."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from kit.cli import console, pinning
from kit.errors import ExitCode, ModelCorrupt, ModelError
from kit.models.progress import Progress, Step
from kit.models.pull import pull
from kit.models.sources import source_of
from kit.models.store import State, Store
from kit.spec.library import library_file
from kit.spec.pins import ModelPin, find_pin, load_pins

if TYPE_CHECKING:
    import rich.progress


@click.group(name="models")
def command() -> None:
    """Pinned models: what models.yaml names, and what the store holds of it."""


command.add_command(pinning.pin)
command.add_command(pinning.check)


@command.command(name="list")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--study", metavar="STUDY", help="Judge by this study [study1].")
@click.option("--measure", is_flag=True, help="Time ID, or the embedded model, and remember it.")
def list_(ids: tuple[str, ...], study: str | None, *, measure: bool) -> None:
    """Show every pinned model: whether it is here, fits this machine, and how long a study takes.

    Opens no model file. With ID, tells all about these models, and reads the headers of those that
    are in the store.
    """
    from kit.cli.listing import show_models

    show_models(ids, study, measure=measure)


@command.command(name="pull")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--from",
    "place",
    metavar="PLACE",
    help="Take the files from this folder, file or web address instead.",
)
def pull_(ids: tuple[str, ...], place: str | None) -> None:
    """Bring models into the store, checking every byte."""
    pins = _pins()
    wanted = [find_pin(pins, model_id) for model_id in ids]
    store = Store()
    for pin in wanted:
        with _View() as view:
            path = pull(
                pin, store, source=source_of(pin, place) if place else None, report=view.show
            )
        console.say(str(path))


@command.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--full", is_flag=True, help="Read every byte, whatever the receipts say.")
def verify(ids: tuple[str, ...], full: bool) -> int:
    """Check stored models against their pins; without ID, all that are in the store."""
    pins, store = _pins(), Store()
    chosen = [find_pin(pins, model_id) for model_id in ids] or [
        pin for pin in pins.values() if store.state(pin) is not State.ABSENT
    ]
    if not chosen:
        console.note(f"no pinned model is in the store at {store.root}")
    worst = ExitCode.OK
    for pin in chosen:
        try:
            with _View() as view:
                checked = store.verify(pin, full=full, report=view.show)
        except ModelError as error:
            console.error(error)
            corrupt = isinstance(error, ModelCorrupt)
            worst = max(worst, ExitCode.MISMATCH if corrupt else ExitCode.ERROR)
            continue
        for one in checked:
            how = "every byte read" if one.hashed else "unchanged since it was last read"
            console.say(f"ok  {pin.id}  {one.file.name}  ({how})")
    return worst


@command.command()
@click.argument("model_id", metavar="ID")
def path(model_id: str) -> None:
    """Print where a model's first file is."""
    console.say(str(Store().path(find_pin(_pins(), model_id))))


def _pins() -> dict[str, ModelPin]:
    return load_pins(library_file("models.yaml"))


WORDS = {
    Step.PRESENT: "already in the store",
    Step.WAITING: "waiting for {detail}, which is pulling the same file",
    Step.REPLACING: "the stored bytes are not the pinned ones; replacing them",
    Step.FETCHING: "fetching {size} from {detail}",
    Step.RETRYING: "{detail}",
    Step.HASHING: "checking {size}",
    Step.STORED: "in the store",
}


class _View:
    """A progress bar on a terminal; elsewhere one line on stderr when a step begins."""

    def __init__(self) -> None:
        self._bar: rich.progress.Progress | None = None
        self._at: tuple[Step, str, str] | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            import rich.console
            import rich.progress

            self._bar = rich.progress.Progress(
                rich.progress.TextColumn("{task.description}"),
                rich.progress.BarColumn(),
                rich.progress.DownloadColumn(),
                rich.progress.TransferSpeedColumn(),
                rich.progress.TimeRemainingColumn(),
                console=rich.console.Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Print what is new in ``progress``."""
        news = (progress.step, progress.file, progress.detail)
        if self._at != news:
            self._at = news
            size = f"{progress.total / 1e6:,.0f} MB"
            words = WORDS[progress.step].format(size=size, detail=progress.detail)
            line = f"{progress.model}: {progress.file}: {words}"
            if self._bar is None:
                console.note(line)
            else:
                self._bar.console.print(line, markup=False, highlight=False)
                if self._task is not None:
                    self._bar.remove_task(self._task)
                self._task = self._bar.add_task(progress.step, total=progress.total)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=progress.done)
